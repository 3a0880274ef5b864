"""What the layout says of the alliance itself: members as allies, whose leaders are heard, which missions divide."""

from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.data import Tables
from forecast.names import FRAMEWORKS
from forecast.priors import Beliefs
from forecast.roster import Roster

_HEARD: Final = ("USA", "FRA", "DEU")  # leaders of the alliance, the first with a weight of its own
_HALF_LIVES: Final = {"rally_decay": "rally", "onset_decay": "onset", "strain_decay": "strain"}
_NATO: Final = FRAMEWORKS[1]


def put_constants(one: Any, beliefs: Beliefs, roster: Roster) -> None:
    """The numbers of the alliance that do not vary by draw."""
    one.ally_usa = roster.members.index("USA") if "USA" in roster.members else -1
    for field, what in _HALF_LIVES.items():
        one[field] = 0.5 ** (1.0 / beliefs.value(f"events.{what}_half_life"))
    for name in ("orientation_jitter", "low_alignment", "article5_persistence", "burden_sd",
                 "burden_gap", "exit_factor", "honour_line", "broken_quarters",
                 "notice_quarters", "deterrence_feedback"):  # fmt: skip
        one[name] = beliefs.value(f"events.{name}")
    alpha, beta = beliefs["events.article5"].params
    one.article5_usual = alpha / (alpha + beta)


def put_members(out: Any, tables: Tables, beliefs: Beliefs, roster: Roster) -> None:
    """Weight by GDP, distance from Moscow, and whether a firm democracy (one without figures counts as such)."""
    members = list(roster.members)
    nato = tables.members[tables.members["alliance"] == "NATO"].set_index("country").loc[members]
    gdp = _latest(tables.economy, "gdp_usd").reindex(members).fillna(0.0)
    km = nato["distance_moscow_km"].to_numpy(float)
    line = beliefs.value("events.firm_democracy")
    out["weight"] = gdp / gdp.sum()
    out["distance"] = km / 1000.0
    out["far"] = (km - km.mean()) / km.std() if len(km) > 1 and km.std() > 0 else 0.0
    out["pacific"] = nato["region"] == "north_america"
    out["firm"] = (
        _latest(tables.democracy, "liberal_democracy").reindex(members).fillna(1.0) >= line
    )


def _latest(table: pd.DataFrame, column: str) -> pd.Series:
    """The last known figure of each country."""
    return table.dropna(subset=[column]).sort_values("year").groupby("country")[column].last()


def put_countries(out: Any, beliefs: Beliefs, roster: Roster) -> None:
    """Weights of the leaders that are heard."""
    usa = beliefs.value("events.voice_usa")
    for k, name in enumerate(roster.countries):
        if name in _HEARD:
            out[k].voice = usa if name == _HEARD[0] else (1.0 - usa) / (len(_HEARD) - 1)


def put_missions(missions: Any, contingents: Any, roster: Roster) -> None:
    """Which missions may divide the alliance (combat, and real), and which leave those who stay out their veto."""
    for s, mission in enumerate(roster.missions):
        missions[s].contentious = int(mission.combat and not mission.hypothetical)
        missions[s].veto = int(mission.framework == _NATO and not mission.hypothetical)
        allied = np.isin(mission.contributors, roster.members)
        contingents[s, : allied.size]["ally"] = allied


def put_cells(out: Any, beliefs: Beliefs, roster: Roster) -> None:
    """The posture of the designs."""
    for n, (_, name) in enumerate(roster.cells):
        design = beliefs.grid.designs[name]
        out[n].promise = int(bool(design.promise))
        out[n].troop_ramp = 1 if design.mode == "abrupt" else design.ramp
        out[n].drawdown = design.us_drawdown.value
        for field in ("china_focus", "first_responder", "out_of_area", "entrapment"):
            out[n][field] = getattr(design, field).value
