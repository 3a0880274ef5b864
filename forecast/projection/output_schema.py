"""Define the output schema: each stored variable with its group, dimensions, unit and meaning.

The output schema is public. `projection/labelled_tree.py` refuses to store a variable that is not listed here, and
`tests/projection/test_output_schema.py` locks the list.
"""

from dataclasses import dataclass
from typing import Final

from forecast.names import (
    ALLIANCE,
    COHESION_BIN,
    CONTRIBUTOR,
    COUNTS,
    CURVE,
    DESIGN,
    DYAD,
    DYADS,
    EVENT,
    FACTOR,
    HISTORY_YEAR,
    INDEX,
    JOINT,
    LANDMARK,
    MCSE,
    MEMBER,
    MEMBERS,
    MEMBERSHIP,
    MISSION,
    MISSIONS,
    MODE,
    PATH,
    QUANTILE,
    QUARTER,
    SHARE_BIN,
    SOURCE,
    SURVIVAL_BIN,
    VERDICT,
    WAR,
    YEAR,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variable:
    """One stored variable: its group, dimensions in order, unit and meaning."""

    group: str
    dims: tuple[str, ...]
    units: str
    long_name: str


_CELL = (WAR, DESIGN)
_IN_TIME: Final = (*_CELL, DYAD, "quarter")
_SIGN: Final = "sign units"
_WHEN: Final = "number of the quarter, counted from 0 (NaN: not within the horizon), in which"
#: Group, dimensions, unit and meaning of each variable of the dyads.
DYAD_VARIABLES: Final[dict[str, tuple[str, tuple[str, ...], str, str]]] = {
    "dyad_cohesion": (DYADS, (*_IN_TIME, "quantile"), _SIGN, "cohesion of the dyad, quantiles"),
    "dyad_cohesion_mean": (DYADS, _IN_TIME, _SIGN, "mean cohesion of the dyad"),
    "abandonment_mean": (DYADS, _IN_TIME, _SIGN, "mean fear of abandonment of the partner"),
    "entrapment_mean": (DYADS, _IN_TIME, _SIGN, "mean fear of entrapment of the partner"),
    "base_opinion_mean": (DYADS, _IN_TIME, _SIGN, "mean opinion on US bases, 0 = starting level"),
    "host_support_mean": (DYADS, _IN_TIME, "1", "mean host-nation support, 1 = starting level"),
    "us_troops_mean": (DYADS, _IN_TIME, "1", "mean US troops in the partner's country, 1 = starting level"),
    "intact_probability": (DYADS, _IN_TIME, "1", "probability that the treaty is still in force"),
    "refused_probability": (
        DYADS,
        _IN_TIME,
        "1",
        "probability that the United States left an attack set by the plan unanswered",
    ),
    "partner_share": (
        DYADS,
        (*_CELL, DYAD, "year", "quantile"),
        "percent of GDP",
        "the partner's defence spending, quantiles",
    ),
    "partner_history": (
        DYADS,
        (DYAD, "history_year"),
        "percent of GDP",
        "the partner's defence spending, observed",
    ),
    "dyad_cohesion_count": (
        "counts",
        (*_IN_TIME, "cohesion_bin"),
        "paths",
        "number of paths with the cohesion of the dyad in the bin",
    ),
    "joint_dyad_cohesion": ("joint", ("path", *_IN_TIME), _SIGN, "cohesion of the dyad, sampled paths"),
}


VARIABLES: Final = {
    "verdict_probability": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER, VERDICT),
        units="1",
        long_name="probability of each verdict on cohesion",
    ),
    "cohesion": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER, QUANTILE),
        units="sign units",
        long_name="cohesion index, quantiles (0 = neutral, 1 = a plus on every factor)",
    ),
    "cohesion_mean": Variable(
        group=ALLIANCE, dims=(*_CELL, QUARTER), units="sign units", long_name="mean cohesion index"
    ),
    "factor_mean": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER, FACTOR),
        units="sign units",
        long_name="mean of each factor of cohesion (threats = convergence of threat perception)",
    ),
    "new_missions": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER),
        units="1",
        long_name="mean number of new out-of-area missions that have started by the quarter, at most four",
    ),
    "entrapment_probability": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER),
        units="1",
        long_name="probability that by the quarter the United States has led allies into a new out-of-area mission",
    ),
    "threat_level_mean": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER),
        units="1",
        long_name="mean level of the Russian threat (2023 = 1)",
    ),
    "european_share": Variable(
        group=ALLIANCE,
        dims=(*_CELL, YEAR, QUANTILE),
        units="percent of GDP",
        long_name="defence spending of the European allies, GDP-weighted, quantiles",
    ),
    "european_share_mean": Variable(
        group=ALLIANCE,
        dims=(*_CELL, YEAR),
        units="percent of GDP",
        long_name="defence spending of the European allies, GDP-weighted, mean",
    ),
    "index_mean": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER, INDEX),
        units="1",
        long_name="mean of each measure of the alliance (sub-indices, discordance, heterogeneity and others)",
    ),
    "event_probability": Variable(
        group=ALLIANCE,
        dims=(*_CELL, QUARTER, EVENT),
        units="1",
        long_name="probability that the event has occurred by the quarter",
    ),
    "spending_share": Variable(
        group=MEMBERS,
        dims=(*_CELL, MEMBER, YEAR, QUANTILE),
        units="percent of GDP",
        long_name="defence spending as a share of GDP, quantiles",
    ),
    "spending_history": Variable(
        group=MEMBERS,
        dims=(MEMBER, HISTORY_YEAR),
        units="percent of GDP",
        long_name="defence spending as a share of GDP, observed (World Bank to 2013, NATO from 2014)",
    ),
    "leader_change_probability": Variable(
        group=MEMBERS,
        dims=(MEMBER, YEAR),
        units="1",
        long_name="probability that the chief executive changes at least once in the year",
    ),
    "survival": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, CURVE, QUARTER, QUANTILE),
        units="1",
        long_name="share of the initial contingents: nominal participation, operational "
        "contribution, nominal participation by count; quantiles",
    ),
    "survival_mean": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, CURVE, QUARTER),
        units="1",
        long_name="share of the initial contingents by survival curve, mean",
    ),
    "hollow_probability": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, QUARTER),
        units="1",
        long_name="probability that the mission is hollow: nominal participation >= prior "
        "`hollow_flags` while operational contribution < prior `hollow_operation`",
    ),
    "collapse_probability": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, QUARTER),
        units="1",
        long_name="probability that the mission has collapsed by the quarter: operational "
        "contribution < prior `collapse_operation` for two quarters",
    ),
    "nominal_end_probability": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, QUARTER),
        units="1",
        long_name="probability that the mission has ended in name by the quarter: nominal participation < prior "
        "`nominal_flags`, or lead nation gone and operational contribution < prior `collapse_operation`",
    ),
    "hand_over_probability": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, QUARTER),
        units="1",
        long_name="probability that NATO has taken over the ad hoc coalition by the quarter",
    ),
    "defections": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, MODE),
        units="1",
        long_name="mean number of defections within the horizon, by mode",
    ),
    "caveats_noticed": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION),
        units="1",
        long_name="mean number of new caveats that are noticed within the horizon",
    ),
    "exit_probability": Variable(
        group=MISSIONS,
        dims=(*_CELL, MISSION, CONTRIBUTOR, QUARTER),
        units="1",
        long_name="probability that the contributor has left by the quarter",
    ),
    "contingent_weight": Variable(
        group=MISSIONS,
        dims=(MISSION, CONTRIBUTOR),
        units="1",
        long_name="share of the mission's troops at the start (0 = no contingent)",
    ),
    "cohesion_count": Variable(
        group=COUNTS,
        dims=(*_CELL, QUARTER, COHESION_BIN),
        units="paths",
        long_name="number of paths with the cohesion index in the bin",
    ),
    "european_share_count": Variable(
        group=COUNTS,
        dims=(*_CELL, YEAR, SHARE_BIN),
        units="paths",
        long_name="number of paths with European spending in the bin",
    ),
    "spending_share_count": Variable(
        group=COUNTS,
        dims=(*_CELL, MEMBER, YEAR, SHARE_BIN),
        units="paths",
        long_name="number of paths with the member's spending in the bin",
    ),
    "survival_count": Variable(
        group=COUNTS,
        dims=(*_CELL, MISSION, CURVE, QUARTER, SURVIVAL_BIN),
        units="paths",
        long_name="number of paths with the survival curve in the bin",
    ),
    "joint_cohesion": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, QUARTER),
        units="sign units",
        long_name="cohesion index, sampled paths",
    ),
    "joint_index": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, QUARTER, INDEX),
        units="1",
        long_name="measures of the alliance, sampled paths",
    ),
    "joint_european_share": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, YEAR),
        units="percent of GDP",
        long_name="European defence spending, sampled paths",
    ),
    "joint_verdict": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, QUARTER),
        units="1",
        long_name="verdict on cohesion, sampled paths: 0 Weak, 1 Fragmented, 2 Strong",
    ),
    "joint_spending_share": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, MEMBER, YEAR),
        units="percent of GDP",
        long_name="the member's defence spending, sampled paths",
    ),
    "joint_event_quarter": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, EVENT),
        units="1",
        long_name=f"{_WHEN} the event of the alliance first occurs, sampled paths",
    ),
    "joint_landmark_quarter": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, MISSION, LANDMARK),
        units="1",
        long_name=f"{_WHEN} the mission collapses, ends in name or is handed over, sampled paths",
    ),
    "joint_membership_quarter": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, MEMBER, MEMBERSHIP),
        units="1",
        long_name=f"{_WHEN} the member first gives notice, and leaves the alliance, sampled paths",
    ),
    "joint_exit_quarter": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, MISSION, CONTRIBUTOR),
        units="1",
        long_name=f"{_WHEN} the contributor leaves the mission, sampled paths",
    ),
    "joint_survival": Variable(
        group=JOINT,
        dims=(PATH, *_CELL, MISSION, CURVE, QUARTER),
        units="1",
        long_name="share of the initial contingents by survival curve, sampled paths",
    ),
    **{
        name: Variable(group=group, dims=dims, units=units, long_name=long_name)
        for name, (group, dims, units, long_name) in DYAD_VARIABLES.items()
    },
}

#: Variables known before the simulation. All others outside `counts` and `joint` are estimated from the paths.
GIVEN: Final = ("spending_history", "contingent_weight", "partner_history")
ESTIMATES: Final = tuple(name for name, v in VARIABLES.items() if v.group not in (COUNTS, JOINT) and name not in GIVEN)


#: Fields of a record in `headlines.json`, with their meaning.
HEADLINE_FIELDS: Final = {
    "target": "what is forecast: `cohesion_verdict`, `european_spending` or `mission_survival`; beside these, for each "
    "war in the first design, `alliance_event`, `cohesion_factor`, `alliance_index`, `new_missions`, `entrapment`, "
    "`mission_landmark`, `defections`, `spending_at_least` or `spending_shortfall`",
    "unit_id": "`alliance`, or the mission",
    "war": "outcome of the war",
    "design": "design of the alliance",
    "horizon": "quarter or year of the forecast",
    "horizon_role": "`end of ramp`, `five years` or `end of horizon`; the same for every as-of quarter",
    "statistic": "`probability`, `median` or `mean`",
    "category": "class of the verdict, survival curve, event, factor, measure, landmark, mode of defection, or level "
    "of spending to reach in percent of GDP (the pledges `spending.pledge_2025` and `spending.pledge_2035`); else null",
    "unit": "unit of `value`, `lower`, `upper`, `mcse`, `mcse_draws` and `baseline`; `1` is a share or a probability",
    "value": "the number",
    "lower": "lower end of the 80 % interval; null for a probability or a number without stored quantiles",
    "upper": "upper end of the 80 % interval; null for a probability or a number without stored quantiles",
    "mcse": "Monte Carlo standard error of `value`",
    "mcse_draws": "the part of `mcse` due to the finite number of parameter draws; null if unknown",
    "judgement": "share of variance that priors without data explain, 0 to 1; null for a number without variance, or "
    "whose paths are not sampled",
    "baseline": "the same number from the baseline; null if there is none",
    "baseline_name": "`reference_scenario`, `random_walk`, `kaplan_meier` or `base_rate` (of past member-years alone); "
    "null if there is none",
    "mostly_judgement": "whether `judgement` is above one half",
    "decided": "whether the margin of the likeliest verdict over the next is at least 0.05 and above two standard "
    "errors of the margin; null for other targets",
}


def error_of(name: str) -> Variable:
    """Return the variable of group `mcse` that holds the Monte Carlo standard error of an estimate of the same name."""
    estimate = VARIABLES[name]
    return Variable(
        group=MCSE,
        dims=(SOURCE, *estimate.dims),
        units=estimate.units,
        long_name=f"Monte Carlo standard error: {estimate.long_name}",
    )
