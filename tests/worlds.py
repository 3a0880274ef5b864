"""Small random plans for the tests of the core: every branch of the kernel is reachable, nothing is realistic."""

from typing import Any

import numpy as np

from forecast.core import state
from forecast.core.state import NEVER, Draws, Layout, records

RNG_SEED = 7


def fill(dtype: np.dtype[Any], **fields: Any) -> Any:
    """Records from one list a field."""
    size = len(next(iter(fields.values())))
    out = records(dtype, size)
    for name, values in fields.items():
        out[name] = values
    return out


def tiny_layout(*, quarters: int = 12, quarter_of_year: int = 0, onset: int = 0, events: int = 1) -> Layout:
    """Three members, four countries (one the United States), three missions of up to three contingents, four cells."""
    contingents = records(state.CONTINGENT, 3, 3)
    contingents["id"] = np.arange(31, 40).reshape(3, 3)
    contingents["country"] = [[0, 1, 2], [3, -1, -1], [1, 2, -1]]
    contingents["served"] = [[20, 3, 41], [0, 0, 0], [7, 1, 0]]
    contingents["weight"] = [[0.5, 0.3, 0.2], [0.7, 0.3, 0.0], [0.4, 0.6, 0.0]]
    return Layout(
        constants=fill(
            state.CONSTANTS, quarter_of_year=[quarter_of_year], years_since_2024=[2], usa=[0],
            usa_limited=[1], onset=[onset], events=[events], neutral_target=[1.0],
            floor=[np.log(0.2)], cap=[np.log(8.0)], growth_mean=[0.018], growth_phi=[0.4],
            growth_sd=[0.025], early_election=[0.1], usa_off_cycle=[0.01], contagion_cap=[0.5],
            hollow_flags=[0.6], hollow_operation=[0.5], collapse_operation=[0.25],
            factor_phi=[0.96], factor_innovation=[0.196], factor_correlation=[0.3],
            threat_persistence=[0.95], threat_sd=[0.1],
        ),
        pledge=np.log(np.linspace(2.1, 3.0, (quarters + quarter_of_year) // 4)),
        members=fill(
            state.MEMBER, id=[11, 12, 13], country=[0, 1, -1], start_share=np.log([3.2, 1.4, np.nan]),
            start_growth=[0.02, 0.01, 0.0], front=[0.0, 1.0, 0.0], european=[0.0, 1.0, 0.0],
        ),
        countries=fill(
            state.COUNTRY, id=[21, 22, 23, 24], next_election=[3, 6, 2, NEVER], term=[4, 8, 5, 8],
            parliamentary=[0, 1, 1, 0], in_office=[4, 0, 9, 30],
        ),
        missions=fill(
            state.MISSION, start=[0, 2, 0], end=[NEVER, NEVER, 6], stake=[1.0, 0.0, 0.0],
            lead=[0, -1, 1], contingents=[3, 2, 2], ever=[4, 2, 2],
        ),
        contingents=contingents,
        cells=fill(
            state.CELL, war_ramp=[8] * 4, design_ramp=[8, 10, 8, 10], threat_target=[1, 1, 1.5, 1.5],
            pledge_multiplier=[1, 1.3, 1, 1.3], credibility=[0, 1, 0, 1],
            half_life=[[0.0] * 4, [0, 0, 0, 6.0]] * 2,
        ),
    )  # fmt: skip


def tiny_draws(layout: Layout, rows: int = 3) -> Draws:
    """Random parameters; hazards are high, so that everything happens within a few quarters."""
    rng = np.random.default_rng(RNG_SEED)

    def records_of(dtype: np.dtype[Any], *shape: int, **center: tuple[float, float]) -> Any:
        out = records(dtype, *shape)
        for name, (mean, spread) in center.items():
            out[name] = rng.normal(mean, spread, out[name].shape)
        return out

    parameters = records_of(
        state.PARAMETER, rows, kappa=(0.03, 0.005), nu=(4, 0.3), common_phi=(0.6, 0.05),
        common_scale=(0.02, 0.002), common_start=(0, 0.02), gap_surge=(0.14, 0.02),
        front_surge=(0.1, 0.02), growth=(-0.6, 0.1), election_spending=(-0.01, 0.01),
        surge_decay=(0.9, 0.01), turnover_election=(2, 0.2), turnover_after=(1.8, 0.2),
        turnover_before=(0.2, 0.1), tenure=(0, 0.2), usa_election=(0.43, 0.05),
        duration_defection=(0, 0.2), duration_planned=(0, 0.2), leader_change=(0.4, 0.2),
        election_ahead=(0.4, 0.2), contagion=(0.1, 0.02), lead_gone=(1.8, 0.3), ending=(2, 0.3),
        cohesion_effect=(-0.25, 0.1), cut_lower=(0.3, 0), cut_upper=(0.7, 0),
        collapse_shock=(-0.2, 0.1), verdict_low=(-0.25, 0.1), verdict_high=(0.4, 0.1),
        rater_sd=(0.25, 0.02),
    )  # fmt: skip
    parameters["weights"] = rng.dirichlet([6, 6, 6, 6], rows)
    missions, contingents = layout.missions.size, layout.contingents.shape
    return Draws(
        parameters=parameters,
        members=records_of(
            state.MEMBER_PARAMETER, rows, layout.members.size,
            target=(0.5, 0.1), scale=(0.06, 0.01), loading=(1, 0.1),
        ),
        countries=records_of(
            state.COUNTRY_PARAMETER, rows, layout.countries.size,
            turnover=(-2.5, 0.5), turnover_offset=(0, 0.1),
        ),
        missions=records_of(state.MISSION_PARAMETER, rows, missions, full_exit=(0.4, 0.05)),
        contingents=records_of(
            state.CONTINGENT_PARAMETER, rows, *contingents, defection=(-1.8, 0.3), planned=(-3, 0.3)
        ),
        cells=records_of(
            state.CELL_PARAMETER, rows, layout.cells.size,
            war_shift=(0.3, 0.5), design_shift=(0, 0.3), retrenchment=(0.03, 0.005),
        ),
    )  # fmt: skip
