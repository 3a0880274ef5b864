"""In which way a contingent defects: the modes, told from what it did before and does after.

What a contingent came with, caveats included, is no defection; only what changes during the mission can be one
(McInnis 2020, n. 150). The tables record exits and head counts, not roles and caveats, so the shares of the modes rest
on their priors until `ENOUGH` modes are coded.
"""

from dataclasses import dataclass
from typing import Final

from forecast.data import Tables
from forecast.names import MODES

ENOUGH: Final = 30  # coded modes from which they could be fitted
_HALF: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What a contingent does: `value` = troops x role x reach, as parts of what it did at its fullest."""

    troops: float
    role: float = 1.0  # 1 = the mission's main task, less = safer work
    reach: float = 1.0  # 1 = no caveats
    elsewhere: bool = False  # has moved to another mission of the same lead

    @property
    def value(self) -> float:
        """The operational profile, 0 to 1; 0 for who is not there."""
        return self.troops * self.role * self.reach


def mode_of(before: Profile | None, after: Profile) -> str:
    """The mode of a change from `before` to `after`, or "" if it is none; None is a contingent on its arrival."""
    if before is None or after.value >= before.value:
        return ""
    if after.elsewhere:
        return "swap"
    if after.troops == 0.0:
        return "full_exit"
    if after.role < before.role:
        return "re_role"
    if after.troops <= _HALF * before.troops:
        return "reduction"
    return "caveat" if after.reach < before.reach else ""


def coded_modes(tables: Tables) -> dict[str, int]:
    """How many defections of each mode the tables record; see `ENOUGH`.

    A defection with a remainder on record that stays from that day is a re-role, one that swaps missions a swap, any
    other a full exit.
    """
    rows = tables.deployments
    defections = rows[(rows["exit_kind"] == "defection") & ~rows["residual"]]
    key = ["mission", "country"]
    stays = defections.merge(
        rows.loc[rows["residual"], [*key, "entry"]], on=key, suffixes=("", "_rest")
    )
    stays = stays[(stays["entry_rest"] - stays["exit"]).dt.days.between(0, 31)]
    remain = set(zip(stays["mission"], stays["country"], stays["spell"], strict=True))
    counted = dict.fromkeys(MODES, 0)
    for row in defections.itertuples():
        swapped = row.trigger == "ally_swap"
        stayed = (row.mission, row.country, row.spell) in remain
        counted["swap" if swapped else "re_role" if stayed else "full_exit"] += 1
    return counted
