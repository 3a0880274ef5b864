"""Progress is a bar on a terminal and a few plain lines elsewhere."""

import io

import pytest
from rich.console import Console

from forecast.cli.progress_bars import stage
from forecast.progress import silent


def plain() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=False)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_plain_lines_at_each_quarter() -> None:
    console = plain()
    with stage(console, "project") as report:
        for step in range(101):
            report("projecting", step / 100)
    lines = printed(console).splitlines()
    assert lines[0] == "project: projecting"
    assert lines[1:] == [f"project: projecting {part} %".replace(" %", "%") for part in (25, 50, 75, 100)]


def test_new_activity_is_printed_at_once() -> None:
    console = plain()
    with stage(console, "fit spending") as report:
        report("compiling", 0.0)
        report("sampling", 0.01)
        report("sampling", 0.02)
        report("checking", 1.0)
    assert printed(console).splitlines() == [
        "fit spending: compiling",
        "fit spending: sampling 1%",
        "fit spending: checking 100%",
    ]


def test_plain_lines_have_no_control_codes() -> None:
    console = plain()
    with stage(console, "write") as report:
        report("a [bold] word", 0.5)
    assert "\x1b" not in printed(console)


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
