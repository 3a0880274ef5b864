"""The vocabulary of the dyads, taken up in `names`: dimension and group, switches, events and stored variables."""

from typing import Final

DYAD: Final = "dyad"  # dimension: the United States with a partner, as in USA-JPN
DYADS: Final = "dyads"  # group of projection.nc

#: What a plan may switch off.
MECHANISMS: Final = {
    "reach": "the reach of North Korea to the United States feeds a partner's fear of being abandoned",
    "demands": "agreements on host-nation support bring demands for more when they are renewed",
    "troop_cuts": "the United States may cut its troops in the countries of its partners in Asia",
    "fears": "fear of abandonment raises what a partner spends on defence, fear of entrapment lowers it",
}
#: Events that a plan may set to happen in a quarter.
STRESSES: Final = {
    "hns_demand": "the United States demands several times the host-nation support of its partners in Asia",
    "dprk_reach": "North Korea can surely strike the United States from then on",
    "us_war": "the United States enters a war that is not its partners', which ends by chance",
    "grey_zone_dyad": "an attack in the grey zone on each partner, which the United States answers or not",
}

_CELL: Final = ("war", "design")
_IN_TIME: Final = (*_CELL, DYAD, "quarter")
_SIGN: Final = "sign units"
#: Group, dimensions, unit and meaning of each stored variable.
VARIABLES: Final[dict[str, tuple[str, tuple[str, ...], str, str]]] = {
    "dyad_cohesion": (DYADS, (*_IN_TIME, "quantile"), _SIGN, "cohesion of the dyad, quantiles"),
    "dyad_cohesion_mean": (DYADS, _IN_TIME, _SIGN, "mean cohesion of the dyad"),
    "abandonment_mean": (DYADS, _IN_TIME, _SIGN, "mean fear of the partner to be abandoned"),
    "entrapment_mean": (DYADS, _IN_TIME, _SIGN, "mean fear of the partner to be drawn into a war"),
    "base_opinion_mean": (DYADS, _IN_TIME, _SIGN, "mean opinion on US bases, 0 = at the start"),
    "host_support_mean": (DYADS, _IN_TIME, "1", "mean host-nation support, 1 = at the start"),
    "us_troops_mean": (DYADS, _IN_TIME, "1", "mean US troops with the partner, 1 = at the start"),
    "intact_probability": (DYADS, _IN_TIME, "1", "probability that the treaty still stands"),
    "refused_probability": (DYADS, _IN_TIME, "1", "probability that an attack set by the plan went unanswered"),
    "partner_share": (
        DYADS, (*_CELL, DYAD, "year", "quantile"), "percent of GDP", "the partner's defence spending, quantiles",
    ),
    "partner_history": (
        DYADS, (DYAD, "history_year"), "percent of GDP", "the partner's defence spending, observed",
    ),
    "dyad_cohesion_count": (
        "counts", (*_IN_TIME, "cohesion_bin"), "paths", "number of paths with the cohesion of the dyad in the bin",
    ),
    "joint_dyad_cohesion": ("joint", ("path", *_IN_TIME), _SIGN, "cohesion of the dyad of whole paths"),
}  # fmt: skip
