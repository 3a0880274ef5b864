"""Test that the kernel equals the twin for dyads, and that each mechanism has its sign."""

import math
from typing import Any

import numpy as np
import pytest

from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.records import DYAD_SERIES, NEVER
from forecast.simulation.rules import dyads as rule
from forecast.simulation.tallies import UNIT
from tests.support.random_kernel_inputs import (
    QUARTERS,
    SEED,
    changed,
    constants,
    enough,
    only,
    pick,
    play,
    tiny_draws,
    tiny_layout,
)
from tests.support.twin import dyads as reference_dyads
from tests.support.twin import path as reference

SINGLE = 1e-6  # float32 keeps seven digits
PATHS = enough(300, 6)
AT = {name: i for i, name in enumerate(DYAD_SERIES)}
LAYOUTS: list[dict[str, Any]] = [
    {"reach": 1, "demands": 1, "troop_cuts": 1, "fears": 1},
    {"reach": 0, "demands": 0, "troop_cuts": 0, "fears": 0},
    {"hns_demand": NEVER, "dprk_reach": NEVER, "us_war": NEVER, "grey_zone_dyad": NEVER},
    {"usa": -1, "grey_zone_dyad": 0, "onset": 0},
]


@pytest.fixture
def plan() -> tuple[StaticInputs, Draws]:
    layout = tiny_layout(onset=2)
    return layout, tiny_draws(layout)


@pytest.mark.parametrize(("quarter_of_year", "options"), [*((0, one) for one in LAYOUTS), (3, LAYOUTS[0])])
def test_kernel_equals_twin_for_dyads(quarter_of_year: int, options: dict[str, Any]) -> None:
    layout = constants(tiny_layout(onset=2, quarter_of_year=quarter_of_year), **options)
    draws = tiny_draws(layout)
    endings = refusals = 0
    for path in range(enough(4, 3)):
        tally, joint = play(layout, draws, path, path + 1, joint=1)
        twin = reference.Path(SEED, path, layout, draws, QUARTERS)
        outlook = reference_dyads.Outlook(twin)
        for n in range(layout.cells.size):
            for d in range(layout.dyads.size):
                one = reference_dyads.Dyad(twin, outlook, n, d)
                whole = dict(zip(DYAD_SERIES, joint.dyads[0, n, d], strict=True))
                near: Any = {"rtol": SINGLE, "atol": SINGLE}
                for name in ("cohesion", "abandonment", "entrapment", "opinion"):
                    np.testing.assert_allclose(whole[name], getattr(one, name), **near)
                for name in ("support", "troops"):
                    series = [getattr(one, name)(t) for t in range(QUARTERS)]
                    np.testing.assert_allclose(whole[name], series, **near)
                t = np.arange(QUARTERS)
                assert tally.dyad_intact[n, d].tolist() == (t < one.ended).tolist()
                assert tally.dyad_refused[n, d].tolist() == (t >= one.refused).tolist()
                for y, share in enumerate(one.shares):
                    where = np.flatnonzero(tally.partner_share[n, d, y])
                    assert where.tolist() == [math.floor((share - math.log(0.1)) / 0.01)]
                endings += one.ended < QUARTERS
                refusals += one.refused < QUARTERS
    assert endings > 0
    assert (refusals > 0) == (layout.constants[0].grey_zone_dyad < QUARTERS)


def test_sums_and_histograms_agree_with_sampled_dyads(plan: tuple[StaticInputs, Draws]) -> None:
    tally, joint = play(*plan, 0, PATHS, joint=PATHS)
    mean = tally.dyad_sum / UNIT / PATHS
    whole = np.moveaxis(joint.dyads.mean(0, dtype=float), 2, 3)
    np.testing.assert_allclose(mean, whole, rtol=SINGLE, atol=SINGLE)
    for counted in (tally.dyad_cohesion, tally.partner_share):
        assert (counted.sum(-1) == PATHS).all()


def test_result_does_not_depend_on_order_of_dyads(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    other = play(
        layout._replace(dyads=pick(layout.dyads, [1, 0]), dyad_pledge=layout.dyad_pledge[::-1].copy()),
        draws._replace(dyads=pick(draws.dyads, [1, 0], 1), partners=pick(draws.partners, [1, 0], 1)),
        0,
        PATHS,
    )[0]
    same = play(*plan, 0, PATHS)[0]
    assert (other.dyad_sum == same.dyad_sum[:, ::-1]).all()
    assert (other.dyad_intact == same.dyad_intact[:, ::-1]).all()
    assert (other.partner_share == same.partner_share[:, ::-1]).all()


def test_alliance_does_not_depend_on_dyads(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    none = play(
        layout._replace(dyads=pick(layout.dyads, []), dyad_pledge=layout.dyad_pledge[:0].copy()),
        draws._replace(dyads=pick(draws.dyads, [], 1), partners=pick(draws.partners, [], 1)),
        0,
        PATHS,
    )[0]
    whole = play(*plan, 0, PATHS)[0]
    for name in ("verdict", "cohesion_sum", "share", "survival_sum", "turnover", "exits"):
        assert (getattr(none, name) == getattr(whole, name)).all()
    assert none.dyad_sum.size == 0


def difference(
    plan: tuple[StaticInputs, Draws],
    name: str,
    *,
    d: int = 1,
    cell: int = 0,
    quiet: dict[str, Any] | None = None,
    loud: dict[str, Any] | None = None,
    own: dict[str, Any] | None = None,
) -> np.ndarray[Any, Any]:
    """Return `name` of dyad d under constants `loud` and parameters `own`, less its value under `quiet`.

    Shape (paths, quarters).
    """
    events = ("hns_demand", "dprk_reach", "us_war", "grey_zone_dyad")
    off: dict[str, Any] = dict.fromkeys(events, NEVER)
    layout, draws = only(*plan, [cell])
    one = play(constants(layout, **off | (quiet or {})), draws, 0, PATHS, joint=PATHS)[1]
    draws = draws._replace(dyads=changed(draws.dyads, **own or {}))
    two = play(constants(layout, **off | (loud or {})), draws, 0, PATHS, joint=PATHS)[1]
    return np.asarray(two.dyads[:, 0, d, AT[name]] - one.dyads[:, 0, d, AT[name]])


def test_demand_raises_abandonment_lowers_opinion_and_adds_support(plan: tuple[StaticInputs, Draws]) -> None:
    demand: Any = {"quiet": {"demands": 0}, "loud": {"demands": 0, "hns_demand": 5}}
    for name, sign in (("abandonment", 1), ("entrapment", -1), ("opinion", -1), ("cohesion", -1)):
        change = difference(plan, name, **demand)
        assert (change[:, :5] == 0).all()
        assert (sign * change[:, 5:] > 0).all(), name
    support = difference(plan, "support", **demand)[:, 5]
    assert (support > 0).all() and (support < 4).all()


def test_reach_raises_abandonment_of_exposed_dyad_only(plan: tuple[StaticInputs, Draws]) -> None:
    sure: Any = {"loud": {"dprk_reach": 4}}
    assert (difference(plan, "abandonment", **sure)[:, 4:] > 0).all()
    assert (difference(plan, "cohesion", **sure)[:, 4:] < 0).all()
    plan[1].dyads["reach_exposure"][:, 0] = 0.0
    assert (difference(plan, "abandonment", d=0, **sure) == 0).all()


def test_us_war_raises_entrapment(plan: tuple[StaticInputs, Draws]) -> None:
    change = difference(plan, "entrapment", loud={"us_war": 4})
    assert (change[:, :4] == 0).all() and (change[:, 4] >= 0).all() and (change[:, 4] > 0).any()
    assert change[:, 4:].mean() > 0  # it may end before a war that would have started anyway


def test_wider_gap_lowers_cohesion(plan: tuple[StaticInputs, Draws]) -> None:
    assert (difference(plan, "cohesion", own={"gap": plan[1].dyads["gap"] + 0.3}) < 0).all()


def test_refusal_raises_abandonment_and_termination(
    plan: tuple[StaticInputs, Draws],
) -> None:
    layout, draws = only(*plan, [0])
    layout = constants(layout, grey_zone_dyad=2)
    seen = {
        honour: play(layout, draws._replace(dyads=changed(draws.dyads, honour=honour)), 0, PATHS)[0]
        for honour in (-50.0, 50.0)
    }
    refused, honoured = (seen[h] for h in (-50.0, 50.0))
    assert (refused.dyad_refused[..., 2:] == PATHS).all() and not honoured.dyad_refused.any()
    sums = {h: t.dyad_sum[0, :, 2:, AT["abandonment"]] for h, t in seen.items()}
    assert (sums[-50.0] > sums[50.0]).all()
    assert refused.dyad_intact.sum() < honoured.dyad_intact.sum()


def test_constant_hazard_gives_exponential_treaty_survival(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    draws = draws._replace(dyads=changed(draws.dyads, termination=0.05, termination_cohesion=0.0))
    many = enough(4000, 40)
    stands = play(constants(layout, grey_zone_dyad=NEVER), draws, 0, many)[0].dyad_intact[0]
    expected = np.exp(-0.05 * np.arange(1, QUARTERS + 1))
    error = 4 * np.sqrt(expected * (1 - expected) / many)  # four standard errors
    assert (abs(stands / many - expected) < error).all()


def test_coupling_of_fears_has_its_long_run_value() -> None:
    # Under a constant drive of 1, A converges to 10 and E to -0.2 A.
    fear = entrapment = 0.0
    for _ in range(400):
        before = 0.9 * fear
        fear = rule.abandonment(fear, 0.9, 0.4, 0.0, 1.0, 1.0, 0.2, 0.0, 0.0)
        entrapment = rule.entrapment(entrapment, 0.9, 0.3, 0.0, 0.2, 0.0, 0.2, fear - before, 0.0)
    assert fear == pytest.approx(10.0) == pytest.approx(rule.resting_level(1.0, 0.9))
    assert entrapment == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ((1.0, 0.3, -0.2, 0.0), 0.1),
        ((0.5, 0.4, 0.1, 1.0), -0.7),
        ((1.0, 1.0, 1.0, 0.0), 1.0),
        ((0.0, 9.0, -0.9, 1.0), -1.0),
    ],
)
def test_signal_is_bounded(signal: tuple[float, ...], expected: float) -> None:
    assert rule.signal(*signal) == pytest.approx(expected)


def test_reach_grows_towards_one() -> None:
    levels = [rule.reach_level(0.5, 0.02, t) for t in range(400)]
    assert levels[0] == 0.5 and np.all(np.diff(levels) > 0) and 0.99 < levels[-1] < 1.0
