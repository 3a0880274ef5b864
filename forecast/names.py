"""Names that a run stores: dimensions, labels, groups and files.

They are public API. `projection/output_schema.py` defines the variables of the stored tree.
"""

from typing import Final

SCHEMA_VERSION: Final = "5"

# Dimensions
WAR: Final = "war"  # outcome of the war in Ukraine
DESIGN: Final = "design"  # design of the alliance
QUARTER: Final = "quarter"  # projected quarters, labelled 2026Q1, 2026Q2, ...
YEAR: Final = "year"  # projected calendar years (spending is annual)
FACTOR: Final = "factor"  # the four factors of cohesion
VERDICT: Final = "verdict"  # class of cohesion: Weak < Fragmented < Strong
MEMBER: Final = "member"  # allies, ISO 3166-1 alpha-3
MISSION: Final = "mission"
CONTRIBUTOR: Final = "contributor"  # countries with troops in a mission, ISO 3166-1 alpha-3
DYAD: Final = "dyad"  # the United States with one partner, as in USA-JPN
INDEX: Final = "index"  # measures of the alliance
EVENT: Final = "event"  # events of the alliance
MODE: Final = "mode"  # kinds of defection of a contingent
CURVE: Final = "curve"  # kinds of survival curve of a mission
PATH: Final = "path"  # a thinned set of whole joint paths
LANDMARK: Final = "landmark"  # what can happen to a mission as a whole
MEMBERSHIP: Final = "membership"  # notice of leaving the alliance, and leaving it
QUANTILE: Final = "quantile"
SOURCE: Final = "source"  # sources of Monte Carlo error
HISTORY_YEAR: Final = "history_year"  # observed calendar years
COHESION_BIN: Final = "cohesion_bin"  # histogram bins of cohesion, labelled by their value
SHARE_BIN: Final = "share_bin"  # histogram bins of spending in percent of GDP, labelled by their value
SURVIVAL_BIN: Final = "survival_bin"  # histogram bins of the share that remains, labelled by their value

# Labels; those of wars and designs are whatever a workspace names, and the first of each is its reference
#: The reference war and the reference design of a workspace whose files of scenarios name no other.
NEUTRAL: Final = "neutral"
NO_DESIGN: Final = "none"
#: According to the source, spending is higher and cohesion lower in the second of these wars than in the first.
THREAT_PAIR: Final = ("win", "lose")
FACTORS: Final = ("threats", "institutions", "norms", "leadership")
VERDICTS: Final = ("Weak", "Fragmented", "Strong")
#: Nominal participation and operational contribution, both weighted by troops, and nominal participation by count.
CURVES: Final = ("nominal", "operational", "nominal_by_count")
MODES: Final = ("full_exit", "reduction", "re_role", "caveat", "swap")
FRAMEWORKS: Final = ("ad_hoc", "nato", "un", "eu")
QUANTILES: Final = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
#: Monte Carlo standard error: the total, and the part due to the finite number of parameter draws.
SOURCES: Final = ("total", "draws")
#: Measures of the alliance besides cohesion and its factors. `political` and `military` are sub-indices. `discordance`
#: is the standard deviation (SD) of the factors, `heterogeneity` the SD of the members' alignment, and `convergence`
#: minus the SD of the threat that members feel. `article5` is confidence in Article 5, `deterrence` what an adversary
#: reads from it, `us_troops` US troops in Europe, and `credibility` the credibility of the design.
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
#: Events of the alliance. A run stores the probability that each has happened by a quarter.
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

#: What can happen to a mission as a whole, and to a member's place in the alliance.
LANDMARKS: Final = ("collapsed", "ended", "handed_over")
STEPS_OUT: Final = ("notice", "exit")

#: Mechanisms that a plan can switch off, and what each does when it is on. The last four concern the dyads.
MECHANISMS: Final = {
    "collapse": "the collapse of a NATO mission lowers institutions and leadership",
    "new_missions": "new missions start out of area, and each member decides whether to join",
    "crises": "security crises occur at random: leadership rallies first, then threat perceptions diverge",
    "wedges": "China occasionally divides Europe and the United States",
    "orientation": "leaders of the United States, France and Germany change the leadership factor",
    "scapegoating": "leaders sceptical of the alliance occasionally blame it for domestic gain",
    "burden": "European spending above its starting level raises burden-sharing",
    "spending_cost": "the economic cost of spending lowers leadership",
    "vetoes": "members block a decision, more often when their positions differ",
    "disputes": "a contentious mission occasionally divides the alliance",
    "article5": "confidence in Article 5 changes cohesion",
    "alliance_exits": "members give notice and leave the alliance, or leave its integrated command",
    "us_posture": "the United States gives notice, or reduces its troops in Europe",
    "backsliding": "a design that Europe does not find credible reverts to business as usual",
    "balancing": "members near China increase their spending against it",
    "modes": "partial defections include safer roles, caveats and swaps as well as troop reductions",
    "reductions": "contingents are reduced at a separate rate, and a reduced contingent is more likely to leave",
    "tether": "dependence on the alliance turns full exits into partial defections",
    "losses": "casualties raise withdrawal, losses count more than gains, and the hazard rises with time in combat",
    "battlefield": "a worsening battlefield trend raises withdrawal",
    "opinion": "public opposition raises withdrawal where elites disagree",
    "executive": "right-wing executives stay longer, and a turn to the left raises withdrawal",
    "circumstances": "side payments, prestige and a separate sector change a contingent's hazard",
    "backfill": "remaining contingents take over the share of those that left",
    "hand_over": "NATO may take over an ad hoc coalition that has lost its lead nation or collapsed",
    "reach": "North Korea's ability to strike the United States raises a partner's fear of abandonment",
    "demands": "the United States asks for more host-nation support when an agreement is renewed",
    "troop_cuts": "the United States may reduce its troops in the countries of its partners in Asia",
    "fears": "fear of abandonment raises a partner's defence spending, and fear of entrapment lowers it",
}
#: Events that a plan can set to happen in a quarter. The last four concern the dyads.
STRESSES: Final[dict[str, str]] = {
    "crisis": "a security crisis",
    "china_wedge": "China divides Europe and the United States",
    "dispute": "the alliance divides over its most contentious mission",
    "grey_zone": "a small attack on a Baltic ally: each member honours Article 5 or does not",
    "hns_demand": "the United States demands several times the host-nation support of its partners in Asia",
    "dprk_reach": "North Korea can reliably strike the United States from this quarter on",
    "us_war": "the United States enters a war that does not involve its partners and ends at random",
    "grey_zone_dyad": "an attack below the threshold of war on each partner, which the United States answers or not",
}
DYAD_STRESSES: Final = tuple(STRESSES)[-4:]

# Groups of projection.nc
ALLIANCE: Final = "alliance"
MEMBERS: Final = "members"
MISSIONS: Final = "missions"
DYADS: Final = "dyads"
JOINT: Final = "joint"
MCSE: Final = "mcse"  # Monte Carlo standard error of every estimate, under the name of the estimate
COUNTS: Final = "counts"  # histograms over all paths, from which any quantile or exceedance can be computed

# Models; of a posterior file, the group that a projection reads, the group of observations left out, and the attribute
# with the graph of the model
MODELS: Final = ("spending", "leadership", "withdrawal", "cohesion")
POSTERIOR: Final = "posterior"
LEFT_OUT: Final = "leave_one_out"
GRAPH: Final = "graph"

FIVE_YEARS: Final = 19  # quarters after the first quarter of a mission: the horizon of its headlines
INTERVAL: Final = 0.8  # coverage of every interval printed without its own level, with equal tails

# Headline records: what is forecast, when, and which statistic
COHESION_VERDICT: Final = "cohesion_verdict"
EUROPEAN_SPENDING: Final = "european_spending"
MISSION_SURVIVAL: Final = "mission_survival"
ALLIANCE_EVENT: Final = "alliance_event"
ALLIANCE_INDEX: Final = "alliance_index"
COHESION_FACTOR: Final = "cohesion_factor"
NEW_MISSIONS: Final = "new_missions"
ENTRAPMENT: Final = "entrapment"
MISSION_LANDMARK: Final = "mission_landmark"
DEFECTIONS: Final = "defections"
SPENDING_AT_LEAST: Final = "spending_at_least"
SPENDING_SHORTFALL: Final = "spending_shortfall"
#: What the summary, the history and the precision of a run rest on; the other targets stand beside them.
MAIN_TARGETS: Final = (COHESION_VERDICT, EUROPEAN_SPENDING, MISSION_SURVIVAL)
END_OF_RAMP: Final = "end of ramp"
AFTER_FIVE_YEARS: Final = "five years"
END_OF_HORIZON: Final = "end of horizon"
PROBABILITY: Final = "probability"
MEAN: Final = "mean"
MEDIAN: Final = "median"

# Files of a run folder
MANIFEST: Final = "manifest.json"
PROJECTION: Final = "projection.nc"
HEADLINES: Final = "headlines.json"
CHECKS: Final = "checks.json"
WITHDRAWAL_CURVES: Final = "withdrawal_curves.json"
PRIORS: Final = "priors.json"
SCORES: Final = "scores.json"
