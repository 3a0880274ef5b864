"""Compute when a plan is due, from its cron expression and time zone.

All times are aware and in UTC. A local time that is skipped in spring is due right after the gap. A local time that is
repeated in autumn is due once. (These are the rules of cronsim, which follows Debian's cron.)
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from forecast.workspace.plan import Schedule

#: `last_slot` searches forwards from this long before the slot found backwards. Clock changes are shorter.
_OVERLAP = timedelta(days=1)


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the first time after `now` at which the plan is due."""
    return next(_after(schedule, now))


def last_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the last time at or before `now` at which the plan was due."""
    zone = ZoneInfo(schedule.timezone)
    approximate = next(CronSim(schedule.cron, now.astimezone(zone), reverse=True)).astimezone(UTC)
    last = approximate
    for slot in _after(schedule, approximate - _OVERLAP):
        if slot > now:
            return last
        last = slot
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
    """Yield the times after `moment` at which the plan is due, without end."""
    for slot in CronSim(schedule.cron, moment.astimezone(ZoneInfo(schedule.timezone))):
        yield slot.astimezone(UTC)
