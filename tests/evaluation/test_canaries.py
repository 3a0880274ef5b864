"""Canaries: a value planted after the last outcome of a back-test changes no byte of its rows, an earlier one does.

The fits are replaced by one whose draws depend on every byte that it is given, so a leak into a fit is seen too. For
the models of spending and of withdrawal, what is handed to the fit at an origin is compared. The model of cohesion
forecasts each verdict from a fit without it, so there the label itself is planted.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.exposure import PATTERNS, exposure_table
from forecast.data.tables import Tables
from forecast.evaluation.backtests import withdrawal
from forecast.evaluation.backtests.alliance_exit import exit_tasks
from forecast.evaluation.backtests.cohesion import baselines, cohesion_tasks
from forecast.evaluation.backtests.leadership import leadership_tasks
from forecast.evaluation.backtests.spending import spending_tasks
from forecast.evaluation.backtests.tasks import Task
from forecast.evaluation.backtests.withdrawal import mission_tasks
from forecast.progress import silent
from tests.support.fake_posteriors import priors, tables
from tests.support.pipeline_run import invented_trees

ORIGIN = 2012  # of the back-tests of spending and of leaders
Plant = Callable[[Tables, int], Tables]


def telltale(vectors: Mapping[str, Any], given: Any, report: Any) -> tuple[Any, float]:
    """Return a fit of the model of leaders whose draws are shifted by the digest of its data.

    Cells without a quarter are left out: they say nothing, and their number depends on all rows of the table.
    """
    counted = np.asarray(vectors["quarters"]) > 0
    digest = hashlib.sha256(b"".join(np.asarray(vectors[name])[counted].tobytes() for name in sorted(vectors)))
    shift = 1.0 + int.from_bytes(digest.digest()[:4]) / 2**40
    return invented_trees()["leadership"].map_over_datasets(lambda data: data * shift), 1.0


def spending(known: Tables) -> pd.DataFrame:
    return _run(spending_tasks(known, priors(), None, 1, (ORIGIN,)), "spending_baselines")  # type: ignore[arg-type]


def leaders(known: Tables) -> pd.DataFrame:
    return _run(leadership_tasks(known, priors(), telltale, 1, (ORIGIN,)), "leaders_ahead")


def exits(known: Tables) -> pd.DataFrame:
    """Rows whose outcome was known by the end of 2017."""
    rows = _run(exit_tasks(known, priors()), "alliance_exit")
    return rows[rows["origin"].astype(int) + rows["horizon"] <= ORIGIN + 6]


def _run(tasks: list[Task], name: str) -> pd.DataFrame:
    (task,) = [task for task in tasks if task.name == name]
    return task.run(silent)


def spent(known: Tables, year: int) -> Tables:
    """Plant a figure of France three times as large."""
    table = known.defence_spending
    there = (table["country"] == "FRA") & (table["year"] == year)
    assert there.any()
    share = table["share_gdp"].where(~there, 3.0 * table["share_gdp"])
    return replace(known, defence_spending=table.assign(share_gdp=share))


def led(known: Tables, year: int) -> Tables:
    """Plant a change of leader in the summer of a year: the leader of France at that time leaves then."""
    table, day = known.leaders, pd.Timestamp(year, 7, 1)
    there = (table["country"] == "FRA") & (table["start"] < day) & (table["end"].isna() | (table["end"] > day))
    (row,) = np.flatnonzero(there)
    second = table.iloc[[row]].assign(start=day, leader="Planted")
    first = table.assign(end=table["end"].mask(there, day))
    both = pd.concat([first, second]).sort_values(["country", "start"]).reset_index(drop=True)
    return replace(known, leaders=both)


def out(known: Tables, year: int) -> Tables:
    """Plant an ally that left."""
    table = known.members
    there = (table["country"] == "NOR") & (table["alliance"] == "NATO")
    assert there.sum() == 1
    return replace(known, members=table.assign(left=table["left"].mask(there, pd.Timestamp(year, 7, 1))))


#: Each back-test, what is planted, a year after all its outcomes, and a year before its origin.
CANARIES: dict[str, tuple[Callable[[Tables], pd.DataFrame], Plant, int, int]] = {
    "spending": (spending, spent, ORIGIN + 6, ORIGIN - 1),
    "leaders": (leaders, led, ORIGIN + 3, ORIGIN - 2),
    "exits": (exits, out, ORIGIN + 8, ORIGIN - 2),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name != "exits" else ()) for name in CANARIES]
)
def test_a_planted_future_value_changes_no_byte_and_a_past_one_is_seen(name: str) -> None:
    rows_of, plant, after, before = CANARIES[name]
    rows = rows_of(tables()).to_csv()
    assert len(rows) > 1000
    assert rows_of(plant(tables(), after)).to_csv() == rows
    assert rows_of(plant(tables(), before)).to_csv() != rows


@pytest.mark.slow
def test_a_value_planted_among_the_outcomes_changes_scores_and_no_forecast() -> None:
    """The forecast of a share shows in its interval: the PIT of every other country stays, and so does the forecast."""
    rows, planted = spending(tables()), spending(spent(tables(), ORIGIN + 2))
    changed = (rows["observed"] != planted["observed"]) & rows["observed"].notna()
    alone = rows["unit"] != "all allies"
    assert set(rows.loc[changed & alone, "unit"]) == {"FRA"}
    assert set(rows.loc[changed & alone, "horizon"]) == {2.0}
    pd.testing.assert_frame_equal(rows[~changed], planted[~changed])


class Handed(Exception):
    """The digest of what a fit was given."""


def stop(vectors: Mapping[str, Any], given: Any, report: Any) -> Any:
    """Raise the digest of the data and the priors that a fit is given."""
    digest = hashlib.sha256(repr([(name, given.by_name[name].describe()) for name in given.by_name]).encode())
    for name in sorted(vectors):
        values = np.asarray(vectors[name])
        digest.update(f"{name} {values.shape}".encode() + values.tobytes())
    raise Handed(digest.hexdigest())


def to_spending(known: Tables) -> list[Task]:
    return spending_tasks(known, priors(), stop, 1, (ORIGIN,))


def to_withdrawal(known: Tables) -> list[Task]:
    return mission_tasks(known, priors(), stop, 1, (), (date(ORIGIN, 12, 31),))


def exposures(spells: xr.Dataset) -> dict[str, Any]:
    """Return what the spells say: covariates and lengths where there is any, and the exits with their covariates.

    The vectors of the fit also number patterns and have cells without a quarter, and all rows of the table make those.
    """
    rows = exposure_table(spells).rows.drop(columns=[*PATTERNS])
    exact = spells["exact"].to_numpy()
    exits = rows.iloc[spells["event_row"].to_numpy()[exact]].drop(columns="length")
    exits["p_defect"] = spells["p_defect"].to_numpy()[exact]
    return {"exits": exits.to_numpy(float), "stays": rows[rows["length"] > 0.0].to_numpy(float)}


def handed(tasks: list[Task], name: str) -> str:
    with pytest.raises(Handed) as found:
        _run(tasks, name)
    return str(found.value)


def left(known: Tables, year: int) -> Tables:
    """Plant an exit of the Netherlands from EUFOR Althea, where they were from 2004 to 2017."""
    table = known.deployments
    there = (table["country"] == "NLD") & (table["mission"] == "eufor_althea") & (table["exit"].dt.year == 2017)
    assert there.sum() == 1
    return replace(known, deployments=table.assign(exit=table["exit"].mask(there, pd.Timestamp(year, 7, 1))))


@pytest.mark.parametrize(
    ("tasks", "name", "plant"),
    [(to_spending, "spending_ahead", spent), (to_withdrawal, f"as_of_{ORIGIN}-12-31", left)],
    ids=["spending", "withdrawal"],
)
def test_a_fit_is_handed_no_later_value(
    tasks: Callable[[Tables], list[Task]], name: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withdrawal, "data_vectors", exposures)
    given = handed(tasks(tables()), name)
    assert handed(tasks(plant(tables(), ORIGIN + 2)), name) == given
    assert handed(tasks(plant(tables(), ORIGIN - 2)), name) != given


def test_a_verdict_is_forecast_without_its_own_label() -> None:
    """A fit gets the weight 0 for it, and the baselines know the others alone."""
    panel = indicator_panel(tables(), priors().grid)
    kept: list[list[float]] = []

    def refit(vectors: Mapping[str, Any], given: Any, report: Any) -> Any:
        kept.append(vectors["keep"].tolist())
        raise Handed

    for n in range(panel.sizes["anchor"]):
        label = panel["verdict"].to_numpy().copy()
        label[n] = (label[n] + 1) % 3
        found, planted = baselines(panel), baselines(panel.assign(verdict=("anchor", label)))
        assert all(np.array_equal(found[name].isel(anchor=n), planted[name].isel(anchor=n)) for name in found)
        changed = (found["persistence"] != planted["persistence"]).any("verdict").to_numpy()
        assert np.flatnonzero(changed).tolist() == [n + 1] * (n + 1 < label.size)
    with pytest.raises(Handed):
        _run(cohesion_tasks(tables(), priors(), refit, 1), "cohesion_anchors")
    assert kept == [[0.0, *[1.0] * (panel.sizes["anchor"] - 1)]]


@pytest.mark.slow
def test_the_density_of_cohesion_depends_on_kept_labels_alone() -> None:
    import pymc as pm

    from forecast.inference.pymc_models.cohesion import build

    panel = indicator_panel(tables(), priors().grid)
    model = build(panel, priors())
    density, start = model.compile_logp(), model.initial_point()
    label = panel["verdict"].to_numpy().copy()
    other = np.where(np.arange(label.size) == 1, (label + 1) % 3, label)
    for kept in (0.0, 1.0):
        keep = np.where(np.arange(label.size) == 1, kept, 1.0)
        found = []
        for verdict in (label, other):
            with model:
                pm.set_data({"keep": keep, "verdict": verdict})
            found.append(float(density(start)))
        assert (found[0] == found[1]) == (kept == 0.0)
