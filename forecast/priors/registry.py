"""The registry: which priors and constants must exist, and of which kind each one is."""

import re
from collections.abc import Mapping
from typing import Final

#: Every belief the models and the projection ask for. A test builds all of them and finds none unused.
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": (
        "kappa", "target_mean", "target_sd", "nu", "log_scale_mean", "log_scale_sd", "factor_phi",
        "factor_scale", "factor_war", "loading_sd", "response_mean", "response_phi",
        "response_sd", "response_war", "front", "front_mark", "volatility_phi", "volatility_sd",
        "growth", "election", "estimate_noise", "nowcast_noise", "pledge_2025", "pledge_2035",
        "growth_mean", "growth_phi", "growth_bounce", "growth_sd", "floor", "cap",
    ),
    "leadership": (
        "intercept", "country_sd", "election", "after", "before", "offset", "tenure_scale",
        "early_election", "usa_election", "usa_off_cycle",
    ),
    "withdrawal": (
        "defection_intercept", "planned_intercept", "nato", "un", "eu", "noncombat",
        "leader_change", "election_ahead", "contagion", "contagion_cap", "lead_gone",
        "lead",
        "ending", "duration_scale_defection", "duration_scale_planned", "mission_sd",
        "country_sd", "frailty_load", "cohesion", "casualties", "loss_aversion", "casualty_memory",
        "combat_drift", "ever_reduced", "reduction", "reduction_share", "reduction_troops",
        "reduction_noise", "reduction_smallest", "trust_high", "trust_medium", "trust_low", "contested",
    ),
    "missions": (
        "full_exit_ad_hoc", "full_exit_institution", "cut_size", "hollow_flags",
        "hollow_operation", "collapse_operation", "collapse_institutions", "collapse_leadership",
        "mode_shares", "re_role_size", "caveat_size", "swap_size", "caveat_detection",
        "tether", "tether_front", "tether_ally", "tether_nato", "tether_other",
        "casualty_phi", "noncombat_losses", "trend", "trend_phi", "opposition",
        "opinion_phi", "consensus_nato", "consensus_ad_hoc", "consensus_other",
        "right_wing", "left_turn", "same_camp", "wing_sd", "side_payment", "prestige",
        "separate_sector", "backfill", "hand_over", "nominal_flags", "coalition_caveats", "mission_creep",
        "new_missions", "us_led", "common_interest", "own_interest", "join_cost_ad_hoc", "join_cost_nato",
        "solidarity", "call", "decision_lag",
    ),
    "alliance": (
        "factor_weights", "sign_scale", "sign_sd_pure", "sign_sd_composite", "factor_phi",
        "factor_sd", "factor_correlation", "cut_lower", "cut_gap", "rater_sd", "threat_persistence",
        "threat_sd",
    ),
    "events": (
        "crisis_rate", "crisis_rally", "crisis_strain", "crisis_cost", "rally_half_life",
        "onset_half_life", "strain_half_life", "wedge_rate", "wedge", "dispute_rate",
        "dispute", "dispute_outside", "coalition_change", "sceptic", "sceptic_usa",
        "start_usa", "orientation_jitter", "voice_usa", "orientation", "scapegoat_rate",
        "scapegoat", "burden_sd", "burden_gap", "burden_sharing", "spending_cost",
        "block_base", "block_spread", "block_low", "block_absent", "block", "low_alignment",
        "article5", "article5_effect", "article5_persistence", "article5_notice",
        "article5_refusal", "honour", "honour_confidence", "honour_distance",
        "honour_orientation", "honour_line", "broken_quarters", "exit_factor",
        "threat_reach", "threat_eye", "balancing", "balancing_reach", "china_distance",
        "balancing_cap", "credibility_decay", "notice_norms", "command_exit",
        "notice_quarters", "us_notice_leadership", "us_notice_threats", "firm_democracy",
        "deterrence_feedback",
    ),
    "cohesion": ("loading", "noise", "intercept", "own_share", "us_swing", "us_path_sd"),
    "alliance_exit": (
        "notice", "notice_cohesion", "notice_sceptic", "notice_reversed", "command_exit",
        "command_return", "us_notice_sympathetic", "us_notice_other", "us_notice_burden",
        "us_notice_succeeds", "us_drawdown", "us_drawdown_size", "dyad",
    ),
    "dyads": (
        "fear_persistence", "fear_sd", "opinion_sd", "abandonment_signal", "abandonment_reach",
        "abandonment_demand", "entrapment_war", "entrapment_crisis", "entrapment_abandonment",
        "opinion_demand", "opinion_signal", "support_base", "support_response", "demand_sd",
        "stress_demand", "war_start", "war_end", "crisis_start", "crisis_end", "executive_now",
        "executive_sd", "reach_now", "reach_growth", "threat_persistence", "threat_sd",
        "weight_threat", "weight_abandonment", "weight_entrapment", "weight_opinion",
        "contribution_abandonment", "contribution_entrapment", "termination_cohesion", "honour",
        "honour_cohesion", "refusal_abandonment", "refusal_termination",
    ),
}  # fmt: skip
#: And of each dyad: `dyads.USA-JPN.threat`. A dyad is there if `priors/dyads.toml` has tables of it.
KNOWN_OF_A_DYAD: Final = (
    "threat", "gap", "gap_sd", "gap_china", "reach_exposure", "termination_ratio", "renewal_year",
    "renewal_every", "pledge_2022", "pledge_2027", "pledge_2035",
)  # fmt: skip
#: Beliefs that must be of one kind; the rest are distributions of one number.
KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys((
        "spending.estimate_noise", "spending.nowcast_noise", "spending.front_mark",
        "spending.pledge_2025", "spending.pledge_2035",
        "spending.growth_mean", "spending.growth_phi", "spending.growth_sd",
        "spending.growth_bounce", "spending.floor",
        "spending.cap", "leadership.early_election", "leadership.usa_off_cycle",
        "withdrawal.contagion_cap", "withdrawal.casualty_memory", "withdrawal.reduction_share",
        "withdrawal.reduction_troops", "withdrawal.reduction_noise", "withdrawal.reduction_smallest",
        "withdrawal.trust_high", "withdrawal.trust_medium", "withdrawal.trust_low", "withdrawal.contested",
        "missions.hollow_flags", "missions.hollow_operation",
        "missions.collapse_operation", "alliance.sign_sd_pure", "alliance.sign_sd_composite",
        "alliance.factor_phi", "alliance.factor_sd", "alliance.factor_correlation",
        "alliance.threat_persistence", "alliance.threat_sd",
        "events.rally_half_life", "events.onset_half_life", "events.strain_half_life",
        "events.orientation_jitter", "events.voice_usa", "events.burden_sd",
        "events.burden_gap", "events.low_alignment", "events.article5_persistence",
        "events.honour_line", "events.broken_quarters", "events.exit_factor",
        "events.china_distance", "events.balancing_cap", "events.notice_quarters",
        "events.firm_democracy", "events.deterrence_feedback",
        "missions.tether_front", "missions.tether_ally", "missions.tether_nato",
        "missions.tether_other", "missions.casualty_phi", "missions.noncombat_losses",
        "missions.trend_phi", "missions.opinion_phi", "missions.same_camp",
        "missions.wing_sd", "missions.nominal_flags",
        "missions.new_missions", "missions.us_led", "missions.common_interest", "missions.own_interest",
    ), "Constant"),
    "events.article5": "Beta",
    **dict.fromkeys((
        "alliance_exit.notice", "alliance_exit.command_exit", "alliance_exit.command_return",
    ), "Gamma"),
    "missions.cut_size": "Uniform",
    **dict.fromkeys(("missions.re_role_size", "missions.caveat_size", "missions.swap_size"), "Uniform"),
    "missions.mode_shares": "Dirichlet",
    "withdrawal.combat_drift": "Normal",
    "withdrawal.loss_aversion": "LogNormal",
    "cohesion.own_share": "Constant",
    "alliance_exit.us_drawdown_size": "Uniform",
    "dyads.honour": "Beta",
    "dyads.reach_now": "Beta",
    "alliance.factor_weights": "Dirichlet",
}  # fmt: skip
DYAD_NAME: Final = re.compile("USA-[A-Z]{3}")
FIXED_OF_A_DYAD: Final = re.compile(r"\.(pledge_20\d\d|renewal_year|renewal_every)$")
#: Beside the models: drawn for the projection, so they may be constants too.
DRAWN: Final = (
    "leadership.usa_election",
    "withdrawal.cohesion",
    "withdrawal.loss_aversion",
    "withdrawal.reduction",
)


#: Files of priors that a model believes, where there are others beside that of its own name.
BELIEVED: Final[Mapping[str, tuple[str, ...]]] = {"cohesion": ("cohesion", "alliance")}
