"""The public names of the package, the commands, their help, and their error messages."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import forecast
from forecast.cli import app, evaluation
from forecast.errors import ForecastError, RunError
from forecast.service.result import Result, read_result
from forecast.storage.runs import Run, write_failure
from forecast.workspace.plan import FitSettings, Hypothetical, Plan
from tests.support import fake_posteriors

COMMANDS = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]


def python(*arguments: str, cwd: Path = fake_posteriors.ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120, check=False
    )


@pytest.mark.case("A16")
def test_public_names() -> None:
    assert forecast.__all__ == sorted(forecast.__all__)
    assert set(forecast.__all__) == set(forecast._MODULE_OF)
    for name in forecast.__all__:
        assert getattr(forecast, name).__name__ == name
        assert getattr(forecast, name).__module__ == f"forecast.{forecast._MODULE_OF[name]}"
    assert {name for name in dir(forecast) if not name.startswith("__")} == set(forecast.__all__)
    with pytest.raises(AttributeError, match="module 'forecast' has no attribute 'opn_run'"):
        _ = forecast.opn_run


def test_version() -> None:
    assert forecast.__version__ == importlib.metadata.version("alliance-forecast")


def test_help_lists_every_command() -> None:
    shown = python("-m", "forecast", "--help")
    assert shown.returncode == 0
    assert shown.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command} " in shown.stdout
    for group in ("Workspace", "Forecasts", "Archive", "Model evaluation", "Schedule"):
        assert f"\n{group}:\n" in shown.stdout
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())


def test_commands() -> None:
    assert set(COMMANDS) == {
        "init",
        "calibrate",
        "check",
        "fit",
        "project",
        "run",
        "report",
        "list",
        "show",
        "warmup",
        "requirements",
        "score",
        "resolve",
        "variants",
        "export",
        "schedule",
        "serve",
        "cancel",
        "verify",
        "compare",
        "explain",
        "query",
        "reweight",
        "budget",
        "voi",
        "tripwires",
        "questions",
        "scoreboard",
        "audit",
        "token",
        "prune",
        "doctor",
    }


@pytest.mark.case("L3")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["schedule", "--home", str(fake_posteriors.ROOT)]], ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(words: list[str], unbuffered: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "forecast", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 1
    assert done.stderr.startswith("forecast: standard output: cannot be written (No space left on device)")
    assert done.stderr.count("\n") == 1


def test_a_reader_that_ends_early_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "forecast", "--help"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_command_help(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (COMMANDS[command].help or "").strip()
    monkeypatch.setattr(sys, "argv", ["forecast", command, "--help"])
    assert called(capsys) == (0, "")
    for option in COMMANDS[command].params:
        if option.param_type_name == "option":
            assert option.help, option.name


def called(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code and the text on standard error."""
    with pytest.raises(SystemExit) as caught:
        app.main()
    code = caught.value.code or 0
    assert isinstance(code, int)
    return code, capsys.readouterr().err


@pytest.mark.case("A20", "L9", "M9")
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["forcast"], 2, "No such command 'forcast'"),
        (["run", "--paths", "3"], 2, "No such option: --paths"),
        (["run", "smoke", "--threads", "0"], 2, "Invalid value for '--threads'"),
        (["run", "smok"], 1, "smok.toml: no such plan; known plans here: quickstart, smoke"),
        (["fit", "smok"], 1, "smok.toml: no such plan"),
        (["project", "smok"], 1, "smok.toml: no such plan"),
        (["warmup", "smok"], 1, "smok.toml: no such plan"),
        (["show", "no-such-run"], 1, "no run is called 'no-such-run'; known: "),
        (["report", "no-such-run"], 1, "no run is called 'no-such-run'; known: "),
        (["init", "."], 1, "already there; choose an empty folder, nothing was changed"),
        (["check", "--home", "nowhere"], 1, "nowhere: no workspace here, because it does not exist; name a workspace"),
        (["list", "--home", "docs"], 1, "docs: no workspace here, because it has neither priors/ nor runs/; name"),
        (["run", "--home", "README.md"], 1, "README.md: no workspace here, because it is not a folder; name"),
        (["run", "smoke", "--precision", "0"], 1, "precision is 0, expected a number from 1e-05 to 1,000,000"),
        (["run", "smoke", "--precision", "inf"], 1, "precision is inf, expected a number from 1e-05 to 1,000,000"),
    ],
)
def test_error_message(
    arguments: list[str],
    code: int,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(fake_posteriors.ROOT)
    monkeypatch.setattr(sys, "argv", ["forecast", *arguments])
    exit_code, message = called(capsys)
    assert exit_code == code
    assert expected in message
    assert "Traceback" not in message
    if code == 1 and arguments[0] != "check":
        assert message.startswith("forecast: ")
        assert len(message.splitlines()) == 1


def test_error_of_the_process() -> None:
    ended = python("-m", "forecast", "run", "smok")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("forecast: ")
    assert len(ended.stderr.splitlines()) == 1


def test_ctrl_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(home: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("forecast.workspace.check.check_workspace", interrupted)
    monkeypatch.setattr(sys, "argv", ["forecast", "check"])
    assert called(capsys) == (130, "")


def test_list_without_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.setattr(sys, "argv", ["forecast", "list", "--home", str(tmp_path)])
    with pytest.raises(SystemExit):
        app.main()
    assert "no runs in" in capsys.readouterr().out


@pytest.mark.case("M19")
def test_list_shows_the_number_of_faults_and_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    manifest = {"status": "failed", "reason": "2 faults:\n  - plan.toml: seed is -1\n  - plan.toml: quarters is 0"}
    write_failure(
        tmp_path, "2025-12-31-mine-0123abcd", manifest | {"finished": "2026-01-01T00:00:00Z", "plan": {"name": "mine"}}
    )
    monkeypatch.setattr(sys, "argv", ["forecast", "list", "--home", str(tmp_path)])
    with pytest.raises(SystemExit):
        app.main()
    _, line, _ = capsys.readouterr().out.splitlines()  # between titles and a note on the age of the facts
    assert line.endswith("2 faults: plan.toml: seed is -1")


def test_init_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ["init", str(tmp_path / "mine")],
        ["check", "--home", str(tmp_path / "mine")],
    ):
        monkeypatch.setattr(sys, "argv", ["forecast", *arguments])
        assert called(capsys) == (0, "")


@pytest.mark.parametrize(
    ("raised", "status", "reason", "code"),
    [
        (RunError("no space"), "failed", "no space", 1),
        (KeyboardInterrupt(), "cancelled", "", 130),
    ],
)
def test_run_reports_a_failure(
    raised: BaseException,
    status: str,
    reason: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: object) -> None:
        raise raised

    monkeypatch.setattr("forecast.pipeline.run.run", fails)
    monkeypatch.setattr(sys, "argv", ["forecast", "run", "smoke", "--result", str(tmp_path / "result.json")])
    assert called(capsys)[0] == code
    assert read_result(tmp_path / "result.json") == Result(status=status, reason=reason)


def test_run_reports_its_id_whatever_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Run(tmp_path / "runs" / "2025-12-31-smoke-1", {"status": "complete"})
    monkeypatch.setattr("forecast.pipeline.run.run", lambda *arguments: made)
    for name in ("write_report", "write_index"):
        monkeypatch.setattr(f"forecast.reporting.html_report.{name}", lambda *arguments: tmp_path)
    monkeypatch.setattr("forecast.reporting.audit.page_faults", lambda *arguments: [])
    monkeypatch.setattr("forecast.reporting.terminal.headline_lines", lambda run: ["run     runs/another-run"])
    monkeypatch.setattr(sys, "argv", ["forecast", "run", "smoke", "--result", str(tmp_path / "result.json")])
    assert called(capsys)[0] == 0
    assert read_result(tmp_path / "result.json") == Result(run="2025-12-31-smoke-1", status="complete")


PAGES = "".join((fake_posteriors.ROOT / page).read_text("utf-8") for page in ("README.md", "runs/README.md"))
KEYS = [
    *(key for key in Plan.model_fields if key != "name"),
    *FitSettings.model_fields,
    *Hypothetical.model_fields,
]


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_has_every_command(command: str) -> None:
    assert f"forecast {command}" in PAGES


@pytest.mark.parametrize("key", KEYS)
def test_readme_has_every_key_of_a_plan(key: str) -> None:
    assert any(mark in PAGES for mark in (f"`{key}`", f"`[{key}]`", f"`[[{key}]]`"))


def test_score_names_the_extra_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.cli.evaluation.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=r"install alliance-forecast\[score\]"):
        evaluation.score("smoke")
