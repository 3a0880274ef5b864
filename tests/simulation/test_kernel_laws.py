"""Test the kernel where the answer is known: constant hazards, stationary factors, certain changes of president."""

import math
from typing import Any

import numpy as np
import pytest

from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.records import NEVER
from forecast.simulation.tallies import UNIT
from tests.support.random_kernel_inputs import (
    QUARTERS,
    SEED,
    changed,
    constants,
    enough,
    only,
    parameters,
    play,
    tiny_draws,
    tiny_layout,
)
from tests.support.twin import path as reference

PATHS = enough(300, 6)
MANY = enough(4000, 40)
SINGLE = 1e-6  # float32 keeps seven digits
NOWHERE = -math.inf  # log of a hazard of 0


@pytest.fixture
def plan() -> tuple[StaticInputs, Draws]:
    layout = constants(tiny_layout(onset=2), kaplan_meier_weight=0.0)  # the laws of the model alone
    return layout, tiny_draws(layout)


def test_no_exits_without_hazards(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    draws = draws._replace(contingents=changed(draws.contingents, defection=NOWHERE, planned=NOWHERE))
    tally, joint = play(layout, draws, 0, PATHS, joint=PATHS)
    assert not (tally.exits.any() or tally.hollow.any() or tally.collapsed.any())
    survival = joint.survival[np.isfinite(joint.survival)]
    np.testing.assert_allclose(survival, 1.0, rtol=SINGLE)


def plain(draws: Draws) -> Draws:
    """Return draws with constant hazards, equal for all contingents, without covariates."""
    zero = dict.fromkeys(
        [
            "duration_defection",
            "duration_planned",
            "leader_change",
            "election_ahead",
            "contagion",
            "lead_gone",
            "ending",
            "cohesion_effect",
        ],
        0.0,
    )
    contingents = changed(draws.contingents, defection=math.log(0.06), planned=math.log(0.04))
    return parameters(draws, **zero)._replace(contingents=contingents)


def test_constant_hazard_gives_exponential_survival(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    tally = play(layout, plain(draws), 0, MANY)[0]
    for s, mission in enumerate(layout.missions):
        for t in range(mission.start, min(mission.end, QUARTERS)):
            left = math.exp(-(0.06 + 0.04) * (t - mission.start + 1))
            gone = tally.exits[0, s, : mission.contingents, : t + 1].sum(-1) / MANY
            # Four binomial standard errors.
            assert (abs(1 - gone - left) < 4 * math.sqrt(left * (1 - left) / MANY)).all()


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_survival_is_the_pool_of_curve_and_model(plan: tuple[StaticInputs, Draws], weight: float) -> None:
    layout, draws = only(*plan, [0])
    layout = constants(layout, kaplan_meier_weight=weight)
    tally = play(layout, plain(draws), 0, MANY)[0]
    model = np.full(QUARTERS, 0.06 + 0.04)
    for s, mission in enumerate(layout.missions):
        quarters = np.arange(mission.start, min(mission.end, QUARTERS))
        for c in range(mission.contingents):
            curve = np.where(layout.curve_hazards[:, s, c] < 0.0, model, layout.curve_hazards[:, s, c])
            follows, own = (np.exp(-np.cumsum(hazard[quarters])) for hazard in (curve, model))
            left = weight * follows + (1.0 - weight) * own
            stayed = 1.0 - tally.exits[0, s, c, quarters[0] : quarters[-1] + 1].cumsum() / MANY
            assert (abs(stayed - left) < 4 * np.sqrt(left * (1 - left) / MANY)).all()  # four binomial standard errors


def test_causes_keep_their_proportion_on_the_curve(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    layout = constants(layout, kaplan_meier_weight=1.0, tether=0)
    layout.curve_hazards[...] = 0.001  # so rare that no contingent is due for both causes
    tally = play(layout, plain(draws), 0, MANY)[0]
    exits, defections = tally.exits[0].sum(), tally.modes[0, :, 0].sum()
    assert abs(defections / exits - 0.6) < 4 * math.sqrt(0.6 * 0.4 / exits)


def test_effects_keep_their_hazard_ratio_on_the_curve(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    layout, draws = constants(layout, kaplan_meier_weight=1.0, circumstances=1), plain(draws)
    layout.curve_hazards[...] = 0.02
    draws.contingents["circumstances"] = math.log(3.0)  # on defection, which is 0.06 of 0.1
    gone = play(layout, draws, 0, MANY)[0].exits[0, 0].sum(-1) / MANY
    left = math.exp(-0.02 * (3.0 * 0.6 + 0.4) * QUARTERS)
    assert (abs(1 - gone - left) < 4 * math.sqrt(left * (1 - left) / MANY)).all()


def test_cuts_keep_the_rate_of_the_model_on_the_curve(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    layout = constants(layout, kaplan_meier_weight=1.0, reductions=1, tether=0)
    layout.curve_hazards[...] = 0.0  # nobody leaves
    draws = parameters(plain(draws), mode_lower=0.9, mode_upper=0.9, reduction=math.log(5.0), ever_reduced=0.0)
    tally, joint = play(layout, draws, 0, MANY, joint=MANY)
    t = 1
    assert not tally.exits[0, 0].any()
    operation = joint.survival[:, 0, 0, 1, t].astype(float)
    expected = kept(0.06 * (t + 1) * 5.0) * kept(0.04 * (t + 1) * 5.0)
    assert abs(operation.mean() - expected) < 4 * operation.std() / math.sqrt(MANY)


def kept(rate: float) -> float:
    """Return E 0.9^min(N, 4) for a Poisson N: at most four cuts are followed, and each leaves 0.9."""
    weights = [math.exp(-rate) * rate**k / math.factorial(k) for k in range(4)]
    return sum(w * 0.9**k for k, w in enumerate(weights)) + (1 - sum(weights)) * 0.9**4


def test_partial_defections_are_a_poisson_process(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    draws = parameters(plain(draws), mode_lower=0.9, mode_upper=0.9)._replace(
        missions=changed(draws.missions, full_exit=0.3)
    )
    draws.contingents["planned"] = NOWHERE
    joint = play(layout, draws, 0, MANY, joint=MANY)[1]
    t = 3
    left, rate = math.exp(-0.06 * (t + 1)), 0.06 * (t + 1) * 0.7 / 0.3
    operation = joint.survival[:, 0, 0, 1, t].astype(float)
    assert abs(operation.mean() - left * kept(rate)) < 4 * operation.std() / math.sqrt(MANY)


def test_reductions_come_at_the_ratio_of_the_fit_for_both_causes(plan: tuple[StaticInputs, Draws]) -> None:
    # The fit divides reductions by the hazard of both causes, so over the same risk set the expected number of
    # reductions is exp(shift) times the expected number of exits, whatever the hazards are.
    layout, draws = only(*plan, [0])
    layout = constants(layout, reductions=1, tether=0)
    shift = 1.0
    draws = parameters(draws, reduction=shift, ever_reduced=0.0)
    for cause in ("defection", "planned"):  # rare enough that no exit and cut meet in one quarter, nor four cuts
        draws.contingents[cause] -= 4.0
    tally = play(layout, draws, 0, MANY)[0]
    for s in range(layout.missions.size):
        cuts, exits = tally.reductions[0, s], tally.exits[0, s].sum()
        # Given the hazards, cuts and exits are independent and nearly Poisson: four standard errors of the difference.
        assert cuts > 0.0 and abs(cuts - math.exp(shift) * exits) < 4 * math.sqrt(cuts + math.exp(2 * shift) * exits)


def test_planned_reductions_are_a_poisson_process(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = only(*plan, [0])
    layout = constants(layout, reductions=1)
    draws = parameters(plain(draws), mode_lower=0.9, mode_upper=0.9, reduction=math.log(5.0))
    draws.contingents["defection"] = NOWHERE
    joint = play(layout, draws, 0, MANY, joint=MANY)[1]
    t = 3
    left, rate = math.exp(-0.04 * (t + 1)), 0.04 * (t + 1) * 5.0
    operation = joint.survival[:, 0, 0, 1, t].astype(float)
    assert abs(operation.mean() - left * kept(rate)) < 4 * operation.std() / math.sqrt(MANY)


def quiet(layout: StaticInputs, draws: Draws, **fields: Any) -> tuple[StaticInputs, Draws]:
    """Return one cell without missions and shifts, from the neutral state: the factors are noise only."""
    layout, draws = only(layout, draws, [0])
    layout = layout._replace(missions=changed(layout.missions, start=NEVER))
    cells = changed(draws.cells, war_shift=0.0, design_shift=0.0)
    return layout, parameters(draws, **{"factor_start": 0.0, **fields})._replace(cells=cells)


@pytest.mark.parametrize("weights", [[1, 0, 0, 0], [0, 0, 0, 1], [0.25] * 4])
def test_factors_have_stationary_variance_and_autocorrelation(
    plan: tuple[StaticInputs, Draws], weights: list[float]
) -> None:
    phi, sd, c = 0.5, 0.7, 0.3
    layout, draws = quiet(*plan, weights=weights)
    layout = constants(layout, factor_phi=phi, factor_innovation=sd * math.sqrt(1 - phi**2), factor_correlation=c)
    cohesion = play(layout, draws, 0, MANY, joint=MANY)[1].cohesion[:, 0].astype(float)
    w = np.array(weights)
    # From a known start, of which 0.5^24 is left after 12 quarters. Equal correlation c.
    spread = sd**2 * ((1 - c) * (w @ w) + c * w.sum() ** 2)
    for t in (0, 1, 3, QUARTERS - 1):
        expected = spread * (1 - phi ** (2 * (t + 1)))
        # The variance of a normal sample has standard error var sqrt(2 / n).
        assert abs(cohesion[:, t].var() / expected - 1) < 4 * math.sqrt(2 / MANY)
        assert abs(cohesion[:, t].mean()) < 4 * math.sqrt(expected / MANY)
    lag = np.corrcoef(cohesion[:, -2], cohesion[:, -1])[0, 1]
    assert abs(lag - phi) < 4 / math.sqrt(MANY)


def test_factor_start_decays_with_factor_phi(plan: tuple[StaticInputs, Draws]) -> None:
    start, weights = [0.8, -0.4, 0.2, 0.6], [0.1, 0.2, 0.3, 0.4]
    layout, draws = quiet(*plan, weights=weights, factor_start=start)
    still = constants(layout, factor_innovation=0.0)
    cohesion = play(still, draws, 0, 1, joint=1)[1].cohesion[0, 0]
    expected = np.dot(weights, start) * 0.96 ** np.arange(1, QUARTERS + 1)
    np.testing.assert_allclose(cohesion, expected, rtol=SINGLE)


def test_mean_threat_moves_to_war_target() -> None:
    layout = constants(tiny_layout(onset=3), threat_sd=0.02)  # so small that the bound at 0 does not matter
    tally = play(layout, tiny_draws(layout), 0, PATHS)[0]
    mean = tally.threat_sum / UNIT / PATHS
    steps = np.maximum(np.arange(QUARTERS) - 3 + 1, 0)
    path = 1.0 + 0.5 * (1.0 - 0.95**steps)  # from 1 towards 1.5, a twentieth of the way each quarter
    sd = 0.02 * np.sqrt((1 - 0.95 ** (2 * np.arange(1, QUARTERS + 1))) / (1 - 0.95**2))
    assert (abs(mean[2] - path) < 4 * sd / math.sqrt(PATHS)).all()
    # Both cells have the same noise, so their difference has none; fixed point rounds.
    np.testing.assert_allclose(mean[2] - mean[0], path - 1.0, atol=1e-9)


@pytest.mark.parametrize(("limited", "expected"), [(1, [0, 1, 0]), (0, [0, 0, 1])])
def test_term_limited_president_leaves_after_election(
    plan: tuple[StaticInputs, Draws], limited: int, expected: list[int]
) -> None:
    # Elections are in quarters 3 and 7, terms start in quarters 4 and 8. A president who may stand is re-elected
    # here, and may then not stand again.
    layout = constants(plan[0], usa_off_cycle=0.0)
    layout.countries["mandates"][0] = 1 + limited
    draws = parameters(plan[1], usa_election=0.0)
    tally = play(layout, draws, 0, PATHS)[0]
    assert tally.turnover[0].tolist() == [PATHS * x for x in expected]


def test_president_who_succeeds_off_cycle_may_stand(plan: tuple[StaticInputs, Draws]) -> None:
    # The election of quarter 3 keeps a president who may stand. Only a president who has been in office from the
    # start leaves after it; the others leave off cycle or not at all.
    layout, draws = quiet(*plan, usa_election=0.0)
    layout = constants(layout, usa_off_cycle=0.2)
    layout.countries["term"][0] = NEVER
    twins = [reference.Path(SEED, i, layout, draws, QUARTERS) for i in range(enough(40, 15))]
    expected = [sum(twin.turnover(0, y) for twin in twins) for y in range(3)]
    assert expected[1] < len(twins)
    assert play(layout, draws, 0, len(twins))[0].turnover[0].tolist() == expected


def test_collapse_in_last_quarter_of_mission_shocks_once(
    plan: tuple[StaticInputs, Draws],
) -> None:
    layout, draws = quiet(*plan, collapse_shock=-1.0, weights=0.25)
    # All contingents leave mission 2 in quarter 0, so it collapses in quarter 1, its last.
    layout = layout._replace(missions=changed(layout.missions, start=[9, 9, 0], end=[9, 9, 2]))
    draws = draws._replace(contingents=changed(draws.contingents, defection=9.0))
    still = constants(layout, factor_innovation=0.0)
    cohesion = play(still, draws, 0, 1, joint=1)[1].cohesion[0, 0]
    expected = [0.0, *(-0.25 * 0.96 ** np.arange(QUARTERS - 1))]  # the stake is a quarter
    np.testing.assert_allclose(cohesion, expected, rtol=SINGLE)
