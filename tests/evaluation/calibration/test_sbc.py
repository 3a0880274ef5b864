"""Test that calibration resumes, detects simulator faults, and writes the certificate that reports quote."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.errors import PlanError
from forecast.evaluation.calibration import sbc
from forecast.evaluation.calibration.certificates import (
    certificate_digest,
    certificate_digests,
    certificate_lines,
    read_simulations,
)
from forecast.evaluation.calibration.problem import CalibrationProblem, Draws, Parameters
from forecast.evaluation.calibration.sbc import SETTINGS, calibrate, calibration_lines, verdict
from forecast.priors.load import Priors
from forecast.progress import silent
from forecast.workspace.plan import FitSettings
from tests.support.fake_posteriors import priors

MODEL = "leadership"


def toy() -> CalibrationProblem:
    """Return the problem of a normal mean with a standard normal prior and five observations of unit noise."""

    def draw(priors: Priors, rng: np.random.Generator) -> Parameters:
        return {"center": float(rng.normal()), "nuisance": np.zeros(3)}

    def simulate(data: xr.Dataset, p: Parameters, rng: np.random.Generator) -> xr.Dataset:
        return data.assign(y=("obs", rng.normal(p["center"], 1.0, 5)))

    def derived(data: xr.Dataset, p: Draws) -> dict[str, np.ndarray[Any, Any]]:
        return {"error": (data["y"].to_numpy() - p["center"][:, None]).mean(axis=1) ** 2}

    return CalibrationProblem(
        data=xr.Dataset({"y": ("obs", np.zeros(5))}),
        draw=draw,
        simulate=simulate,
        data_vectors=lambda data: {"y": data["y"].to_numpy()},
        derived=derived,
        simulator_faults={"shifted": lambda p: p | {"center": p["center"] + 1.5}},
    )


class Solved:
    """Stand in for the compiled toy model; its posterior has a closed form."""

    def __init__(self, y: np.ndarray[Any, Any] | None = None) -> None:
        self.y = y

    def with_data(self, y: np.ndarray[Any, Any]) -> "Solved":
        return Solved(y)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Replace the leadership model by the toy; yield the list of simulation numbers made so far."""
    made: list[int] = []

    def posterior(compiled: Solved, model: str, number: int) -> Any:
        made.append(number)
        assert compiled.y is not None
        rng = np.random.default_rng([1, number])
        return {"center": rng.normal(compiled.y.sum() / 6, 6**-0.5, 400)}, {
            "divergences": 0,
            "ess": 400.0,
        }

    monkeypatch.setitem(sbc._PROBLEMS, MODEL, toy)
    monkeypatch.setattr("forecast.inference.pymc_models.sampling.compile_on", lambda *rest: Solved())
    monkeypatch.setattr(sbc, "_posterior", posterior)
    yield made


def test_stored_simulations_are_not_repeated(tmp_path: Path, fitted: list[int]) -> None:
    calibrate(tmp_path, MODEL, 5, priors(), silent)
    found = calibrate(tmp_path, MODEL, 30, priors(), silent)
    assert fitted == list(range(30))
    assert found["summary"]["simulations"] == 30
    assert verdict(found) == ""
    stored = calibrate(tmp_path, MODEL, 30, priors(), silent)
    assert {key: value for key, value in stored.items() if key != "checksums"} == found
    assert len(fitted) == 30


def test_interrupted_calibration_ends_with_the_same_result(
    tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = calibrate(tmp_path / "whole", MODEL, 12, priors(), silent)

    def stop(what: str, part: float) -> None:
        if what.startswith("simulation 8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(tmp_path, MODEL, 12, priors(), stop)
    digest = certificate_digest(MODEL, priors())
    partial = read_simulations(tmp_path, f"{MODEL}-{digest}")
    assert partial is not None
    assert [simulation["number"] for simulation in partial["simulations"]] == list(range(8))
    sound, line = certificate_lines(tmp_path, {MODEL: digest})[MODEL]
    assert not sound
    assert "uncertified model (8 simulations so far)" in line
    ended = calibrate(tmp_path, MODEL, 12, priors(), silent)
    name = f"{MODEL}-{digest}"
    stopped, unbroken = (read_simulations(home, name) for home in (tmp_path, tmp_path / "whole"))
    assert stopped is not None and unbroken is not None
    for simulation, other in zip(stopped["simulations"], unbroken["simulations"], strict=True):
        assert simulation | {"seconds": 0} == other | {"seconds": 0}
    assert ended["summary"]["quantities"] == whole["summary"]["quantities"]
    assert not list((tmp_path / "runs" / "certificates").glob(".*"))


def test_other_settings_start_over(tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate(tmp_path, MODEL, 3, priors(), silent)
    longer = SETTINGS[MODEL].model_copy(update={"draws": 4000})
    monkeypatch.setattr(sbc, "SETTINGS", {MODEL: longer})
    calibrate(tmp_path, MODEL, 3, priors(), silent)
    assert fitted == [0, 1, 2, 0, 1, 2]


def test_simulator_fault_is_caught_and_stored_apart(tmp_path: Path, fitted: list[int]) -> None:
    sound = calibrate(tmp_path, MODEL, 20, priors(), silent)
    broken = calibrate(tmp_path, MODEL, 20, priors(), silent, "shifted")
    assert broken["summary"]["outside"] == ["center", "error"]
    assert verdict(broken) == ""  # caught
    assert any("caught" in line for line in calibration_lines(broken))
    blind = broken | {"summary": sound["summary"]}
    assert "the simulator fault shifted was not caught" in verdict(blind)
    digest = certificate_digest(MODEL, priors())
    assert certificate_lines(tmp_path, {MODEL: digest})[MODEL][0]


def test_wrong_model_is_not_certified(tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(compiled: Solved, model: str, number: int) -> Any:
        assert compiled.y is not None
        rng = np.random.default_rng([1, number])
        return {"center": rng.normal(compiled.y.sum() / 6, 0.1, 400)}, {
            "divergences": 0,
            "ess": 400.0,
        }

    monkeypatch.setattr(sbc, "_posterior", narrow)
    found = calibrate(tmp_path, MODEL, 40, priors(), silent)
    assert "center" in found["summary"]["outside"]
    assert not found["summary"]["recovery"]["met"]
    assert verdict(found)
    sound, line = certificate_lines(tmp_path, {MODEL: found["digest"]})[MODEL]
    assert not sound
    assert line.startswith("NOT certified: SBC 40 simulations, ranks of center")


def test_certificate_is_quoted_if_it_has_enough_simulations(tmp_path: Path, fitted: list[int]) -> None:
    digests = {MODEL: certificate_digest(MODEL, priors())}
    line = certificate_lines(tmp_path, digests)[MODEL]
    assert line == (False, "uncertified model; forecast calibrate --model leadership certifies it")
    calibrate(tmp_path, MODEL, 19, priors(), silent)
    assert not certificate_lines(tmp_path, digests)[MODEL][0]
    calibrate(tmp_path, MODEL, 20, priors(), silent)
    line = certificate_lines(tmp_path, digests)[MODEL]
    assert line == (True, "certified: SBC 20 simulations, ranks in band, prior gates met")


def test_certificate_digest_changes_with_the_priors_of_its_model() -> None:
    base = certificate_digests(priors())
    digests = dict(priors().digests) | {MODEL: "changed"}
    moved = certificate_digests(dataclasses.replace(priors(), digests=digests))
    assert {name for name in base if base[name] != moved[name]} == {MODEL}


def test_unknown_names_are_reported_with_the_known_ones(tmp_path: Path) -> None:
    def stages(title: str) -> Any:
        raise AssertionError(title)

    with pytest.raises(PlanError, match="no model 'leaders'; known: spending, leadership"):
        sbc.calibrate_all(tmp_path, ["leaders"], 20, "", stages)
    with pytest.raises(PlanError, match="no fault 'x'; known: late-elections"):
        sbc.calibrate_all(tmp_path, [MODEL], 20, "x", stages)


@pytest.mark.parametrize("model", sbc.MODELS)
def test_calibration_problem_is_complete(model: str) -> None:
    """The simulator is deterministic given parameters and seed; simulator faults change the parameters."""
    problem = sbc._PROBLEMS[model]()
    first, second = (problem.draw(priors(), np.random.default_rng(k)) for k in (1, 2))
    assert set(first) == set(second)
    vectors = problem.data_vectors(problem.simulate(problem.data, first, np.random.default_rng(3)))
    again = problem.data_vectors(problem.simulate(problem.data, first, np.random.default_rng(3)))
    other = problem.data_vectors(problem.simulate(problem.data, second, np.random.default_rng(3)))
    assert all(np.array_equal(vectors[name], again[name]) for name in vectors)
    assert any(not np.array_equal(vectors[name], other[name]) for name in vectors)
    for simulator_fault in problem.simulator_faults.values():
        wrong = simulator_fault(first)
        assert set(wrong) == set(first)
        assert any(not np.array_equal(wrong[name], first[name]) for name in first)


@pytest.mark.slow
def test_calibration_of_leadership_with_real_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit the production model, compiled once, to four simulated data sets."""
    few = FitSettings(chains=2, tune=200, draws=200, target_accept=0.9)
    monkeypatch.setattr(sbc, "SETTINGS", {MODEL: few})
    found = calibrate(tmp_path, MODEL, 4, priors(), silent)
    summary = found["summary"]
    hyper = {"intercept", "country_sd", "election", "after", "after_new", "limited", "before", "offset", "tenure_scale"}
    assert set(summary["quantities"]) == hyper | {"log_likelihood", "first_at_election"}
    assert verdict(found) == ""
    assert summary["divergences"] < 40  # of 1,600 draws
    made = read_simulations(tmp_path, f"{MODEL}-{found['digest']}")
    assert made is not None
    mean = np.array([one["mean"]["election"] for one in made["simulations"]])
    assert mean.std() > 0.05  # the data sets differ
