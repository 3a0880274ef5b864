"""Due times: names and numbers of weekdays, clock changes, leap days, and properties that hold at any time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
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


@pytest.mark.case("B58")
@pytest.mark.parametrize(
    ("cron", "zone", "now"),
    [
        ("30 2 * * *", BERLIN, utc(2026, 10, 25, 1, 5)),
        ("30 1 * * *", "Europe/London", utc(2026, 10, 25, 1, 5)),
        ("15,45 1 * * *", "Australia/Lord_Howe", utc(2026, 4, 4, 15, 10)),
        ("30 0 * * *", "America/Havana", utc(2026, 11, 1, 5, 5)),
        ("30 23 * * *", "America/Santiago", utc(2026, 4, 5, 3, 5)),
    ],
)
def test_next_slot_in_the_repeated_hour_is_later(cron: str, zone: str, now: datetime) -> None:
    assert now.astimezone(ZoneInfo(zone)).fold == 1
    schedule = Schedule(cron=cron, timezone=zone)
    following = next_slot(schedule, now)
    assert timedelta(hours=12) < following - now < timedelta(hours=26)
    assert slots_between(schedule, now - timedelta(days=3), following)[-1] == following


def field(first: int, last: int) -> st.SearchStrategy[str]:
    """Return fields of a cron expression: any value, steps, a range, or a list of values."""
    values = st.integers(first, last)
    ranges = st.tuples(values, values).map(lambda ends: f"{min(ends)}-{max(ends)}")
    lists = st.lists(values, min_size=1, max_size=3).map(lambda chosen: ",".join(map(str, chosen)))
    return st.just("*") | st.integers(1, last).map("*/{}".format) | ranges | lists


any_cron = st.tuples(
    field(0, 59), field(0, 23), st.just("*") | field(1, 28), st.just("*") | field(1, 12), st.just("*") | field(0, 7)
).map(" ".join)
any_zone = st.sampled_from(sorted(available_timezones()))


@st.composite
def near_a_clock_change(draw: st.DrawFn) -> tuple[Schedule, datetime]:
    """Return a schedule and a moment, within hours of a change of the clock if its zone has one in the half-year."""
    schedule = Schedule(cron=draw(any_cron), timezone=draw(any_zone))
    early = draw(st.datetimes(datetime(2005, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)))
    late, zone = early + timedelta(days=170), ZoneInfo(schedule.timezone)
    while late - early > timedelta(minutes=1):
        middle = early + (late - early) / 2
        unchanged = middle.astimezone(zone).utcoffset() == early.astimezone(zone).utcoffset()
        early, late = (middle, late) if unchanged else (early, middle)
    return schedule, late + timedelta(seconds=draw(st.integers(-6 * 3600, 30 * 3600)))


@pytest.mark.case("B58")
@settings(max_examples=40)
@given(near_a_clock_change(), st.floats(0.0, 0.99))
def test_slots_are_the_same_from_everywhere(case: tuple[Schedule, datetime], part: float) -> None:
    schedule, now = case
    last, following = last_slot(schedule, now), next_slot(schedule, now)
    assert last <= now < following
    between = last + part * (following - last)
    assert (last_slot(schedule, between), next_slot(schedule, between)) == (last, following)
    assert slots_between(schedule, last, following) == [following]


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
        ("cron", "* * * * * *", "expected a cron expression"),
        ("timezone", "Mars/Olympus", "expected a time zone"),
        ("timezone", "../etc", "expected a time zone"),
    ],
)
def test_impossible_schedule_is_refused(key: str, value: str, expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Schedule.model_validate({"cron": "0 6 * * mon"} | {key: value})
    assert expected in str(caught.value)
