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
# `forecast score` forecasts the past as it was known then, and scores model and baselines on what followed. Scores are
# in `runs/scores/<digest>/`; a run is scored only if its very models were, by digest.

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
# `skill` is the part of the baseline's score that the model saves: above 0 is better. `t` and `p` test the difference
# with errors clustered, since forecasts of one year miss together: `t` below -2 speaks for the model, above 2 for the
# baseline, and between them there is no evidence.

# %%
folders = sorted(path.parent for path in (HOME / "runs" / "scores").glob("*/table.json"))
table = json.loads((folders[-1] / "table.json").read_text(encoding="utf-8"))
pd.DataFrame(table["skill"])

# %% [markdown]
# ## Do intervals cover what they say?

# %%
pd.DataFrame(table["cover"])

# %% [markdown]
# ## Row by row
#
# Each forecast with what was seen, for a question of your own. The rows are large and stay where they were computed:
# a fresh clone has the tables above, and `forecast score` computes the rows.

# %%
rows_file = folders[-1] / "scores.nc"
if rows_file.exists():
    with xr.open_datatree(rows_file) as rows:
        print(rows)
