"""Draw on matplotlib axes in one style: fans, bands, year axes, and the pictures of notebooks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from forecast import names
from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.names import QUARTER
from forecast.quarters import decimal_years

INK: Final = "#010203"  # nearly black: text and observed figures
#: Okabe and Ito (2008).
BLUE, RED, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7"
GREY: Final = "#b3b3b3"
BANDS: Final = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.3))  # 80 % and 50 % bands with their opacity
VERDICT_COLOURS: Final = dict(zip(names.VERDICTS, (RED, GREY, BLUE), strict=True))
CURVE_COLOURS: Final = {"nominal": BLUE, "operational": RED, "nominal_by_count": INK}

Labels = Mapping[str, str]
Dash = Any  # a line style of matplotlib
Band = tuple[float, float, float]


def band(fan: Floats, low: float = 0.1, high: float = 0.9) -> tuple[Floats, Floats]:
    """Return two quantiles of an array whose last axis is `names.QUANTILES`."""
    index = names.QUANTILES.index
    return fan[..., index(low)].astype(float), fan[..., index(high)].astype(float)


def open_fan(year: float, level: float, years: Floats, fan: Floats) -> tuple[Floats, Floats]:
    """Return the years and the fan (years, quantiles), preceded by the last observation unless it is NaN."""
    if not np.isfinite(level):
        return years, fan
    return np.append(year, years), np.vstack([np.full(fan.shape[1], level), fan])


def draw_fan(
    axes: Axes,
    x: Floats,
    fan: Floats,
    colour: str,
    bands: Sequence[Band] = BANDS,
    dash: Dash = "-",
) -> None:
    """Draw bands and median of a fan (times, quantiles)."""
    for low, high, alpha in bands:
        draw_area(axes, x, *band(fan, low, high), colour, alpha)
    axes.plot(x, band(fan, 0.5)[0], color=colour, linewidth=1.3, linestyle=dash)


def draw_area(axes: Axes, x: Floats, low: Floats, high: Floats, colour: str, alpha: float) -> None:
    """Fill the area between two curves."""
    axes.fill(
        np.append(x, x[::-1]),
        np.append(low, high[::-1]),
        facecolor=colour,
        alpha=alpha,
        linewidth=0,
    )


def draw_outlined_band(axes: Axes, x: Floats, fan: Floats, colour: str) -> None:
    """Draw an 80 % band with edges, which stays readable where bands overlap."""
    low, high = band(fan)
    draw_area(axes, x, low, high, colour, 0.1)
    for edge in (low, high):
        axes.plot(x, edge, color=colour, linewidth=0.8, alpha=0.75)


def draw_verdicts(axes: Axes, probability: xr.DataArray) -> None:
    """Draw stacked areas of the verdict probabilities (quarter, verdict) of one scenario."""
    x = decimal_years(probability[QUARTER].values)
    floor = np.zeros(x.size)
    for verdict, colour in VERDICT_COLOURS.items():
        height = probability.sel(verdict=verdict).values.astype(float)
        draw_area(axes, x, floor, floor + height, colour, 0.85)
        floor = floor + height
    axes.set_ylim(0, 1)


def draw_cohesion(axes: Axes, fan: xr.DataArray) -> None:
    """Draw the cohesion index (quarter, quantile) of one scenario and a line at the neutral state."""
    axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
    draw_fan(axes, decimal_years(fan[QUARTER].values), fan.values.astype(float), BLUE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fan:
    """How one scenario of a member's spending is drawn: its values (year, quantile), colour, bands and dash."""

    values: Floats
    colour: str
    bands: Sequence[Band] = BANDS
    dash: Dash = "-"


def draw_spending(axes: Axes, member: xr.Dataset, fans: Sequence[Fan]) -> None:
    """Draw the observed spending of one member and its forecast fans.

    World Bank figures (to 2013) and NATO figures (from 2014) follow two definitions, so they are two lines.
    """
    history = member["spending_history"].values.astype(float)
    observed = np.isfinite(history)
    past_years, past = member[names.HISTORY_YEAR].values.astype(float)[observed], history[observed]
    for part in (past_years < NATO_FROM, past_years >= NATO_FROM):
        axes.plot(past_years[part], past[part], color=INK, linewidth=1.1)
    years = member[names.YEAR].values.astype(float)
    last_year, level = (past_years[-1], past[-1]) if past.size else (years[0] - 1, np.nan)
    for fan in fans:
        opened = open_fan(last_year, level, years, fan.values)
        draw_fan(axes, *opened, fan.colour, fan.bands, fan.dash)


def draw_survival(axes: Axes, mission: xr.Dataset, curves: Sequence[str], labels: Labels) -> None:
    """Draw survival curves of one mission in one scenario while it runs: means, and 80 % bands except by count."""
    x = decimal_years(mission[QUARTER].values)
    for curve in curves:
        colour, by_count = CURVE_COLOURS[curve], curve == "nominal_by_count"
        mean = mission["survival_mean"].sel(curve=curve).values.astype(float)
        runs = np.isfinite(mean)
        if not by_count:
            fan = mission["survival"].sel(curve=curve).values.astype(float)
            draw_outlined_band(axes, x[runs], fan[runs], colour)
        axes.plot(
            x[runs],
            mean[runs],
            color=colour,
            linewidth=0.7 if by_count else 1.6,
            linestyle=(0, (3, 2)) if by_count else "-",
            label=labels.get(curve, curve),
        )
    axes.set_ylim(0, 1.02)


def style_axes(axes: Axes) -> None:
    """Remove frame and tick marks, and draw faint horizontal lines."""
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, left=False, labelsize=7.5, labelcolor=INK, pad=2)
    axes.grid(axis="y", color=INK, alpha=0.14, linewidth=0.6)
    axes.set_axisbelow(True)


def year_ticks(axes: Axes, first: float, last: float, count: int = 2) -> None:
    """Set ticks at about `count` round years; the outer labels stay inside the panel."""
    span = last - first
    step = min((n for n in (1, 2, 5, 10, 20) if n * count >= span - 1), default=40)
    ticks = np.arange(math.ceil(first / step) * step, last + 1e-9, step)
    if ticks.size and ticks[0] - first > 0.3 * span:
        ticks = np.append(math.ceil(first), ticks)
    margin = 0.02 * max(span, 0.5)
    axes.set_xlim(first - margin, last + margin)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    for label, tick in zip(axes.get_xticklabels(), ticks, strict=True):
        to_first, to_last = tick - first, last - tick
        if min(to_first, to_last) < 0.08 * span:
            label.set_horizontalalignment("left" if to_first < to_last else "right")
