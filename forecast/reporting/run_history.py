"""All runs of a workspace at a glance, and how each headline has moved from run to run of a plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from forecast.storage.runs import COMPLETE, Run

_WIDTH, _HEIGHT, _EDGE = 160.0, 34.0, 3.0  # of a small line, in its own units


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadlineSeries:
    """One headline through the runs of a plan, oldest first; None in a run that does not have it."""

    quantity: str
    cell: str
    unit: str
    values: tuple[float | None, ...]
    horizon: str  # of the last run that has it

    @property
    def last(self) -> float | None:
        """The newest value."""
        return next((x for x in reversed(self.values) if x is not None), None)

    @property
    def points(self) -> str:
        """The line as points of an SVG polyline, between its own lowest and highest value."""
        seen = [(i, x) for i, x in enumerate(self.values) if x is not None]
        low, high = min(x for _, x in seen), max(x for _, x in seen)
        step = (_WIDTH - 2 * _EDGE) / max(len(self.values) - 1, 1)
        room = _HEIGHT - 2 * _EDGE
        heights = [(x - low) / (high - low) if high > low else 0.5 for _, x in seen]
        return " ".join(
            f"{_EDGE + i * step:.1f},{_HEIGHT - _EDGE - room * part:.1f}"
            for (i, _), part in zip(seen, heights, strict=True)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanHistory:
    """The runs of one plan: all that is known of them, the last good one, and the lines of the headlines."""

    plan: str
    runs: tuple[Run, ...]  # newest first, failed ones too
    good: Run | None
    lines: tuple[HeadlineSeries, ...]


def plan_histories(runs: Sequence[Run], also: Iterable[str] = ()) -> list[PlanHistory]:
    """The runs of a workspace by plan, the plan with the newest run first; `runs` are oldest first.

    Plans named in `also` have a shelf even if they have no run.
    """
    by_plan: dict[str, list[Run]] = {}
    for run in reversed(runs):
        by_plan.setdefault(run.plan_name, []).append(run)
    for plan in also:
        by_plan.setdefault(plan, [])
    return [_plan_history(plan, mine) for plan, mine in by_plan.items()]


def _plan_history(plan: str, newest_first: list[Run]) -> PlanHistory:
    good = [run for run in newest_first if run.status == COMPLETE]
    return PlanHistory(
        plan=plan,
        runs=tuple(newest_first),
        good=good[0] if good else None,
        lines=tuple(_lines([run.headlines for run in reversed(good)])),
    )


def _lines(tables: list[list[dict[str, Any]]]) -> list[HeadlineSeries]:
    """Headlines of the same quantity and cell in a line; the horizon may move on from run to run."""
    found: dict[tuple[str, str, int], list[dict[str, Any] | None]] = {}
    for at, table in enumerate(tables):
        places: dict[tuple[str, str], int] = {}
        for one in table:
            name = (one["quantity"], f"{one['war']} × {one['design']}")
            places[name] = places.get(name, 0) + 1  # the same quantity at a second horizon
            line = found.setdefault((*name, places[name]), [None] * len(tables))
            line[at] = one
    return [
        HeadlineSeries(
            quantity=quantity,
            cell=cell,
            unit=(newest := next(one for one in reversed(line) if one))["unit"],
            values=tuple(one["value"] if one else None for one in line),
            horizon=newest["horizon"],
        )
        for (quantity, cell, _), line in found.items()
    ]
