"""What a user meets first: the names of the package, the verbs of the command line, and how it says no."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import forecast
from forecast.cli import app
from forecast.workspace.plan import FitSettings, Hypothetical, Plan
from tests.support import fake_posteriors as our

VERBS = typer.main.get_command(app.app).commands  # type: ignore[attr-defined]


def python(*arguments: str, cwd: Path = our.ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120, check=False
    )


def test_all_is_sorted_and_complete_and_resolves() -> None:
    assert forecast.__all__ == sorted(forecast.__all__)
    assert set(forecast.__all__) == set(forecast._HOME)
    for name in forecast.__all__:
        assert getattr(forecast, name).__name__ == name
        assert getattr(forecast, name).__module__ == f"forecast.{forecast._HOME[name]}"
    with pytest.raises(AttributeError, match="module 'forecast' has no attribute 'opn_run'"):
        _ = forecast.opn_run


def test_the_version_is_that_of_the_package() -> None:
    assert forecast.__version__ == importlib.metadata.version("alliance-forecast")


def test_help_of_the_module_names_every_verb() -> None:
    told = python("-m", "forecast", "--help")
    assert told.returncode == 0
    assert told.stderr == ""
    for verb in VERBS:
        assert f"\n  {verb} " in told.stdout


def test_the_verbs() -> None:
    assert set(VERBS) == {
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
        "variants",
        "export",
        "schedule",
        "serve",
        "cancel",
    }


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (VERBS[verb].help or "").strip()
    monkeypatch.setattr(sys, "argv", ["forecast", verb, "--help"])
    assert called(capsys) == (0, "")
    for option in VERBS[verb].params:
        if option.param_type_name == "option":
            assert option.help, option.name


def called(capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what stood on standard error."""
    with pytest.raises(SystemExit) as caught:
        app.main()
    code = caught.value.code or 0
    assert isinstance(code, int)
    return code, capsys.readouterr().err


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
        (["check", "--home", "nowhere"], 1, "no plans; `forecast init` lays the default ones"),
    ],
)
def test_no_is_said_in_one_clear_message(
    arguments: list[str],
    code: int,
    expected: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(our.ROOT)
    monkeypatch.setattr(sys, "argv", ["forecast", *arguments])
    found, told = called(capsys)
    assert found == code
    assert expected in told
    assert "Traceback" not in told
    if code == 1 and arguments[0] != "check":
        assert told.startswith("forecast: ")
        assert len(told.splitlines()) == 1


def test_a_fault_leaves_the_process_without_traceback() -> None:
    told = python("-m", "forecast", "run", "smok")
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("forecast: ")
    assert len(told.stderr.splitlines()) == 1


def test_ctrl_c_is_130_without_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(home: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("forecast.workspace.check.check_workspace", interrupted)
    monkeypatch.setattr(sys, "argv", ["forecast", "check"])
    assert called(capsys) == (130, "")


def test_an_empty_workspace_lists_no_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["forecast", "list", "--home", str(tmp_path)])
    with pytest.raises(SystemExit):
        app.main()
    assert "no runs in" in capsys.readouterr().out


def test_a_new_workspace_is_laid_and_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (
        ["init", str(tmp_path / "mine")],
        ["check", "--home", str(tmp_path / "mine")],
    ):
        monkeypatch.setattr(sys, "argv", ["forecast", *arguments])
        assert called(capsys) == (0, "")


PAGES = "".join((our.ROOT / page).read_text("utf-8") for page in ("README.md", "runs/README.md"))
KEYS = [
    *(key for key in Plan.model_fields if key != "name"),
    *FitSettings.model_fields,
    *Hypothetical.model_fields,
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"forecast {verb}" in PAGES


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_plan_is_in_the_readme(key: str) -> None:
    assert any(mark in PAGES for mark in (f"`{key}`", f"`[{key}]`", f"`[[{key}]]`"))
