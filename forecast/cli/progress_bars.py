"""Show progress as one bar for each stage on a terminal, and as plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecast.progress import Report

_STEP: Final = 0.25  # share of the work between two plain lines


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
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=28),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[what]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=1.0, what="")

        def report(what: str, part: float) -> None:
            progress.update(task, completed=part, what=what)

        yield report
        progress.update(task, completed=1.0, what="done")


def _lines(console: Console, title: str) -> Report:
    """Return a function that prints a line for each new activity and for each step of the work."""
    last = ("", -_STEP)

    def report(what: str, part: float) -> None:
        nonlocal last
        if what != last[0] or part >= last[1] + _STEP:
            line = f"{title}: {what} {part:.0%}" if part else f"{title}: {what}"
            console.print(line, highlight=False)
            last = (what, part)

    return report
