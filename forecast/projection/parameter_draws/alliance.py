"""Draws of what is believed of the alliance: events and their sizes, rates of exit, posture of the designs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.priors.scenarios import Grid
from forecast.workspace.roster import Roster

Draw = Callable[[str], Floats]

_QUARTERS: Final = 4.0  # in a year
#: Beliefs of events.toml that go into the parameter of the same name.
_SAME: Final = (
    "crisis_rally",
    "crisis_strain",
    "crisis_cost",
    "wedge",
    "dispute",
    "dispute_outside",
    "coalition_change",
    "sceptic",
    "sceptic_usa",
    "start_usa",
    "orientation",
    "scapegoat",
    "burden_sharing",
    "spending_cost",
    "block_base",
    "block_spread",
    "block_low",
    "block_absent",
    "block",
    "article5",
    "article5_effect",
    "article5_notice",
    "article5_refusal",
    "honour_confidence",
    "honour_distance",
    "honour_orientation",
    "threat_reach",
    "threat_eye",
    "balancing",
    "credibility_decay",
    "notice_norms",
    "command_exit",
    "us_notice_leadership",
    "us_notice_threats",
)
#: Rates a year there, a quarter here.
_YEARLY: Final = ("crisis_rate", "wedge_rate", "dispute_rate", "scapegoat_rate")
#: Parameter: name among the draws of `rates`; the first rates a year there, a quarter here.
_RATES: Final = {
    "notice_rate": "notice",
    "command_exit_rate": "command_exit",
    "command_return_rate": "command_return",
    "us_notice_sympathetic": "us_notice_sympathetic",
    "us_notice_other": "us_notice_other",
    "us_drawdown_rate": "us_drawdown",
}
_EFFECTS: Final = {
    "notice_cohesion": "notice_cohesion",
    "notice_sceptic": "notice_sceptic",
    "notice_reversed": "notice_reversed",
    "us_burden": "us_notice_burden",
    "us_succeeds": "us_notice_succeeds",
}


def put_events(parameters: Any, draw: Draw, priors: Priors) -> None:
    """What befalls the alliance, and how hard."""
    for name in _SAME:
        parameters[name] = draw(f"events.{name}")
    for name in _YEARLY:
        parameters[name] = draw(f"events.{name}") / _QUARTERS
    honour = draw("events.honour")
    parameters["honour"] = np.log(honour / (1.0 - honour))
    away = priors.value("events.china_distance") / draw("events.balancing_reach")
    parameters["balancing_far"] = np.minimum(priors.value("events.balancing_cap"), np.exp(-away))


def put_exits(parameters: Any, rates: Mapping[str, xr.DataArray], priors: Priors) -> None:
    """Rates of notice, exit and draw-down, as `rates.draw` gives them."""
    for name, source in _RATES.items():
        parameters[name] = rates[source].values / _QUARTERS
    for name, source in _EFFECTS.items():
        parameters[name] = rates[source].values
    size = priors["alliance_exit.us_drawdown_size"]
    parameters["us_drawdown_lower"], parameters["us_drawdown_upper"] = size.params


def put_designs(cells: Any, draw: Callable[[Prior], Floats], grid: Grid, roster: Roster) -> None:
    """American troops that are to go, backsliding, and how a design moves members apart."""
    for n, (_, name) in enumerate(roster.cells):
        design = grid.designs[name]
        for key in design.promise:
            cells[key][:, n] = draw(design.promise[key])
        for key in design.alignment:
            cells[f"alignment_{key}"][:, n] = draw(design.alignment[key])
