# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Read the back-test
#
# `forecast score` refits the models to the data available at past dates. It scores the forecasts of model and baselines
# against the outcomes. Scores are in `runs/scores/<key>/`. A run counts as scored only if its exact models were scored.

# %%
import json
import os
from pathlib import Path

import pandas as pd
import xarray as xr

import forecast
from forecast.evaluation.score_store import find_scores

HOME = Path(os.environ.get("FORECAST_HOME", "."))
run = forecast.open_run("latest", HOME)
found = find_scores(HOME, run.manifest.get("models", {}))
print(found if isinstance(found, str) else f"scored: {', '.join(found['models'])}")

# %% [markdown]
# ## Skill against each baseline
#
# `skill` is 1 minus the ratio of the score of the model to the score of the baseline. Above 0 the model is better.
# `t` and `p` test the
# difference with clustered errors, because forecasts from one year have correlated errors. A `t` below -2 favours the
# model, a `t` above 2 favours the baseline, and a value in between is no evidence.

# %%
folders = sorted(path.parent for path in (HOME / "runs" / "scores").glob("*/table.json"))
table = json.loads((folders[-1] / "table.json").read_text(encoding="utf-8"))
pd.DataFrame(table["skill"])

# %% [markdown]
# ## Do intervals have their nominal coverage?

# %%
pd.DataFrame(table["cover"])

# %% [markdown]
# ## Row by row
#
# The rows hold each forecast with its outcome, for questions of your own. They are too large for git: a fresh clone has
# the tables above, and `forecast score` computes the rows.

# %%
rows_file = folders[-1] / "scores.nc"
if rows_file.exists():
    with xr.open_datatree(rows_file) as rows:
        print(rows)
