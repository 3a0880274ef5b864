"""Who leaves a mission, when, and why: two competing causes, a rate constant within each quarter and contributor.

With u a mission's and v a contributor's own effect, b the duration bin, rates per quarter:

    log rate of defection = level + framework + noncombat + u + v + is lead
                            + duration_b + leader change + election ahead + 10 * contagion * share + lead gone
    log rate of planned   = level + load * (u + v) + is lead + duration_b + ending

Rates are products of a part of the spell and a part of the pattern of covariates, so exposures with the same two are
summed beforehand: the likelihood stays exact, with some two thousand exponentials in place of forty thousand.
"""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from forecast.models.variables import variable
from forecast.priors import Beliefs
from forecast.spells import DEFECTION, OPEN_CAUSE, PLANNED, STAYED

_DEFECTION_PATTERN = ["duration", "leader_change", "election_ahead", "contagion", "lead_gone"]
_PLANNED_PATTERN = ["duration", "ending"]


def build(spells: xr.Dataset, beliefs: Beliefs) -> pm.Model:
    """The model of `spells` (from `forecast.spells.mission_spells`).

    An exit on a known day gives the density of its cause there; within a bracket, the chance to leave for that cause
    within it; with the cause left open (`unknown`, and `reduced`: the main contingent left, token staff stayed), the
    sum over both causes. The data vector `keep` multiplies each spell's log-likelihood: 0 leaves a spell out.
    """
    pieces = _patterned(spells)
    coords = {name: spells[name].to_numpy() for name in ("mission", "country", "duration_bin")}
    with pm.Model(coords=coords | {"spell": np.arange(spells.sizes["spell"])}) as model:
        keep = pm.Data("keep", np.ones(spells.sizes["spell"]), dims="spell")
        levels = _spell_levels(spells, beliefs)
        patterns = _pattern_effects(pieces, beliefs)
        pm.Potential(
            "log_likelihood",
            -_exposure(pieces, levels, patterns, keep)
            + _exact_exits(spells, pieces, levels, patterns, keep)
            + _bracketed_exits(spells, pieces, levels, patterns, keep),
        )
    return model


def _patterned(spells: xr.Dataset) -> pd.DataFrame:
    """The pieces with `d` and `p`: which distinct pattern of covariates each has, by cause."""
    names = {*_DEFECTION_PATTERN, *_PLANNED_PATTERN, "spell_of", "length", "in_bracket"}
    pieces = pd.DataFrame({name: spells[name].to_numpy() for name in sorted(names)})
    pieces["d"] = pieces.groupby(_DEFECTION_PATTERN).ngroup()
    pieces["p"] = pieces.groupby(_PLANNED_PATTERN).ngroup()
    return pieces


def _spell_levels(spells: xr.Dataset, beliefs: Beliefs) -> tuple[Any, Any]:
    """Log rates of both causes that hold for a whole spell."""
    mission, country = spells["mission_of"].to_numpy(), spells["country_of"].to_numpy()
    frailty = _effects("mission", beliefs)[mission] + _effects("country", beliefs)[country]
    by_mission: Any = 0.0
    for name in ("nato", "un", "eu", "noncombat"):
        by_mission += variable(beliefs[f"withdrawal.{name}"]) * spells[name].to_numpy().astype(
            float
        )
    defection = variable(beliefs["withdrawal.defection_intercept"]) + by_mission[mission]
    planned = variable(beliefs["withdrawal.planned_intercept"])
    load = variable(beliefs["withdrawal.frailty_load"])
    is_lead = spells["country"].to_numpy()[country] == spells["lead"].to_numpy()[mission]
    lead = variable(beliefs["withdrawal.lead"]) * is_lead.astype(float)
    return defection + frailty + lead, planned + load * frailty + lead


def _effects(dim: str, beliefs: Beliefs) -> Any:
    scale = variable(beliefs[f"withdrawal.{dim}_sd"])
    raw = pm.Normal(f"{dim}_effect_raw", dims=dim)
    return pm.Deterministic(f"{dim}_effect", scale * raw, dims=dim)


def _duration(cause: str, bins: int, beliefs: Beliefs) -> Any:
    """A random walk over the duration bins, centred; the level stays with the intercept."""
    scale = variable(beliefs[f"withdrawal.duration_scale_{cause}"])
    steps = pm.Normal(f"duration_{cause}_raw", shape=bins - 1)
    walk = pt.concatenate([pt.zeros(1), pt.cumsum(steps)])
    centred = scale * (walk - pt.mean(walk))
    return pm.Deterministic(f"duration_{cause}", centred, dims="duration_bin")


def _pattern_effects(pieces: pd.DataFrame, beliefs: Beliefs) -> tuple[Any, Any]:
    """Log rate ratios of both causes, one for each distinct pattern."""
    bins = len(pm.modelcontext(None).coords["duration_bin"])
    first = pieces.drop_duplicates("d").sort_values("d")
    defection = _duration("defection", bins, beliefs)[first["duration"].to_numpy()]
    for name in ("leader_change", "election_ahead", "contagion", "lead_gone"):
        unit = (
            10.0 if name == "contagion" else 1.0
        )  # the coefficient is per ten points of the share
        seen = unit * first[name].to_numpy()
        defection += variable(beliefs[f"withdrawal.{name}"]) * seen
    first = pieces.drop_duplicates("p").sort_values("p")
    planned = _duration("planned", bins, beliefs)[first["duration"].to_numpy()]
    planned += variable(beliefs["withdrawal.ending"]) * first["ending"].to_numpy()
    return defection, planned


def _exposure(pieces: pd.DataFrame, levels: Any, patterns: Any, keep: Any) -> Any:
    """Cumulative hazard of both causes up to the end of each spell, or to where its bracket begins."""
    total: Any = 0.0
    for cause, level, effect in zip("dp", levels, patterns, strict=True):
        cells = pieces[~pieces["in_bracket"]].groupby(["spell_of", cause])["length"].sum()
        spell, pattern = (cells.index.get_level_values(k).to_numpy() for k in (0, 1))
        rate = (keep * pt.exp(level))[spell] * pt.exp(effect)[pattern]
        total += pt.sum(rate * cells.to_numpy())
    return total


def _exact_exits(
    spells: xr.Dataset, pieces: pd.DataFrame, levels: Any, patterns: Any, keep: Any
) -> Any:
    """Log rate of the cause at the day of the exit."""
    total: Any = 0.0
    kinds = np.where(spells["exact"], spells["kind"], STAYED)
    for kind in (DEFECTION, PLANNED, OPEN_CAUSE):
        spell = np.flatnonzero(kinds == kind)
        row = pieces.iloc[spells["event_row"].to_numpy()[spell]]
        defection = levels[0][spell] + patterns[0][row["d"].to_numpy()]
        planned = levels[1][spell] + patterns[1][row["p"].to_numpy()]
        rate = {
            DEFECTION: defection,
            PLANNED: planned,
            OPEN_CAUSE: pm.math.logaddexp(defection, planned),
        }
        total += pt.sum(keep[spell] * rate[kind])
    return total


def _bracketed_exits(
    spells: xr.Dataset, pieces: pd.DataFrame, levels: Any, patterns: Any, keep: Any
) -> Any:
    """Log chance to leave for the cause within the bracket, given presence where it begins."""
    spell, fields = _padded_brackets(spells, pieces)
    if len(spell) == 0:
        return 0.0
    length = fields["length"]
    defection = pt.exp(levels[0][spell])[:, None] * pt.exp(patterns[0])[fields["d"]]
    planned = pt.exp(levels[1][spell])[:, None] * pt.exp(patterns[1])[fields["p"]]
    both = defection + planned
    kind = spells["kind"].to_numpy()[spell][:, None]
    of_cause = defection * (kind != PLANNED) + planned * (kind != DEFECTION)
    hazard = both * length
    before = pt.cumsum(hazard, axis=1) - hazard
    chance = pt.sum(pt.exp(-before) * of_cause / both * -pt.expm1(-hazard), axis=1)
    return pt.sum(keep[spell] * pt.log(chance))


def _padded_brackets(
    spells: xr.Dataset, pieces: pd.DataFrame
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Spells that end within a bracket, and its pieces as arrays (spell, piece), filled up with length 0.

    Where the cause is open the order of the pieces does not matter, so equal ones are merged.
    """
    inside = pieces[pieces["in_bracket"]].assign(order=lambda x: np.arange(len(x)))
    open_cause = spells["kind"].to_numpy()[inside["spell_of"]] == OPEN_CAUSE
    inside.loc[open_cause, "order"] = -1
    inside = inside.groupby(["spell_of", "order", "d", "p"])[["length"]].sum().reset_index()
    spell, row = np.unique(inside["spell_of"], return_inverse=True)
    column = inside.groupby("spell_of").cumcount().to_numpy()
    shape = (len(spell), column.max(initial=0) + 1)
    fields = {}
    for name in ("d", "p", "length"):
        values = inside[name].to_numpy()
        fields[name] = np.zeros(shape, dtype=values.dtype)
        fields[name][row, column] = values
    return spell, fields
