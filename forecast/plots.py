"""Plots for notebooks: each draws one picture of an opened run's tree on a matplotlib axis of yours, and gives it back.

Bands are the middle 80 %, and where there are two the middle 50 %. The cell of the grid is named by `war` and `design`;
by default the reference.
"""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from forecast import names
from forecast.constants import NATO_FROM
from forecast.quarters import decimal_years
from forecast.reporting.svg import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    draw_area,
    draw_edged,
    draw_fan,
    opened,
    tidy,
    year_ticks,
)

_COLOURS: Final = (BLUE, RED, GREEN, ORANGE, PURPLE)


def cohesion_fan(axes: Axes, tree: xr.DataTree, war: str = names.WARS[0], design: str = names.DESIGNS[0]) -> Axes:
    """The cohesion index by quarter: 0 is neutral, 1 a plus on every factor."""
    data = tree[names.ALLIANCE].to_dataset()["cohesion"].sel(war=war, design=design)
    x = _ready(axes, data, f"Cohesion: {war}, {design}", "sign units")
    axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
    draw_fan(axes, x, data.values.astype(float), BLUE, "cohesion")
    return axes


def verdict_areas(axes: Axes, tree: xr.DataTree, war: str = names.WARS[0], design: str = names.DESIGNS[0]) -> Axes:
    """The probability of each verdict by quarter, stacked, each area named where it is widest."""
    data = tree[names.ALLIANCE].to_dataset()["verdict_probability"].sel(war=war, design=design)
    x = _ready(axes, data, f"Verdict: {war}, {design}", "probability")
    floor = np.zeros(x.size)
    for verdict, colour in zip(names.VERDICTS, (RED, GREY, BLUE), strict=True):
        here = data.sel(verdict=verdict).values.astype(float)
        draw_area(axes, x, floor, floor + here, colour, 0.85, verdict)
        at = int(here.argmax())
        side = "left" if at < x.size / 2 else "right"
        axes.text(x[at], floor[at] + here[at] / 2, verdict, ha=side, va="center", fontsize=8)
        floor = floor + here
    axes.set_ylim(0, 1)
    return axes


def spending_fan(
    axes: Axes,
    tree: xr.DataTree,
    member: str,
    war: str = names.WARS[0],
    design: str = names.DESIGNS[0],
) -> Axes:
    """Defence spending of an ally: observed (to 2013 and from 2014 by two definitions), then forecast."""
    data = tree[names.MEMBERS].to_dataset().sel(member=member)
    past = data["spending_history"].values.astype(float)
    seen = data[names.HISTORY_YEAR].values[np.isfinite(past)].astype(float)
    past = past[np.isfinite(past)]
    years = data[names.YEAR].values.astype(float)
    _dressed(axes, f"{member}: {war}, {design}", "percent of GDP")
    for part in (seen < NATO_FROM, seen >= NATO_FROM):
        axes.plot(seen[part], past[part], color=INK, linewidth=1.1)
    fan = data["spending_share"].sel(war=war, design=design).values.astype(float)
    at, level = (seen[-1], past[-1]) if seen.size else (years[0] - 1, np.nan)
    draw_fan(axes, *opened(at, level, years, fan), BLUE, member)
    year_ticks(axes, seen[0] if seen.size else years[0], years[-1], 5)
    return axes


def mission_curves(
    axes: Axes,
    tree: xr.DataTree,
    mission: str,
    war: str = names.WARS[0],
    design: str = names.DESIGNS[0],
) -> Axes:
    """Flags against operation: the share of the first contingent that is there, and that works; means, 80 % bands."""
    data = tree[names.MISSIONS].to_dataset().sel(mission=mission, war=war, design=design)
    x = _ready(axes, data["survival"], f"{mission}: {war}, {design}", "share of the first contingent")
    for curve, colour in zip(names.CURVES[:2], (BLUE, RED), strict=True):
        mean = data["survival_mean"].sel(curve=curve).values.astype(float)
        runs = np.isfinite(mean)
        fan = data["survival"].sel(curve=curve).values.astype(float)
        draw_edged(axes, x[runs], fan[runs], colour, f"{curve} band")
        axes.plot(x[runs], mean[runs], color=colour, linewidth=1.6, label=curve)
    axes.set_ylim(0, 1.02)
    axes.legend(frameon=False, fontsize=8)
    return axes


def contrast(
    axes: Axes,
    tree: xr.DataTree,
    against: str = names.WARS[0],
    design: str = names.DESIGNS[0],
) -> Axes:
    """Cohesion in each end of the war less that in `against`, path by path: cells share their luck, so this is sharp.

    From the joint paths: their number bounds how exact a band is.
    """
    data = tree[names.JOINT].to_dataset()["joint_cohesion"].sel(design=design)
    x = _ready(axes, data, f"Cohesion less that of {against}, {design}", "sign units")
    axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
    wars = [str(w) for w in data[names.WAR].values if w != against]
    for war, colour in zip(wars, _COLOURS, strict=False):
        apart = (data.sel(war=war) - data.sel(war=against)).transpose(names.PATH, names.QUARTER)
        fan = np.quantile(apart.values.astype(float), names.QUANTILES, axis=0).T
        draw_edged(axes, x, fan, colour, f"{war} band")
        axes.plot(x, np.mean(apart.values, axis=0), color=colour, linewidth=1.6, label=war)
    axes.legend(frameon=False, fontsize=8)
    return axes


def _dressed(axes: Axes, title: str, unit: str) -> None:
    tidy(axes)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_ylabel(unit, fontsize=8)


def _ready(axes: Axes, data: xr.DataArray, title: str, unit: str) -> NDArray[np.float64]:
    """Dress an axis for quarters and give their times."""
    x = decimal_years(data[names.QUARTER].values)
    _dressed(axes, title, unit)
    year_ticks(axes, x[0], x[-1], 5)
    return x
