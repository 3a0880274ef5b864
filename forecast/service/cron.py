"""Compute when a plan is due, from its cron expression and time zone.

All times are aware and in UTC. A local time that is skipped in spring is due right after the gap. A local time that is
repeated in autumn is due once. (These are the rules of cronsim, which follows Debian's cron.)
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from forecast.workspace.plan import Schedule

#: Near a change of the clock a search begins this long before it, so that it finds the same times from everywhere.
_OVERLAP = timedelta(hours=26)


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the first time after `now` at which the plan is due."""
    return next(_after(schedule, now))


def last_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the last time at or before `now` at which the plan was due."""
    backwards = CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.timezone)), reverse=True)
    for approximate in backwards:  # near changes of the clock, the times are not those of the search forwards
        if slots := slots_between(schedule, approximate.astimezone(UTC) - _OVERLAP, now):
            return slots[-1]
    raise AssertionError("a cron expression has no end")


def slots_between(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """Return all times after `after` and at or before `until` at which the plan is due."""
    slots = []
    for slot in _after(schedule, after):
        if slot > until:
            break
        slots.append(slot)
    return slots


def _after(schedule: Schedule, moment: datetime) -> Iterator[datetime]:
    """Yield the times after `moment` at which the plan is due, in order and without end.

    In a repeated hour cronsim begins with local times of the first pass, which are over.
    """
    zone = ZoneInfo(schedule.timezone)
    start, before = moment.astimezone(zone), (moment - _OVERLAP).astimezone(zone)
    for slot in CronSim(schedule.cron, start if start.utcoffset() == before.utcoffset() else before):
        if slot.astimezone(UTC) > moment:
            moment = slot.astimezone(UTC)
            yield moment
