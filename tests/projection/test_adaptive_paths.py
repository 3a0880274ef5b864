"""A requested Monte Carlo error: how many paths it takes, when it is out of reach, and that it is reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import RunError
from forecast.progress import Report, silent
from forecast.projection.adaptive_paths import Rounds, additional_paths
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor
from forecast.projection.monte_carlo_error import Projected, project
from forecast.simulation.tallies import Tally
from forecast.workspace.plan import MOST_PATHS, Plan, load_plan
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout

ROOT = Path(__file__).parents[2]
SAMPLED = 7  # paths that are stored quarter by quarter


def plan(precision: float | None, draws: int = 64, paths: int = 64) -> Plan:
    smoke = load_plan(ROOT, "smoke")
    return smoke.model_copy(update={"precision": precision, "draws": draws, "paths": paths})


def headline(mcse: float, draws: float | None = 0.0) -> dict[str, Any]:
    return {
        "target": "mission_survival",
        "unit_id": "kfor",
        "statistic": "mean",
        "category": "nominal",
        "war": "lose",
        "design": "none",
        "horizon": "2030Q4",
        "mcse": mcse,
        "mcse_draws": draws,
    }


def test_no_paths_are_added_without_a_precision_or_when_it_is_met() -> None:
    assert additional_paths([headline(1.0)], 1000, plan(None)) == 0
    assert additional_paths([headline(0.01), headline(0.02)], 1000, plan(0.02)) == 0


@given(st.floats(1.01, 20.0), st.floats(0.0, 0.9))
def test_added_paths_bring_the_worst_headline_to_the_precision(ratio: float, part: float) -> None:
    """mcse^2 = draws^2 + from_paths^2 n / N, solved for N; a multiple of two passes over the draws is added."""
    precision, paths = 0.01, 6400
    draws = part * precision
    worst = headline((draws**2 + (ratio**2 - part**2) * precision**2) ** 0.5, draws)
    more = additional_paths([worst, headline(0.0)], paths, plan(precision))
    assert more % 128 == 0 and more >= 128

    def error(number: int) -> float:
        path_variance = worst["mcse"] ** 2 - draws**2
        return float((draws**2 + path_variance * paths / number) ** 0.5)

    assert error(paths + more) <= precision * (1 + 1e-9)
    if more > 128:
        assert error(paths + more - 128) > precision * (1 - 1e-9)


def test_two_passes_are_added_if_the_parts_are_unknown() -> None:
    assert additional_paths([headline(1.0, None)], 64, plan(0.01)) == 128


def test_precision_below_draw_error_raises_with_required_draws() -> None:
    with pytest.raises(RunError, match=r"precision 0\.01 is out of reach with 64 parameter draws") as raised:
        additional_paths([headline(0.03, 0.02)], 640, plan(0.01))
    assert "'mission_survival' (kfor, nominal, lose, none, 2030Q4)" in str(raised.value)
    assert "set draws = 512 in the plan" in str(raised.value)
    # With so many draws half of the allowed variance is left for the paths.
    assert additional_paths([headline(0.03, 0.02 / 8**0.5)], 640, plan(0.01, draws=512)) > 0


def test_more_paths_than_a_plan_may_have_are_refused() -> None:
    with pytest.raises(RunError, match=f"more than the {MOST_PATHS:,}"):
        additional_paths([headline(1.0)], 64, plan(1e-6))


@dataclass
class TinyProjection:
    """Projects the tiny plan with one estimate, and records how many paths it sampled each time."""

    spec: SimulationSpec
    threads: int
    sampled: list[int]

    def project(self, paths: range, report: Report, joint_paths: int = SAMPLED) -> Projected:
        self.sampled.append(joint_paths)
        own = replace(self.spec, joint_paths=joint_paths)
        return project(own, paths, self.estimate, Executor(self.threads), report)

    def estimate(self, tally: Tally) -> dict[str, np.ndarray]:
        return {"verdict": tally.verdict[0, -1, 2] / tally.paths}


def test_rounds_go_on_until_the_precision_is_met() -> None:
    layout = tiny_layout()
    own = spec(layout, tiny_draws(layout, rows=64), SAMPLED)
    begin = 128

    def run(precision: float, threads: int) -> tuple[Projected, dict[str, Any], list[str], list[int]]:
        titles: list[str] = []

        @contextmanager
        def stages(title: str) -> Iterator[Report]:
            titles.append(title)
            yield silent

        projection: Any = TinyProjection(own, threads, [])
        first = projection.project(range(begin), silent)
        rounds = Rounds(projection, first, stages)
        for projected in rounds:
            error = projected.errors["verdict"]
            entry = headline(error.total.item(), error.draws.item())
            rounds.request(additional_paths([entry], projected.paths, plan(precision, paths=begin)))
        assert projected.joint is first.joint
        return projected, entry, titles, projection.sampled

    projected, entry, titles, sampled = run(1.0, threads=1)
    assert (projected.paths, titles, sampled) == (begin, [], [SAMPLED])
    # Between the whole variance and the part that paths cannot lower.
    precision = ((entry["mcse"] ** 2 + entry["mcse_draws"] ** 2) / 2) ** 0.5
    projected, entry, titles, sampled = run(precision, threads=2)
    assert entry["mcse"] <= precision
    assert projected.paths > begin
    assert projected.tally.paths.sum() == projected.paths
    assert titles[-1] == f"project to {projected.paths:,}"
    assert sampled == [SAMPLED] + [0] * len(titles)  # only the paths of the plan are sampled
