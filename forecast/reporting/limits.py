"""State what acts in a run and on which evidence, for the section on limits.

Everything is derived from `names.MECHANISMS`, the mechanisms that the plan switches off, and the stored priors.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast import names
from forecast.reporting.formatting import number

Row = dict[str, Any]

#: The priors that set the size of each mechanism.
MECHANISM_PRIORS: Final[Mapping[str, tuple[str, ...]]] = {
    "collapse": ("missions.collapse_institutions", "missions.collapse_leadership"),
    "new_missions": ("missions.new_missions", "missions.us_led"),
    "crises": ("events.crisis_rate", "events.crisis_rally", "events.crisis_strain"),
    "wedges": ("events.wedge_rate", "events.wedge"),
    "orientation": ("events.orientation",),
    "scapegoating": ("events.scapegoat_rate", "events.scapegoat"),
    "burden": ("events.burden_sharing",),
    "spending_cost": ("events.spending_cost",),
    "vetoes": ("events.block_base", "events.block_spread", "events.block"),
    "disputes": ("events.dispute_rate", "events.dispute"),
    "article5": ("events.article5", "events.article5_effect"),
    "alliance_exits": ("alliance_exit.notice", "alliance_exit.command_exit"),
    "us_posture": ("alliance_exit.us_notice_sympathetic", "alliance_exit.us_notice_other", "alliance_exit.us_drawdown"),
    "backsliding": ("events.credibility_decay",),
    "balancing": ("events.balancing",),
    "modes": ("missions.mode_shares",),
    "reductions": ("withdrawal.reduction", "withdrawal.ever_reduced"),
    "tether": ("missions.tether",),
    "losses": ("withdrawal.casualties", "withdrawal.loss_aversion", "withdrawal.combat_drift"),
    "battlefield": ("missions.trend",),
    "opinion": ("missions.opposition",),
    "executive": ("missions.right_wing", "missions.left_turn"),
    "circumstances": ("missions.side_payment", "missions.prestige", "missions.separate_sector"),
    "backfill": ("missions.backfill",),
    "hand_over": ("missions.hand_over",),
    "reach": ("dyads.abandonment_reach", "dyads.reach_growth"),
    "demands": ("dyads.demand_sd", "dyads.abandonment_demand"),
    "troop_cuts": ("alliance_exit.us_drawdown",),
    "fears": ("dyads.contribution_abandonment", "dyads.contribution_entrapment"),
}
#: Mechanisms that are covariates of withdrawal, as they are called in the text.
COVARIATES: Final[Mapping[str, str]] = {
    "losses": "casualties",
    "battlefield": "the battlefield trend",
    "opinion": "public opposition",
    "executive": "the executive's political camp",
    "circumstances": "a contingent's circumstances (side payments, prestige, a separate sector)",
}


def mechanism_rows(plan: Mapping[str, Any], priors: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return one row for each mechanism: `name`, `text`, `acts`, `estimated` and `basis` (the evidence, in words)."""
    by_name = {prior["name"]: prior for prior in priors}
    rows = []
    for name, text in names.MECHANISMS.items():
        stored = [by_name[prior] for prior in MECHANISM_PRIORS[name] if prior in by_name]
        rows.append(
            {
                "name": name,
                "text": text,
                "acts": name not in plan.get("off", ()),
                "estimated": any("posterior_mean" in prior for prior in stored),
                "basis": _basis(stored),
            }
        )
    return rows


def _basis(priors: Sequence[Mapping[str, Any]]) -> str:
    """Return the evidence on the size of a mechanism: estimates with their contraction, then the kinds of prior."""
    parts = []
    contractions = [prior["contraction"] for prior in priors if "contraction" in prior]
    if contractions:
        parts.append(f"estimated from data (largest contraction {number(max(contractions))})")
    kinds = dict.fromkeys(prior["evidence"] for prior in priors if "posterior_mean" not in prior)
    if kinds:
        parts.append(f"prior from {' and '.join(kinds)}")
    return "; ".join(parts) or "not stored in this run"


def covariate_sentences(rows: Sequence[Row]) -> list[str]:
    """Return what the covariates of withdrawal rest on: estimated, prior alone, or switched off."""
    covariates = [row for row in rows if row["name"] in COVARIATES]
    groups = (
        ([row for row in covariates if row["acts"] and row["estimated"]], "estimated from past missions"),
        (
            [row for row in covariates if row["acts"] and not row["estimated"]],
            "set by priors alone, because we have no data on it from past missions",
        ),
        ([row for row in covariates if not row["acts"]], "switched off in this plan"),
    )
    sentences = [
        f"The effect of {_listed([COVARIATES[row['name']] for row in members])} is {state}."
        for members, state in groups
        if members
    ]
    if any(row["name"] == "losses" and row["acts"] and row["estimated"] for row in covariates):
        sentences.append("Almost all fatality records come from the missions in Iraq and Afghanistan.")
    return sentences


def off_sentence(rows: Sequence[Row]) -> str:
    """Return which mechanisms the plan switches off."""
    off = [row["name"].replace("_", " ") for row in rows if not row["acts"]]
    if not off:
        return "All mechanisms act in this plan."
    return f"This plan switches off {_listed(off)}. Their effects are absent from every number."


def _listed(parts: Sequence[str]) -> str:
    """Return the parts as an English list."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
