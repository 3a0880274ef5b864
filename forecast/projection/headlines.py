"""The published numbers: each with its cell, horizon, interval, Monte Carlo error, share of judgement and baseline."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.workspace.roster import Roster

MOSTLY_JUDGEMENT: Final = 0.5


def make_headlines(
    tree: xr.DataTree,
    judgement: Mapping[str, np.ndarray[Any, Any]],
    roster: Roster,
    baselines: Mapping[str, float],
) -> list[dict[str, Any]]:
    """All headlines of a projection.

    `judgement` is the share of variance that beliefs without data explain, arrays as in the joint paths;
    `baselines` gives the share of flags after five years by framework from Kaplan-Meier.
    """
    shares = {
        name: values.reshape(len(roster.wars), len(roster.designs), *values.shape[1:])
        for name, values in judgement.items()
    }
    return [
        *_verdicts(tree, roster.verdict_at),
        *_spending(tree, shares["european"]),
        *_missions(tree, shares["survival"], roster, baselines),
    ]


def _entry(quantity: str, cell: tuple[str, str], horizon: str, unit: str, **numbers: Any) -> dict[str, Any]:
    told = {k: round(float(v), 5) if isinstance(v, float | np.floating) else v for k, v in numbers.items()}
    if np.isnan(told["judgement_share"]):  # an output without variance
        told["judgement_share"] = None
    judged = told["judgement_share"]
    label = judged is not None and judged > MOSTLY_JUDGEMENT
    return {
        "quantity": quantity,
        "war": cell[0],
        "design": cell[1],
        "horizon": horizon,
        "unit": unit,
        **told,
        "mostly_judgement": bool(label),
    }


def _cells(data: xr.Dataset) -> Iterator[tuple[int, int, tuple[str, str]]]:
    for i, war in enumerate(data[names.WAR].values):
        for j, design in enumerate(data[names.DESIGN].values):
            yield i, j, (str(war), str(design))


def _errors(error: xr.DataArray, **at: Any) -> dict[str, float | None]:
    """Monte Carlo error of one number, and the part of it that more paths do not lower."""
    total, draws = (error.sel({names.SOURCE: source}).isel(at).item() for source in names.SOURCES)
    return {"mcse": total, "mcse_draws": None if np.isnan(draws) else draws}


def _verdicts(tree: xr.DataTree, at: int) -> Iterator[dict[str, Any]]:
    """The modal verdict at the end of the ramp. Its baseline is the same verdict without war and design.

    Signs, weights, noise and cut points are all judgement; of the tables only collapses of NATO missions enter, barely.
    """
    data = tree[names.ALLIANCE].to_dataset()
    quarter = str(data[names.QUARTER].values[at])
    p = data["verdict_probability"].isel(quarter=at)
    reference = {names.WAR: names.WARS[0], names.DESIGN: names.DESIGNS[0]}
    known = all(label in data[axis].values for axis, label in reference.items())
    error = tree[names.MCSE].to_dataset()["verdict_probability"].isel(quarter=at)
    for i, j, cell in _cells(data):
        here = p.isel(war=i, design=j).values
        modal = int(here.argmax())
        yield _entry(
            f"probability that cohesion is {names.VERDICTS[modal]}",
            cell,
            quarter,
            "1",
            value=here[modal],
            lower=None,
            upper=None,
            **_errors(error, war=i, design=j, verdict=modal),
            judgement_share=1.0,
            baseline=p.sel(reference).isel(verdict=modal).item() if known else None,
            baseline_name="the reference cell, neither war nor design",
        )


def _spending(tree: xr.DataTree, judged: np.ndarray[Any, Any]) -> Iterator[dict[str, Any]]:
    """European spending after five years and at the end. The baseline is a random walk: the last observed level."""
    data, history = tree[names.ALLIANCE].to_dataset(), tree[names.MEMBERS].to_dataset()
    years = data[names.YEAR].values
    last = float(history.attrs["european_share_last"])
    error = tree[names.MCSE].to_dataset()["european_share"].sel(quantile=0.5)
    for y in sorted({min(4, years.size - 1), years.size - 1}):
        for i, j, cell in _cells(data):
            here = data["european_share"].isel(war=i, design=j, year=y)
            yield _entry(
                "European defence spending",
                cell,
                str(years[y]),
                "percent of GDP",
                value=here.sel(quantile=0.5).item(),
                lower=here.sel(quantile=0.1).item(),
                upper=here.sel(quantile=0.9).item(),
                **_errors(error, war=i, design=j, year=y),
                judgement_share=judged[i, j, y],
                baseline=last,
                baseline_name="random walk: the level of the last year",
            )


def _missions(
    tree: xr.DataTree,
    judged: np.ndarray[Any, Any],
    roster: Roster,
    baselines: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    """Flags and operation five years on, in the reference cell and in those with a war alone."""
    data, error = tree[names.MISSIONS].to_dataset(), tree[names.MCSE].to_dataset()["survival_mean"]
    for s, mission in enumerate(roster.missions):
        at = mission.start + names.FIVE_YEARS
        if at >= min(data.sizes[names.QUARTER], mission.end or at + 1):
            continue
        for curve, name in ((0, "flags"), (1, "operation"), (2, "flags_by_count")):
            for i, war in enumerate(roster.wars):
                store_paths = {"war": i, "design": 0, "mission": s, "curve": curve, "quarter": at}
                here = data["survival"].isel(store_paths)
                yield _entry(
                    f"{mission.name}: {name}",
                    (war, roster.designs[0]),
                    roster.quarters[at],
                    "1",
                    value=data["survival_mean"].isel(store_paths).item(),
                    lower=here.sel(quantile=0.1).item(),
                    upper=here.sel(quantile=0.9).item(),
                    **_errors(error, **store_paths),
                    judgement_share=judged[i, 0, s, curve, at],
                    baseline=baselines.get(mission.framework) if curve == 2 else None,
                    baseline_name="Kaplan-Meier of its framework, from entry" if curve == 2 else None,
                )
