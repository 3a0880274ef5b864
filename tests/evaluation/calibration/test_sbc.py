"""Calibration goes on where it was, catches what is wrong, and its certificate is quoted."""

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
    """A normal mean with a standard normal prior and five observations of unit noise."""

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
    """The toy, 'compiled': its posterior is known in closed form."""

    def __init__(self, y: np.ndarray[Any, Any] | None = None) -> None:
        self.y = y

    def with_data(self, y: np.ndarray[Any, Any]) -> "Solved":
        return Solved(y)


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The loop around the toy; holds the numbers of the simulations that were made."""
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


def test_what_is_stored_is_not_made_again(tmp_path: Path, fitted: list[int]) -> None:
    calibrate(tmp_path, MODEL, 5, priors(), silent)
    found = calibrate(tmp_path, MODEL, 30, priors(), silent)
    assert fitted == list(range(30))
    assert found["summary"]["simulations"] == 30
    assert verdict(found) == ""
    assert calibrate(tmp_path, MODEL, 30, priors(), silent) == found
    assert len(fitted) == 30


def test_a_stopped_calibration_ends_as_if_it_had_not_been(
    tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = calibrate(tmp_path / "whole", MODEL, 12, priors(), silent)

    def stop(what: str, part: float) -> None:
        if what.startswith("simulation 8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        calibrate(tmp_path, MODEL, 12, priors(), stop)
    digest = certificate_digest(MODEL, priors())
    begun = read_simulations(tmp_path, f"{MODEL}-{digest}")
    assert begun is not None
    assert [one["number"] for one in begun["simulations"]] == list(range(8))
    sound, line = certificate_lines(tmp_path, {MODEL: digest})[MODEL]
    assert not sound
    assert "uncertified model (8 simulations so far)" in line
    ended = calibrate(tmp_path, MODEL, 12, priors(), silent)
    name = f"{MODEL}-{digest}"
    stopped, unbroken = (read_simulations(home, name) for home in (tmp_path, tmp_path / "whole"))
    assert stopped is not None and unbroken is not None
    for one, other in zip(stopped["simulations"], unbroken["simulations"], strict=True):
        assert one | {"seconds": 0} == other | {"seconds": 0}
    assert ended["summary"]["quantities"] == whole["summary"]["quantities"]
    assert not list((tmp_path / "runs" / "certificates").glob(".*"))


def test_another_recipe_begins_anew(tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    calibrate(tmp_path, MODEL, 3, priors(), silent)
    longer = SETTINGS[MODEL].model_copy(update={"draws": 4000})
    monkeypatch.setattr(sbc, "SETTINGS", {MODEL: longer})
    calibrate(tmp_path, MODEL, 3, priors(), silent)
    assert fitted == [0, 1, 2, 0, 1, 2]


def test_a_flaw_is_caught_and_kept_apart(tmp_path: Path, fitted: list[int]) -> None:
    sound = calibrate(tmp_path, MODEL, 20, priors(), silent)
    broken = calibrate(tmp_path, MODEL, 20, priors(), silent, "shifted")
    assert broken["summary"]["outside"] == ["center", "error"]
    assert verdict(broken) == ""  # it was caught, as it must be
    assert any("caught" in line for line in calibration_lines(broken))
    blind = broken | {"summary": sound["summary"]}
    assert "the flaw shifted was not caught" in verdict(blind)
    digest = certificate_digest(MODEL, priors())
    assert certificate_lines(tmp_path, {MODEL: digest})[MODEL][0]


def test_a_wrong_model_is_not_certified(tmp_path: Path, fitted: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_certificate_is_quoted_and_few_simulations_are_none(tmp_path: Path, fitted: list[int]) -> None:
    digests = {MODEL: certificate_digest(MODEL, priors())}
    line = certificate_lines(tmp_path, digests)[MODEL]
    assert line == (False, "uncertified model; forecast calibrate --model leadership certifies it")
    calibrate(tmp_path, MODEL, 19, priors(), silent)
    assert not certificate_lines(tmp_path, digests)[MODEL][0]
    calibrate(tmp_path, MODEL, 20, priors(), silent)
    line = certificate_lines(tmp_path, digests)[MODEL]
    assert line == (True, "certified: SBC 20 simulations, ranks in band, prior gates met")


def test_a_certificate_is_of_beliefs_and_code_not_of_notes() -> None:
    base = certificate_digests(priors())
    digests = dict(priors().digests) | {MODEL: "changed"}
    moved = certificate_digests(dataclasses.replace(priors(), digests=digests))
    assert {name for name in base if base[name] != moved[name]} == {MODEL}


def test_unknown_names_are_told_with_the_known_ones(tmp_path: Path) -> None:
    def stages(title: str) -> Any:
        raise AssertionError(title)

    with pytest.raises(PlanError, match="no model 'leaders'; known: spending, leadership"):
        sbc.calibrate_all(tmp_path, ["leaders"], 20, "", stages)
    with pytest.raises(PlanError, match="no fault 'x'; known: late-elections"):
        sbc.calibrate_all(tmp_path, [MODEL], 20, "x", stages)


@pytest.mark.parametrize("model", sbc.MODELS)
def test_a_small_model_is_whole(model: str) -> None:
    """Truths are numbers and arrays the simulator can use; flaws change them; no two simulations are the same."""
    problem = sbc._PROBLEMS[model]()
    first, second = (problem.draw(priors(), np.random.default_rng(k)) for k in (1, 2))
    assert set(first) == set(second)
    seen = problem.data_vectors(problem.simulate(problem.data, first, np.random.default_rng(3)))
    again = problem.data_vectors(problem.simulate(problem.data, first, np.random.default_rng(3)))
    other = problem.data_vectors(problem.simulate(problem.data, second, np.random.default_rng(3)))
    assert all(np.array_equal(seen[name], again[name]) for name in seen)
    assert any(not np.array_equal(seen[name], other[name]) for name in seen)
    for simulator_fault in problem.simulator_faults.values():
        wrong = simulator_fault(first)
        assert set(wrong) == set(first)
        assert any(not np.array_equal(wrong[name], first[name]) for name in first)


@pytest.mark.slow
def test_leadership_in_small_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The production model, compiled once, on four simulated data sets."""
    few = FitSettings(chains=2, tune=200, draws=200, target_accept=0.9)
    monkeypatch.setattr(sbc, "SETTINGS", {MODEL: few})
    found = calibrate(tmp_path, MODEL, 4, priors(), silent)
    summary = found["summary"]
    hyper = {"intercept", "country_sd", "election", "after", "before", "offset", "tenure_scale"}
    assert set(summary["quantities"]) == hyper | {"log_likelihood", "first_at_election"}
    assert verdict(found) == ""
    assert summary["divergences"] < 40  # of 1,600 draws
    made = read_simulations(tmp_path, f"{MODEL}-{found['digest']}")
    assert made is not None
    mean = np.array([one["mean"]["election"] for one in made["simulations"]])
    assert mean.std() > 0.05  # every data set is its own
