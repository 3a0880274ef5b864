"""A number that contradicts another is named before a run is published; a whole run has no contradiction."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr

from forecast import names
from forecast.projection.consistency import compared, headline_faults, inconsistencies
from forecast.storage.runs import Run


@pytest.fixture(scope="module")
def tree(made_run: Run) -> xr.DataTree:
    with made_run.projection as stored:
        return stored.load()


def changed(tree: xr.DataTree, group: str, variable: str, change: Callable[[Any], None]) -> xr.DataTree:
    groups: dict[str, Any] = {"/": xr.Dataset(attrs=tree.attrs)}
    for name, node in tree.children.items():
        groups[name] = node.to_dataset()
    data = groups[group].copy()
    data[variable] = data[variable].copy(deep=True)
    change(data[variable])
    groups[group] = data
    return xr.DataTree.from_dict(groups)


def test_a_run_agrees_with_itself(made_run: Run, tree: xr.DataTree) -> None:
    assert inconsistencies(tree, made_run.headlines) == []
    assert compared(made_run.headlines) == len(made_run.headlines) > 50


KFOR = {"war": "win", "design": "none", "mission": "kfor", "quarter": "2029Q4"}
BROKEN = {
    "verdict": ("alliance", "verdict_probability", {"war": "win", "design": "none", "quarter": "2026Q2"}, 0.02),
    "range": ("missions", "hollow_probability", KFOR, 1.5),
    "order": ("alliance", "cohesion", {"war": "win", "design": "none", "quarter": "2027Q1", "quantile": 0.9}, -9.0),
    "rising": ("missions", "collapse_probability", KFOR, -0.5),
    "event": ("alliance", "event_probability", {"war": "win", "design": "none", "quarter": "2030Q1"}, -0.9),
    "curve": ("missions", "survival_mean", {**KFOR, "curve": "nominal"}, 0.001),
    "count": ("missions", "survival_mean", {**KFOR, "curve": "nominal_by_count"}, 0.001),
    "mean": ("alliance", "european_share_mean", {"war": "lose", "design": "none", "year": 2029}, 0.1),
    "histogram": ("counts", "cohesion_count", {"war": "lose", "design": "none", "quarter": "2030Q1"}, 3),
    "europe": ("joint", "joint_european_share", {"war": "win", "design": "none", "year": 2028, "path": 3}, 20.0),
    "member": ("joint", "joint_event_quarter", {"war": "win", "design": "none", "path": 2, "event": "exit"}, 3.0),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_contradiction_is_named_with_its_place(made_run: Run, tree: xr.DataTree, kind: str) -> None:
    group, variable, place, shift = BROKEN[kind]

    def change(values: xr.DataArray) -> None:
        values.loc[place] = values.loc[place].fillna(0.0) + shift

    faults = inconsistencies(changed(tree, group, variable, change), made_run.headlines)
    assert any(f"{group}/" in fault and str(place["war"]) in fault for fault in faults), faults


@pytest.mark.parametrize("field", ["value", "mcse", "lower", "upper"])
def test_a_changed_headline_is_named(made_run: Run, tree: xr.DataTree, field: str) -> None:
    first = {record["target"]: n for n, record in reversed(list(enumerate(made_run.headlines)))}
    for number in sorted({*range(0, len(made_run.headlines), 7), *first.values()}):
        headlines = copy.deepcopy(made_run.headlines)
        if headlines[number][field] is None:
            continue
        headlines[number][field] += 0.0001
        (fault,) = headline_faults(tree, headlines)
        assert f"headline {number} (" in fault and f"{field} is" in fault
    assert inconsistencies(tree, headlines) == list(headline_faults(tree, headlines))


def test_another_target_is_not_counted_as_compared(made_run: Run, tree: xr.DataTree) -> None:
    strange = {**made_run.headlines[0], "target": "weather"}
    assert compared([strange]) == 0 and inconsistencies(tree, [strange]) == []
    assert names.COHESION_VERDICT == made_run.headlines[0]["target"]
