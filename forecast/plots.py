"""Plot a run in a notebook: each function draws one picture on a matplotlib axis and returns the axis.

The axis is the user's, so fonts, sizes and figure settings of the user's style apply. Titles and names are text, never
formulas, whatever that style says. No setting of matplotlib is changed.

Outer bands hold 80 % of the probability, and inner bands 50 %. `war` and `design` select the scenario; the default is
the first of the run, its reference.
"""

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from forecast import names
from forecast.quarters import decimal_years
from forecast.reporting.drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    Fan,
    draw_cohesion,
    draw_outlined_band,
    draw_spending,
    draw_survival,
    draw_verdicts,
    style_axes,
    year_ticks,
)
from forecast.reporting.headline_text import CURVE_NAMES

_COLOURS: Final = (BLUE, RED, GREEN, ORANGE, PURPLE)
_CURVES: Final = ("nominal", "operational")


def cohesion_fan(axes: Axes, tree: xr.DataTree, war: str | None = None, design: str | None = None) -> Axes:
    """Draw the cohesion index by quarter: 0 is neutral, and 1 is a plus on every factor."""
    war, design = _chosen(tree, war, design)
    data = tree[names.ALLIANCE].to_dataset()["cohesion"].sel(war=war, design=design)
    _prepare_quarters(axes, data, f"Cohesion: {war}, {design}", "sign units")
    draw_cohesion(axes, data)
    return axes


def verdict_areas(axes: Axes, tree: xr.DataTree, war: str | None = None, design: str | None = None) -> Axes:
    """Draw the probability of each verdict by quarter as stacked areas, each labelled where it is widest."""
    war, design = _chosen(tree, war, design)
    data = tree[names.ALLIANCE].to_dataset()["verdict_probability"].sel(war=war, design=design)
    x = _prepare_quarters(axes, data, f"Verdict: {war}, {design}", "probability")
    draw_verdicts(axes, data)
    floor = np.zeros(x.size)
    for verdict in names.VERDICTS:
        height = data.sel(verdict=verdict).values.astype(float)
        widest = int(height.argmax())
        side = "left" if widest < x.size / 2 else "right"
        axes.text(
            x[widest], floor[widest] + height[widest] / 2, verdict, ha=side, va="center", fontsize=8, usetex=False
        )
        floor = floor + height
    return axes


def spending_fan(
    axes: Axes,
    tree: xr.DataTree,
    member: str,
    war: str | None = None,
    design: str | None = None,
) -> Axes:
    """Draw the defence spending of an ally: World Bank figures to 2013, NATO figures from 2014, then the forecast."""
    war, design = _chosen(tree, war, design)
    data = tree[names.MEMBERS].to_dataset().sel(member=member)
    _prepare(axes, f"{member}: {war}, {design}", "percent of GDP")
    values = data["spending_share"].sel(war=war, design=design).values.astype(float)
    draw_spending(axes, data, [Fan(values=values, colour=BLUE)])
    years = data[names.YEAR].values.astype(float)
    observed = data[names.HISTORY_YEAR].values[np.isfinite(data["spending_history"].values)]
    year_ticks(axes, float(observed[0]) if observed.size else years[0], years[-1], 5)
    return axes


def mission_curves(
    axes: Axes,
    tree: xr.DataTree,
    mission: str,
    war: str | None = None,
    design: str | None = None,
) -> Axes:
    """Draw nominal participation and operational contribution: shares of the initial contingents, means, 80 % bands."""
    war, design = _chosen(tree, war, design)
    data = tree[names.MISSIONS].to_dataset().sel(mission=mission, war=war, design=design)
    _prepare_quarters(axes, data["survival"], f"{mission}: {war}, {design}", "share of the initial contingents")
    draw_survival(axes, data, _CURVES, CURVE_NAMES)
    _draw_legend(axes)
    return axes


def contrast(
    axes: Axes,
    tree: xr.DataTree,
    against: str | None = None,
    design: str | None = None,
) -> Axes:
    """Draw the difference in cohesion between each war and `against`, path by path.

    Scenarios share random numbers, so differences are more precise than levels. They come from the sampled paths,
    whose number limits the precision of a band.
    """
    against, design = _chosen(tree, against, design)
    data = tree[names.JOINT].to_dataset()["joint_cohesion"].sel(design=design)
    x = _prepare_quarters(axes, data, f"Cohesion: difference from {against}, {design}", "sign units")
    axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
    wars = [str(w) for w in data[names.WAR].values if w != against]
    for war, colour in zip(wars, _COLOURS, strict=False):
        difference = (data.sel(war=war) - data.sel(war=against)).transpose(names.PATH, names.QUARTER)
        fan = np.quantile(difference.values.astype(float), names.QUANTILES, axis=0).T
        draw_outlined_band(axes, x, fan, colour)
        axes.plot(x, np.mean(difference.values, axis=0), color=colour, linewidth=1.6, label=war)
    _draw_legend(axes)
    return axes


def _chosen(tree: xr.DataTree, war: str | None, design: str | None) -> tuple[str, str]:
    """Return war and design, each the first of the run if it is not given."""
    labels = tree[names.ALLIANCE].to_dataset()
    return war or str(labels[names.WAR].values[0]), design or str(labels[names.DESIGN].values[0])


def _prepare(axes: Axes, title: str, unit: str) -> None:
    style_axes(axes)
    axes.set_title(title, loc="left", fontsize=9, usetex=False, parse_math=False)
    axes.set_ylabel(unit, fontsize=8, usetex=False, parse_math=False)


def _draw_legend(axes: Axes) -> None:
    for text in axes.legend(frameon=False, fontsize=8).get_texts():
        text.set(usetex=False, parse_math=False)


def _prepare_quarters(axes: Axes, data: xr.DataArray, title: str, unit: str) -> NDArray[np.float64]:
    """Prepare an axis for quarters and return their times in years."""
    x = decimal_years(data[names.QUARTER].values)
    _prepare(axes, title, unit)
    year_ticks(axes, x[0], x[-1], 5)
    return x
