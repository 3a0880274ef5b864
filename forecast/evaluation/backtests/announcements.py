"""Update the spending forecasts of a back-test with the announcements that were known, and learn what these are worth.

The weights at an origin come from the forecasts of earlier origins, the announcements beside them and the outcomes
known at the origin. No origin uses a later announcement, a later outcome, or a forecast that was made with one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.array_types import Floats
from forecast.data.announcements import announced_paths
from forecast.data.tables import Tables
from forecast.models.announcements import Record, learned_weights, spread_of, with_announcements
from forecast.priors.load import Priors

#: Returns the log shares that an origin is judged by, by country (rows) and year (columns).
Outcomes = Callable[[int], pd.DataFrame]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Hold the forecasts of one origin beside the announcements in force.

    `forecast`, `spread` and `announced` are (country, step), in log points; `announced` is NaN without announcement.
    """

    origin: int
    countries: list[str]
    forecast: Floats
    spread: Floats
    announced: Floats


def case_at(origin: int, countries: list[str], paths: Floats, known: Tables, priors: Priors) -> Case:
    """Return the case of an origin; `paths` (country, step, sample) are the forecasts, `known` what was known then."""
    growth, inflation = priors.value("spending.growth_mean"), priors.value("announcements.inflation")
    announced = announced_paths(known, growth, inflation, paths.shape[1]).reindex(country=countries)
    return Case(
        origin=origin,
        countries=countries,
        forecast=np.median(paths, axis=2),
        spread=spread_of(paths),
        announced=announced.to_numpy(),
    )


def record_of(cases: Iterable[Case], outcomes: Outcomes, until: int) -> Record:
    """Return the announcements of earlier origins whose outcome is known by the year `until`."""
    columns: list[tuple[str, int, float, float, float, float]] = []
    for case in cases:
        realised = outcomes(case.origin)
        for i, step in zip(*np.isfinite(case.announced).nonzero(), strict=True):
            country, year = case.countries[i], case.origin + 1 + int(step)
            if year <= until and year in realised and np.isfinite(y := realised[year].get(country, np.nan)):
                numbers = (float(x[i, step]) for x in (case.forecast, case.spread, case.announced))
                columns.append((country, int(step) + 1, *numbers, float(y)))
    frame = pd.DataFrame(columns, columns=["country", "horizon", "forecast", "spread", "announced", "outcome"])
    return Record(
        country=frame["country"].to_numpy(dtype=str),
        horizon=frame["horizon"].to_numpy(dtype=np.int64),
        **{name: frame[name].to_numpy(dtype=float) for name in ("forecast", "spread", "announced", "outcome")},
    )


def updated_paths(case: Case, record: Record, paths: Floats, priors: Priors, rng: np.random.Generator) -> Floats:
    """Return the samples of the case's forecasts after its announcements, (country, step, sample)."""
    weights = [learned_weights(record, case.countries, step + 1, priors) for step in range(paths.shape[1])]
    return with_announcements(paths, case.announced, weights, rng)
