"""A requested Monte Carlo error: how many paths it takes, when it is out of reach, and that it is reached."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import RunError
from forecast.progress import Report, silent
from forecast.projection.adaptive_paths import paths_wanted, project_until
from forecast.projection.monte_carlo_error import Projected
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.plan import MOST_PATHS, Plan, load_plan
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout

ROOT = Path(__file__).parents[2]


def plan(precision: float | None, draws: int = 64, paths: int = 64) -> Plan:
    found = load_plan(ROOT, "smoke")
    return found.model_copy(update={"precision": precision, "draws": draws, "paths": paths})


def headline(mcse: float, draws: float | None = 0.0) -> dict[str, Any]:
    return {
        "quantity": "flags",
        "war": "lose",
        "design": "none",
        "horizon": "2030Q4",
        "mcse": mcse,
        "mcse_draws": draws,
    }


def test_without_a_request_and_with_one_that_is_met_nothing_is_added() -> None:
    assert paths_wanted([headline(1.0)], 1000, plan(None)) == 0
    assert paths_wanted([headline(0.01), headline(0.02)], 1000, plan(0.02)) == 0


@given(st.floats(1.01, 20.0), st.floats(0.0, 0.9))
def test_the_paths_wanted_bring_the_worst_headline_to_the_request(ratio: float, part: float) -> None:
    """mcse^2 = draws^2 + chance^2 n / N, solved for N; whole rounds of the draws are added, twice over."""
    asked, paths = 0.01, 6400
    draws = part * asked
    worst = headline((draws**2 + (ratio**2 - part**2) * asked**2) ** 0.5, draws)
    more = paths_wanted([worst, headline(0.0)], paths, plan(asked))
    assert more % 128 == 0 and more >= 128

    def error(number: int) -> float:
        chance = worst["mcse"] ** 2 - draws**2
        return float((draws**2 + chance * paths / number) ** 0.5)

    assert error(paths + more) <= asked * (1 + 1e-9)
    if more > 128:
        assert error(paths + more - 128) > asked * (1 - 1e-9)


def test_where_the_parts_are_not_known_two_rounds_are_added() -> None:
    assert paths_wanted([headline(1.0, None)], 64, plan(0.01)) == 128


def test_an_error_that_is_owed_to_the_draws_is_out_of_reach_and_the_mend_is_told() -> None:
    with pytest.raises(RunError, match=r"precision 0\.01 is out of reach with 64 draws") as raised:
        paths_wanted([headline(0.03, 0.02)], 640, plan(0.01))
    assert "'flags' (lose, none, 2030Q4); set draws = 512 in the plan" in str(raised.value)
    # With so many draws half of the request is left for the paths.
    assert paths_wanted([headline(0.03, 0.02 / 8**0.5)], 640, plan(0.01, draws=512)) > 0


def test_more_paths_than_a_plan_may_have_are_refused() -> None:
    with pytest.raises(RunError, match=f"more than the {MOST_PATHS:,}"):
        paths_wanted([headline(1.0)], 64, plan(1e-6))


def test_a_projection_goes_on_until_the_request_is_met() -> None:
    layout = tiny_layout()
    own = spec(layout, tiny_draws(layout, rows=64), 7)
    stages: list[str] = []
    judged: list[int] = []

    @contextmanager
    def watch(title: str) -> Iterator[Report]:
        stages.append(title)
        yield silent

    def estimate(tally: Tally) -> dict[str, np.ndarray]:
        return {"verdict": tally.verdict[0, -1, 2] / tally.paths}

    def judge(joint: SampledPaths) -> dict[str, np.ndarray]:
        judged.append(len(joint.cohesion))
        return {}

    def tell(projected: Projected, shares: object) -> tuple[xr.DataTree, list[dict[str, Any]]]:
        error = projected.errors["verdict"]
        told = headline(error.total.item(), error.draws.item())
        return xr.DataTree(), [told]

    start = 128
    paths, _, (told,) = project_until(own, plan(1.0, paths=start), estimate, judge, tell, watch, threads=1)
    assert (paths, stages) == (start, ["project"])
    asked = ((told["mcse"] ** 2 + told["mcse_draws"] ** 2) / 2) ** 0.5  # between all of it and what paths cannot lower
    paths, _, (told,) = project_until(own, plan(asked, paths=start), estimate, judge, tell, watch, threads=2)
    assert told["mcse"] <= asked
    assert paths > start
    assert stages[1:3] == ["project", f"project to {start + 128:,}"] or paths > start + 128
    assert judged == [7, 7]  # once a run, from the whole paths of the plan
