"""A plan is validated field by field, each fault names file and key, and the plan enters the run id."""

import dataclasses
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import PlanError
from forecast.quarters import quarter_label, quarter_number
from forecast.storage.toml_files import read_toml
from forecast.workspace import inputs
from forecast.workspace.plan import FitSettings, Plan, known_plans, load_plan, parse_plan
from tests.support import fake_posteriors as our
from tests.support.bundled_scenarios import DESIGNS, WARS

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
    assert plan.war is None or plan.war == WARS
    assert plan.design is None or plan.design == DESIGNS
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
        "unknown key 'hypothetical #1.leed'; did you mean 'lead'?",
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
    "war of no name": ({"war": ["win", "Draw"]}, "war #2 is 'Draw', expected a name of at most 64 lower-case letters"),
    "design of no name": ({"design": [""]}, "design #1 is '', expected a name"),
    "war of the name of a missing value": ({"war": ["null"]}, "war #1 is 'null', expected a name"),
    "own war of such a name": ({"own_war": {"nan": {}}}, "unknown key 'own_war.nan', expected a name"),
    "own war that is not listed": (
        {"war": ["win"], "own_war": {"truce": {}}},
        "own_war has 'truce', which",
    ),
    "own design that is not listed": (
        {"design": ["none"], "own_design": {"x": {}}},
        "own_design has 'x', which",
    ),
    "coalition of such a name": ({"hypothetical": [{**COALITION, "name": "nan"}]}, "hypothetical #1.name is 'nan'"),
    "war twice": ({"war": ["win", "win"]}, "war names win twice, expected each name once"),
    "no war": ({"war": []}, "war is empty, expected at least one"),
    "no design": ({"design": []}, "design is empty"),
    "no mission": ({"missions": []}, "missions is empty"),
    "mission twice": ({"missions": ["kfor", "kfor"]}, "missions names kfor twice"),
    "mission and coalition of one name": (
        {"hypothetical": [{**COALITION, "name": "kfor"}]},
        "missions names kfor twice",
    ),
    "no name of a mission": ({"missions": ["KFOR"]}, "missions #1 is 'KFOR', expected"),
    "end of no mission": ({"ends": {"isaf": "2027Q1"}}, "ends names 'isaf', which is not among"),
    "end in no quarter": ({"ends": {"kfor": "soon"}}, "ends.kfor is 'soon', expected"),
    "one chain": ({"fit": {"chains": 1}}, "fit.chains is 1, expected"),
    "sure acceptance": ({"fit": {"target_accept": 1.0}}, "fit.target_accept is 1.0, expected"),
    "lead that stays away": (
        {"hypothetical": [{**COALITION, "lead": "FRA"}]},
        "hypothetical #1: lead FRA is not among the contributors",
    ),
    "framework": (
        {"hypothetical": [{**COALITION, "framework": "osce"}]},
        "hypothetical #1.framework is 'osce', expected",
    ),
    "no soldier": (
        {"hypothetical": [{**COALITION, "contributors": {"USA": 0}}]},
        "hypothetical #1.contributors.USA is 0, expected",
    ),
    "no contributor": (
        {"hypothetical": [{**COALITION, "contributors": {}}]},
        "hypothetical #1.contributors",
    ),
    "no source": (
        {"hypothetical": [{k: v for k, v in COALITION.items() if k != "source"}]},
        "hypothetical #1.source is missing",
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
        patch.setattr(inputs, "build_roster", lambda *_: SimpleNamespace(wars=WARS, designs=DESIGNS))  # follows
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


#: Case -> a change of the small plan, and what its only fault says.
BEYOND: dict[str, tuple[dict[str, Any], str]] = {
    "far future": ({"as_of": date(9999, 12, 31)}, "as_of is 9999-12-31, expected a day from 1995-12-31 to 2099-12-31"),
    "before the figures": ({"as_of": date(1970, 1, 1)}, "expected a day from 1995-12-31 to 2099-12-31"),
    "day as a number": ({"as_of": 0}, "as_of is 0, expected a day, YYYY-MM-DD, such as 2025-12-31"),
    "day with a time": ({"as_of": datetime(2025, 12, 31, 6, tzinfo=UTC)}, "expected a day, YYYY-MM-DD"),
    "day of words": ({"as_of": "31 December 2025"}, "as_of is '31 December 2025', expected a day, YYYY-MM-DD"),
    "no such day": ({"as_of": "2025-02-30"}, "expected a day of the calendar, YYYY-MM-DD"),
    "quarter of words": ({"onset": "Q4 2027"}, "onset is 'Q4 2027', expected a quarter, YYYYQn, such as 2027Q4"),
    "quarter of Arabic digits": ({"onset": "٢٠٢٧Q1"}, "expected a quarter, YYYYQn"),
    "quarter with a line break": ({"onset": "2027Q1\n"}, "onset is '2027Q1\\n', expected a quarter, YYYYQn"),
    "onset after the horizon": ({"onset": "2036Q1"}, "onset is 2036Q1, expected 2026Q1 or later, up to 2035Q4"),
    "onset in the year 9999": ({"onset": "9999Q4"}, "onset is '9999Q4', expected a quarter, YYYYQn"),
    "stress after the horizon": (
        {"stress": {"crisis": "2036Q1"}},
        "stress.crisis is 2036Q1, expected 2026Q1 or later, up to 2035Q4",
    ),
    "unknown mechanism": ({"off": ["crisis"]}, "off names 'crisis'; did you mean 'crises'?"),
    "mechanism twice": ({"off": ["crises", "crises"]}, "off names crises twice"),
    "truth for a number": ({"quarters": True}, "quarters is true, expected a whole number"),
    "text for a number": ({"paths": "4096"}, "paths is '4096', expected a whole number"),
    "fraction": ({"draws": 64.0}, "draws is 64.0, expected a whole number"),
    "number for the truth": ({"schedule": {"cron": "0 6 * * *", "degraded": 1}}, "degraded is 1, expected true or"),
    "too many draws": ({"draws": 32 * 10**6}, "draws is 32000000, expected a number of 1000000 or less"),
    "too many paths": ({"paths": 10**13}, "paths is 10000000000000, expected a number of 100000000 or less"),
    "too much tuning": ({"fit": {"tune": 10**7}}, "fit.tune is 10000000, expected a number of 100000 or less"),
    "infinite precision": ({"precision": math.inf}, "precision is inf, expected a finite number"),
    "no precision": ({"precision": 0.0}, "precision is 0.0, expected a number of 1e-05 or more"),
    "impossible precision": ({"precision": 1e-200}, "precision is 1e-200, expected a number of 1e-05 or more"),
    "precision that is no number": ({"precision": math.nan}, "precision is nan, expected a finite number"),
    "infinite pledge": ({"pledge_2035": math.inf}, "pledge_2035 is inf, expected a finite number"),
    "empty title": ({"title": " "}, "title is ' ', expected some text in one line"),
    "title of two lines": ({"title": "a\nb"}, "title is 'a\\nb', expected some text in one line"),
    "long title": ({"title": "x" * 5000}, "…', expected some text in one line of at most 300 characters"),
    "long name of a mission": ({"missions": ["x" * 99]}, "expected a name of at most 64 lower-case letters"),
    "infinite timeout": ({"schedule": {"cron": "0 6 * * *", "timeout": math.inf}}, "schedule.timeout is inf, expected"),
    "no timeout": ({"schedule": {"cron": "0 6 * * *", "timeout": 1e-300}}, "expected a number of 0.01 or more"),
    "infinite memory": ({"schedule": {"cron": "0 6 * * *", "memory": math.inf}}, "schedule.memory is inf, expected"),
    "vast memory": ({"schedule": {"cron": "0 6 * * *", "memory": 1e12}}, "expected a number of 65536 or less"),
    "too little memory": ({"schedule": {"cron": "0 6 * * *", "memory": 2}}, "expected a number of 3 or more"),
    "NUL in a hook": (
        {"schedule": {"cron": "0 6 * * *", "on_failure": ["notify", "a\0b"]}},
        "without the character NUL",
    ),
    "empty command": ({"schedule": {"cron": "0 6 * * *", "on_recovery": [""]}}, "expected a command, word by word"),
    "command in one text": (
        {"schedule": {"cron": "0 6 * * *", "on_failure": "notify me"}},
        "schedule.on_failure is 'notify me', expected a list",
    ),
    "cron of six fields": ({"schedule": {"cron": "* * * * * *"}}, "expected a cron expression such as '0 6 * * mon'"),
    "cron of many digits": ({"schedule": {"cron": "9" * 5000 + " * * * *"}}, "expected a cron expression such as"),
    "cron of a superscript": ({"schedule": {"cron": "² * * * *"}}, "expected a cron expression such as"),
    "cron of no day": ({"schedule": {"cron": "0 0 30 2 *"}}, "expected a cron expression such as"),
    "one table for a list of tables": (
        {"hypothetical": COALITION},
        "hypothetical is one table, expected a list of tables; write [[hypothetical]] with double brackets",
    ),
    "list of tables for one table": (
        {"fit": [{"chains": 4}]},
        "fit is a list of tables, expected one table; write [fit] with single brackets, once",
    ),
    "many coalitions": (
        {"hypothetical": [{**COALITION, "name": f"c{n}"} for n in range(51)]},
        "expected a list of at most 50",
    ),
    "blank label": ({"hypothetical": [{**COALITION, "label": ""}]}, "hypothetical #1.label is '', expected some text"),
    "truth for troops": (
        {"hypothetical": [{**COALITION, "contributors": {"USA": True}}]},
        "hypothetical #1.contributors.USA is true, expected a whole number",
    ),
    "text for troops": (
        {"hypothetical": [{**COALITION, "contributors": {"USA": "6000"}}]},
        "hypothetical #1.contributors.USA is '6000', expected a whole number",
    ),
    "more troops than people": (
        {"hypothetical": [{**COALITION, "contributors": {"USA": 10**400}}]},
        "hypothetical #1.contributors.USA is 1000000",
    ),
    "code in small letters": (
        {"hypothetical": [{**COALITION, "contributors": {"usa": 1}}]},
        "unknown key 'hypothetical #1.contributors.usa', expected a country code of three capitals",
    ),
    "number for a code": (
        {"hypothetical": [{**COALITION, "lead": 0}]},
        "hypothetical #1.lead is 0, expected text",
    ),
    "paid twice": ({"hypothetical": [{**COALITION, "paid": ["USA", "USA"]}]}, "hypothetical #1.paid is ['USA', 'USA']"),
    "start of words": ({"hypothetical": [{**COALITION, "start": "soon"}]}, "expected a quarter, YYYYQn"),
    "pair of nobody": ({"dyads": ["JPN-USA"]}, "dyads #1 is 'JPN-USA', expected the United States and a partner"),
    "left out twice": ({"fit": {"leave_out": ["isaf", "isaf"]}}, "fit.leave_out is ['isaf', 'isaf'], expected each"),
    "event of dyads without dyads": (
        {"dyads": [], "stress": {"us_war": "2027Q1"}},
        "stress names 'us_war', which concerns the dyads, but dyads is empty",
    ),
    "key of control characters": ({"a\nb": 1}, "unknown key ''a\\nb''"),
    "long key": ({"x" * 5000: 1}, "…"),
}


@pytest.mark.case("B18", "B19", "B36", "M9", "M10", "M17", "L5", "A24")
@pytest.mark.parametrize("case", BEYOND)
def test_value_beyond_what_a_run_can_use(case: str) -> None:
    changes, expected = BEYOND[case]
    message = refusal(**changes)
    assert expected in message
    assert message.startswith(f"{WHERE}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    assert not re.search("Input should|should match|Value error", message)  # sentences of the library


NO_PLACES = ("localtime", "posixrules", "Factory", "right/UTC", "posix/UTC")  # or the time of this machine
ZONES = (
    "Europe",
    "America/Argentina",
    "Etc",
    "x" * 5000,
    "",
    ".",
    "/etc/localtime",
    "../UTC",
    "UTC\0",
    "Mars/Base",
    *NO_PLACES,
)


@pytest.mark.case("B19", "H5")
@pytest.mark.parametrize("zone", ZONES)
def test_time_zone_that_is_none(zone: str) -> None:
    message = refusal(schedule={"cron": "0 6 * * *", "timezone": zone})
    assert message.endswith("expected a time zone such as Europe/Berlin or UTC")
    assert message.startswith(f"{WHERE}: schedule.timezone is ")
    assert len(message) < 300


@pytest.mark.case("B28", "B69")
def test_files_beside_the_plans(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "plans"
    folder.mkdir(parents=True)
    plan = (PLANS / "smoke.toml").read_text(encoding="utf-8")
    for name in ("smoke.toml", "WEEKLY.TOML", "weekly.Toml", "mini (conflicted copy).toml"):
        (folder / name).write_text(plan, encoding="utf-8")
    for name in ("._smoke.toml", "#smoke.toml#", "smoke.toml~", "~$smoke.toml", "smoke.txt"):
        (folder / name).write_text("\0", encoding="utf-8")
    (folder / ".#smoke.toml").symlink_to("somebody@somewhere.1:2")
    assert known_plans(tmp_path) == ["WEEKLY", "mini (conflicted copy)", "smoke", "weekly"]
    assert load_plan(tmp_path, "weekly").name == "weekly"
    for name in ("WEEKLY", "mini (conflicted copy)"):
        with pytest.raises(PlanError, match=rf"{re.escape(name)}\.\w+: the file has no name of a plan, expected"):
            load_plan(tmp_path, name)
    (folder / "latest.toml").write_text(plan, encoding="utf-8")  # `latest` stands for the newest run
    with pytest.raises(PlanError, match=r"no name of a plan, expected .* other than 'latest' before \.toml"):
        load_plan(tmp_path, "latest")
    (folder / "weekly.toml").write_text(plan, encoding="utf-8")
    with pytest.raises(PlanError, match="2 files of one plan, expected one; remove the others"):
        load_plan(tmp_path, "weekly")


@pytest.mark.parametrize("name", ["../plans/smoke", "x" * 5000, "smoke\0", "", "SMOKE", "/etc/passwd"])
def test_name_of_no_plan(name: str) -> None:
    with pytest.raises(PlanError, match="no such plan; known plans here: quickstart, smoke") as caught:
        load_plan(our.ROOT, name)
    assert len(str(caught.value)) < 400


@pytest.mark.case("M18")
@pytest.mark.parametrize("name", ["x" * 5000, "\0", "nothing"])
def test_path_of_no_plan(tmp_path: Path, name: str) -> None:
    with pytest.raises(PlanError):
        load_plan(our.ROOT, str(tmp_path / f"{name}.toml"))


KEYS = st.sampled_from(
    [*Plan.model_fields, *FitSettings.model_fields, *COALITION, "cron", "timezone", "on_failure", "USA"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes() | st.text() | KEYS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.dictionaries(KEYS | st.text(), VALUES, max_size=6), st.booleans())
def test_any_content_is_a_plan_or_has_faults_of_one_line(content: dict[str, Any], small: bool) -> None:
    try:
        parse_plan(WHERE, "mine", {**SMALL, **content} if small else content)
    except PlanError as error:
        lines = str(error).splitlines()
        for line in lines[1:] if len(lines) > 1 else lines:
            assert line.removeprefix("  - ").startswith(f"{WHERE}: ")
            assert not re.search("Input should|should match|Value error|valid tuple", line)


def test_a_plan_without_own_scenarios_keeps_its_keys_and_one_with_them_is_read_back_from_a_manifest() -> None:
    plain = plan_of()
    assert not [key for key in plain.model_dump(mode="json") if key.startswith("own_")]
    table = {"label": "Mine", "ramp": 8, "threat_target": {"dist": "Constant", "value": 1.25}, "date": date(2026, 1, 2)}
    plan = plan_of(own_war={"mine": table})
    stored = plan.model_dump(mode="json")
    assert stored["own_war"]["mine"]["threat_target"]["value"] == 1.25 and "own_design" not in stored
    again = inputs.plan_of(stored, "manifest.json: plan")
    assert again.model_dump(mode="json") == stored and again.own_war["mine"]["date"] == "2026-01-02"
    assert "own_war.Mine" in refusal(own_war={"Mine": table}) and "own_design" in refusal(own_design={"mine": 3})
