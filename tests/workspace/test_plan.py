"""A plan is checked field by field, each fault named with file and key; and it names its run."""

import dataclasses
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import PlanError
from forecast.names import DESIGNS, WARS
from forecast.quarters import quarter_label, quarter_number, quarter_of
from forecast.storage.files import read_toml
from forecast.workspace import inputs
from forecast.workspace import plan as runs
from forecast.workspace.plan import FitSettings, Plan, parse_plan
from tests.support import fake_posteriors as our

PLANS = our.ROOT / "runs" / "plans"
WHERE = "runs/plans/mine.toml"
COALITION: Mapping[str, Any] = {
    "name": "willing",
    "label": "Coalition of the willing",
    "framework": "ad_hoc",
    "intensity": "combat",
    "lead": "USA",
    "start": "2026Q1",
    "source": "judgement",
    "contributors": {"USA": 6000, "GBR": 3000},
}
SMALL: Mapping[str, Any] = {
    "title": "Small",
    "as_of": date(2025, 12, 31),
    "seed": 1,
    "missions": ["kfor"],
}


def parsed(**changes: Any) -> Plan:
    return parse_plan(WHERE, "mine", {**SMALL, **changes})


def refusal(**changes: Any) -> str:
    whole = {k: v for k, v in {**SMALL, **changes}.items() if v is not None}
    with pytest.raises(PlanError) as caught:
        parse_plan(WHERE, "mine", whole)
    return str(caught.value)


@given(st.integers(4 * 1000, 4 * 10_000 - 1))
def test_number_and_label_of_a_quarter_are_inverse(number: int) -> None:
    label = quarter_label(number)
    assert len(label) == 6
    assert quarter_number(label) == number


@given(st.dates())
def test_the_quarter_of_a_day_holds_it(day: date) -> None:
    if day.year >= 1000:
        number = quarter_number(quarter_of(day))
        assert number // 4 == day.year
        assert number % 4 == (day.month - 1) // 3


def test_the_first_quarter_follows_the_as_of_day() -> None:
    assert quarter_number("2026Q1") == 8104
    for day, first in (
        (date(2025, 12, 31), "2026Q1"),
        (date(2025, 10, 1), "2026Q1"),
        (date(2024, 6, 30), "2024Q3"),
    ):
        assert parsed(as_of=day).first_quarter == first


@pytest.mark.parametrize("name", sorted(path.stem for path in PLANS.glob("*.toml")))
def test_the_bundled_plans_parse(name: str) -> None:
    path = PLANS / f"{name}.toml"
    plan = parse_plan(str(path), name, read_toml(path))
    assert plan.name == name
    assert plan.war == WARS
    assert plan.design == DESIGNS
    assert len(plan.missions) + len(plan.hypothetical) == 8
    assert plan.paths % plan.draws == 0


def test_what_a_plan_leaves_out_has_the_default_of_the_readme() -> None:
    plan = parsed()
    assert plan.quarters == 40
    assert (plan.draws, plan.paths, plan.joint_paths) == (4000, 20000, 500)
    assert plan.onset is None
    assert plan.off == ()
    assert plan.hypothetical == ()
    assert plan.ends == {}
    fit = FitSettings()
    assert plan.fit == fit
    assert (fit.chains, fit.tune, fit.draws, fit.target_accept) == (4, 1000, 1000, 0.95)
    assert fit.leave_out == ()


def test_a_model_may_have_its_own_number_of_draws() -> None:
    fit = FitSettings(draws=300, draws_of={"cohesion": 250})
    assert [fit.of(model).draws for model in ("cohesion", "spending")] == [250, 300]
    assert fit.of("cohesion") == FitSettings(draws=250)


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"quaters": 40}, "unknown key 'quaters'; did you mean 'quarters'?"),
    "unknown": ({"zzz": 40}, "unknown key 'zzz'; known: title, as_of"),
    "model in fit": ({"fit": {"draws_of": {"spendings": 400}}}, "draws_of"),
    "misspelt in fit": ({"fit": {"chain": 4}}, "unknown key 'fit.chain'; did you mean 'chains'?"),
    "misspelt in a coalition": (
        {"hypothetical": [{**COALITION, "leed": "USA"}]},
        "unknown key 'hypothetical.0.leed'; did you mean 'lead'?",
    ),
    "no title": ({"title": None}, "title is missing"),
    "no day": ({"as_of": None}, "as_of is missing"),
    "no seed": ({"seed": None}, "seed is missing"),
    "no day of the calendar": ({"as_of": "2025-13-31"}, "as_of is '2025-13-31', expected"),
    "negative seed": ({"seed": -1}, "seed is -1, expected"),
    "seed beyond 32 bits": ({"seed": 2**32}, "seed is 4294967296, expected"),
    "text for a number": ({"quarters": "many"}, "quarters is 'many', expected"),
    "too short": ({"quarters": 7}, "quarters is 7, expected"),
    "too long": ({"quarters": 81}, "quarters is 81, expected"),
    "no batches": ({"draws": 1000}, "draws is 1000, expected a multiple of 32"),
    "too few draws": ({"draws": 0}, "draws is 0, expected"),
    "too few paths": ({"paths": 1}, "paths is 1, expected"),
    "no whole paths": ({"joint_paths": 0}, "joint_paths is 0, expected"),
    "more whole paths than paths": (
        {"paths": 100, "joint_paths": 101},
        "joint_paths is 101, more than paths (100)",
    ),
    "no quarter": ({"onset": "2026Q5"}, "onset is '2026Q5', expected"),
    "onset in the past": ({"onset": "2025Q4"}, "onset is 2025Q4, expected 2026Q1 or later"),
    "unknown war": ({"war": ["win", "draw"]}, "war.1 is 'draw', expected"),
    "unknown design": ({"design": ["nothing"]}, "design.0 is 'nothing', expected"),
    "war twice": ({"war": ["win", "win"]}, "war names something twice: win, win"),
    "no war": ({"war": []}, "war is empty, expected at least one"),
    "no design": ({"design": []}, "design is empty"),
    "no mission": ({"missions": []}, "missions is empty"),
    "mission twice": ({"missions": ["kfor", "kfor"]}, "missions names something twice"),
    "mission and coalition of one name": (
        {"hypothetical": [{**COALITION, "name": "kfor"}]},
        "missions names something twice",
    ),
    "no name of a mission": ({"missions": ["KFOR"]}, "missions.0 is 'KFOR', expected"),
    "end of no mission": ({"ends": {"isaf": "2027Q1"}}, "ends names 'isaf', which is not among"),
    "end in no quarter": ({"ends": {"kfor": "soon"}}, "ends.kfor is 'soon', expected"),
    "one chain": ({"fit": {"chains": 1}}, "fit.chains is 1, expected"),
    "sure acceptance": ({"fit": {"target_accept": 1.0}}, "fit.target_accept is 1.0, expected"),
    "lead that stays away": (
        {"hypothetical": [{**COALITION, "lead": "FRA"}]},
        "hypothetical.0: lead FRA is not among the contributors",
    ),
    "framework": (
        {"hypothetical": [{**COALITION, "framework": "osce"}]},
        "hypothetical.0.framework is 'osce', expected",
    ),
    "no soldier": (
        {"hypothetical": [{**COALITION, "contributors": {"USA": 0}}]},
        "hypothetical.0.contributors.USA is 0, expected",
    ),
    "no contributor": (
        {"hypothetical": [{**COALITION, "contributors": {}}]},
        "hypothetical.0.contributors",
    ),
    "no source": (
        {"hypothetical": [{k: v for k, v in COALITION.items() if k != "source"}]},
        "hypothetical.0.source is missing",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_is_named_with_file_and_key(case: str) -> None:
    changes, expected = FAULTS[case]
    told = refusal(**changes)
    assert expected in told
    assert all(line.lstrip(" -").startswith(WHERE) for line in told.splitlines())
    assert len(told.splitlines()) == 1
    assert "Value error" not in told


def test_all_faults_are_named_at_once() -> None:
    told = refusal(seed=-1, quarters=7, fit={"chains": 1}, title=None, quaters=8)
    assert told.startswith("5 faults:\n")
    for key in ("seed", "quarters", "fit.chains", "title", "quaters"):
        assert f"{WHERE}: {key} " in told or f"unknown key {key!r}" in told


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        our.smoke().seed = 3  # type: ignore[misc]


def test_a_name_inside_the_file_is_refused() -> None:
    assert "unknown key 'name'" in refusal(name="other")


def test_a_plan_is_found_by_name_or_path(tmp_path: Path) -> None:
    assert our.smoke() == runs.load_plan(tmp_path, str(our.ROOT / "runs/plans/smoke.toml"))
    with pytest.raises(PlanError, match=r"smoked\.toml: no such plan; known plans here: quickstart"):
        runs.load_plan(our.ROOT, "smoked")
    with pytest.raises(PlanError, match="known plans here: none"):
        runs.load_plan(tmp_path, "smoke")
    (tmp_path / "broken.toml").write_text("title = ")
    with pytest.raises(PlanError, match=r"broken\.toml: not valid TOML"):
        runs.load_plan(tmp_path, str(tmp_path / "broken.toml"))


def named(monkeypatch: pytest.MonkeyPatch, plan: Plan | None = None, **changes: Any) -> str:
    """The id of a run of the smoke plan, or of what is given in the place of plan, tables or beliefs."""
    found = {"tables": our.tables(), "priors": our.priors()} | changes
    with monkeypatch.context() as patch:
        patch.setattr(inputs, "load_plan", lambda *_: plan or our.smoke())
        for name in ("tables", "priors"):
            patch.setattr(inputs, f"load_{name}", lambda *_, name=name: found[name])
        patch.setattr(inputs, "build_roster", lambda *_: None)  # follows from plan and tables
        return inputs.read_inputs(our.ROOT, "smoke").run_id


def touched(thing: Any, name: str) -> Any:
    assert name in thing.digests
    return dataclasses.replace(thing, digests={**thing.digests, name: "0" * 64})


def test_the_id_follows_plan_seed_tables_beliefs_versions_and_sampler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = named(monkeypatch)
    assert base.startswith("2025-12-31-smoke-")
    assert named(monkeypatch) == base
    priors = our.priors()
    sourced = dict(priors.by_name)
    sourced["spending.kappa"] = dataclasses.replace(sourced["spending.kappa"], source="a book")
    found = {
        base,
        named(monkeypatch, our.plan_with(seed=7)),
        named(monkeypatch, our.plan_with(paths=4096)),
        named(monkeypatch, our.plan_with(onset="2027Q1")),
        named(monkeypatch, tables=touched(our.tables(), "leaders")),
        named(monkeypatch, priors=touched(priors, "missions")),
        named(monkeypatch, priors=dataclasses.replace(priors, by_name=sourced)),
    }
    monkeypatch.setattr(inputs, "SIMULATION_VERSION", 0)
    found.add(named(monkeypatch))
    monkeypatch.setattr(inputs, "sampler_versions", lambda: {"pymc": "0"})
    found.add(named(monkeypatch))
    assert len(found) == 9  # all differ
