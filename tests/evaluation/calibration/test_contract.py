"""The contract of a fit: its lines catch a simulation that departs from the fit, and a fit that misses the data."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.evaluation.calibration import contract, contract_leaders, contract_missions, contract_store
from forecast.evaluation.calibration.contract import samples_of
from forecast.evaluation.calibration.contract_lines import make_line, rate_line
from forecast.evaluation.calibration.contract_store import (
    contract_name,
    contract_text,
    contracts_of_run,
    disagreements,
    read_contract,
    summary,
)
from forecast.names import MODELS
from forecast.projection.parameter_draws.assemble import assemble_draws
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation.arrays import Draws
from forecast.storage.files import replace_json
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.provenance import CONTRACT_VERSION, SIMULATION_VERSION
from tests.support.fake_posteriors import tables
from tests.support.requirements import POSTERIORS, ROOT

PATHS = 64

rng = np.random.default_rng(4)
CHANCE = rng.uniform(0.1, 0.3, (400, 500))
COUNTS = (rng.random(CHANCE.shape) < CHANCE).astype(float)


@pytest.mark.parametrize(
    ("observed", "shift", "within", "agrees"),
    [(100.0, 0.0, True, True), (300.0, 0.0, False, True), (100.0, 3.0, True, False), (300.0, 3.0, False, False)],
)
def test_a_line_has_one_verdict_on_the_data_and_one_on_the_simulation(
    observed: float, shift: float, within: bool, agrees: bool
) -> None:
    counted, expected = COUNTS.sum(axis=1) + shift, CHANCE.sum(axis=1)
    line = make_line("changes", "a year", observed, counted, expected)
    assert (line["within"], line["agrees"]) == (within, agrees)
    rate = rate_line("changes", "a year", (observed, 500.0), counted, expected, np.full(400, 500.0))
    assert (rate["within"], rate["agrees"]) == (within, agrees)
    assert rate["simulated"] == pytest.approx(line["simulated"] / 5.0)


def test_numbers_that_no_table_records_have_no_verdict_on_the_data() -> None:
    line = rate_line("swaps", "a year", None, COUNTS.sum(axis=1), CHANCE.sum(axis=1), np.full(400, 500.0))
    assert (line["observed"], line["within"], line["agrees"]) == (None, None, True)
    nothing = make_line("exits", "a year", 0.0, np.zeros(9), np.zeros(9))
    assert nothing["within"] and nothing["agrees"]


def stored(model: str = "spending", **changes: Any) -> dict[str, Any]:
    """Return a contract with one line."""
    line = make_line("mean change", "% a year", 1.0, COUNTS.sum(axis=1), CHANCE.sum(axis=1))
    content = {"model": model, "digest": "ab", "simulation_version": 3, "version": CONTRACT_VERSION, "paths": 400}
    return content | {"lines": [line]} | changes


def put(home: Path, content: Any, name: str = "spending-ab-3") -> Path:
    path = home / "runs" / "certificates" / contract_store.FOLDER / f"{name}.json"
    replace_json(path, content)
    return path


def test_a_contract_is_found_by_model_and_simulation_version(tmp_path: Path) -> None:
    put(tmp_path, stored())
    run = {"models": {"spending": "ab", "cohesion": "ab"}, "provenance": {"simulation_version": 3}}
    found = contracts_of_run(tmp_path, run)
    assert list(found) == ["spending"] and found["spending"] == stored()
    assert contracts_of_run(tmp_path, run | {"provenance": {"simulation_version": 2}}) == {}
    assert contracts_of_run(tmp_path, {}) == {}
    put(tmp_path, stored(version=CONTRACT_VERSION - 1))
    assert read_contract(tmp_path, contract_name("spending", "ab", 3)) is None
    assert len(contract_text(stored())) == 3 and "0 of 1 numbers" in summary(stored())


@pytest.mark.parametrize("damage", ["no lines", "text for a number", "no object"])
def test_a_damaged_contract_is_left_out_and_named(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    content: Any = stored()
    if damage == "no lines":
        del content["lines"]
    elif damage == "text for a number":
        content["lines"][0]["simulated"] = "many"
    put(tmp_path, [content] if damage == "no object" else content)
    run = {"models": {"spending": "ab"}, "provenance": {"simulation_version": 3}}
    assert contracts_of_run(tmp_path, run) == {}
    assert "spending-ab-3.json: damaged" in caplog.text and "forecast calibrate" in caplog.text


def test_a_new_contract_is_stored_and_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = dataclasses.replace(read_inputs(ROOT, "quickstart"), home=tmp_path)
    calls = []

    def lines(inputs: Inputs, models: list[str], *_: Any) -> Any:
        calls.append(models)
        return {model: stored()["lines"] for model in models}

    monkeypatch.setattr(contract, "contract_lines", lines)
    monkeypatch.setattr(contract, "model_digest", lambda inputs, model: f"digest-of-{model}")
    monkeypatch.setattr(contract, "stored_samples", lambda *_: {})
    first = contract.make_contracts(inputs, ["spending"], lambda *_: None)
    again = contract.make_contracts(inputs, ["spending", "cohesion"], lambda *_: None)
    assert calls == [["spending"], ["cohesion"]] and again["spending"] == first["spending"]
    name = contract_name("spending", "digest-of-spending", SIMULATION_VERSION)
    path = tmp_path / "runs" / "certificates" / contract_store.FOLDER / f"{name}.json"
    assert json.loads(path.read_text("utf-8")) == first["spending"]


@dataclasses.dataclass(frozen=True)
class Replay:
    """Everything that a replay of the past needs, with the posteriors of the tests."""

    inputs: Inputs
    samples: dict[str, Any]
    past: contract_missions.Past
    draws: Draws
    countries: tuple[str, ...]

    def missions(self, draws: Draws) -> list[str]:
        """Return the lines on missions in which a simulation with `draws` departs from the fit."""
        fitted = {name: np.asarray(values) for name, values in self.samples["withdrawal"].items()}
        found = contract_missions.replay(self.past, draws, 5)
        return disagreements({"lines": contract_missions.compare(self.past, found, fitted, self.draws, self.inputs)})

    def leaders(self, draws: Draws) -> list[Any]:
        """Return the lines on leaders of a simulation with `draws`."""
        inputs = self.inputs
        static = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster)
        return contract_leaders.leadership_lines(inputs, self.samples["leadership"], draws, static, self.countries, 5)

    def with_parameters(self, **changes: Any) -> Draws:
        """Return the draws with parameters that the fit does not have."""
        parameters = self.draws.parameters.copy()
        for name, value in changes.items():
            parameters[name] = value
        return self.draws._replace(parameters=parameters)


@pytest.fixture(scope="module")
def fitted() -> tuple[Inputs, dict[str, Any]]:
    """The inputs of the default plan, and draws of the posteriors of the tests."""
    inputs = read_inputs(ROOT, "quickstart")
    fits = {}
    for model in MODELS:
        with xr.open_datatree(POSTERIORS / f"{model}.nc", engine="netcdf4") as tree:
            fits[model] = tree.load()
    return inputs, dict(samples_of(inputs, fits, PATHS))


@pytest.fixture(scope="module")
def replay(fitted: tuple[Inputs, dict[str, Any]]) -> Replay:
    inputs, samples = fitted
    spells = mission_spells(inputs.tables, inputs.priors)
    roster = contract_missions.spell_roster(inputs, spells)
    panel = spending_panel(inputs.tables, inputs.priors)
    return Replay(
        inputs=inputs,
        samples=samples,
        past=contract_missions.mission_past(inputs, roster, spells),
        draws=assemble_draws(samples, panel, inputs.priors, roster, 5),
        countries=roster.countries,
    )


def test_the_kernel_does_what_the_fit_expects(fitted: tuple[Inputs, dict[str, Any]]) -> None:
    lines = contract.contract_lines(fitted[0], MODELS, fitted[1], lambda *_: None)
    assert {model: disagreements({"lines": lines[model]}) for model in MODELS} == {model: [] for model in MODELS}
    assert all(line["within"] for line in lines["leadership"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("covariate", "term"),
    [
        ("contagion", "exits after others have left"),
        ("election_ahead", "exits with an election ahead"),
        ("ending", "exits in the last year of a mission"),
        ("ever_reduced", "exits of reduced contingents"),
    ],
)
def test_a_covariate_with_the_wrong_sign_is_caught(replay: Replay, covariate: str, term: str) -> None:
    wrong = replay.with_parameters(**{covariate: -replay.draws.parameters[covariate]})
    assert term in replay.missions(wrong)


@pytest.mark.slow
def test_a_dropped_mode_is_caught(replay: Replay) -> None:
    shares = replay.draws.parameters["mode_shares"].copy()
    shares[:, 2] += shares[:, 3]
    shares[:, 3] = 0.0
    found = replay.missions(replay.with_parameters(mode_shares=shares))
    assert found == ["partial defections: caveat", "partial defections: swap"]


@pytest.mark.slow
def test_leaders_who_fall_twice_at_a_vote_are_caught(replay: Replay) -> None:
    lines = replay.leaders(replay.with_parameters(turnover_after_new=0.0))
    (twice,) = (line for line in lines if line["term"] == "changes after a vote that brought in the leader")
    assert twice["agrees"] is False and twice["within"] is False


def test_the_places_of_a_leader_share_out_the_quarters() -> None:
    data = leader_quarters(tables())
    places = contract_leaders._places(data)
    counts = np.sum([rows for rows in places.values()], axis=0)
    assert counts.max() == 1 and counts.mean() > 0.99
