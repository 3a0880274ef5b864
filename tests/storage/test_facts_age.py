"""The age of the facts behind a run, and the day that `as_of = "today"` and `"last quarter"` mean."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from forecast.data.tables import AS_OF, last_fact, load_tables
from forecast.errors import PlanError
from forecast.storage.facts_age import age_text
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import read_inputs
from forecast.workspace.plan import parse_plan, read_plan

PLAN = {"title": "t", "seed": 1, "missions": ["kfor"]}


def as_of(word: object, now: datetime, zone: str = "") -> date:
    schedule = {"schedule": {"cron": "0 6 * * *", "timezone": zone}} if zone else {}
    return parse_plan("p.toml", "p", {**PLAN, "as_of": word, **schedule}, now).as_of


@pytest.mark.parametrize(
    ("word", "now", "zone", "expected"),
    [
        ("today", datetime(2026, 11, 28, 12, tzinfo=UTC), "", date(2026, 11, 28)),
        ("today", datetime(2026, 11, 28, 23, 30, tzinfo=UTC), "", date(2026, 11, 28)),
        ("today", datetime(2026, 11, 28, 23, 30, tzinfo=UTC), "Europe/Berlin", date(2026, 11, 29)),
        ("today", datetime(2026, 11, 28, 0, 30, tzinfo=UTC), "America/New_York", date(2026, 11, 27)),
        ("last quarter", datetime(2026, 11, 28, tzinfo=UTC), "", date(2026, 9, 30)),
        ("last quarter", datetime(2026, 3, 31, 23, tzinfo=UTC), "", date(2025, 12, 31)),
        ("last quarter", datetime(2026, 3, 31, 23, tzinfo=UTC), "Asia/Tokyo", date(2026, 3, 31)),
        ("last quarter", datetime(2028, 2, 29, tzinfo=UTC), "", date(2027, 12, 31)),
        (date(2025, 6, 30), datetime(2026, 11, 28, tzinfo=UTC), "", date(2025, 6, 30)),
        ("2025-06-30", datetime(2026, 11, 28, tzinfo=UTC), "Asia/Tokyo", date(2025, 6, 30)),
    ],
)
def test_words_for_a_day(word: object, now: datetime, zone: str, expected: date) -> None:
    assert as_of(word, now, zone) == expected


@pytest.mark.parametrize("word", ["Today", "yesterday", "last  quarter", "", ["today"], {"today": 1}])
def test_other_words_are_refused(word: object) -> None:
    with pytest.raises(PlanError, match="or 'today' or 'last quarter'"):
        as_of(word, datetime(2026, 11, 28, tzinfo=UTC))


def test_day_beyond_all_plans_is_refused_for_a_wrong_clock() -> None:
    with pytest.raises(PlanError, match="expected a day from 1995-12-31 to 2099-12-31"):
        as_of("today", datetime(1970, 1, 1, tzinfo=UTC))


def test_key_is_that_of_the_resolved_plan(tmp_path: Path) -> None:
    create_workspace(tmp_path / "home")
    plan = tmp_path / "home" / "runs" / "plans" / "smoke.toml"
    literal = read_inputs(tmp_path / "home", "smoke")
    text = plan.read_text(encoding="utf-8")
    plan.write_text(text.replace("as_of = 2025-12-31", 'as_of = "last quarter"'), encoding="utf-8")
    assert plan.read_text(encoding="utf-8") != text
    in_winter = read_inputs(tmp_path / "home", "smoke", now=datetime(2026, 2, 1, tzinfo=UTC))
    assert in_winter.run_id == literal.run_id
    assert in_winter.plan.model_dump(mode="json")["as_of"] == "2025-12-31"
    assert read_plan(plan, datetime(2026, 4, 1, tzinfo=UTC)).as_of == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ("2026-11-28", "up to 2026-11-28, 0 days old"),
        ("2026-11-27", "up to 2026-11-27, 1 day old"),
        ("2026-08-30", "up to 2026-08-30, 90 days old"),
        ("2026-08-29", "up to 2026-08-29, 91 days old (WARNING: more than 90; add rows to the tables)"),
        ("", "of an unknown day"),
    ],
)
def test_age(facts: str, expected: str) -> None:
    assert age_text(facts, date(2026, 11, 28)) == expected


@pytest.mark.parametrize(
    ("table", "rows", "expected"),
    [
        ("alliance_events", "", AS_OF),
        ("troop_levels", "kfor,ITA,2026-03-31,900,x\n", date(2026, 3, 31)),
        ("defence_spending_vintages", "ITA,2025,nato,2026-06,2.0,true,x\n", date(2026, 6, 30)),
        ("defence_spending", "ITA,2026,nato,2.0,true,x\n", AS_OF),  # a year that has not ended is not known
        ("elections", "ITA,2027-06-01,legislative,1,false,true,true,day,x,\n", AS_OF),
    ],
)
def test_newest_row_of_a_workspace(tmp_path: Path, table: str, rows: str, expected: date) -> None:
    bundled = (Path(__file__).parents[2] / "forecast" / "data" / "tables" / f"{table}.csv").read_text(encoding="utf-8")
    (tmp_path / f"{table}.csv").write_text(bundled.splitlines()[0] + "\n" + rows, encoding="utf-8")
    assert last_fact(load_tables(tmp_path, date(2026, 11, 28))) == expected
    assert last_fact(load_tables(tmp_path, date(2025, 6, 30))) == date(2025, 6, 30)
    assert last_fact(load_tables(None, date(2026, 11, 28))) == AS_OF
