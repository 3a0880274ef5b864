"""Classify exits as planned or as defections by the rules of the codebook, with the reliability of each code.

A defection is non-routine, happens before the mission is completed, and imposes costs on the partners (McInnis 2020).
The first rule that applies decides:

1. The mission was over: planned.
2. The exit was on the date announced at deployment or at the last renewal: planned, or contested if partners had asked
   the contingent to stay.
3. The contingent was replaced or rotated: planned.
4. The exit was earlier than promised, against a request to stay, or provoked: defection. Hostages, casualties, war, the
   fall of a government and the exit of an ally provoke exits.
5. Nothing is known, as for most small contingents: unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast.array_types import Floats
from forecast.data.tables import Tables
from forecast.priors.load import Priors

Key = tuple[str, str, int]  # mission, country, number of the spell
FREE: Final = 0.5  # `p_defect` of an exit of open cause: the likelihood then sums over both causes
_ROTATED: Final = ("ally_swap", "security_handover", "mission_progress")
_FOLLOWED: Final = ("ally_left", "lead_left")
_QUARTILE: Final = 0.75  # quantile above which an exit counts as large


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitFacts:
    """The facts about one exit that the rules use."""

    mission_over: bool = False  # it ended, its mandate lapsed, or the lead announced a general draw-down
    on_schedule: bool = False  # within two quarters of the date announced at deployment or the last renewal
    refused: bool = False  # partners had asked the contingent to stay
    replaced: bool = False  # another contributor took over, or the rotation was due
    provoked: bool = False  # hostages, casualties, war or the fall of a government; or earlier than promised
    ally_left: bool = False  # an ally, or the lead, had left or announced it


@dataclass(frozen=True, kw_only=True, slots=True)
class ExitCode:
    """The result of the rules: a code, the number of the rule that applied, and the channel of the exit."""

    code: str  # planned, contested, defection or unknown
    rule: int  # 1 to 5
    channel: str  # end, term, rotation, contagion or own; empty if unknown


def classify_exit(facts: ExitFacts) -> ExitCode:
    """Return the code of the first rule that applies (statistical design, coding tree; requirements M1 and M21)."""
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
    """Return the facts that the coded kind and the trigger of a row of deployments.csv imply."""
    kind, trigger = row["exit_kind"], row["trigger"]
    planned, defected = kind == "planned", kind == "defection"
    return ExitFacts(
        mission_over=kind == "mission_end",
        replaced=planned and trigger in _ROTATED,
        on_schedule=planned and trigger not in _ROTATED,
        provoked=defected,
        ally_left=defected and trigger in _FOLLOWED,
    )


def _recorded_facts(row: Mapping[Any, Any]) -> ExitFacts:
    """Return the facts of a row of exit_facts.csv."""
    return ExitFacts(**{field.name: bool(row[field.name]) for field in fields(ExitFacts)})


def classified_exits(tables: Tables, priors: Priors) -> pd.DataFrame:
    """Return the code of every exit of a main contingent.

    Facts of `exit_facts.csv` take precedence over the row of `deployments.csv`.

    Returns
    -------
    Columns `mission`, `country`, `spell`, `code`, `rule`, `channel`, `p_defect` (probability of a defection; NaN if the
        mission was over, because that is not an event), `source`, and `from_facts` (whether facts are recorded).
    """
    rows = tables.main_contingents()
    rows = rows[rows["exit"].notna()]
    known = {_key(row): row for row in tables.exit_facts.to_dict("records")}
    trust = _trust(priors)
    exits = []
    for row in rows.to_dict("records"):
        recorded = known.get(_key(row))
        facts = _recorded_facts(recorded) if recorded else facts_of(row)
        result = classify_exit(facts)
        reliability = trust[row["kind_conf"]]
        p = {"defection": reliability, "planned": 1 - reliability, "unknown": FREE} | trust
        exits.append(
            {
                "mission": row["mission"],
                "country": row["country"],
                "spell": row["spell"],
                "code": result.code,
                "rule": result.rule,
                "channel": result.channel,
                "p_defect": np.nan if result.rule == 1 else p[result.code],
                "source": recorded["source"] if recorded else row["source"],
                "from_facts": recorded is not None,
            }
        )
    return pd.DataFrame(exits)


def defection_chance(rows: pd.DataFrame, priors: Priors) -> Floats:
    """Return the probability that each exit was a defection, from its kind and confidence, (row,); `FREE` if open."""
    trust = rows["kind_conf"].map(_trust(priors)).to_numpy(dtype=float)
    kind = rows["exit_kind"].to_numpy()
    return np.where(kind == "defection", trust, np.where(kind == "planned", 1 - trust, FREE))


def _trust(priors: Priors) -> dict[str, float]:
    """Return the probability that a code is right, by confidence, and that a contested exit was a defection."""
    levels = {name: priors.value(f"withdrawal.trust_{name}") for name in ("high", "medium", "low")}
    return levels | {"contested": priors.value("withdrawal.contested")}


def _key(row: Mapping[Any, Any]) -> Key:
    return str(row["mission"]), str(row["country"]), int(row["spell"])


def recoded(
    spells: xr.Dataset,
    *,
    unknown: float | None = None,
    overlay: Mapping[Key, float] | None = None,
) -> Floats:
    """Return `p_defect` of `spells` under another coding, (spell,).

    It is a data vector of the fitted model, so nothing is compiled again.

    Parameters
    ----------
    spells : data set of `data.deployments.mission_spells`.
    unknown : probability that an exit of unknown cause was a defection (M5: 0.2 and 0.8); None keeps the coding.
    overlay : probability by spell, as from `named_cases`.
    """
    p: Floats = spells["p_defect"].to_numpy().copy()
    if unknown is not None:
        p[spells["exit_kind"].to_numpy() == "unknown"] = unknown
    position = {key: s for s, key in enumerate(spell_keys(spells))}
    for key, chance in (overlay or {}).items():
        if key in position:
            p[position[key]] = chance
    return p


def spell_keys(spells: xr.Dataset) -> list[Key]:
    """Return mission, country and number of each spell."""
    mission = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()]
    country = spells["country"].to_numpy()[spells["country_of"].to_numpy()]
    number = spells["spell_number"].to_numpy()
    return [(str(m), str(c), int(n)) for m, c, n in zip(mission, country, number, strict=True)]


def named_cases(tables: Tables, priors: Priors, codes: tuple[str, ...]) -> dict[Key, float]:
    """Return `p_defect`, by spell, of exits with recorded facts (`exit_facts.csv`) that the rules code as `codes`.

    `("contested",)` gives the Netherlands 2010 and Canada 2011 in Afghanistan; all codes give requirement M21.
    """
    exits = classified_exits(tables, priors).query("from_facts and p_defect.notna()")
    exits = exits[exits["code"].isin(codes)]
    return {_key(row): float(row["p_defect"]) for row in exits.to_dict("records")}


def recodings(spells: xr.Dataset, tables: Tables, priors: Priors) -> dict[str, dict[str, Floats]]:
    """Return data vectors of the fitted model under other codings of the record, by the name of the coding.

    The codings are: contested exits with their probability, and as certain defections; all named cases by the rules;
    exits of unknown cause as defections with probability 0.2 and 0.8 (M5); only spells coded with high confidence (M8);
    and all missions without the coalition in Iraq.
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


def high_quality(spells: xr.Dataset) -> Floats:
    """Return `keep`, (spell,): 1 for spells coded with high confidence, else 0 (M8)."""
    return np.where(spells["confidence"].to_numpy() == "high", 1.0, 0.0)


def screened(tables: Tables) -> pd.DataFrame:
    """Return the size class of each exit (M5).

    An exit is large if it is in the top quarter by troops, or by its share of the troops of the mission.

    Returns
    -------
    Columns `mission`, `country`, `spell`, `exit_kind`, `large`, and `known` (whether a size is recorded).
    """
    rows = tables.main_contingents()
    size = rows["peak_troops"].astype(float)
    share = size / size.groupby(rows["mission"]).transform("sum")
    exits = rows[["mission", "country", "spell", "exit_kind"]].assign(
        large=(size >= size.quantile(_QUARTILE)) | (share >= share.quantile(_QUARTILE)),
        known=size.notna(),
    )
    left = ~exits["exit_kind"].isin(["censored", "mission_end"])
    return exits[left].reset_index(drop=True)


def gone_by_level(tables: Tables) -> pd.DataFrame:
    """Return the contingents with a published troop level of 0 during their mission, which is an exit (M7).

    Returns
    -------
    Columns `mission`, `country`, `date` (of the first level of 0), and `recorded` (whether the main spell had ended by
        that date).
    """
    key = ["mission", "country"]
    levels = tables.troop_levels[tables.troop_levels["troops"] == 0]
    closes = levels["mission"].map(tables.missions.set_index("mission")["end"])
    zero = levels[~(levels["date"] >= closes)].groupby(key)["date"].min().reset_index()
    main = tables.main_contingents()
    joined = zero.merge(main[[*key, "entry", "exit"]], how="left", on=key)
    joined["present"] = (joined["entry"] <= joined["date"]) & ~(joined["exit"] <= joined["date"])
    present = joined.groupby(key)["present"].any().reset_index()
    return zero.assign(recorded=~present["present"].to_numpy(dtype=bool))
