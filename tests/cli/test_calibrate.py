"""`forecast calibrate`: the plan whose fits are compared with the past, and what the command says of it."""

from pathlib import Path
from typing import Any

import pytest

from forecast.cli.evaluation import calibrate
from forecast.errors import ForecastError, PlanError
from forecast.evaluation.calibration import contract, sbc
from tests.support.requirements import ROOT

AGREES: dict[str, Any] = {
    "term": "swaps",
    "unit": "a year",
    "observed": None,
    "expected": 1.0,
    "simulated": 1.0,
    "lower": 0.0,
    "upper": 2.0,
    "within": None,
    "agrees": True,
}


@pytest.fixture(autouse=True)
def calibrated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every calibration succeed at once; returns the models that were calibrated."""
    done: list[str] = []

    def all_of(home: Path, models: list[str], *_: Any) -> list[dict[str, Any]]:
        done.extend(models)
        return [{"model": model} for model in models]

    monkeypatch.setattr(sbc, "calibrate_all", all_of)
    monkeypatch.setattr(sbc, "calibration_lines", lambda result: [])
    monkeypatch.setattr(sbc, "verdict", lambda result: "")
    return done


def contracts(**changes: Any) -> Any:
    """Return a maker of contracts with one line."""
    content = {"model": "withdrawal", "paths": 9, "lines": [AGREES | changes]}
    return lambda inputs, models, report: {"withdrawal": content}


def test_a_wrong_plan_fails_before_the_simulations(calibrated: list[str]) -> None:
    with pytest.raises(PlanError, match="no such plan"):
        calibrate(model=["withdrawal"], simulations=2, plan="nosuch", home=ROOT)
    assert calibrated == []


def test_a_workspace_without_the_usual_plan_calibrates(
    tmp_path: Path, calibrated: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "plans").mkdir(parents=True)
    calibrate(model=["withdrawal"], simulations=2, plan="", home=tmp_path)
    assert calibrated == ["withdrawal"] and "no plan quickstart here" in capsys.readouterr().out


def test_missing_fits_are_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(contract, "missing_fits", lambda inputs: ["cohesion"])
    calibrate(model=["withdrawal"], simulations=2, plan="", home=ROOT)
    assert "plan quickstart has no stored fit of cohesion; run `forecast run quickstart`" in capsys.readouterr().out


@pytest.mark.parametrize("agrees", [True, False])
def test_a_simulation_that_departs_from_the_fit_fails(monkeypatch: pytest.MonkeyPatch, agrees: bool) -> None:
    monkeypatch.setattr(contract, "missing_fits", lambda inputs: [])
    monkeypatch.setattr(contract, "make_contracts", contracts(agrees=agrees))
    if agrees:
        calibrate(model=["withdrawal"], simulations=2, plan="", home=ROOT)
        return
    with pytest.raises(ForecastError, match="withdrawal: the simulation departs from the fit in swaps"):
        calibrate(model=["withdrawal"], simulations=2, plan="", home=ROOT)
