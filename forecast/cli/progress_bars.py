"""Show progress as one bar for each stage on a terminal, and as plain lines with the time of day elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecast.progress import Report
from forecast.reporting.formatting import printable

_STEP: Final = 0.25  # share of the work between two plain lines
_ACTIVITIES: Final = 6  # activities of a stage that have lines of their own; the others share theirs


@contextmanager
def stage(console: Console, title: str) -> Iterator[Report]:
    """Yield the function that reports the progress of one stage; the finished bar stays on the screen."""
    if console.is_terminal:
        with _bar(console, title) as report:
            yield report
    else:
        yield _lines(console, title)


@contextmanager
def _bar(console: Console, title: str) -> Iterator[Report]:
    columns = (
        TextColumn("{task.description:<22}", markup=False),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        TextColumn("{task.fields[what]}", style="dim", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(printable(title), total=1.0, what="")

        def report(what: str, part: float) -> None:
            progress.update(task, completed=part, what=printable(what))

        yield report
        progress.update(task, completed=1.0, what="done")


def _lines(console: Console, title: str) -> Report:
    """Return a function that prints a line for each new activity and each step of the work, and no line twice."""
    activities: set[str] = set()
    printed: set[tuple[str, int]] = set()

    def report(what: str, part: float) -> None:
        has_own = what in activities or len(activities) < _ACTIVITIES
        place = (what if has_own else "", int(part / _STEP))
        if place not in printed:
            share = f" {part:.0%}" if part else ""
            line = printable(f"{datetime.now():%H:%M:%S}  {title}: {what}{share}")
            with suppress(OSError):  # a full disk under the log stops no run
                console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)
            printed.add(place)
        if has_own:
            activities.add(what)

    return report
