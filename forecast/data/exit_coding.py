"""Planned withdrawal or defection: the codebook as rules, and how far a coded cause is to be trusted.

A defection is non-routine, at the partners' expense and before the mission is done (McInnis 2020). The rules fire in
this order: 1 the mission was over; 2 left on the date announced at deployment or at the last renewal (contested, where
partners had asked for more); 3 replaced or rotated; 4 earlier than promised, against a request to stay, or provoked
(hostages, losses, war, a fallen government, an ally that left); 5 nothing known: unknown, and so are small contingents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.data.tables import Tables
from forecast.priors.load import Priors

Key = tuple[str, str, int]  # mission, country, number of the spell
FREE: Final = 0.5  # of `p_defect`: both causes weigh the same, which sums over them
_ROTATED: Final = ("ally_swap", "security_handover", "mission_progress")
_FOLLOWED: Final = ("ally_left", "lead_left")
_QUARTILE: Final = 0.75
_FACTS: Final = ("mission_over", "on_schedule", "refused", "replaced", "provoked", "ally_left")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitFacts:
    """What the rules ask of one exit."""

    mission_over: bool = False  # it ended, its mandate lapsed, or the lead had announced a general draw-down
    on_schedule: bool = False  # within two quarters of the date announced at deployment or last renewal
    refused: bool = False  # partners had asked to stay
    replaced: bool = False  # another contributor took over, or the rotation was due
    provoked: bool = False  # hostages, losses, war, a fallen government; or earlier than promised
    ally_left: bool = False  # an ally, or the lead, had left or announced it


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitCode:
    """The verdict of the rules: `code` is planned, contested, defection or unknown; `rule` which one fired."""

    code: str
    rule: int
    channel: str  # end, term, rotation, contagion, own; empty where unknown


def classify_exit(facts: ExitFacts) -> ExitCode:
    """The first rule that fires (statistical design, coding tree; requirements M1 and M21)."""
    if facts.mission_over:
        return ExitCode(code="planned", rule=1, channel="end")
    if facts.on_schedule:
        code = "contested" if facts.refused else "planned"
        return ExitCode(code=code, rule=2, channel="term")
    if facts.replaced:
        return ExitCode(code="planned", rule=3, channel="rotation")
    if facts.refused or facts.provoked or facts.ally_left:
        channel = "contagion" if facts.ally_left else "own"
        return ExitCode(code="defection", rule=4, channel=channel)
    return ExitCode(code="unknown", rule=5, channel="")


def facts_of(row: Mapping[Any, Any]) -> ExitFacts:
    """What a row of deployments.csv says to the rules, by its coded kind and its trigger."""
    kind, trigger = row["exit_kind"], row["trigger"]
    planned, defected = kind == "planned", kind == "defection"
    return ExitFacts(
        mission_over=kind == "mission_end",
        replaced=planned and trigger in _ROTATED,
        on_schedule=planned and trigger not in _ROTATED,
        provoked=defected,
        ally_left=defected and trigger in _FOLLOWED,
    )


def classified_exits(tables: Tables, priors: Priors) -> pd.DataFrame:
    """One line for every exit of a main contingent: `code`, `rule`, `channel`, `p_defect`, `source`, `from_facts`.

    Facts of `exit_facts.csv` stand in for what the row says. `p_defect` is
    NaN where the mission was over, for that is no event.
    """
    rows = tables.deployments[~tables.deployments["residual"] & tables.deployments["exit"].notna()]
    known = {_key(row): row for row in tables.exit_facts.to_dict("records")}
    trust = _trust(priors)
    lines = []
    for row in rows.to_dict("records"):
        given = known.get(_key(row))
        facts = ExitFacts(**{name: bool(given[name]) for name in _FACTS}) if given else facts_of(row)
        found = classify_exit(facts)
        right = trust[row["kind_conf"]]
        p = {"defection": right, "planned": 1 - right, "unknown": FREE} | trust
        lines.append(
            {
                "mission": row["mission"],
                "country": row["country"],
                "spell": row["spell"],
                "code": found.code,
                "rule": found.rule,
                "channel": found.channel,
                "p_defect": np.nan if found.rule == 1 else p[found.code],
                "source": given["source"] if given else row["source"],
                "from_facts": given is not None,
            }
        )
    return pd.DataFrame(lines)


def defection_chance(rows: pd.DataFrame, priors: Priors) -> NDArray[np.float64]:
    """Chance that each exit was a defection, from its coded kind and the confidence in it; `FREE` where left open."""
    trust = rows["kind_conf"].map(_trust(priors)).to_numpy(dtype=float)
    kind = rows["exit_kind"].to_numpy()
    return np.where(kind == "defection", trust, np.where(kind == "planned", 1 - trust, FREE))


def _trust(priors: Priors) -> dict[str, float]:
    """Chance that a coded cause is right, by the coder's confidence; and that a contested case was a defection."""
    levels = {name: priors.value(f"withdrawal.trust_{name}") for name in ("high", "medium", "low")}
    return levels | {"contested": priors.value("withdrawal.contested")}


def _key(row: Mapping[Any, Any]) -> Key:
    return str(row["mission"]), str(row["country"]), int(row["spell"])


def recoded(
    spells: xr.Dataset,
    *,
    unknown: float | None = None,
    overlay: Mapping[Key, float] | None = None,
) -> NDArray[np.float64]:
    """`p_defect` of `spells` coded otherwise: a data vector of the fitted model, so nothing is compiled again.

    Parameters
    ----------
    unknown : chance that an exit of unknown ground was a defection (M5 asks for .2 and .8); None sums over both.
    overlay : chance by spell, as from `contested` or `named_cases`.
    """
    p: NDArray[np.float64] = spells["p_defect"].to_numpy().copy()
    if unknown is not None:
        p[spells["exit_kind"].to_numpy() == "unknown"] = unknown
    where = {key: s for s, key in enumerate(spell_keys(spells))}
    for key, chance in (overlay or {}).items():
        if key in where:
            p[where[key]] = chance
    return p


def spell_keys(spells: xr.Dataset) -> list[Key]:
    """Mission, country and number of each spell."""
    mission = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()]
    country = spells["country"].to_numpy()[spells["country_of"].to_numpy()]
    number = spells["spell_number"].to_numpy()
    return [(str(m), str(c), int(n)) for m, c, n in zip(mission, country, number, strict=True)]


def named_cases(tables: Tables, priors: Priors, codes: tuple[str, ...]) -> dict[Key, float]:
    """`p_defect` of the exits whose facts are on record (`exit_facts.csv`) and which the rules code as one of `codes`.

    `("contested",)` gives the Netherlands 2010 and Canada 2011 in Afghanistan; all codes give requirement M21.
    """
    found = classified_exits(tables, priors).query("from_facts and p_defect.notna()")
    found = found[found["code"].isin(codes)]
    return {_key(row): float(row["p_defect"]) for row in found.to_dict("records")}


def recodings(spells: xr.Dataset, tables: Tables, priors: Priors) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Data vectors of the fitted model under other readings of the record, by what is changed.

    Contested cases as they are likely, and as defections outright; all named cases by the rules; exits of unknown
    ground at .2 and .8 (M5); spells coded with high confidence alone (M8); without the coalition in Iraq.
    """
    contested = named_cases(tables, priors, ("contested",))
    named = named_cases(tables, priors, ("contested", "planned", "defection"))
    mission = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()]
    return {
        "contested": {"p_defect": recoded(spells, overlay=contested)},
        "contested as defections": {"p_defect": recoded(spells, overlay=dict.fromkeys(contested, 1.0))},
        "named cases": {"p_defect": recoded(spells, overlay=named)},
        "unknown .2": {"p_defect": recoded(spells, unknown=0.2)},
        "unknown .8": {"p_defect": recoded(spells, unknown=0.8)},
        "high confidence": {"keep": high_quality(spells)},
        "without mnf_iraq": {"keep": np.where(mission == "mnf_iraq", 0.0, 1.0)},
    }


def high_quality(spells: xr.Dataset) -> NDArray[np.float64]:
    """`keep`: 1 for spells coded with high confidence, else 0 (M8: the fit from these alone)."""
    return np.where(spells["confidence"].to_numpy() == "high", 1.0, 0.0)


def screened(tables: Tables) -> pd.DataFrame:
    """M5: whether each exit is large enough to be coded: in the top quarter by troops or by share of the mission's.

    Columns `mission`, `country`, `spell`, `exit_kind`, `large`, `known` (a size is on record).
    """
    rows = tables.deployments[~tables.deployments["residual"]]
    size = rows["peak_troops"].astype(float)
    share = size / size.groupby(rows["mission"]).transform("sum")
    out = rows[["mission", "country", "spell", "exit_kind"]].assign(
        large=(size >= size.quantile(_QUARTILE)) | (share >= share.quantile(_QUARTILE)),
        known=size.notna(),
    )
    left = ~out["exit_kind"].isin(["censored", "mission_end"])
    return out[left].reset_index(drop=True)


def gone_by_level(tables: Tables) -> pd.DataFrame:
    """M7: contingents with a published level of 0 while their mission went on: an exit, whatever the table says.

    Columns `mission`, `country`, `date` of the first such level, and `recorded`: the contingent's main spell had ended
    by then.
    """
    key = ["mission", "country"]
    levels = tables.troop_levels[tables.troop_levels["troops"] == 0]
    closes = levels["mission"].map(tables.missions.set_index("mission")["end"])
    zero = levels[~(levels["date"] >= closes)].groupby(key)["date"].min().reset_index()
    main = tables.deployments[~tables.deployments["residual"]]
    joined = zero.merge(main[[*key, "entry", "exit"]], how="left", on=key)
    joined["there"] = (joined["entry"] <= joined["date"]) & ~(joined["exit"] <= joined["date"])
    there = joined.groupby(key)["there"].any().reset_index()
    return zero.assign(recorded=~there["there"].to_numpy(dtype=bool))
