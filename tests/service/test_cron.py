"""Due times: names and numbers of weekdays, clock changes, leap days, and properties that hold at any time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from forecast.service.cron import last_slot, next_slot, slots_between
from forecast.workspace.plan import Schedule

BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize("day", ["1", "mon", "MON"])
def test_monday_is_1(day: str) -> None:
    weekly = Schedule(cron=f"0 6 * * {day}")
    assert next_slot(weekly, utc(2026, 11, 26)) == utc(2026, 11, 30, 6)  # a Monday
    assert last_slot(weekly, utc(2026, 11, 26)) == utc(2026, 11, 23, 6)


@pytest.mark.parametrize("day", ["0", "7", "sun"])
def test_names_of_sunday(day: str) -> None:
    assert next_slot(Schedule(cron=f"0 6 * * {day}"), utc(2026, 11, 26)) == utc(2026, 11, 29, 6)


def test_skipped_hour_is_due_after_the_gap() -> None:
    daily = Schedule(cron="30 2 * * *", timezone=BERLIN)
    slots = slots_between(daily, utc(2026, 3, 27, 12), utc(2026, 3, 30, 12))
    assert slots == [utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1, 0), utc(2026, 3, 30, 0, 30)]
    for slot in slots:
        assert last_slot(daily, slot) == slot
        assert last_slot(daily, slot + timedelta(minutes=5)) == slot


def test_repeated_hour_is_due_once() -> None:
    daily = Schedule(cron="30 2 * * *", timezone=BERLIN)
    slots = slots_between(daily, utc(2026, 10, 24, 12), utc(2026, 10, 26, 12))
    assert slots == [utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)]
    assert last_slot(daily, utc(2026, 10, 25, 1, 30)) == slots[0]  # the second 2:30 is not due


def test_leap_day() -> None:
    leap = Schedule(cron="0 0 29 2 *")
    assert next_slot(leap, utc(2026, 1, 1)) == utc(2028, 2, 29)
    assert last_slot(leap, utc(2026, 1, 1)) == utc(2024, 2, 29)


moments = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
crons = st.sampled_from(["0 6 * * 1", "30 2 * * *", "*/20 * * * *", "0 0 1 * *", "15 1 * * sun", "0 12 31 * *"])


@given(crons, st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kathmandu"]), moments)
def test_now_is_between_last_and_next_slot(cron: str, zone: str, now: datetime) -> None:
    schedule = Schedule(cron=cron, timezone=zone)
    last, following = last_slot(schedule, now), next_slot(schedule, now)
    assert last <= now < following
    assert slots_between(schedule, last, now) == []
    assert slots_between(schedule, last, following) == [following]
    assert last_slot(schedule, following) == following


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("cron", "0 6 * * 9", "expected a cron expression such as '0 6 * * mon', Mondays at six (Bad day-of-week)"),
        ("cron", "whenever", "expected a cron expression"),
        ("cron", "0 0 31 2 *", "expected a cron expression"),
        ("timezone", "Mars/Olympus", "expected a time zone"),
        ("timezone", "../etc", "expected a time zone"),
    ],
)
def test_impossible_schedule_is_refused(key: str, value: str, expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Schedule.model_validate({"cron": "0 6 * * mon"} | {key: value})
    assert expected in str(caught.value)
