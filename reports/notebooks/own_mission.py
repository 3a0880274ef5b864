# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A mission and figures of your own
#
# Rows in the `tables/` of a workspace are added to the bundled rows, or replace the rows with the same key.
# `docs/own-tables.md` explains this; `docs/tables.md` lists the columns.

# %%
import tempfile
from pathlib import Path

import forecast
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import read_inputs

home = Path(tempfile.mkdtemp()) / "mine"
create_workspace(home)
tables = home / "tables"
tables.mkdir()

# %% [markdown]
# ## Figures: a row replaces the bundled row with the same country, year and basis

# %%
(tables / "defence_spending.csv").write_text(
    "country,year,basis,share_gdp,estimate,source\nPOL,2025,nato,4.6,true,my own estimate\n",
    encoding="utf-8",
)
figures = forecast.load_tables(home / "tables").defence_spending
figures[(figures["country"] == "POL") & (figures["year"] == 2025)]

# %% [markdown]
# ## A mission: one row of `missions`, and one row of `deployments` for each contingent and stay

# %%
(tables / "missions.csv").write_text(
    "mission,name,framework,lead,region,start,end,intensity,source\n"
    "baltic_watch,Baltic Watch,ad_hoc,FRA,Europe,2023-05-01,,maritime_air,invented\n",
    encoding="utf-8",
)
columns = "mission,country,spell,residual,entry,entry_prec,exit,exit_prec,exit_lo,last_obs,exit_kind,kind_conf,trigger"
rows = [
    f"baltic_watch,{country},1,false,2023-05,month,,,,2025-12-31,censored,high,,{troops},invented,"
    for country, troops in {"FRA": 400, "DEU": 300, "POL": 200, "EST": 40}.items()
]
text = "\n".join([f"{columns},peak_troops,source,note", *rows]) + "\n"
(tables / "deployments.csv").write_text(text, encoding="utf-8")
forecast.load_tables(home / "tables").overlaid

# %% [markdown]
# ## A plan with the new mission and a hypothetical coalition

# %%
(home / "runs" / "plans" / "watch.toml").write_text(
    """
title = "Baltic Watch"
as_of = 2025-12-31
seed = 7
quarters = 24
draws = 512
paths = 1024
war = ["neutral", "lose"]
design = ["none"]
missions = ["baltic_watch", "kfor"]
[[hypothetical]]
name = "tomorrow"
label = "A coalition of tomorrow"
framework = "ad_hoc"
intensity = "noncombat"
lead = "FRA"
start = "2026Q1"
source = "judgement: an example"
contributors = { FRA = 900, DEU = 300, POL = 300 }
""",
    encoding="utf-8",
)
inputs = read_inputs(home, "watch")
for mission in inputs.roster.missions:
    print(mission.name, mission.contributors, mission.flags)

# %% [markdown]
# Next, run `forecast run watch --home DIR`. It refits only the models that read a table you changed.
