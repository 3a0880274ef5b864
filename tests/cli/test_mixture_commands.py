"""The commands on mixtures print text or JSON, and every bad input is one line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.archive import weighted_paths
from forecast.cli.app import app
from forecast.errors import ForecastError
from forecast.storage.runs import Run
from tests.support.scenario_weights import weights_file

CALENDAR = """
[[releases]]
name = "Figures"
date = 2026-04-01
announced = true
source = "an office"
reveals = ["E(european_spending in 2026)"]
"""


@pytest.fixture
def words(made_run: Run, tmp_path: Path) -> list[str]:
    """Options that every command shares."""
    home = made_run.path.parent.parent
    return ["latest", "--home", str(home), "--weights", str(weights_file(tmp_path))]


def invoke(*words: str) -> str:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, ForecastError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_reweight(words: list[str], made_run: Run) -> None:
    assert made_run.id in invoke("reweight", *words)
    found = json.loads(invoke("reweight", *words, "--json"))
    assert sum(row["weight"] for row in found["weights"]) == pytest.approx(1.0)
    weak = found["headlines"][0]
    assert weak["category"] == "Weak" and weak["least"] <= weak["value"] <= weak["most"]
    target = f"verdict Weak = {(weak['value'] + weak['most']) / 2}"
    assert "nats" in invoke("reweight", *words, "--target", target)
    tilt = json.loads(invoke("reweight", *words, "--target", target, "--json"))["tilt"]
    assert sum(row["needed"] for row in tilt["weights"]) == pytest.approx(1.0)
    with pytest.raises(ForecastError, match="no weights of designs dated 2020-01-01 or before"):
        invoke("reweight", *words, "--date", "2020-01-01")


def test_weights_of_the_run_are_the_default(made_run: Run) -> None:
    found = json.loads(invoke("reweight", "latest", "--home", str(made_run.path.parent.parent), "--json"))
    assert found["headlines"] == made_run.json("mixture.json")["headlines"]


def test_given_weights_are_shown_as_given_and_later_ones_are_noted(words: list[str]) -> None:
    weights = Path(words[-1])
    sure = weights.read_text().replace("win = 0.1, stalemate = 0.4, lose = 0.5", "win = 0.0, lose = 1.0")
    weights.write_text(sure.replace("2025-06-01", "2026-02-03"))
    done = CliRunner().invoke(app, ["reweight", *words])
    assert done.exit_code == 0, done.exception
    assert "win 0\u00a0%, lose 100\u00a0%" in done.stdout
    assert "dated 2026-02-03, after the run's as-of date 2025-12-31; --date 2025-12-31 takes" in done.stderr


def test_a_question_in_one_scenario_needs_paths(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an option asks for in vain is refused before a path is simulated."""
    monkeypatch.setattr(weighted_paths, "simulate_scenarios", lambda *_: pytest.fail("paths were simulated"))
    calendar = tmp_path / "releases.toml"
    calendar.write_text(CALENDAR)
    one = [*words, "--in", "war=lose, design=none"]
    with pytest.raises(ForecastError, match="32 sampled paths, expected at least 100"):
        invoke("voi", *one, "--releases", str(calendar))
    with pytest.raises(ForecastError, match="32 paths, expected at least 120"):
        invoke("tripwires", *one)
    with pytest.raises(ForecastError, match="the move is -1, expected a number above 0"):
        invoke("tripwires", *one, "--move", "-1")
    with pytest.raises(ForecastError, match="1 paths, expected at least 120"):
        invoke("tripwires", *one, "--simulate", "1")
    with pytest.raises(ForecastError, match="1 sampled paths, expected at least 100"):
        invoke("voi", *one, "--releases", str(calendar), "--simulate", "1")
    with pytest.raises(ForecastError, match="5 draws, expected 30 to 32"):
        invoke("budget", *one, "--draws", "5")
    with pytest.raises(ForecastError, match=r"war is 'los'.*did you mean 'lose'"):
        invoke("budget", *words, "--in", "war=los, design=none")


@pytest.mark.slow
def test_simulated_answers(words: list[str], tmp_path: Path) -> None:
    calendar = tmp_path / "releases.toml"
    calendar.write_text(CALENDAR)
    one = [*words, "--in", "war=lose, design=none", "--json"]
    budget = json.loads(invoke("budget", *one))["budget"]
    assert budget[0]["scenario"] == 0.0 and budget[0]["draws"] == 32
    voi = json.loads(invoke("voi", *one, "--releases", str(calendar), "--simulate", "200"))["releases"]
    assert voi[0]["paths"] == 200 and voi[0]["error"] > 0.0
    tripwires = json.loads(invoke("tripwires", *one, "--simulate", "400"))["tripwires"]
    assert all(row["paths"] == 200 for row in tripwires)
    assert "in the scenario lose × none" in invoke("tripwires", *one[:-1], "--simulate", "400")
