"""Test the kernel against its twin in plain Python: with all mechanisms off, each alone, and all on."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from forecast.names import EVENTS, MECHANISMS
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import UNIT, Tally
from tests.support.random_kernel_inputs import (
    QUARTERS,
    SEED,
    constants,
    enough,
    only,
    parameters,
    play,
    tiny_draws,
    tiny_layout,
)
from tests.support.twin import path as reference

TWIN_PATHS = enough(5, 2)
SINGLE = 1e-6  # float32 keeps seven digits
ADDED = [name for name in MECHANISMS if name != "collapse"]
LAYOUTS: list[dict[str, Any]] = [
    *(
        {"quarter_of_year": q, "onset": onset, "collapse": collapse}
        for q, onset, collapse in itertools.product((0, 2), (0, 5), (0, 1))
    ),
    # Each mechanism alone, if the kernel is compiled; all of them together below.
    *({"on": [name]} for name in ADDED[: enough(len(ADDED), 0)]),
    {"onset": 3, "on": ADDED},
    {"quarter_of_year": 1, "onset": 3, "on": ADDED, "collapse": 1},
    {"quarter_of_year": 3, "stress": 2, "feedback": 0.3},
    {"on": ADDED, "stress": 4},
]


@pytest.fixture
def plan() -> tuple[StaticInputs, Draws]:
    layout = tiny_layout(onset=2)
    return layout, tiny_draws(layout)


def assert_mission_equal(mission: reference.Mission, whole: np.ndarray, tally: Tally, n: int, s: int) -> None:
    """Assert that mission s in cell n of the one path in `tally` equals the twin; `whole` are its three curves."""
    expected = np.array([mission.curves.get(t, [math.nan] * 3) for t in range(QUARTERS)])
    np.testing.assert_allclose(whole, expected.T, rtol=SINGLE, atol=SINGLE)
    for t in mission.curves:
        gone = [one.exit_quarter <= t for one in mission.contingents]
        assert tally.exits[n, s, :, : t + 1].sum(-1).tolist() == gone + [0] * (3 - len(gone))
        assert tally.hollow[n, s, t] == mission.hollow(t)
        assert tally.collapsed[n, s, t] == (mission.collapse() <= t)
        assert tally.ended[n, s, t] == (mission.ended <= t)
        assert tally.handed[n, s, t] == (mission.handed <= t)
    assert tally.modes[n, s].tolist() == mission.modes()
    assert tally.reductions[n, s] == mission.count_reductions()
    assert tally.seen[n, s] == sum(len(one.detected) for one in mission.contingents)


def assert_new_missions_equal(new: reference.NewMissions, members: int, tally: Tally, n: int) -> None:
    """Assert that the new missions in cell n of the one path in `tally` equal the twin."""
    for t in range(QUARTERS):
        begun = [a for a, at in new.starts.items() if at <= t]
        assert tally.begun[n, t] == len(begun)
        assert tally.entrapped[n, t] == any(new.us_led(a) for a in begun)
        for a in begun:
            assert tally.serving[n, a, t - new.starts[a]] == new.serving(a, t - new.starts[a])
    assert tally.started[n].sum() == sum(QUARTERS - at for at in new.starts.values())
    for a in new.starts:
        assert tally.refused[n, a] == (2 * new.serving(a, 0) < members)
        assert tally.waited[n, a] == new.lag(a, members)


def assert_kernel_equals_twin(layout: StaticInputs, draws: Draws, paths: int) -> None:
    """Assert that all tallies of the first paths equal the twin."""
    for path in range(paths):
        tally, joint = play(layout, draws, path, path + 1, joint=1)
        twin = reference.Path(SEED, path, layout, draws, QUARTERS)
        for (k, y), count in np.ndenumerate(tally.turnover):
            assert count == twin.turnover(k, y)
        for n, history in enumerate(twin.histories):
            near = {"rtol": SINGLE, "atol": SINGLE}
            np.testing.assert_allclose(joint.cohesion[0, n], history.cohesion, **near)
            np.testing.assert_allclose(joint.european[0, n], history.european, **near)
            # Sums of one path, to fixed point and the rounding of a dozen sums.
            exact = {"rtol": 0.0, "atol": 1e-9}
            np.testing.assert_allclose(tally.threat_sum[n] / UNIT, history.threat, **exact)
            np.testing.assert_allclose(tally.factor_sum[n] / UNIT, history.factors, **exact)
            assert tally.verdict[n].argmax(-1).tolist() == history.verdict
            np.testing.assert_allclose(tally.index_sum[n] / UNIT, history.alliance.index, **exact)
            np.testing.assert_allclose(joint.measures[0, n], history.alliance.index, **near)
            happened = [history.alliance.log(t) for t in range(QUARTERS)]
            assert (tally.event[n] == happened).all()
            for y, shares in enumerate(history.shares):
                for m in range(layout.members.size):
                    where = np.flatnonzero(tally.share[n, m, y])
                    at = (shares[m] - math.log(0.1)) / 0.01 if m in shares else None
                    assert where.tolist() == ([] if at is None else [math.floor(at)])
            for s, mission in enumerate(history.missions):
                assert_mission_equal(mission, joint.survival[0, n, s], tally, n, s)
            assert_new_missions_equal(history.new_missions, layout.members.size, tally, n)


@pytest.mark.parametrize("options", LAYOUTS)
def test_kernel_equals_twin(options: dict[str, Any]) -> None:
    layout = tiny_layout(**options)
    # A few paths are enough to show a single mechanism.
    paths = 2 if len(options.get("on", [])) == 1 else TWIN_PATHS
    assert_kernel_equals_twin(layout, tiny_draws(layout), paths)


def test_no_call_when_all_members_have_left() -> None:
    layout = constants(tiny_layout(on=ADDED), grey_zone=6, notice_quarters=1)
    draws = parameters(
        tiny_draws(layout),
        notice_rate=1e9,
        notice_reversed=0.0,
        us_notice_sympathetic=1e9,
        us_notice_other=1e9,
        us_succeeds=1.0,
    )
    tally, joint = play(layout, draws, 0, 1, joint=1)
    assert tally.event[:, 5, [EVENTS.index("exit"), EVENTS.index("us_exit")]].all()
    assert not tally.event[..., EVENTS.index("treaty_broken")].any()
    assert np.isfinite(joint.cohesion).all()
    assert_kernel_equals_twin(layout, draws, 1)


@pytest.mark.parametrize("early", [0.0, 0.3, [0.6, 0.4, 0.1]])
def test_kernel_equals_twin_in_changes_of_leader(plan: tuple[StaticInputs, Draws], early: float | list[float]) -> None:
    # Without cells a path is cheap, so rare sequences of elections are covered too.
    layout, draws = only(constants(plan[0], early_vote=early), plan[1], [])
    many = enough(200, 80)
    twins = [reference.Path(SEED, path, layout, draws, QUARTERS) for path in range(many)]
    for (k, y), count in np.ndenumerate(play(layout, draws, 0, many)[0].turnover):
        assert count == sum(twin.turnover(k, y) for twin in twins)
