"""Pieces of spells summed to cells: the withdrawal model's data as vectors that may change without a new compilation.

A rate is a product of a part of the spell and a part of the pattern of covariates, so exposures with the same two are
summed: the likelihood stays exact. Where exits lie, their coded causes and all exposures are data vectors; the spells,
the patterns and which cells there are stay fixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.constants import STAYED

#: Covariates of each cause, by its letter; equal values make one pattern.
PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "d": (
        "duration",
        "leader_change",
        "election_ahead",
        "contagion",
        "lead_gone",
        "casualties",
        "combat_age",
        "ever_reduced",
    ),
    "p": ("duration", "ending"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ExposureTable:
    """Patterns by cause, and for each cell of defection its spell and its pattern.

    `pieces` holds one line a row of the spells: `spell_of`, `d` and `p` (its patterns), `length`, `in_bracket`.
    """

    pieces: pd.DataFrame
    patterns: Mapping[str, pd.DataFrame]
    spell: NDArray[np.int64]
    pattern: NDArray[np.int64]


def exposure_table(spells: xr.Dataset) -> ExposureTable:
    """The cells of `spells` (from `data.deployments.mission_spells`): they depend on covariates and brackets alone."""
    names = {*PATTERNS["d"], *PATTERNS["p"], "spell_of", "length", "in_bracket"}
    pieces = pd.DataFrame({name: spells[name].to_numpy() for name in sorted(names)})
    patterns = {}
    for cause, covariates in PATTERNS.items():
        pieces[cause] = pieces.groupby(list(covariates)).ngroup()
        first = pieces.drop_duplicates(cause).sort_values(cause)
        patterns[cause] = first[list(covariates)].reset_index(drop=True)
    found = _summed(pieces, "d").index
    spell, pattern = (found.get_level_values(k).to_numpy(dtype=np.int64) for k in (0, 1))
    return ExposureTable(pieces=pieces, patterns=patterns, spell=spell, pattern=pattern)


def _summed(pieces: pd.DataFrame, cause: str) -> "pd.Series[Any]":
    """Exposure up to the end of each spell, or to where its bracket begins, by spell and pattern."""
    return pieces[~pieces["in_bracket"]].groupby(["spell_of", cause])["length"].sum()


def data_vectors(spells: xr.Dataset) -> dict[str, NDArray[Any]]:
    """All data vectors of the likelihood, by their names in the model.

    `exposure_d` (cell, quarters), `exposure_p` (spell by pattern, quarters: the patterns are few), `exact` (spell, 1 =
    left on a known day), `exit_d`, `exit_p` (spell, pattern at that day, 0 if none), `bracketed` (spell, 1 = left
    within its bracket), `p_defect` (spell) and `keep` (spell, 1 = counts). Other fates on the same rows
    (`forecast.models.withdrawal.simulated`, `seen_until`) give vectors for the same compiled model.
    """
    found = exposure_table(spells)
    pieces, size = found.pieces, spells.sizes["spell"]
    exact = spells["exact"].to_numpy()
    row = np.where(exact, spells["event_row"].to_numpy(), 0)
    planned = _summed(pieces, "p").unstack(fill_value=0)
    planned = planned.reindex(index=range(size), columns=found.patterns["p"].index, fill_value=0.0)
    vectors: dict[str, NDArray[Any]] = {
        "exposure_d": _summed(pieces, "d").to_numpy(),
        "exposure_p": planned.to_numpy(),
    }
    for cause in PATTERNS:
        vectors[f"exit_{cause}"] = np.where(exact, pieces[cause].to_numpy()[row], 0)
    vectors["exact"] = exact.astype(float)
    bracketed = np.zeros(size)
    bracketed[pieces.loc[pieces["in_bracket"], "spell_of"]] = 1.0
    vectors["bracketed"] = bracketed * (spells["kind"].to_numpy() != STAYED)
    vectors["p_defect"] = spells["p_defect"].to_numpy()
    vectors["keep"] = np.ones(size)
    return vectors
