"""The vocabulary: every dimension, group and file name that a stored tree may use, in one place.

The output schema is public API: `projection/output_schema.py` says of each stored variable what it is.
"""

from typing import Final

SCHEMA_VERSION: Final = "2"

# Dimensions
WAR: Final = "war"  # how the war in Ukraine ends
DESIGN: Final = "design"  # design of the alliance
QUARTER: Final = "quarter"  # projected quarters, labelled 2026Q1 ...
YEAR: Final = "year"  # projected calendar years (spending is annual)
FACTOR: Final = "factor"  # the four factors of cohesion
VERDICT: Final = "verdict"  # Weak < Fragmented < Strong
MEMBER: Final = "member"  # allies, ISO 3166-1 alpha-3
MISSION: Final = "mission"
CONTRIBUTOR: Final = "contributor"  # countries with troops in a mission, ISO 3166-1 alpha-3
INDEX: Final = "index"  # measures of the alliance
EVENT: Final = "event"  # what may befall the alliance
MODE: Final = "mode"  # how a contingent defects
CURVE: Final = "curve"  # flags, operation, flags_by_count


PATH: Final = "path"  # thinned whole joint paths
QUANTILE: Final = "quantile"
SOURCE: Final = "source"  # of Monte Carlo error

HISTORY_YEAR: Final = "history_year"  # observed calendar years
COHESION_BIN: Final = "cohesion_bin"  # bins of histograms, labelled by their value
SHARE_BIN: Final = "share_bin"
SURVIVAL_BIN: Final = "survival_bin"

# Labels
WARS: Final = ("neutral", "win", "lose", "stalemate")
DESIGNS: Final = (
    "none",
    "business_as_usual",
    "democracy_international",
    "global_vs_china",
    "division_of_labour",
)
FACTORS: Final = ("threats", "institutions", "norms", "leadership")
VERDICTS: Final = ("Weak", "Fragmented", "Strong")
CURVES: Final = ("flags", "operation", "flags_by_count")
MODES: Final = ("full_exit", "reduction", "re_role", "caveat", "swap")
FRAMEWORKS: Final = ("ad_hoc", "nato", "un", "eu")


#: What a plan may switch off.
DYAD_MECHANISMS: Final = {
    "reach": "the reach of North Korea to the United States feeds a partner's fear of being abandoned",
    "demands": "agreements on host-nation support bring demands for more when they are renewed",
    "troop_cuts": "the United States may cut its troops in the countries of its partners in Asia",
    "fears": "fear of abandonment raises what a partner spends on defence, fear of entrapment lowers it",
}


#: What a plan may switch off, and what each does when it is on.
MECHANISMS: Final = {
    "collapse": "the collapse of a NATO mission lowers institutions and leadership",
    "new_missions": "new missions arise out of area, and members join them or not",
    "crises": "security crises come at random: a rally of leadership, then strain",
    "wedges": "China now and then drives a wedge between Europe and the United States",
    "orientation": "leaders of the United States, France and Germany move leadership",
    "scapegoating": "leaders sceptical of the alliance now and then blame it for gain at home",
    "burden": "European spending above its start raises burden-sharing",
    "spending_cost": "what spending costs the economy tells on leadership",
    "vetoes": "members block a decision, more often the less alike they are",
    "disputes": "a contentious mission now and then divides the alliance",
    "article5": "confidence in Article 5 moves cohesion",
    "alliance_exits": "members give notice and leave, or leave the integrated command",
    "us_posture": "the United States gives notice, or draws down its troops in Europe",
    "backsliding": "a design of which Europe is not convinced falls back to business as usual",
    "balancing": "members arm against China where it is near",
    "modes": "partial defections are cuts, safer roles, caveats and swaps, not cuts alone",
    "reductions": "cuts come at a rate of their own, and who was cut is likelier to leave",
    "tether": "dependence on the alliance turns full exits into partial defections",
    "losses": "casualties weigh on a mission, losses more than gains, and combat wears it down",
    "battlefield": "a mission that goes badly is left",
    "opinion": "public opposition drives defection where elites do not agree",
    "executive": "right-wing executives stay, a turn to the left leaves",
    "circumstances": "side payments, prestige and a separate sector move a contingent's hazard",
    "backfill": "those who remain carry the share of those who left",
    "hand_over": "NATO may take over an ad hoc coalition that nobody leads any more",
    **DYAD_MECHANISMS,
}


#: Events that a plan may set to happen in a quarter.
DYAD_STRESSES: Final = {
    "hns_demand": "the United States demands several times the host-nation support of its partners in Asia",
    "dprk_reach": "North Korea can surely strike the United States from then on",
    "us_war": "the United States enters a war that is not its partners', which ends by chance",
    "grey_zone_dyad": "an attack in the grey zone on each partner, which the United States answers or not",
}


#: Events that a plan may set to happen in a quarter.
STRESSES: Final[dict[str, str]] = {
    "crisis": "a security crisis",
    "china_wedge": "China drives a wedge between Europe and the United States",
    "dispute": "the alliance divides over its most contentious mission",
    "grey_zone": "a small attack on a Baltic ally: each member honours Article 5 or does not",
    **DYAD_STRESSES,
}
#: Measures of the alliance beside cohesion and its factors: sub-indices; SD of factors, of members' alignment and minus
#: that of the threat felt; confidence in Article 5, what an adversary reads, US troops in Europe, belief in the design.
INDICES: Final = (
    "political",
    "military",
    "discordance",
    "heterogeneity",
    "convergence",
    "article5",
    "deterrence",
    "us_troops",
    "credibility",
)
#: What may befall the alliance; the probability that it has by then.
EVENTS: Final = (
    "crisis",
    "wedge",
    "dispute",
    "block",
    "scapegoat",
    "notice",
    "exit",
    "command_exit",
    "us_notice",
    "us_exit",
    "us_drawdown",
    "three_refusals",
    "treaty_broken",
)
QUANTILES: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
#: Monte Carlo error: all of it, and the part that is owed to the finite number of draws of the parameters.
SOURCES: Final = ("total", "draws")

# Groups of projection.nc
ALLIANCE: Final = "alliance"
MEMBERS: Final = "members"
MISSIONS: Final = "missions"


JOINT: Final = "joint"
MCSE: Final = "mcse"  # Monte Carlo error of every estimate, by its name
COUNTS: Final = "counts"  # histograms over all paths: any quantile or exceedance can be read off later

# Models and the group of a posterior file that ArviZ reads
MODELS: Final = ("spending", "leadership", "withdrawal", "cohesion")
POSTERIOR: Final = "posterior"

FIVE_YEARS: Final = 19  # quarters after the first of a mission: the horizon of its headlines
INTERVAL: Final = 0.8  # every interval printed without its own label covers this much, equal tails

# Files of a run folder
MANIFEST: Final = "manifest.json"
PROJECTION: Final = "projection.nc"
HEADLINES: Final = "headlines.json"
CHECKS: Final = "checks.json"
BELIEFS: Final = "beliefs.json"


DYAD: Final = "dyad"  # dimension: the United States with a partner, as in USA-JPN
DYADS: Final = "dyads"  # group of projection.nc
