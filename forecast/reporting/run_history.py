"""Collect all runs of a workspace by plan, with the history of each headline over the runs of a plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from forecast import names
from forecast.errors import RunError
from forecast.names import SCHEMA_VERSION
from forecast.projection.headlines import Verdict, key_of, verdicts
from forecast.reporting.headline_text import headline_title, scenario_text, statistic_text, value_text
from forecast.storage.runs import COMPLETE, DAMAGED, Run

_LEAST_ERRORS: Final = 20  # so that noise of the simulation looks like noise
_WIDTH, _HEIGHT, _EDGE = 160.0, 34.0, 3.0  # size and margin of a sparkline, in its own units


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadlineSeries:
    """One headline over the runs of a plan, oldest first; a value is None for a run without it."""

    record: Mapping[str, Any]  # of the newest run that has it
    values: tuple[float | None, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the headline is about."""
        return headline_title(self.record, self.labels)

    @property
    def statistic(self) -> str:
        """Which number it gives, with its unit."""
        return statistic_text(self.record)

    @property
    def scenario(self) -> str:
        """Outcome of the war × design."""
        return scenario_text(self.record, self.labels)

    @property
    def horizon(self) -> str:
        """Quarter or year of the newest run that has the headline."""
        return str(self.record["horizon"])

    @property
    def last(self) -> str:
        """The newest value with its unit."""
        return value_text(self.record, self.record["value"])

    @property
    def points(self) -> str:
        """The points of an SVG polyline. Its height spans all values, and at least twenty Monte Carlo errors."""
        known = [(i, x) for i, x in enumerate(self.values) if x is not None]
        low, high = min(x for _, x in known), max(x for _, x in known)
        missing = max(_LEAST_ERRORS * (self.record["mcse"] or 0.0) - (high - low), 0.0)
        low, high = low - missing / 2, high + missing / 2
        step = (_WIDTH - 2 * _EDGE) / max(len(self.values) - 1, 1)
        height = _HEIGHT - 2 * _EDGE
        parts = [(x - low) / (high - low) if high > low else 0.5 for _, x in known]
        return " ".join(
            f"{_EDGE + i * step:.1f},{_HEIGHT - _EDGE - height * part:.1f}"
            for (i, _), part in zip(known, parts, strict=True)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanHistory:
    """The runs of one plan, its last good run, and the headlines of its good runs in this output schema."""

    plan: str
    runs: tuple[Run, ...]  # newest first, failed ones too
    good: Run | None
    series: tuple[HeadlineSeries, ...]
    scenarios: Mapping[tuple[str, str], Verdict]  # verdicts of the newest good run in this schema
    labels: Mapping[str, str]  # of wars and designs in that run

    @property
    def wars(self) -> list[str]:
        """Outcomes of the war in `scenarios`."""
        return list(dict.fromkeys(war for war, _ in self.scenarios))

    @property
    def designs(self) -> list[str]:
        """Designs in `scenarios`."""
        return list(dict.fromkeys(design for _, design in self.scenarios))

    @property
    def horizon(self) -> str:
        """The quarter in which the verdicts are read."""
        return next((str(verdict.record["horizon"]) for verdict in self.scenarios.values()), "")


def plan_histories(runs: Sequence[Run], plans: Iterable[str] = ()) -> list[PlanHistory]:
    """Return the runs of a workspace by plan, the plan with the newest run first; `runs` are oldest first.

    Each of `plans` has an entry even if it has no run.
    """
    by_plan: dict[str, list[Run]] = {}
    for run in reversed(runs):
        by_plan.setdefault(run.plan_name, []).append(run)
    for plan in plans:
        by_plan.setdefault(plan, [])
    return [_plan_history(plan, newest_first) for plan, newest_first in by_plan.items()]


def reason_of(run: Run) -> str:
    """Return why a run failed, what is damaged or degraded in it, or that its output schema cannot be read."""
    if run.reason:
        return run.reason
    notes = [str(run.manifest.get("provenance", {}).get("degraded", ""))]
    if run.schema_version != SCHEMA_VERSION:
        notes.append(f"output schema {run.schema_version}: not part of the history")
    return "; ".join(note for note in notes if note)


def _plan_history(plan: str, newest_first: list[Run]) -> PlanHistory:
    runs, headlines = [], []
    for run in reversed(newest_first):
        if run.status == COMPLETE and run.schema_version == SCHEMA_VERSION:
            try:
                headlines.append(run.headlines)
            except RunError as error:
                run = Run(run.path, {**run.manifest, "status": DAMAGED, "reason": str(error)})
        runs.append(run)
    runs.reverse()
    good = next((run for run in runs if run.status == COMPLETE and not run.damage()), None)
    labels = _labels(good)
    return PlanHistory(
        plan=plan,
        runs=tuple(runs),
        good=good,
        series=tuple(_series(headlines, labels)),
        labels=labels,
        scenarios=verdicts(headlines[-1]) if headlines else {},
    )


def _labels(run: Run | None) -> dict[str, str]:
    """Return the labels of wars and designs in a run; empty if there is none or its scenarios cannot be read."""
    try:
        grid = run.json(names.PRIORS)["grid"] if run else {}
    except RunError:
        grid = {}
    return {name: entry["label"] for part in ("wars", "designs") for name, entry in grid.get(part, {}).items()}


def _series(tables: Sequence[Sequence[Mapping[str, Any]]], labels: Mapping[str, str]) -> list[HeadlineSeries]:
    """Join headlines of the main targets with the same key; the horizon may differ between runs."""
    by_key: dict[tuple[str, ...], list[Mapping[str, Any] | None]] = {}
    for index, table in enumerate(tables):
        for record in table:
            if record["target"] not in names.MAIN_TARGETS:
                continue
            by_key.setdefault(key_of(record), [None] * len(tables))[index] = record
    return [
        HeadlineSeries(
            record=next(record for record in reversed(records) if record),
            values=tuple(record["value"] if record else None for record in records),
            labels=labels,
        )
        for records in by_key.values()
    ]
