"""Draws of the parameters of the alliance: events and their sizes, rates of exit, posture of the designs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import QUARTERS_PER_YEAR
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.priors.scenarios import Grid
from forecast.workspace.roster import Roster

Draw = Callable[[str], Floats]  # returns the draws of a prior by its name

#: Priors of events.toml that have a parameter of the same name.
_EVENT_PARAMETERS: Final = (
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
#: Yearly rates of events.toml, which become quarterly parameters of the same name.
_YEARLY: Final = ("crisis_rate", "wedge_rate", "dispute_rate", "scapegoat_rate")
#: Parameter: its name among the draws of `models.alliance_exit`. These yearly rates become quarterly ones.
_EXIT_RATES: Final = {
    "notice_rate": "notice",
    "command_exit_rate": "command_exit",
    "command_return_rate": "command_return",
    "us_notice_sympathetic": "us_notice_sympathetic",
    "us_notice_other": "us_notice_other",
    "us_drawdown_rate": "us_drawdown",
}
#: Parameter: its name among the draws of `models.alliance_exit`. These are effects without a unit of time.
_EXIT_EFFECTS: Final = {
    "notice_cohesion": "notice_cohesion",
    "notice_sceptic": "notice_sceptic",
    "notice_reversed": "notice_reversed",
    "us_burden": "us_notice_burden",
    "us_succeeds": "us_notice_succeeds",
}


def put_events(parameters: Any, draw: Draw, priors: Priors) -> None:
    """Fill in the rates of events and the size of their effects."""
    for name in _EVENT_PARAMETERS:
        parameters[name] = draw(f"events.{name}")
    for name in _YEARLY:
        parameters[name] = draw(f"events.{name}") / QUARTERS_PER_YEAR
    honour = draw("events.honour")
    parameters["honour"] = np.log(honour / (1.0 - honour))
    distance = priors.value("events.china_distance") / draw("events.balancing_reach")
    parameters["balancing_far"] = np.minimum(priors.value("events.balancing_cap"), np.exp(-distance))


def put_exits(parameters: Any, rates: Mapping[str, xr.DataArray], priors: Priors) -> None:
    """Fill in the rates of notice, exit and draw-down from the draws of `models.alliance_exit`."""
    for name, source in _EXIT_RATES.items():
        parameters[name] = rates[source].values / QUARTERS_PER_YEAR
    for name, source in _EXIT_EFFECTS.items():
        parameters[name] = rates[source].values
    size = priors["alliance_exit.us_drawdown_size"]
    parameters["us_drawdown_lower"], parameters["us_drawdown_upper"] = size.params


def put_designs(cells: Any, draw: Callable[[Prior], Floats], grid: Grid, roster: Roster) -> None:
    """Fill in the promised US troops, the backsliding, and the shifts of alignment of each design."""
    for n, (_, name) in enumerate(roster.cells):
        design = grid.designs[name]
        for key in design.promise:
            cells[key][:, n] = draw(design.promise[key])
        for key in design.alignment:
            cells[f"alignment_{key}"][:, n] = draw(design.alignment[key])
