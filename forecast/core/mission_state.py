"""The fields of the core's records that belong to missions: fortunes of campaigns, publics, modes, new missions.

`state` appends them to its records.
"""

import numpy as np

_F, _I = np.float64, np.int64

CONSTANTS = [
    ("casualty_memory", _F), ("casualty_phi", _F), ("trend_phi", _F), ("opinion_phi", _F),
    ("noncombat_losses", _F),  # losses outside combat, as a part of those in combat
    ("same_camp", _F), ("wing_sd", _F),  # of a new leader: chance, left-right position
    ("arrival_rate", _F),  # of each possible new mission, a quarter
    ("us_led", _F),  # chance that the United States leads it where they are first responder
    ("common_interest", _F), ("own_interest", _F),  # SD of members' interest in a new mission
    ("nominal_flags", _F),  # flags below which a mission has ended in name
]  # fmt: skip
MEMBER = [
    ("depends", _F),  # on the alliance, 0 to 1
]
PARAMETER = [
    # missions: modes of defection, coefficients on hazards, joining
    ("mode_shares", _F, 4), ("mode_lower", _F, 4), ("mode_upper", _F, 4),  # of partial defections
    ("caveat_detection", _F), ("reduction", _F), ("ever_reduced", _F), ("tether", _F),
    ("casualties", _F), ("loss_aversion", _F), ("combat_drift", _F), ("trend", _F),
    ("opposition", _F), ("right_wing", _F), ("left_turn", _F),
    ("backfill", _F), ("hand_over", _F), ("nato", _F),
    ("join_cost", _F, 2), ("solidarity", _F), ("call", _F), ("stay", _F, 2),  # ad hoc, NATO
    ("decision_lag", _F),  # quarters, were all to stay out
    ("coalition_caveats", _F),  # odds of a caveat under coalition governments
]  # fmt: skip

SLOT = np.dtype([
    ("id", _I),
    ("framework", _I),  # 0 ad hoc, 1 NATO
])  # fmt: skip
CAMPAIGN_LUCK = np.dtype([
    ("losses", _F), ("trend", _F),  # SD units: losses against what one is used to; battlefield
    ("lift", _F),  # factor on hazards of defection, from the quarter before
    ("hand_over", _F),  # uniform; that of the first quarter decides
])  # fmt: skip
SLOT_LUCK = np.dtype([
    ("until", _F),  # Exp(1) threshold of the beginning
    ("leader", _F),  # uniform: who leads
])  # fmt: skip
JOIN_LUCK = np.dtype([
    ("interest", _F),  # situational, logits
    ("joins", _F),  # uniform
    ("until", _F),  # Exp(1) threshold of leaving
])  # fmt: skip
PUBLIC_LUCK = np.dtype([
    ("opposition", _F),  # SD units
    ("wing", _F),  # left-right position of the leader, right is positive
    ("left", _I),  # 1 = this quarter's new leader stands left of the last
])  # fmt: skip

SLOT_STATE = np.dtype([
    ("hazard", _F),  # cumulative, of its beginning
    ("begun", _I),  # quarter, NEVER before
    ("us_led", _I),
    ("lag", _I),  # quarters until a decision
])  # fmt: skip
