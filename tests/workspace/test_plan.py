"""A plan is validated field by field, each fault names file and key, and the plan enters the run id."""

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
from forecast.quarters import quarter_label, quarter_number
from forecast.storage.toml_files import read_toml
from forecast.workspace import inputs
from forecast.workspace.plan import FitSettings, Plan, load_plan, parse_plan
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


def plan_of(**changes: Any) -> Plan:
    return parse_plan(WHERE, "mine", {**SMALL, **changes})


def refusal(**changes: Any) -> str:
    """Return the error message of the small plan with changed keys; None removes a key."""
    content = {k: v for k, v in {**SMALL, **changes}.items() if v is not None}
    with pytest.raises(PlanError) as caught:
        parse_plan(WHERE, "mine", content)
    return str(caught.value)


@given(st.integers(4 * 1000, 4 * 10_000 - 1))
def test_quarter_number_and_label_are_inverse(number: int) -> None:
    label = quarter_label(number)
    assert len(label) == 6
    assert quarter_number(label) == number


@given(st.dates())
def test_quarter_number_of_a_day(day: date) -> None:
    if day.year >= 1000:
        number = quarter_number(day)
        assert number // 4 == day.year
        assert number % 4 == (day.month - 1) // 3


def test_first_quarter_follows_the_as_of_day() -> None:
    assert quarter_number("2026Q1") == 8104
    for day, first in (
        (date(2025, 12, 31), "2026Q1"),
        (date(2025, 10, 1), "2026Q1"),
        (date(2024, 6, 30), "2024Q3"),
    ):
        assert plan_of(as_of=day).first_quarter == first


@pytest.mark.parametrize("name", sorted(path.stem for path in PLANS.glob("*.toml")))
def test_bundled_plans_are_valid(name: str) -> None:
    path = PLANS / f"{name}.toml"
    plan = parse_plan(str(path), name, read_toml(path))
    assert plan.name == name
    assert plan.war == WARS
    assert plan.design == DESIGNS
    assert len(plan.missions) + len(plan.hypothetical) == 8
    assert plan.paths % plan.draws == 0


def test_defaults_are_those_of_the_readme() -> None:
    plan = plan_of()
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


def test_number_of_draws_of_one_model() -> None:
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
        "joint_paths is 101, expected at most paths (100)",
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
def test_fault_names_file_and_key(case: str) -> None:
    changes, expected = FAULTS[case]
    message = refusal(**changes)
    assert expected in message
    assert all(line.lstrip(" -").startswith(WHERE) for line in message.splitlines())
    assert len(message.splitlines()) == 1
    assert "Value error" not in message


def test_all_faults_are_reported_at_once() -> None:
    message = refusal(seed=-1, quarters=7, fit={"chains": 1}, title=None, quaters=8)
    assert message.startswith("5 faults:\n")
    for key in ("seed", "quarters", "fit.chains", "title", "quaters"):
        assert f"{WHERE}: {key} " in message or f"unknown key {key!r}" in message


def test_plan_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        our.smoke().seed = 3  # type: ignore[misc]


def test_name_inside_the_file_is_a_fault() -> None:
    assert "unknown key 'name'" in refusal(name="other")


def test_load_plan_by_name_or_path(tmp_path: Path) -> None:
    assert our.smoke() == load_plan(tmp_path, str(our.ROOT / "runs/plans/smoke.toml"))
    with pytest.raises(PlanError, match=r"smoked\.toml: no such plan; known plans here: quickstart"):
        load_plan(our.ROOT, "smoked")
    with pytest.raises(PlanError, match="known plans here: none"):
        load_plan(tmp_path, "smoke")
    (tmp_path / "broken.toml").write_text("title = ")
    with pytest.raises(PlanError, match=r"broken\.toml: not valid TOML"):
        load_plan(tmp_path, str(tmp_path / "broken.toml"))


def run_id_with(monkeypatch: pytest.MonkeyPatch, plan: Plan | None = None, **changes: Any) -> str:
    """Return the run id of the smoke plan, or with another plan, tables or priors."""
    loaded = {"tables": our.tables(), "priors": our.priors()} | changes
    with monkeypatch.context() as patch:
        patch.setattr(inputs, "read_plan", lambda *_: plan or our.smoke())
        for name in ("tables", "priors"):
            patch.setattr(inputs, f"load_{name}", lambda *_, name=name: loaded[name])
        patch.setattr(inputs, "build_roster", lambda *_: None)  # follows from plan and tables
        return inputs.read_inputs(our.ROOT, "smoke").run_id


def with_other_digest(content: Any, name: str) -> Any:
    assert name in content.digests
    return dataclasses.replace(content, digests={**content.digests, name: "0" * 64})


def test_run_id_depends_on_every_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = run_id_with(monkeypatch)
    assert base.startswith("2025-12-31-smoke-")
    assert run_id_with(monkeypatch) == base
    priors = our.priors()
    sourced = dict(priors.by_name)
    sourced["spending.kappa"] = dataclasses.replace(sourced["spending.kappa"], source="a book")
    ids = {
        base,
        run_id_with(monkeypatch, our.plan_with(seed=7)),
        run_id_with(monkeypatch, our.plan_with(paths=4096)),
        run_id_with(monkeypatch, our.plan_with(onset="2027Q1")),
        run_id_with(monkeypatch, tables=with_other_digest(our.tables(), "leaders")),
        run_id_with(monkeypatch, priors=with_other_digest(priors, "missions")),
        run_id_with(monkeypatch, priors=dataclasses.replace(priors, by_name=sourced)),
    }
    monkeypatch.setattr(inputs, "SIMULATION_VERSION", 0)
    ids.add(run_id_with(monkeypatch))
    monkeypatch.setattr(inputs, "sampler_versions", lambda: {"pymc": "0"})
    ids.add(run_id_with(monkeypatch))
    assert len(ids) == 9  # all differ
