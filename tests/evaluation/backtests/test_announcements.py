"""The back-test learns from earlier announcements alone, and adds one forecaster to the rows of the model."""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.data.announcements import plans_in_force
from forecast.data.tables import Tables
from forecast.evaluation.backtests.announcements import Case, case_at, record_of, updated_paths
from forecast.evaluation.backtests.spending import (
    JOINT_TARGET,
    STACKED,
    WITH_PLANS,
    outcomes,
    spending_tasks,
    tables_at,
)
from forecast.evaluation.backtests.tasks import MODEL
from tests.support import fake_posteriors as our

COUNTRIES = ["DEU", "ESP", "LTU", "LVA", "ROU"]


@cache
def known_at_origin(year: int) -> Tables:
    return tables_at(our.tables(), year)


def paths_at(year: int, countries: list[str]) -> np.ndarray:
    """Return random walks from 1 % of GDP."""
    return np.cumsum(np.random.default_rng(year).normal(0.02, 0.05, (len(countries), 5, 1000)), axis=1)


def case(year: int, known: Tables) -> Case:
    return case_at(year, COUNTRIES, paths_at(year, COUNTRIES), known, our.priors())


def forecast(known: Mapping[int, Tables], year: int) -> np.ndarray:
    """Return the updated samples at an origin that learns from the earlier ones; `known` holds their tables."""
    earlier = [case(origin, tables) for origin, tables in known.items() if origin < year]
    record = record_of(earlier, partial(outcomes, known[year]), year)
    at = case(year, known[year])
    return updated_paths(at, record, paths_at(year, COUNTRIES), our.priors(), np.random.default_rng(1))


def test_only_known_outcomes_of_earlier_announcements_are_learnt() -> None:
    known = known_at_origin(2017)
    cases = [case(year, known_at_origin(year)) for year in (2014, 2016)]
    record = record_of(cases, partial(outcomes, known), 2017)
    assert record.horizon.max() == 3  # 2017 from 2014
    lithuania = record.country == "LTU"
    assert sorted(record.horizon[lithuania]) == [1, 1, 2, 3]
    shares = known.defence_spending.set_index(["country", "year", "basis"])["share_gdp"]
    assert sorted(record.outcome[lithuania & (record.horizon == 1)]) == pytest.approx(
        sorted(np.log([shares["LTU", 2015, "nato"], shares["LTU", 2017, "nato"]]))
    )
    assert "ESP" not in record.country  # no plan in force at either origin


def test_nothing_later_than_the_origin_is_used() -> None:
    """A planted later announcement and changed later figures leave the samples as they are."""
    tables, origins = our.tables(), (2016, 2018)
    before = forecast({year: known_at_origin(year) for year in origins}, 2018)
    rows = tables.announcements
    planted = (
        rows[rows["country"] == "DEU"]
        .head(1)
        .assign(announced=pd.Timestamp(datetime(2019, 1, 2)), target_year=2020, kind="share", value=9.0)
    )
    figures = tables.defence_spending
    later = figures["share_gdp"].where(figures["year"] <= 2018, figures["share_gdp"] * 3.0)
    changed = dataclasses.replace(
        tables,
        announcements=pd.concat([rows, planted], ignore_index=True),
        defence_spending=figures.assign(share_gdp=later),
    )
    assert np.array_equal(before, forecast({year: tables_at(changed, year) for year in origins}, 2018))
    day = changed.announcements["announced"].mask(changed.announcements["value"] == 9.0, pd.Timestamp("2018-12-30"))
    known_then = dataclasses.replace(changed, announcements=changed.announcements.assign(announced=day))
    assert not np.array_equal(before, forecast({2016: known_at_origin(2016), 2018: tables_at(known_then, 2018)}, 2018))


def test_the_model_s_rows_stay_and_the_updated_forecaster_joins_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_model(*given: Any) -> tuple[dict[str, np.ndarray], float]:
        origin = given[-2]
        return {MODEL: paths_at(origin.origin, origin.countries)}, 1.0

    monkeypatch.setattr("forecast.evaluation.backtests.spending._by_model", by_model)

    def refit(vectors: Any, assumed: Any, report: Any) -> tuple[xr.DataTree, float]:
        raise AssertionError("no fit here")

    rows = spending_tasks(our.tables(), our.priors(), refit, 1, (2018,))[0].run(lambda what, part: None)
    assert list(rows["forecaster"].unique()) == [MODEL, WITH_PLANS, STACKED]
    rows = rows[(rows["forecaster"] != STACKED) & (rows["target"] != JOINT_TARGET)]
    both = rows.pivot(index=["unit", "horizon"], columns="forecaster", values="crps")
    same = (both[MODEL] == both[WITH_PLANS]).groupby("unit")
    planned = set(plans_in_force(known_at_origin(2018))["country"])
    assert {unit for unit, equal in same if not equal.any()} == planned
    assert {unit for unit, equal in same if equal.all()} == set(rows["unit"]) - planned
