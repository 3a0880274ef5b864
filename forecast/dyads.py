"""The dyads: their labels from a plan, their arrays for the core, and draws of what is believed of them.

What a dyad is stands in `priors/dyads.toml` alone, so a new one needs no code.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.core import dyad_state
from forecast.core.state import records
from forecast.data import Tables
from forecast.panel import last_growth
from forecast.plan import Plan
from forecast.priors import Beliefs
from forecast.roster import Dyad, Roster, address

_PLEDGE_YEARS: Final = (2022, 2027, 2035)
Floats = NDArray[np.float64]


def dyads_of(tables: Tables, plan: Plan) -> tuple[Dyad, ...]:
    """The dyads of a plan with their labels."""
    called = dict(zip(tables.countries["country"], tables.countries["name"], strict=True))
    found = []
    for name in plan.dyads:
        lead, partner = name.split("-")
        label = f"{called.get(lead, lead)}–{called.get(partner, partner)}"
        found.append(Dyad(name=name, partner=partner, label=label))
    return tuple(found)


def dyad_faults(tables: Tables, beliefs: Beliefs, plan: Plan) -> list[str]:
    """What is wrong with the dyads of a plan: nothing believed of one, or no figures of its partner's spending."""
    faults, spends = [], set(tables.defence_spending["country"])
    known = beliefs.dyads
    for dyad in dyads_of(tables, plan):
        where = f"plan {plan.name}, dyads: {dyad.name}"
        if dyad.name not in known:
            faults.append(
                f"{where} is not in priors/dyads.toml, expected one of {', '.join(known) or 'none'}; "
                f"add tables [{dyad.name}.<name>] there"
            )
        if dyad.partner not in spends:
            faults.append(
                f"{where}: no row of defence_spending is of {dyad.partner}, expected its figures; "
                "add them to the workspace's tables/defence_spending.csv"
            )
    return faults


def own_pledge(beliefs: Beliefs, name: str, years: Sequence[int]) -> Floats:
    """Target of the partner's spending, percent of GDP: straight lines between 2022, 2027 and 2035, level outside."""
    ends = [beliefs.value(f"dyads.{name}.pledge_{year}") for year in _PLEDGE_YEARS]
    return np.asarray(np.interp(np.asarray(years, dtype=float), _PLEDGE_YEARS, ends))


def dyad_layout(tables: Tables, beliefs: Beliefs, roster: Roster) -> tuple[Any, Floats]:
    """Records (D,) and log pledges (D, Y) of the dyads."""
    out = records(dyad_state.DYAD, len(roster.dyads))
    pledge = np.zeros((len(roster.dyads), len(roster.years)))
    growth, first = last_growth(tables), int(roster.quarters[0][:4])
    for d, dyad in enumerate(roster.dyads):
        every = 4 * int(beliefs.value(f"dyads.{dyad.name}.renewal_every"))
        due = 4 * (int(beliefs.value(f"dyads.{dyad.name}.renewal_year")) - first)
        due -= roster.quarter_of_year
        out[d].id, out[d].partner = address(dyad.name), address(dyad.partner)
        held = dyad.partner in roster.countries
        out[d].country = roster.countries.index(dyad.partner) if held else -1
        out[d].start_growth = growth.get(dyad.partner, 0.0)
        out[d].renewal = due if due >= 0 else due % every
        out[d].renewal_every = every
        pledge[d] = np.log(own_pledge(beliefs, dyad.name, roster.years))
    return out, pledge


def dyad_draws(
    draw: Callable[[str], Floats], beliefs: Beliefs, roster: Roster, size: int
) -> tuple[Any, Any]:
    """Parameters of dyads (P, D) and of what they all see (P,); `draw` gives draws of a belief by its name."""
    out = records(dyad_state.DYAD_PARAMETER, size, len(roster.dyads))
    for d, dyad in enumerate(roster.dyads):
        for name in dyad_state.DYAD_PARAMETER.names or ():
            if f"dyads.{name}" in beliefs.priors:
                out[name][:, d] = draw(f"dyads.{name}")
            elif f"dyads.{dyad.name}.{name}" in beliefs.priors:
                out[name][:, d] = draw(f"dyads.{dyad.name}.{name}")
        ratio = draw(f"dyads.{dyad.name}.termination_ratio")
        out["termination"][:, d] = draw("alliance_exit.dyad") * ratio / 4
        out["honour"][:, d] = np.log(out["honour"][:, d] / (1 - out["honour"][:, d]))
        out["troops_cut"][:, d] = 1 - np.exp(-draw("alliance_exit.us_drawdown") / 4)
    cut = beliefs["alliance_exit.us_drawdown_size"].params
    out["cut_lower"], out["cut_upper"] = cut[0], cut[1]
    outlook = records(dyad_state.OUTLOOK_PARAMETER, size)
    for name in dyad_state.OUTLOOK_PARAMETER.names or ():
        outlook[name] = draw(f"dyads.{name}")
    return out, outlook


def dyad_cells(signal: Mapping[str, Floats], roster: Roster) -> Any:
    """Signal (P, N) of each cell from the draws of its design."""
    out = records(dyad_state.DYAD_CELL, len(next(iter(signal.values()))), len(roster.cells))
    for n, (_, design) in enumerate(roster.cells):
        out["signal"][:, n] = signal[design]
    return out
