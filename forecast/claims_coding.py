"""Claims on defection that are about the record: how exits are coded, screened and weighed."""

import numpy as np

from forecast import coding
from forecast.claim import Found
from forecast.lab import Lab
from forecast.spells import mission_spells


def m5(lab: Lab) -> Found:
    """Small withdrawals cannot be coded: the share of unknown ground is told, and may be recoded."""
    screened = coding.screened(lab.inputs.tables)
    unknown = float((screened["exit_kind"] == "unknown").mean())
    spells = mission_spells(lab.inputs.tables, lab.inputs.beliefs)
    open_ = spells["exit_kind"].to_numpy() == "unknown"
    held = all((coding.recoded(spells, unknown=p)[open_] == p).all() for p in (0.2, 0.8))
    return Found(
        f"{unknown:.0%} of {len(screened)} exits unknown, {screened['large'].mean():.0%} large enough to be coded; "
        f"recoded as .2 and .8: {held}",
        held and 0 < unknown < 1,
    )


def m7(lab: Lab) -> Found:
    """Zero troops while the mission goes on is an exit."""
    zero = coding.gone_by_level(lab.inputs.tables)
    return Found(
        f"{len(zero)} contingents fell to zero, {int(zero['recorded'].sum())} of them recorded as exits by then",
        len(zero) > 0 and bool(zero["recorded"].any()),
    )


def m8(lab: Lab) -> Found:
    """The fit can be kept to the best documented spells."""
    keep = coding.high_quality(mission_spells(lab.inputs.tables, lab.inputs.beliefs))
    return Found(
        f"{int(keep.sum())} of {keep.size} spells are coded with high confidence; `keep` leaves the others out",
        bool(0 < keep.sum() < keep.size and set(np.unique(keep)) == {0.0, 1.0}),
    )


def m21(lab: Lab) -> Found:
    """The coding tree says of the named cases what their historians say."""
    coded = coding.coded_exits(lab.inputs.tables, lab.inputs.beliefs)
    at = {(m, c): (code, channel) for m, c, code, channel in
          coded[["mission", "country", "code", "channel"]].itertuples(index=False)}  # fmt: skip
    wanted = {
        ("mnf_iraq", "ESP"): ("defection", "own"), ("mnf_iraq", "ITA"): ("defection", "own"),
        ("mnf_iraq", "JPN"): ("planned", "term"), ("mnf_iraq", "KOR"): ("planned", "end"),
        **{("unosom_ii", c): ("defection", "contagion") for c in ("DEU", "ITA", "FRA")},
    }  # fmt: skip
    told = ", ".join(f"{m}/{c} {' '.join(at[m, c])}" for m, c in wanted)
    return Found(told, all(at[key] == value for key, value in wanted.items()))
