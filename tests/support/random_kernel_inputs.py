"""Build small random plans and draws that reach all branches of the kernel; nothing in them is realistic."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import config

from forecast.names import STRESSES
from forecast.projection.batches import SimulationSpec
from forecast.simulation import records as dtypes
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.kernel import simulate
from forecast.simulation.records import (
    CANDIDATE_MISSION,
    DYAD,
    DYAD_CELL,
    DYAD_PARAMETER,
    NEVER,
    OUTLOOK_PARAMETER,
    records,
)
from forecast.simulation.tallies import SampledPaths, Tally, add, settle

RNG_SEED = 7
QUARTERS = 12
SEED = 2026


#: Parameters of the alliance, mean and SD; all events happen within a few quarters.
ALLIANCE = {
    "crisis_rate": (0.15, 0.01),
    "crisis_rally": (0.4, 0.1),
    "crisis_strain": (0.5, 0.1),
    "crisis_cost": (0.1, 0.02),
    "wedge_rate": (0.1, 0.01),
    "wedge": (-0.3, 0.1),
    "dispute_rate": (0.2, 0.02),
    "dispute": (-0.4, 0.1),
    "dispute_outside": (0.5, 0.05),
    "coalition_change": (0.64, 0.03),
    "sceptic": (0.3, 0.03),
    "sceptic_usa": (0.5, 0.03),
    "start_usa": (-0.4, 0.2),
    "orientation": (0.5, 0.1),
    "scapegoat_rate": (0.3, 0.03),
    "scapegoat": (-0.1, 0.03),
    "burden_sharing": (0.075, 0.02),
    "spending_cost": (-0.02, 0.01),
    "block_base": (-2.5, 0.2),
    "block_spread": (2, 0.3),
    "block_low": (2, 0.3),
    "block_absent": (1.5, 0.3),
    "block": (-0.1, 0.03),
    "article5": (0.43, 0.05),
    "article5_effect": (1, 0.2),
    "article5_notice": (-0.15, 0.03),
    "article5_refusal": (-0.4, 0.1),
    "honour": (0.4, 0.2),
    "honour_confidence": (2, 0.3),
    "honour_distance": (-0.4, 0.1),
    "honour_orientation": (0.8, 0.1),
    "threat_reach": (2, 0.2),
    "threat_eye": (0.3, 0.05),
    "balancing": (0.02, 0.003),
    "balancing_far": (0.1, 0.01),
    "credibility_decay": (0.3, 0.03),
    "notice_rate": (0.1, 0.01),
    "notice_cohesion": (-0.5, 0.1),
    "notice_sceptic": (0.6, 0.1),
    "notice_reversed": (0.4, 0.05),
    "notice_norms": (-0.2, 0.05),
    "command_exit_rate": (0.1, 0.01),
    "command_return_rate": (0.3, 0.03),
    "command_exit": (-0.1, 0.03),
    "us_notice_sympathetic": (0.15, 0.02),
    "us_notice_other": (0.05, 0.01),
    "us_burden": (0.2, 0.1),
    "us_succeeds": (0.5, 0.05),
    "us_notice_leadership": (-1, 0.2),
    "us_notice_threats": (-0.2, 0.1),
    "us_drawdown_rate": (0.15, 0.02),
    "us_drawdown_lower": (0.25, 0),
    "us_drawdown_upper": (0.5, 0),
}

DYADS_ON = {name: [1] for name in ("reach", "demands", "troop_cuts", "fears")}
DYAD_EVENTS = {"hns_demand": [6], "dprk_reach": [8], "us_war": [7], "grey_zone_dyad": [3]}


def announced(years: int) -> Any:
    """Return announced shares of the four members, percent of GDP: a rise in all years, a cut that ends, and none."""
    shares = np.full((4, years), np.nan)
    shares[0] = np.linspace(3.4, 3.9, years)
    shares[1, :2] = [1.3, 1.1]
    return shares


def enough(compiled: int, plain: int) -> int:
    """Return a number of paths: `compiled`, or `plain` without the compiler, which is a thousand times slower."""
    return plain if config.DISABLE_JIT else compiled


def play(
    layout: StaticInputs,
    draws: Draws,
    first: int,
    last: int,
    *,
    joint: int = 0,
    quarters: int = QUARTERS,
    seed: int = SEED,
) -> tuple[Tally, SampledPaths]:
    """Simulate paths first to last - 1 in new buffers; returns the settled tally and the first `joint` paths."""
    tally = empty_tally(layout, quarters)
    sampled = empty_sampled_paths(layout, quarters, joint)
    shocks, path_state = new_shocks(layout, quarters), new_path_state(layout, quarters)
    simulate(np.arange(first, last), seed, layout, draws, shocks, path_state, tally, sampled)
    return settle(tally, layout.missions), sampled


def spec(layout: StaticInputs, draws: Draws, whole: int = 0) -> SimulationSpec:
    """Return the specification that all batches of a projection share, with `whole` complete paths."""
    return SimulationSpec(static=layout, draws=draws, quarters=QUARTERS, joint_paths=whole, seed=SEED)


def merged(parts: Sequence[Tally]) -> Tally:
    """Return the sum of tallies without changing them."""
    total = Tally(*(np.zeros_like(part) for part in parts[0]))
    for part in parts:
        add(total, part)
    return total


def pick(table: Any, index: Any, axis: int = 0) -> Any:
    """Return the records at `index` along `axis`, contiguous as the kernel expects."""
    taken = np.take(np.asarray(table), np.asarray(index, int), axis)
    picked = records(table.dtype, *taken.shape)
    picked[...] = taken
    return picked


def changed(table: Any, **fields: Any) -> Any:
    """Return a copy of records with some fields set."""
    copy = pick(table, np.arange(table.shape[0]))
    for name, values in fields.items():
        copy[name] = values
    return copy


def only(layout: StaticInputs, draws: Draws, index: list[int]) -> tuple[StaticInputs, Draws]:
    """Return plan and draws with some cells, in the order of `index`."""
    return (
        layout._replace(cells=pick(layout.cells, index)),
        draws._replace(cells=pick(draws.cells, index, 1), dyad_cells=pick(draws.dyad_cells, index, 1)),
    )


def constants(layout: StaticInputs, **fields: float) -> StaticInputs:
    """Return a copy of the plan with some constants set."""
    return layout._replace(constants=changed(layout.constants, **fields))


def parameters(draws: Draws, **fields: Any) -> Draws:
    """Return a copy of the draws with some parameters set in all rows."""
    return draws._replace(parameters=changed(draws.parameters, **fields))


def fill(dtype: np.dtype[Any], **fields: Any) -> Any:
    """Return records built from one list for each field."""
    size = len(next(iter(fields.values())))
    filled = records(dtype, size)
    for name, values in fields.items():
        filled[name] = values
    return filled


def tiny_layout(
    *,
    quarters: int = QUARTERS,
    quarter_of_year: int = 0,
    onset: int = 0,
    collapse: int = 1,
    on: Sequence[str] = (),
    stress: int = NEVER,
    feedback: float = 0.0,
) -> StaticInputs:
    """Return a plan of four members and countries (the United States first), three missions and four cells.

    `on` names the mechanisms that are switched on; `stress` is the quarter of all stress events of the alliance.
    """
    contingents = records(dtypes.CONTINGENT, 3, 3)
    curve_hazards = np.random.default_rng(RNG_SEED).uniform(0.0, 0.2, (quarters, 3, 3))
    curve_hazards[:, 1], curve_hazards[6:, 0, 1] = -1.0, -1.0  # where the curve has no estimate
    contingents["id"] = np.arange(31, 40).reshape(3, 3)
    contingents["country"] = [[0, 1, 2], [3, -1, -1], [1, 2, -1]]
    contingents["served"] = [[20, 3, 41], [0, 0, 0], [7, 1, 0]]
    contingents["ally"] = [[1, 1, 0], [1, 0, 0], [1, 1, 0]]
    contingents["weight"] = [[0.5, 0.3, 0.2], [0.7, 0.3, 0.0], [0.4, 0.6, 0.0]]
    contingents["relative_dependence"] = [[-0.5, 0.2, 0.3], [0.0, 0.0, 0.0], [0.2, -0.2, 0.0]]
    return StaticInputs(
        constants=fill(
            dtypes.CONSTANTS,
            quarter_of_year=[quarter_of_year],
            usa=[0],
            onset=[onset],
            collapse=[collapse],
            neutral_target=[1.0],
            floor=[np.log(0.2)],
            cap=[np.log(3.4)],
            front_mark=[np.log(3.2)],
            growth_mean=[0.018],
            growth_phi=[0.4],
            growth_bounce=[0.5],
            growth_sd=[0.025],
            early_vote=[[0.2, 0.15, 0.1]],
            usa_off_cycle=[0.01],
            kaplan_meier_weight=[0.5],
            contagion_cap=[0.5],
            hollow_flags=[0.6],
            hollow_operation=[0.5],
            collapse_operation=[0.25],
            factor_phi=[0.96],
            factor_innovation=[0.196],
            factor_correlation=[0.3],
            threat_persistence=[0.95],
            threat_sd=[0.1],
            casualty_memory=[0.25],
            casualty_phi=[0.7],
            trend_phi=[0.7],
            opinion_phi=[0.9],
            noncombat_losses=[0.3],
            same_camp=[0.36],
            wing_sd=[0.5],
            nominal_flags=[0.3],
            arrival_rate=[0.08],
            us_led=[0.6],
            common_interest=[0.6],
            own_interest=[1.0],
            **(DYADS_ON | {name: [1] for name in on}),
            **({name: [stress] for name in STRESSES} | DYAD_EVENTS),
            ally_usa=[0],
            rally_decay=[0.7],
            onset_decay=[0.8],
            strain_decay=[0.9],
            orientation_jitter=[0.1],
            low_alignment=[-0.3],
            article5_persistence=[0.95],
            article5_usual=[0.43],
            burden_sd=[0.25],
            burden_gap=[0.4],
            exit_factor=[3.0],
            honour_line=[0.5],
            broken_quarters=[4],
            notice_quarters=[4],
            deterrence_feedback=[feedback],
        ),
        pledge=np.log(np.linspace(2.1, 3.0, (quarters + quarter_of_year) // 4)),
        announced=np.log(announced((quarters + quarter_of_year) // 4)),
        members=fill(
            dtypes.MEMBER,
            id=[11, 12, 13, 14],
            country=[0, 1, -1, -1],
            start_growth=[0.02, 0.01, 0.0, -0.03],
            front=[0.0, 1.0, 0.0, 0.0],
            european=[0.0, 0.6, 0.0, 0.4],
            weight=[0.5, 0.2, 0.2, 0.1],
            distance=[7.8, 1.2, 1.6, 0.9],
            distance_z=[1.7, -0.5, -0.3, -0.9],
            pacific=[1, 0, 0, 0],
            firm=[1, 1, 0, 0],
            dependence=[0.0, 1.0, 0.5, 0.5],
        ),
        countries=fill(
            dtypes.COUNTRY,
            id=[21, 22, 23, 24],
            next_election=[3, 6, 2, NEVER],
            term=[4, 8, 5, 8],
            parliamentary=[0, 1, 1, 0],
            fixed=[0, 0, 1, 0],
            in_office=[4, 0, 9, 30],
            mandates=[2, 0, 1, 0],
            term_limit=[2, NEVER, 2, 1],
            voted=[0, 0, 1, 0],
            usual_change=[0.1, 0.2, 0.15, 0.05],
            usual_election=[0.3, 0.25, 0.4, 0.2],
            influence_weight=[0.5, 0.3, 0.2, 0.0],
        ),
        missions=fill(
            dtypes.MISSION,
            start=[0, 2, 0],
            end=[NEVER, NEVER, 6],
            stake=[1.0, 0.5, 0.25],
            lead=[0, -1, 1],
            contingents=[3, 2, 2],
            ever=[4, 2, 2],
            id=[41, 42, 43],
            combat=[1.0, 0.0, 1.0],
            ad_hoc=[1, 0, 1],
            age=[38, 0, 3],
            contentious=[1, 1, 0],
            veto=[1, 0, 0],
        ),
        contingents=contingents,
        cells=fill(
            dtypes.CELL,
            war_ramp=[8] * 4,
            design_ramp=[8, 10, 8, 10],
            threat_target=[1, 1, 1.5, 1.5],
            pledge_multiplier=[1, 1.3, 1, 1.3],
            credibility=[0, 1, 0, 0.5],
            promise=[0, 1, 0, 1],
            troop_ramp=[8, 10, 8, 1],
            drawdown=[1, 4, 1, 2],
            china_focus=[0, 0.5, 1, 0],
            half_life=[[0.0] * 4, [0, 0, 0, 6.0]] * 2,
            out_of_area=[1, 0.6, 1.3, 1],
            first_responder=[1, 1, 1, 0],
            entrapment=[1, 1, 1.2, 1],
        ),
        candidate_missions=fill(CANDIDATE_MISSION, id=[51, 52, 53], framework=[0, 1, 0]),
        dyads=fill(
            DYAD,
            id=[51, 52],
            partner=[53, 54],
            country=[3, -1],
            start_growth=[0.01, 0.02],
            renewal=[1, 4],
            renewal_every=[4, 20],
        ),
        curve_hazards=curve_hazards,
        dyad_pledge=np.log(np.linspace([1.3, 2.6], [2.0, 3.5], (quarters + quarter_of_year) // 4).T.copy()),
    )


def tiny_draws(layout: StaticInputs, rows: int = 3) -> Draws:
    """Return random parameters with hazards so high that all events happen within a few quarters."""
    rng = np.random.default_rng(RNG_SEED)

    def records_of(dtype: np.dtype[Any], *shape: int, **center: tuple[float, float]) -> Any:
        drawn = records(dtype, *shape)
        for name, (mean, spread) in center.items():
            drawn[name] = rng.normal(mean, spread, drawn[name].shape)
        return drawn

    parameters = records_of(
        dtypes.PARAMETER,
        rows,
        common_phi=(0.6, 0.05),
        common_scale=(0.02, 0.002),
        common_start=(0, 0.02),
        volatility_phi=(0.7, 0.05),
        volatility_sd=(0.3, 0.03),
        volatility_start=(0, 0.2),
        response_start=(-2, 0.2),
        response_mean=(-3, 0.2),
        response_phi=(0.9, 0.02),
        response_sd=(0.3, 0.05),
        front=(0.5, 0.1),
        growth=(-0.6, 0.1),
        growth_lag=(0.3, 0.1),
        election_spending=(-0.01, 0.01),
        turnover_intercept=(-2.5, 0.1),
        turnover_offset=(0, 0.3),
        turnover_election=(2, 0.2),
        turnover_after=(1.8, 0.2),
        turnover_after_new=(-1.8, 0.2),
        turnover_limited=(2.5, 0.3),
        turnover_before=(1.5, 0.1),
        tenure=(0, 0.2),
        usa_election=(0.43, 0.05),
        duration_defection=(0, 0.2),
        duration_planned=(0, 0.2),
        leader_change=(0.4, 0.2),
        election_ahead=(0.4, 0.2),
        contagion=(0.1, 0.02),
        lead_gone=(1.8, 0.3),
        ending=(2, 0.3),
        cohesion_effect=(-0.25, 0.1),
        collapse_shock=(-0.2, 0.1),
        verdict_low=(-0.25, 0.1),
        verdict_high=(0.4, 0.1),
        rater_sd=(0.25, 0.02),
        factor_start=(0, 0.5),
        caveat_detection=(0.5, 0.1),
        reduction=(0.35, 0.1),
        ever_reduced=(0.4, 0.1),
        tether=(-0.8, 0.2),
        casualties=(0.3, 0.1),
        loss_aversion=(2.0, 0.2),
        combat_drift=(0.02, 0.01),
        trend=(-0.3, 0.1),
        opposition=(0.3, 0.1),
        right_wing=(-0.2, 0.1),
        left_turn=(0.4, 0.1),
        backfill=(0.6, 0.1),
        hand_over=(0.5, 0.1),
        nato=(-1.4, 0.2),
        coalition_caveats=(1.5, 0.1),
        **ALLIANCE,
        join_cost=(0.3, 0.3),
        solidarity=(0.7, 0.2),
        call=(0.5, 0.2),
        decision_lag=(3.0, 0.3),
    )
    parameters["stay"] = rng.uniform(0.05, 0.2, (rows, 2))
    parameters["mode_shares"] = rng.dirichlet([8, 4, 6, 2], rows)
    parameters["mode_lower"], parameters["mode_upper"] = [0.3, 0.4, 0.5, 0], [0.7, 0.8, 0.9, 0.2]
    parameters["weights"] = rng.dirichlet([6, 6, 6, 6], rows)
    members = records_of(
        dtypes.MEMBER_PARAMETER,
        rows,
        layout.members.size,
        target=(0.5, 0.1),
        pull=(0.03, 0.005),
        scale=(0.06, 0.01),
        tails=(4, 0.3),
        loading=(1, 0.1),
    )
    members["start"] = np.log([3.2, 1.4, np.nan, 2.6])
    members["announced_weight"] = np.linspace(0.2, 0.6, rows)[:, None]
    missions, contingents = layout.missions.size, layout.contingents.shape
    return Draws(
        parameters=parameters,
        members=members,
        countries=records_of(
            dtypes.COUNTRY_PARAMETER,
            rows,
            layout.countries.size,
            turnover_effect=(0, 0.5),
        ),
        missions=records_of(dtypes.MISSION_PARAMETER, rows, missions, full_exit=(0.4, 0.05), consensus=(0.5, 0.1)),
        contingents=records_of(
            dtypes.CONTINGENT_PARAMETER,
            rows,
            *contingents,
            defection=(-1.8, 0.3),
            planned=(-3, 0.3),
            circumstances=(0.1, 0.2),
        ),
        cells=records_of(
            dtypes.CELL_PARAMETER,
            rows,
            layout.cells.size,
            war_shift=(0.3, 0.5),
            design_shift=(0, 0.3),
            retrenchment=(0.03, 0.005),
            troop_cut=(0.4, 0.05),
            backsliding=(0.8, 0.1),
            alignment_firm=(0.3, 0.1),
            alignment_frail=(-0.5, 0.1),
        ),
        **tiny_dyads(layout, records_of, rows),
    )


def tiny_dyads(layout: StaticInputs, records_of: Any, rows: int) -> dict[str, Any]:
    """Return parameters of dyads with wars, crises, troop cuts and ends of treaties within a few quarters."""
    dyads = records_of(
        DYAD_PARAMETER,
        rows,
        layout.dyads.size,
        fear_persistence=(0.9, 0.01),
        fear_sd=(0.2, 0.02),
        opinion_sd=(0.1, 0.01),
        abandonment_signal=(0.4, 0.05),
        abandonment_reach=(0.3, 0.05),
        abandonment_demand=(0.2, 0.03),
        entrapment_war=(0.3, 0.05),
        entrapment_crisis=(0.2, 0.03),
        entrapment_abandonment=(0.2, 0.03),
        opinion_demand=(0.15, 0.02),
        opinion_signal=(0.1, 0.01),
        support_base=(0.05, 0.01),
        support_response=(0.12, 0.03),
        demand_sd=(0.5, 0.05),
        stress_demand=(5, 0.2),
        reach_now=(0.5, 0.05),
        reach_growth=(0.02, 0.003),
        threat=(0.7, 0.1),
        threat_persistence=(0.96, 0.005),
        threat_sd=(0.07, 0.01),
        gap=(0.4, 0.1),
        gap_sd=(0.07, 0.01),
        gap_china=(0.4, 0.1),
        weight_threat=(0.4, 0.03),
        weight_abandonment=(0.25, 0.03),
        weight_entrapment=(0.2, 0.03),
        weight_opinion=(0.15, 0.02),
        contribution_abandonment=(0.02, 0.005),
        contribution_entrapment=(0.01, 0.002),
        termination=(0.03, 0.005),
        termination_cohesion=(0.5, 0.1),
        refusal_abandonment=(2, 0.2),
        refusal_termination=(3, 0),
        honour=(0.0, 0.3),
        honour_cohesion=(0.5, 0.1),
        troops_cut=(0.1, 0.01),
        cut_lower=(0.25, 0),
        cut_upper=(0.5, 0),
    )
    dyads["reach_exposure"] = [0.2, 1.0]
    partners = records_of(
        dtypes.MEMBER_PARAMETER,
        rows,
        layout.dyads.size,
        target=(0.4, 0.1),
        pull=(0.03, 0.005),
        scale=(0.06, 0.01),
        tails=(4, 0.3),
        loading=(1, 0.1),
    )
    partners["start"] = np.log([1.3, 2.6])
    outlook = records_of(
        OUTLOOK_PARAMETER,
        rows,
        war_start=(0.1, 0.01),
        war_end=(0.2, 0.01),
        crisis_start=(0.1, 0.01),
        crisis_end=(0.5, 0.03),
        executive_now=(-0.2, 0.05),
        executive_sd=(0.3, 0.05),
    )
    cells = records_of(DYAD_CELL, rows, layout.cells.size, signal=(0.0, 0.3))
    return {"dyads": dyads, "partners": partners, "outlook": outlook, "dyad_cells": cells}
