"""Back-test of leaving the alliance: a conjugate rate against a constant rate, in years in which no ally left.

The rate per member-year has a Gamma(a, b) prior, taken from other defence pacts (`models/alliance_exit.py`). We add
the events and member-years of this alliance known at the origin. The probability of leaving within h years is then
1 - (b / (b + h))^a. Without an event, every score rewards the smaller rate, so we claim no skill.
"""

from datetime import date
from functools import partial
from typing import Final

import pandas as pd

from forecast.data.membership import member_years
from forecast.data.tables import Tables
from forecast.evaluation.backtests.tasks import MODEL, Task
from forecast.evaluation.scoring import brier, log_score_binary
from forecast.priors.dated import priors_at
from forecast.priors.load import Priors
from forecast.progress import Report

APART: Final = "USA"  # has a separate rate
ORIGINS: Final = tuple(range(1990, 2026))
HORIZONS: Final = (1, 5)  # years
_JEFFREYS: Final = (0.5, 0.0)  # Gamma prior of a Poisson rate (Jeffreys 1946)


def exit_tasks(tables: Tables, priors: Priors) -> list[Task]:
    """Return the task that forecasts formal exits of allies, each January from 1990; it samples nothing."""
    return [Task(model="alliance exit", name="alliance_exit", run=partial(_rows, tables, priors))]


def chance(shape: float, years: float, horizon: float) -> float:
    """Return the probability of an event within `horizon` years when its yearly rate is Gamma(shape, years)."""
    return float(1.0 - (years / (years + horizon)) ** shape)


def _rows(tables: Tables, priors: Priors, report: Report) -> pd.DataFrame:
    memberships = tables.memberships()
    memberships = memberships[memberships["country"] != APART]
    last = pd.Timestamp(tables.as_of)
    rows = []
    for origin in ORIGINS:
        day = pd.Timestamp(origin, 1, 1)
        notice = priors_at(priors, origin - 1)["alliance_exit.notice"]
        shapes = {MODEL: notice.params, "Jeffreys constant": _JEFFREYS}
        exits = int((memberships["left"] < day).sum())
        years = member_years(tables, date(origin - 1, 12, 31))
        allies = tables.allies(day)
        allies = allies[allies["country"] != APART]
        for horizon in HORIZONS:
            until = day + pd.DateOffset(years=horizon) - pd.Timedelta(days=1)
            if until > last:
                continue
            for forecaster, (shape, exposure) in shapes.items():
                p = chance(shape + exits, exposure + years, horizon)
                for ally, left in zip(allies["country"], allies["left"] <= until, strict=True):
                    rows.append(
                        {
                            "model": "alliance exit",
                            "target": "formal exit",
                            "forecaster": forecaster,
                            "origin": str(origin),
                            "horizon": float(horizon),
                            "unit": ally,
                            "observed": float(left),
                            "p": p,
                            "brier": float(brier(p, left)),
                            "log_score": float(log_score_binary(p, left)),
                        }
                    )
    return pd.DataFrame(rows)
