# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A scenario of your own
#
# A war and a design are entries of the files in `priors/scenarios/` of a workspace. `docs/scenarios.md` explains the
# keys.

# %%
import tempfile
from pathlib import Path

import forecast
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace

home = Path(tempfile.mkdtemp()) / "mine"
create_workspace(home)  # the same as `forecast init`
grid = forecast.load_priors(home / "priors").grid
{name: war.symbols for name, war in grid.wars.items()}

# %% [markdown]
# ## A stalemate that holds
#
# In this variant a cease-fire line gives the allies a common task: there is less fatigue, and the threat remains.

# %%
war = home / "priors" / "scenarios" / "war.toml"
text = war.read_text(encoding="utf-8")
head, rest = text.split("[stalemate]")
mine = """[stalemate]
label = "A stalemate that holds"
source = "judgement: my own reading of cease-fire lines"
evidence = "judgement"
note = "a common line to guard"
verdict = "Fragmented"
ramp = 12
signs = { threats = "=", institutions = "=/+", norms = "–", leadership = "=/–" }
threat_target = { dist = "Constant", value = 1.3, source = "judgement", evidence = "judgement" }
"""
war.write_text(head + mine, encoding="utf-8")
forecast.load_priors(home / "priors").grid.wars["stalemate"].signs

# %% [markdown]
# ## Errors name the fault and the fix

# %%
war.write_text(head + mine.replace('"=/–"', '"-"'), encoding="utf-8")
try:
    forecast.load_priors(home / "priors")
except forecast.ForecastError as error:
    print(error)
war.write_text(head + mine, encoding="utf-8")

# %% [markdown]
# ## A plan for the new scenario

# %%
plan = (home / "runs" / "plans" / "smoke.toml").read_text(encoding="utf-8")
lines = plan.split("\n", 1)
text = 'title = "A stalemate that holds"\nwar = ["neutral", "stalemate"]\ndesign = ["none"]\n' + lines[1]
(home / "runs" / "plans" / "holds.toml").write_text(text, encoding="utf-8")
print("\n".join(check_workspace(home)))

# %% [markdown]
# Next, run `forecast run holds --home DIR`. The models are fitted once; a changed scenario does not refit them.
