"""Sum the exposure of spells to cells: the data vectors of the withdrawal model.

A hazard rate is the product of a factor of the spell and a factor of the pattern of covariates. Summing the exposure of
a spell within one pattern therefore leaves the likelihood exact. The dates of exits, their coded causes and all
exposures are data vectors, which may change without a new compilation. Spells, patterns and cells are fixed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.constants import STAYED

#: Covariates of each cause, defection (`d`) and planned exit (`p`). Rows with equal covariates share a pattern.
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
    """Patterns of covariates by cause, and the cells of defection.

    Attributes
    ----------
    rows : one line for each row of the spells; `spell_of`, `length` (quarters), `in_bracket`, the covariates, and the
        patterns `d` and `p`.
    patterns : covariates of each pattern, by cause.
    spell, pattern : spell and pattern of each cell of defection, both (cell,).
    """

    rows: pd.DataFrame
    patterns: Mapping[str, pd.DataFrame]
    spell: NDArray[np.int64]
    pattern: NDArray[np.int64]


def exposure_table(spells: xr.Dataset) -> ExposureTable:
    """Return the cells of `spells` (of `data.deployments.mission_spells`), which covariates and brackets determine."""
    names = {*PATTERNS["d"], *PATTERNS["p"], "spell_of", "length", "in_bracket"}
    rows = pd.DataFrame({name: spells[name].to_numpy() for name in sorted(names)})
    patterns = {}
    for cause, covariates in PATTERNS.items():
        rows[cause] = rows.groupby(list(covariates)).ngroup()
        first = rows.drop_duplicates(cause).sort_values(cause)
        patterns[cause] = first[list(covariates)].reset_index(drop=True)
    cells = _summed(rows, "d").index
    spell, pattern = (cells.get_level_values(k).to_numpy(dtype=np.int64) for k in (0, 1))
    return ExposureTable(rows=rows, patterns=patterns, spell=spell, pattern=pattern)


def _summed(rows: pd.DataFrame, cause: str) -> "pd.Series[Any]":
    """Return the exposure in quarters, by spell and pattern, to the end of the spell or the start of its bracket."""
    return rows[~rows["in_bracket"]].groupby(["spell_of", cause])["length"].sum()


def data_vectors(spells: xr.Dataset) -> dict[str, NDArray[Any]]:
    """Return all data vectors of the likelihood, by their names in the model.

    Other outcomes on the same rows, simulated or as of an earlier day, give vectors for the same compiled model.

    Returns
    -------
    `exposure_d` : (cell,), quarters.
    `exposure_p` : (spell, pattern), quarters; dense, because there are few patterns.
    `exact` : (spell,), 1 if the contingent left on a known day.
    `exit_d`, `exit_p` : (spell,), pattern on that day, 0 if none.
    `bracketed` : (spell,), 1 if the contingent left within its bracket.
    `p_defect` : (spell,), probability that the exit was a defection.
    `keep` : (spell,), 1 if the spell enters the likelihood.
    """
    table = exposure_table(spells)
    rows, size = table.rows, spells.sizes["spell"]
    exact = spells["exact"].to_numpy()
    row = np.where(exact, spells["event_row"].to_numpy(), 0)
    planned = _summed(rows, "p").unstack(fill_value=0)
    planned = planned.reindex(index=range(size), columns=table.patterns["p"].index, fill_value=0.0)
    vectors: dict[str, NDArray[Any]] = {
        "exposure_d": _summed(rows, "d").to_numpy(),
        "exposure_p": planned.to_numpy(),
    }
    for cause in PATTERNS:
        vectors[f"exit_{cause}"] = np.where(exact, rows[cause].to_numpy()[row], 0)
    vectors["exact"] = exact.astype(float)
    bracketed = np.zeros(size)
    bracketed[rows.loc[rows["in_bracket"], "spell_of"]] = 1.0
    vectors["bracketed"] = bracketed * (spells["kind"].to_numpy() != STAYED)
    vectors["p_defect"] = spells["p_defect"].to_numpy()
    vectors["keep"] = np.ones(size)
    return vectors
