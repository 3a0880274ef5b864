"""When a plan is due: its cron expression in its time zone, as functions of a moment.

Moments are aware and given in UTC. A time that the clock skips in spring comes right after the gap; one that it
repeats in autumn comes once (cronsim, which follows Debian's cron).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from forecast.workspace.plan import Schedule

#: Slots are looked for forwards from so long before the last one found backwards: clocks change by less.
_OVERLAP = timedelta(days=1)


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """The first moment after `now` at which the plan is due."""
    return next(_after(schedule, now))


def last_slot(schedule: Schedule, now: datetime) -> datetime:
    """The last moment up to and with `now` at which the plan was due."""
    zone = ZoneInfo(schedule.timezone)
    near = next(CronSim(schedule.cron, now.astimezone(zone), reverse=True)).astimezone(UTC)
    found = near
    for slot in _after(schedule, near - _OVERLAP):
        if slot > now:
            return found
        found = slot
    raise AssertionError("a cron expression has no last moment")


def slots_between(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    """All moments after `after`, up to and with `until`."""
    found = []
    for slot in _after(schedule, after):
        if slot > until:
            break
        found.append(slot)
    return found


def _after(schedule: Schedule, moment: datetime) -> Iterator[datetime]:
    for slot in CronSim(schedule.cron, moment.astimezone(ZoneInfo(schedule.timezone))):
        yield slot.astimezone(UTC)
