"""Back-test of leaving the alliance: a conjugate rate beside a constant one, on years in which nobody left.

The rate a member-year is Gamma(a, b) after what had been seen: the belief of `models/alliance_exit.py` from other
defence pacts, with the events and member-years of this alliance added. The chance to leave within h years is then 1 -
(b / (b + h))^a. With no event the score only rewards the smaller rate, so no claim of skill follows from it.
"""

from datetime import date
from functools import partial
from typing import Final

import pandas as pd

from forecast.data.membership import member_years
from forecast.data.tables import Tables
from forecast.evaluation.backtests.tasks import MODEL, Task
from forecast.evaluation.scoring import brier, log_score_binary
from forecast.priors.load import Priors
from forecast.progress import Report
from forecast.workspace.plan import FitSettings

APART: Final = "USA"  # has a rate of its own
ORIGINS: Final = tuple(range(1990, 2026))
HORIZONS: Final = (1, 5)  # years
_JEFFREYS: Final = (0.5, 0.0)  # Gamma prior of a Poisson rate (Jeffreys 1946)


def exit_tasks(tables: Tables, priors: Priors, settings: FitSettings, seed: int) -> list[Task]:
    """Formal exits of allies, each January from 1990 on; nothing is sampled, so settings and seed are not used."""
    return [Task(model="alliance exit", name="alliance_exit", run=partial(_rows, tables, priors))]


def chance(shape: float, years: float, horizon: float) -> float:
    """Chance of an event within `horizon` years when its yearly rate is Gamma(shape, years)."""
    return float(1.0 - (years / (years + horizon)) ** shape)


def _rows(tables: Tables, priors: Priors, report: Report) -> pd.DataFrame:
    memberships = tables.memberships()
    memberships = memberships[memberships["country"] != APART]
    shapes = {MODEL: priors["alliance_exit.notice"].params, "Jeffreys constant": _JEFFREYS}
    last = pd.Timestamp(tables.as_of)
    lines = []
    for origin in ORIGINS:
        day = pd.Timestamp(origin, 1, 1)
        exits = int((memberships["left"] < day).sum())
        years = member_years(tables, date(origin - 1, 12, 31))
        allies = tables.allies(day)
        allies = allies[allies["country"] != APART]
        for horizon in HORIZONS:
            until = day + pd.DateOffset(years=horizon) - pd.Timedelta(days=1)
            if until > last:
                continue
            for who, (shape, exposure) in shapes.items():
                p = chance(shape + exits, exposure + years, horizon)
                for ally, left in zip(allies["country"], allies["left"] <= until, strict=True):
                    lines.append(
                        {
                            "model": "alliance exit",
                            "target": "formal exit",
                            "forecaster": who,
                            "origin": str(origin),
                            "horizon": float(horizon),
                            "unit": ally,
                            "observed": float(left),
                            "p": p,
                            "brier": float(brier(p, left)),
                            "log_score": float(log_score_binary(p, left)),
                        }
                    )
    return pd.DataFrame(lines)
