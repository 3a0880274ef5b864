# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A scenario of one's own
#
# A war and a design are entries of `priors/scenarios/` in a workspace. See `docs/scenarios.md`.

# %%
import tempfile
from pathlib import Path

import forecast
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace

home = Path(tempfile.mkdtemp()) / "mine"
create_workspace(home)  # as `forecast init` does
grid = forecast.load_priors(home / "priors").grid
{name: war.symbols for name, war in grid.wars.items()}

# %% [markdown]
# ## A stalemate that holds
#
# A cease-fire line gives allies something common to guard: less fatigue, and a threat that stays.

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
# ## A fault is named with its mend

# %%
war.write_text(head + mine.replace('"=/–"', '"-"'), encoding="utf-8")
try:
    forecast.load_priors(home / "priors")
except forecast.ForecastError as error:
    print(error)
war.write_text(head + mine, encoding="utf-8")

# %% [markdown]
# ## A plan for it

# %%
plan = (home / "runs" / "plans" / "smoke.toml").read_text(encoding="utf-8")
lines = plan.split("\n", 1)
text = 'title = "A stalemate that holds"\nwar = ["neutral", "stalemate"]\ndesign = ["none"]\n' + lines[1]
(home / "runs" / "plans" / "holds.toml").write_text(text, encoding="utf-8")
print("\n".join(check_workspace(home)))

# %% [markdown]
# Now `forecast run holds --home DIR`. Models are fitted once; changing a scenario does not fit them anew.
