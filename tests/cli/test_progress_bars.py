"""Progress is a bar on a terminal and a few plain lines elsewhere."""

import errno
import io
import os
import re

import pytest
from rich.console import Console

from forecast.cli.progress_bars import stage
from forecast.progress import silent


def plain() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def untimed(console: Console) -> list[str]:
    """The lines without the time of day that each begins with."""
    timed = [re.fullmatch(r"\d\d:\d\d:\d\d  (.*)", line) for line in printed(console).split("\n")[:-1]]
    return [line[1] for line in timed if line]


def test_plain_lines_at_each_quarter() -> None:
    console = plain()
    with stage(console, "project") as report:
        for step in range(101):
            report("projecting", step / 100)
    assert untimed(console) == [
        "project: projecting",
        *(f"project: projecting {part}%" for part in (25, 50, 75, 100)),
    ]


def test_new_activity_is_printed_at_once() -> None:
    console = plain()
    with stage(console, "fit spending") as report:
        report("compiling", 0.0)
        report("sampling", 0.01)
        report("sampling", 0.02)
        report("checking", 1.0)
    assert untimed(console) == [
        "fit spending: compiling",
        "fit spending: sampling 1%",
        "fit spending: checking 100%",
    ]


@pytest.mark.case("A25")
def test_rounds_of_a_stage_print_no_line_twice() -> None:
    console = plain()
    with stage(console, "judgement share") as report:
        for _ in range(4):
            report("loading the kernel", 0.0)
            for step in range(11):
                report("projecting", step / 10)
    assert untimed(console) == [
        "judgement share: loading the kernel",
        "judgement share: projecting",
        *(f"judgement share: projecting {part}%" for part in (30, 50, 80, 100)),
    ]


@pytest.mark.case("A25")
def test_many_activities_share_their_lines() -> None:
    console = plain()
    with stage(console, "requirements") as report:
        for n in range(75):
            report(f"K{n}", n / 75)
    lines = untimed(console)
    assert lines[:6] == ["requirements: K0", *(f"requirements: K{n} {n / 75:.0%}" for n in range(1, 6))]
    assert len(lines) == 10


NASTY = "[bold]x[/bold] [/x] :smile: \x1b[2J\r{task} $a_b$ " + "long " * 40


@pytest.mark.case("B05")
@pytest.mark.parametrize("terminal", [True, False])
def test_user_text_is_printed_as_it_is(terminal: bool) -> None:
    console = Console(file=io.StringIO(), width=400, force_terminal=terminal, legacy_windows=False)
    with stage(console, NASTY) as report:
        report(NASTY, 0.5)
    text = printed(console)
    assert "[bold]x[/bold] [/x] :smile:  [2J {task} $a_b$ long" in text
    assert "\x1b[2J\r" not in text


def test_finished_bar_stays_on_the_screen() -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, legacy_windows=False)
    with stage(console, "project") as report:
        report("projecting", 0.5)
    assert "project" in printed(console)
    assert "done" in printed(console).split("\n")[-2]


@pytest.mark.parametrize("terminal", [True, False])
def test_error_inside_a_stage_is_raised(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
    with pytest.raises(ValueError, match="inside"), stage(console, "fit"):
        raise ValueError("inside")


def test_silent() -> None:
    assert silent("anything", 0.5) is None  # type: ignore[func-returns-value]


@pytest.mark.case("L3")
def test_lines_that_cannot_be_printed_stop_no_run() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with stage(Console(file=Full(), force_terminal=False), "fit") as report:
        report("compiling", 0.0)
        report("sampling", 0.5)
