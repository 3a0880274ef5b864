# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Load a run and plot it
#
# The workspace is the folder `FORECAST_HOME`, or the current folder. `FORECAST_RUN` names the run: an id, a plan, or
# the address of a served run such as `http://127.0.0.1:8000/api/v1/runs/quickstart@latest`. `docs/output.md` lists
# names and units.

# %%
import os

import arviz as az
from matplotlib.figure import Figure

import forecast
from forecast import plots

HOME = os.environ.get("FORECAST_HOME", ".")
for listed in forecast.list_runs(HOME):
    print(listed.id, listed.status)
run = forecast.open_run(os.environ.get("FORECAST_RUN", "latest"), HOME)
tree = run.projection
tree.attrs

# %% [markdown]
# ## Headlines
#
# Each is a record of fields, with its interval, Monte Carlo standard error and baseline.

# %%
for headline in run.headlines[:6]:
    print(*(headline[field] for field in ("target", "unit_id", "war", "design", "horizon", "statistic", "category")))
    print(
        "   ", *(f"{field} {headline[field]}" for field in ("value", "lower", "upper", "mcse", "baseline", "judgement"))
    )

# %%
alliance = tree["alliance"].to_dataset()
verdict_quarter = tree.attrs.get("verdict_quarter") or alliance.attrs["verdict_quarter"]
alliance["verdict_probability"].sel(quarter=verdict_quarter, design="none").to_pandas().round(2)

# %% [markdown]
# ## Plots
#
# Each function draws on an axis and returns it. In a notebook, `figure` on the last line shows the picture.

# %%
figure = Figure(figsize=(10, 7), layout="constrained")
axes = figure.subplots(2, 2)
member = str(tree["members"]["member"].values[0])
mission = str(tree["missions"]["mission"].values[0])
plots.cohesion_fan(axes[0, 0], tree, war="lose")
plots.verdict_areas(axes[0, 1], tree, war="win")
plots.spending_fan(axes[1, 0], tree, member)
plots.mission_curves(axes[1, 1], tree, mission)
figure

# %% [markdown]
# ## Dates
#
# Quarters and years have their first day beside their label, so observed and forecast years are on one axis.

# %%
ally = tree["members"].to_dataset().sel(member=member)
ours = ally["spending_share"].sel(war="lose", design="none", quantile=0.5)
figure = Figure(figsize=(7, 3.5), layout="constrained")
axis = figure.subplots()
axis.plot(ally["history_year_start"], ally["spending_history"], label="observed")
axis.plot(ours["year_start"], ours, label=str(ours["war_label"].item()))
axis.set_ylabel(ours.attrs["units"])
axis.legend()
figure

# %% [markdown]
# ## Differences between scenarios
#
# All scenarios of a path share random numbers, so a difference is more precise than the two levels.

# %%
figure = Figure(figsize=(7, 3.5), layout="constrained")
plots.contrast(figure.subplots(), tree)
figure

# %%
paths = tree["joint"].to_dataset()["joint_cohesion"].sel(design="none", quarter=verdict_quarter)
difference = paths.sel(war="lose") - paths.sel(war="neutral")
print(
    "difference",
    float(difference.mean()),
    "SD",
    float(difference.std()),
    "; SD of a level",
    float(paths.std("path").mean()),
)

# %% [markdown]
# ## The posterior, as ArviZ reads it

# %%
with run.posterior("spending") as fit:
    fit.load()
az.summary(fit, var_names=["kappa", "nu_minus_two"], ci_prob=0.8)

# %%
az.loo(fit, reff=1.0)  # the file keeps a part of the draws; see docs/notebooks.md

# %%
az.plot_prior_posterior(fit, var_names=["kappa"])

# %% [markdown]
# ## Close, and open again

# %%
before = float(tree["alliance"]["cohesion_mean"].mean())
tree.close()
with run.projection as again:
    assert float(again["alliance"]["cohesion_mean"].mean()) == before
