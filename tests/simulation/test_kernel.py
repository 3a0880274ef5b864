"""Test that results of the kernel do not depend on order, batches, threads or the rest of the plan."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from forecast.simulation import kernel
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.tallies import SampledPaths, Tally
from tests.support.random_kernel_inputs import (
    QUARTERS,
    SEED,
    changed,
    constants,
    enough,
    merged,
    only,
    parameters,
    pick,
    play,
    tiny_draws,
    tiny_layout,
)

PATHS = enough(300, 6)
SINGLE = 1e-6  # float32 keeps seven digits
NO_CELLS = {"paths", "turnover"}


def same(a: Tally, b: Tally) -> bool:
    return all((getattr(a, name) == getattr(b, name)).all() for name in Tally._fields)


def cells_of(tally: Tally, index: list[int]) -> Tally:
    """Return the tally of some cells, in the order of `index`."""
    return Tally(
        *(
            part if name in NO_CELLS else np.take(part, index, 0)
            for name, part in zip(Tally._fields, tally, strict=True)
        )
    )


@pytest.fixture
def plan() -> tuple[StaticInputs, Draws]:
    layout = tiny_layout(onset=2)
    return layout, tiny_draws(layout)


def test_tallies_of_parts_add_up(plan: tuple[StaticInputs, Draws]) -> None:
    third = PATHS // 3
    parts = [play(*plan, 0, third)[0], play(*plan, third, PATHS)[0]]
    assert same(merged(parts), play(*plan, 0, PATHS)[0])


def test_sums_move_to_the_tally_before_they_can_overflow(
    plan: tuple[StaticInputs, Draws], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, series = play(*plan, 0, PATHS)
    monkeypatch.setattr(kernel, "_SUMMED", 7)
    parts, parts_series = play(*plan, 0, PATHS)
    assert same(whole, parts)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(series, parts_series, strict=True))


def test_same_seed_repeats_and_other_seed_differs(plan: tuple[StaticInputs, Draws]) -> None:
    first = play(*plan, 0, PATHS)[0]
    assert same(first, play(*plan, 0, PATHS)[0])
    assert not same(first, play(*plan, 0, PATHS, seed=SEED + 1)[0])


@pytest.mark.parametrize("threads", [1, 2])
def test_result_does_not_depend_on_threads(plan: tuple[StaticInputs, Draws], threads: int) -> None:
    edges = np.linspace(0, PATHS, 7).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(play, *plan, int(a), int(b)) for a, b in itertools.pairwise(edges)]
        parts = [job.result()[0] for job in jobs]
    assert same(merged(parts), play(*plan, 0, PATHS)[0])


@pytest.mark.parametrize("order", [[3, 1, 0, 2], [2, 0], [1]])
def test_cells_are_independent_of_each_other(plan: tuple[StaticInputs, Draws], order: list[int]) -> None:
    whole = play(*plan, 0, PATHS)[0]
    assert same(play(*only(*plan, order), 0, PATHS)[0], cells_of(whole, order))


def test_identical_cells_have_identical_results(plan: tuple[StaticInputs, Draws]) -> None:
    tally = play(*only(*plan, [1, 1]), 0, PATHS)[0]
    assert same(cells_of(tally, [0]), cells_of(tally, [1]))


def test_result_does_not_depend_on_order_of_members(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    order = [2, 3, 1, 0]
    other = play(
        layout._replace(members=pick(layout.members, order), announced=layout.announced[order]),
        draws._replace(members=pick(draws.members, order, 1)),
        0,
        PATHS,
    )[0]
    expected = play(*plan, 0, PATHS)[0]
    assert same(other, expected._replace(share=expected.share[:, order]))


def test_result_does_not_depend_on_order_of_missions(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    order = [1, 2, 0]
    other = play(
        layout._replace(
            missions=pick(layout.missions, order),
            contingents=pick(layout.contingents, order),
            curve_hazards=layout.curve_hazards[:, order].copy(),
        ),
        draws._replace(
            missions=pick(draws.missions, order, 1),
            contingents=pick(draws.contingents, order, 1),
        ),
        0,
        PATHS,
    )[0]
    expected = play(*plan, 0, PATHS)[0]
    moved = {
        name: getattr(expected, name)[:, order]
        for name in (
            "survival",
            "hollow",
            "collapsed",
            "exits",
            "ended",
            "handed",
            "modes",
            "reductions",
            "seen",
            "survival_sum",
        )
    }
    # Stakes are quarters, so the sum of shocks is exact in any order.
    assert same(other, expected._replace(**moved))


def test_without_announcements_their_weights_change_nothing(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    silent = layout._replace(announced=np.full_like(layout.announced, np.nan))
    sure = draws._replace(members=changed(draws.members, announced_weight=1.0))
    none = play(silent, draws, 0, PATHS)[0]
    assert same(none, play(silent, sure, 0, PATHS)[0])
    assert not same(none, play(layout, draws, 0, PATHS)[0])
    one = layout.announced.copy()
    one[1:] = np.nan  # of member 0 alone
    moved = play(layout._replace(announced=one), draws, 0, PATHS)[0].share != none.share
    assert moved[:, 0].any() and not moved[:, [2, 3]].any()


def test_a_certain_announcement_is_followed(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    sure = draws._replace(
        members=changed(draws.members, announced_weight=1.0, scale=0.0),
        cells=changed(draws.cells, retrenchment=0.0),
    )
    alone = constants(layout, balancing=0)._replace(members=changed(layout.members, european=[0.0, 1.0, 0.0, 0.0]))
    european = play(alone, sure, 0, 3, joint=3)[1].european
    np.testing.assert_allclose(european[..., 0], 1.3, rtol=1e-6)
    np.testing.assert_allclose(european[..., 1], 1.1, rtol=1e-6)
    assert european[..., 2].std() > 0.01  # the plan is over


def test_result_does_not_depend_on_order_of_countries(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    order, new_index = [2, 0, 3, 1], np.array([1, 3, 0, 2, -1])
    other = play(
        constants(layout, usa=1)._replace(
            countries=pick(layout.countries, order),
            members=changed(layout.members, country=new_index[layout.members.country]),
            contingents=changed(layout.contingents, country=new_index[layout.contingents.country]),
            dyads=changed(layout.dyads, country=new_index[layout.dyads.country]),
        ),
        draws._replace(countries=pick(draws.countries, order, 1)),
        0,
        PATHS,
    )[0]
    expected = play(*plan, 0, PATHS)[0]
    assert same(other, expected._replace(turnover=expected.turnover[order]))


def test_cells_agree_before_onset_and_differ_after() -> None:
    layout = tiny_layout(onset=5)  # the first quarter of the second year is quarter 4
    tally, joint = play(layout, tiny_draws(layout), 0, PATHS, joint=PATHS)
    for whole, onset in ((joint.cohesion, 5), (joint.european, 1)):
        assert (whole[..., :onset] == whole[:, :1, :onset]).all()
        for n in (1, 2, 3):
            assert (whole[:, n, onset:] != whole[:, 0, onset:]).any(0).all()
    np.testing.assert_array_equal(joint.survival[..., :5], joint.survival[:, [0] * 4, ..., :5])
    early = {
        "verdict": (0, 1, 5),
        "cohesion": (0, 1, 5),
        "threat_sum": (0, 1, 5),
        "share": (0, 2, 1),
        "survival": (0, 3, 5),
        "hollow": (0, 2, 5),
        "collapsed": (0, 2, 5),
        "exits": (0, 3, 5),
    }
    for name, (cells, time, onset) in early.items():
        part = np.take(getattr(tally, name), range(onset), time)
        assert (part == np.take(part, [0] * 4, cells)).all()
    assert (tally.threat_sum[2, 5:] > tally.threat_sum[0, 5:]).all()


def test_operational_is_below_nominal_and_both_never_rise(plan: tuple[StaticInputs, Draws]) -> None:
    survival = play(*plan, 0, PATHS, joint=PATHS)[1].survival
    nominal, operational, count = np.moveaxis(survival, 3, 0)
    for s, mission in enumerate(plan[0].missions):
        running = slice(int(mission.start), int(min(mission.end, QUARTERS)))
        assert np.isfinite(survival[:, :, s, :, running]).all()
        assert (operational[:, :, s, running] <= nominal[:, :, s, running]).all()
        for curve in (nominal, operational, count):
            assert (np.diff(curve[:, :, s, running]) <= 0).all()
            assert (curve[:, :, s, running] >= 0).all() and (curve[:, :, s, running] <= 1).all()
        outside = np.ones(QUARTERS, bool)
        outside[running] = False
        assert np.isnan(survival[:, :, s, :, outside]).all()


def test_higher_hazard_never_lengthens_a_stay(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = constants(plan[0], kaplan_meier_weight=0.0), plan[1]  # the curve would replace the higher level
    # Contagion of an earlier exit also ends earlier, so it is switched off; all other effects have one sign.
    p = draws.parameters
    draws = parameters(
        draws,
        contagion=0.0,
        lead_gone=abs(p.lead_gone),
        cohesion_effect=-abs(p.cohesion_effect),
        collapse_shock=-abs(p.collapse_shock),
    )
    more = draws._replace(contingents=changed(draws.contingents, defection=draws.contingents["defection"] + 0.4))
    shorter = 0
    for path in range(enough(60, 4)):
        a, b = (play(layout, d, path, path + 1, joint=path + 1) for d in (draws, more))
        exits = [one[0].exits.cumsum(-1) for one in (a, b)]
        assert (exits[1] >= exits[0]).all()
        stays = a[1].survival[path], b[1].survival[path]
        assert (np.nan_to_num(stays[1]) <= np.nan_to_num(stays[0])).all()
        shorter += int((exits[1] > exits[0]).sum())
    assert shorter > 0


def test_contagion_is_capped(plan: tuple[StaticInputs, Draws]) -> None:
    layout, draws = plan
    none = play(layout, parameters(draws, contagion=0.0), 0, PATHS)[0]
    assert same(none, play(constants(layout, contagion_cap=0.0), draws, 0, PATHS)[0])
    capped = play(constants(layout, contagion_cap=0.5), draws, 0, PATHS)[0]
    assert capped.exits.sum() > none.exits.sum()
    # Three of the four contributors there ever were can leave, and both of two.
    full = play(constants(layout, contagion_cap=1.0), draws, 0, PATHS)[0]
    assert same(full, play(constants(layout, contagion_cap=9.0), draws, 0, PATHS)[0])


def test_missions_do_not_affect_cohesion_without_collapses() -> None:
    runs: list[SampledPaths] = []
    for shift in (0.0, 2.0):
        layout = tiny_layout(collapse=0)
        draws = tiny_draws(layout)
        draws.contingents["defection"] += shift
        runs.append(play(layout, draws, 0, PATHS, joint=PATHS)[1])
    assert (runs[0].cohesion == runs[1].cohesion).all()
    assert not np.array_equal(runs[0].survival, runs[1].survival, equal_nan=True)


def test_longer_horizon_keeps_first_quarters(plan: tuple[StaticInputs, Draws]) -> None:
    # The hazards before the last quarter know scheduled elections after it, but not early ones.
    layout, draws = constants(plan[0], early_vote=0.0), plan[1]
    longer = constants(tiny_layout(quarters=16, onset=2), early_vote=0.0)
    longer = longer._replace(
        pledge=np.append(layout.pledge, 1.0),
        announced=np.append(layout.announced, np.full((4, 1), np.nan), axis=1),
        dyad_pledge=np.append(layout.dyad_pledge, [[1.0], [1.0]], axis=1),
    )
    short = play(layout, draws, 0, PATHS)[0]
    long = play(longer, draws, 0, PATHS, quarters=16)[0]
    assert (long.exits[..., :QUARTERS] == short.exits).all()
    assert (long.cohesion[:, :QUARTERS] == short.cohesion).all()
    assert (long.share[:, :, :3] == short.share).all()
    assert (long.turnover[:, :3] == short.turnover).all()
    assert (long.dyad_sum[:, :, :QUARTERS] == short.dyad_sum).all()
    assert (long.partner_share[:, :, :3] == short.partner_share).all()
