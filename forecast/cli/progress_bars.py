"""Progress of long work on the terminal: a bar a stage, or plain lines where nobody watches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from forecast.progress import Report

_STEP: Final = 0.25  # plain lines: one each quarter of the work


@contextmanager
def stage(console: Console, title: str) -> Iterator[Report]:
    """One stage of a run; its bar stays on the screen when it is done."""
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
    said = ("", -_STEP)

    def report(what: str, part: float) -> None:
        nonlocal said
        if what != said[0] or part >= said[1] + _STEP:
            line = f"{title}: {what} {part:.0%}" if part else f"{title}: {what}"
            console.print(line, highlight=False)
            said = (what, part)

    return report
