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
# The workspace is the folder `FORECAST_HOME`, or else the current folder. `docs/output.md` lists names and units.

# %%
import os

import arviz as az
from matplotlib.figure import Figure

import forecast
from forecast import plots

HOME = os.environ.get("FORECAST_HOME", ".")
for made in forecast.list_runs(HOME):
    print(made.id, made.status)
run = forecast.open_run("latest", HOME)
tree = run.projection
tree.attrs

# %% [markdown]
# ## Headlines with Monte Carlo standard error and baseline

# %%
for told in run.headlines[:4]:
    print(told["quantity"], told["war"], told["design"], told["value"], told["mcse"], told["baseline"])

# %%
alliance = tree["alliance"].to_dataset()
at = tree.attrs.get("verdict_quarter") or alliance.attrs["verdict_quarter"]
alliance["verdict_probability"].sel(quarter=at, design="none").to_pandas().round(2)

# %% [markdown]
# ## Plots
#
# Each plot takes an axis and returns it. In a notebook, `figure` on the last line of a cell shows the picture.

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
# ## Compare scenarios
#
# The scenarios of a path share random numbers, so a difference between two scenarios is more precise than either level.

# %%
figure = Figure(figsize=(7, 3.5), layout="constrained")
plots.contrast(figure.subplots(), tree)
figure

# %%
paths = tree["joint"].to_dataset()["joint_cohesion"].sel(design="none", quarter=at)
apart = paths.sel(war="lose") - paths.sel(war="neutral")
print(
    "difference",
    float(apart.mean()),
    "SD",
    float(apart.std()),
    "; SD of a level",
    float(paths.std("path").mean()),
)

# %% [markdown]
# ## The posterior with ArviZ

# %%
with run.posterior("spending") as fit:
    fit.load()
az.summary(fit, var_names=["kappa", "nu"], ci_prob=0.8)

# %%
tree.close()
