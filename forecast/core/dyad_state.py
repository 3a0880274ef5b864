"""What the kernel reads and writes of the dyads, as records; a dyad is the United States with a partner."""

import numpy as np

_F, _I = np.float64, np.int64

WHOLE_STATE = (
    "cohesion",
    "abandonment",
    "entrapment",
    "opinion",
    "support",
    "troops",
)  # kept whole

DYAD = np.dtype([
    ("id", _I),  # address of random numbers
    ("partner", _I),  # the same of the partner, as of any country
    ("country", _I),  # the partner's index among the countries, -1 = no leader series
    ("start_growth", _F),  # the partner's real growth of the last observed year
    ("renewal", _I),  # quarter in which host-nation support is next agreed
    ("renewal_every", _I),  # quarters between such agreements
])  # fmt: skip
#: One row a draw and dyad. Units: fears, opinion, threat and gap in sign units, time in quarters unless said otherwise.
DYAD_PARAMETER = np.dtype([(name, _F) for name in (
    "fear_persistence", "fear_sd", "opinion_sd",
    "abandonment_signal", "abandonment_reach", "abandonment_demand",
    "entrapment_war", "entrapment_crisis", "entrapment_abandonment",
    "opinion_demand", "opinion_signal",
    "support_base", "support_response",  # the first a year
    "demand_sd", "stress_demand",
    "reach_now", "reach_growth", "reach_exposure",
    "threat", "threat_persistence", "threat_sd", "gap", "gap_sd", "gap_china",
    "weight_threat", "weight_abandonment", "weight_entrapment", "weight_opinion",
    "contribution_abandonment", "contribution_entrapment",  # a year
    "termination", "termination_cohesion", "refusal_abandonment", "refusal_termination",
    "honour", "honour_cohesion",  # the first a logit
    "troops_cut", "cut_lower", "cut_upper",
)])  # fmt: skip
OUTLOOK_PARAMETER = np.dtype([(name, _F) for name in (
    "war_start", "war_end", "crisis_start", "crisis_end", "executive_now", "executive_sd",
)])  # fmt: skip
DYAD_CELL = np.dtype([("signal", _F)])  # of the design, at full ramp

OUTLOOK = np.dtype([  # what all dyads see in a quarter
    ("war", _F),  # 1 while the United States is in a war that is not the partner's
    ("crisis", _F),  # 1 in a crisis between China and the United States
    ("executive", _F),  # signal of the president in office
])  # fmt: skip
DYAD_LUCK = np.dtype([
    ("threat", _F), ("gap", _F),  # shared purpose; gap over China without that of the design
    ("demand", _F),  # log of the demand for host-nation support, 0 = none
    ("support", _F),  # host-nation support, 1 = as at the start
    ("troops", _F),  # troops of the United States, 1 = as at the start
    ("cut", _F),  # 1 in the quarter in which they are cut
    ("reach", _F),  # of North Korea, 0 to 1, times the exposure
    ("abandonment", _F), ("entrapment", _F), ("opinion", _F),  # noise
    ("end", _F), ("honour", _F),  # uniforms
])  # fmt: skip
DYAD_STATE = np.dtype([
    ("abandonment", _F), ("entrapment", _F), ("opinion", _F), ("cohesion", _F),
    ("abandonment_0", _F), ("entrapment_0", _F),  # at the start
    ("share", _F),  # the partner's, log of percent of GDP
    ("intact", _I), ("refused", _I),  # the treaty stands; an attack was not answered
])  # fmt: skip
