"""Make the headlines: the published numbers of a run, each a record of fields that no reader has to parse.

These are the main targets, for which paths are added until their errors are small enough. `more_headlines` adds the
others.

The records hold no English. `forecast.reporting.headline_text` makes text from them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.workspace.roster import Roster

Record = Mapping[str, Any]
Judged = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]  # judgement shares and their standard errors

MOSTLY_JUDGEMENT: Final = 0.5
#: A verdict is decided only if its margin over the next class reaches this probability ...
MIN_MARGIN: Final = 0.05
#: ... and exceeds this many Monte Carlo standard errors of the margin.
MARGIN_ERRORS: Final = 2.0
#: Fields that identify a headline. Two runs are joined on them, whatever their as-of quarters.
KEY: Final = ("target", "unit_id", "war", "design", "horizon_role", "statistic", "category")


def make_headlines(
    tree: xr.DataTree,
    judgement: Mapping[str, np.ndarray[Any, Any]],
    roster: Roster,
    baselines: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Return the headline records of a projection.

    Parameters
    ----------
    tree
        The projection, as `projection.output_schema` describes it.
    judgement
        Share of variance that priors without data explain, 0 to 1, by output. Each array has the shape of the sampled
        paths without the path dimension, with scenarios (war, design) flattened on the first axis. Its standard error
        has the name of the output with `_error`.
    roster
        Labels of the projection.
    baselines
        Kaplan-Meier share of contributors still present after five years, given the years they served, by mission.
    """
    shares = {
        name: values.reshape(len(roster.wars), len(roster.designs), *values.shape[1:])
        for name, values in judgement.items()
    }
    return [
        *_with_decision(list(_verdict_records(tree, roster))),
        *_spending_records(tree, (shares["european"], shares["european_error"])),
        *_mission_records(tree, (shares["survival"], shares["survival_error"]), roster, baselines),
    ]


def key_of(record: Record) -> tuple[str, ...]:
    """Return the fields that identify a headline, as text."""
    return tuple(str(record[name]) for name in KEY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The verdict of one scenario: the records of its classes, the likeliest class and its margin over the next."""

    classes: Mapping[str, Record]
    likeliest: str
    margin: float  # probability
    margin_error: float  # Monte Carlo standard error of the margin

    @property
    def decided(self) -> bool:
        """Return whether the margin is larger than both thresholds."""
        return self.margin >= MIN_MARGIN and self.margin > MARGIN_ERRORS * self.margin_error

    @property
    def probabilities(self) -> dict[str, float]:
        """Return the probability of each class, from the weakest to the strongest."""
        return {name: self.classes[name]["value"] for name in names.VERDICTS if name in self.classes}

    @property
    def record(self) -> Record:
        """Return the record of the likeliest class."""
        return self.classes[self.likeliest]


def verdicts(headlines: Iterable[Record]) -> dict[tuple[str, str], Verdict]:
    """Return the verdict of each scenario (war, design), in the order of the headlines."""
    scenarios: dict[tuple[str, str], dict[str, Record]] = {}
    for record in headlines:
        if record["target"] == names.COHESION_VERDICT:
            scenarios.setdefault((record["war"], record["design"]), {})[record["category"]] = record
    return {scenario: _verdict(classes) for scenario, classes in scenarios.items()}


def _with_decision(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the records of verdicts with whether the verdict of their scenario is decided."""
    scenarios = verdicts(records)
    for record in records:
        yield {**record, "decided": scenarios[record["war"], record["design"]].decided}


def _verdict(classes: Mapping[str, Record]) -> Verdict:
    """Rank the classes.

    The probabilities of the three classes sum to one, so var(third) = var(first) + var(second) + 2 cov(first, second).
    This gives the variance of the margin from the three stored errors.
    """
    ranked = sorted(classes, key=lambda name: -classes[name]["value"])
    first, second, *others = ((classes[name]["mcse"] or 0.0) ** 2 for name in ranked)
    return Verdict(
        classes=classes,
        likeliest=ranked[0],
        margin=classes[ranked[0]]["value"] - classes[ranked[1]]["value"],
        margin_error=math.sqrt(max(2.0 * first + 2.0 * second - sum(others), 0.0)),
    )


def make_record(
    target: str,
    scenario: tuple[str, str],
    horizon: tuple[str, str],
    statistic: str,
    *,
    unit: str,
    unit_id: str = names.ALLIANCE,
    category: str | None = None,
    **numbers: Any,
) -> dict[str, Any]:
    """Return one record; `horizon` is its label and its role, and numbers are rounded to five digits."""
    values = {k: round(float(v), 5) if isinstance(v, float | np.floating) else v for k, v in numbers.items()}
    judgement = None if np.isnan(values["judgement"]) else values["judgement"]  # NaN: an output without variance
    values["judgement_error"] = None if judgement is None else values["judgement_error"]
    return {
        "target": target,
        "unit_id": unit_id,
        "war": scenario[0],
        "design": scenario[1],
        "horizon": horizon[0],
        "horizon_role": horizon[1],
        "statistic": statistic,
        "category": category,
        "unit": unit,
        **values,
        "judgement": judgement,
        "mostly_judgement": judgement is not None and judgement > MOSTLY_JUDGEMENT,
        "decided": None,
    }


def scenarios_of(data: xr.Dataset) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """Yield position of war and design, and their names, of every scenario."""
    for i, war in enumerate(data[names.WAR].values):
        for j, design in enumerate(data[names.DESIGN].values):
            yield i, j, (str(war), str(design))


def errors_of(error: xr.DataArray, **position: Any) -> dict[str, Any]:
    """Return the Monte Carlo standard error of one number, and the part due to the parameter draws."""
    total, draws = (error.sel({names.SOURCE: source}).isel(position).item() for source in names.SOURCES)
    return {"mcse": total, "mcse_draws": None if np.isnan(draws) else draws}


def _verdict_records(tree: xr.DataTree, roster: Roster) -> Iterator[dict[str, Any]]:
    """Yield the probability of each verdict at the end of the ramp.

    The baseline is the probability of the same verdict in the reference scenario. The judgement share is 1: signs,
    weights, noise and cut points are judgement, and of the tables only collapses of NATO missions have a small effect.
    It is stated and not estimated, so it has no error.
    """
    data, verdict_at = tree[names.ALLIANCE].to_dataset(), roster.verdict_at
    quarter = str(data[names.QUARTER].values[verdict_at])
    probability = data["verdict_probability"].isel(quarter=verdict_at)
    reference = dict(zip((names.WAR, names.DESIGN), roster.reference, strict=True))
    has_reference = all(label in data[axis].values for axis, label in reference.items())
    error = tree[names.MCSE].to_dataset()["verdict_probability"].isel(quarter=verdict_at)
    for i, j, scenario in scenarios_of(data):
        for k, verdict in enumerate(names.VERDICTS):
            yield make_record(
                names.COHESION_VERDICT,
                scenario,
                (quarter, names.END_OF_RAMP),
                names.PROBABILITY,
                category=verdict,
                unit="1",
                value=probability.isel(war=i, design=j, verdict=k).item(),
                lower=None,
                upper=None,
                **errors_of(error, war=i, design=j, verdict=k),
                judgement=1.0,
                judgement_error=None,
                baseline=probability.sel(reference).isel(verdict=k).item() if has_reference else None,
                baseline_name="reference_scenario",
            )


def _spending_records(tree: xr.DataTree, judged: Judged) -> Iterator[dict[str, Any]]:
    """Yield median European spending in the fifth year and in the last; the baseline is the last observed level."""
    data, members = tree[names.ALLIANCE].to_dataset(), tree[names.MEMBERS].to_dataset()
    years = data[names.YEAR].values
    last_observed = float(members.attrs["european_share_last"])
    error = tree[names.MCSE].to_dataset()["european_share"].sel(quantile=0.5)
    for y in sorted({min(4, years.size - 1), years.size - 1}):
        role = names.AFTER_FIVE_YEARS if y == 4 else names.END_OF_HORIZON
        for i, j, scenario in scenarios_of(data):
            share = data["european_share"].isel(war=i, design=j, year=y)
            yield make_record(
                names.EUROPEAN_SPENDING,
                scenario,
                (str(years[y]), role),
                names.MEDIAN,
                unit="percent of GDP",
                value=share.sel(quantile=0.5).item(),
                lower=share.sel(quantile=0.1).item(),
                upper=share.sel(quantile=0.9).item(),
                **errors_of(error, war=i, design=j, year=y),
                judgement=judged[0][i, j, y],
                judgement_error=judged[1][i, j, y],
                baseline=last_observed,
                baseline_name="random_walk",
            )


def _mission_records(
    tree: xr.DataTree,
    judged: Judged,
    roster: Roster,
    baselines: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    """Yield the mean of each survival curve five years after a mission starts, for each war in the first design."""
    data, error = tree[names.MISSIONS].to_dataset(), tree[names.MCSE].to_dataset()["survival_mean"]
    for s, mission in enumerate(roster.missions):
        quarter = mission.start + names.FIVE_YEARS
        if quarter >= min(data.sizes[names.QUARTER], mission.end or quarter + 1):
            continue
        for c, curve in enumerate(names.CURVES):
            by_count = curve == "nominal_by_count"
            for i, war in enumerate(roster.wars):
                position = {"war": i, "design": 0, "mission": s, "curve": c, "quarter": quarter}
                quantiles = data["survival"].isel(position)
                yield make_record(
                    names.MISSION_SURVIVAL,
                    (war, roster.designs[0]),
                    (roster.quarters[quarter], names.AFTER_FIVE_YEARS),
                    names.MEAN,
                    unit_id=mission.name,
                    category=curve,
                    unit="1",
                    value=data["survival_mean"].isel(position).item(),
                    lower=quantiles.sel(quantile=0.1).item(),
                    upper=quantiles.sel(quantile=0.9).item(),
                    **errors_of(error, **position),
                    judgement=judged[0][i, 0, s, c, quarter],
                    judgement_error=judged[1][i, 0, s, c, quarter],
                    baseline=baselines.get(mission.name) if by_count else None,
                    baseline_name="kaplan_meier" if by_count else None,
                )
