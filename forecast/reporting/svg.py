"""The canvas: fans, bands, panels and axes in one style, and the way from a figure to an inline SVG.

Text and axes are drawn in `currentColor`, the rest in CSS variables with the colours of Okabe and Ito (2008), so
one picture serves light and dark.
"""

import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from forecast import names
from forecast.array_types import Floats
from forecast.names import DESIGN, QUARTER, WAR
from forecast.quarters import decimal_years

INK: Final = "#010203"  # stands for the colour of the text around
BLUE, RED, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7"
GREY: Final = "#b3b3b3"
WIDTH: Final = 9.8  # inches, of a figure as wide as the page
BANDS: Final = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.3))  # 80 and 50 %, with their opacity
_VARIABLES: Final = {BLUE: "blue", RED: "red", ORANGE: "orange", GREEN: "green", PURPLE: "purple", GREY: "grey"}

Labels = Mapping[str, str]


def band(fan: Floats, low: float = 0.1, high: float = 0.9) -> tuple[Floats, Floats]:
    """Two quantiles of an array whose last axis is `names.QUANTILES`."""
    at = names.QUANTILES.index
    return fan[..., at(low)].astype(float), fan[..., at(high)].astype(float)


def opened(at: float, level: float, years: Floats, fan: Floats) -> tuple[Floats, Floats]:
    """Open a fan of annual values at the last observed point, if there is one."""
    if not np.isfinite(level):
        return years, fan
    return np.append(at, years), np.vstack([np.full(fan.shape[1], level), fan])


def draw_fan(
    axes: Axes,
    x: Floats,
    fan: Floats,
    colour: str,
    name: str,
    bands: Sequence[tuple[float, float, float]] = BANDS,
    dash: Any = "-",
) -> None:
    """Bands and median of a fan (times, quantiles)."""
    for low, high, alpha in bands:
        draw_area(axes, x, *band(fan, low, high), colour, alpha, f"{name} {low:g}-{high:g}")
    axes.plot(x, band(fan, 0.5)[0], color=colour, linewidth=1.3, linestyle=dash, gid=f"d:{name} median")


def draw_area(axes: Axes, x: Floats, low: Floats, high: Floats, colour: str, alpha: float, name: str) -> None:
    """Fill between two curves."""
    axes.fill(
        np.append(x, x[::-1]), np.append(low, high[::-1]), facecolor=colour, alpha=alpha, linewidth=0, gid=f"d:{name}"
    )


def draw_edged(axes: Axes, x: Floats, fan: Floats, colour: str, name: str) -> None:
    """Draw an 80 % band with edges, that stays readable where others lie over it."""
    low, high = band(fan)
    draw_area(axes, x, low, high, colour, 0.1, name)
    for edge in (low, high):
        axes.plot(x, edge, color=colour, linewidth=0.8, alpha=0.75)


def grid_of(
    data: xr.DataArray, labels: Labels, ylim: tuple[float, float]
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Small multiples that share both axes: wars in rows, designs in columns."""
    wars, designs = ([str(v) for v in data[dim].values] for dim in (WAR, DESIGN))
    x = decimal_years(data[QUARTER].values)
    width, height = 1.2 + (WIDTH - 1.2) / 5 * max(len(designs), 2), 0.5 + 1.3 * len(wars)
    figure = Figure(figsize=(width, height))
    left, top = 0.75 / width, 1 - 0.28 / height
    room = {"left": left, "right": 0.985, "top": top, "bottom": 0.25 / height}
    table = figure.subplots(
        len(wars), len(designs), sharey=True, squeeze=False, gridspec_kw={**room, "wspace": 0.1, "hspace": 0.16}
    )
    panels = {}
    for i, war in enumerate(wars):
        for j, design in enumerate(designs):
            axes = panels[war, design] = table[i, j]
            tidy(axes)
            if i == 0:
                axes.set_title(labels.get(design, design), y=1, fontsize=8.5, color=INK, pad=5)
            if j == 0:
                axes.set_ylabel(labels.get(war, war), fontsize=8.5, color=INK)
            year_ticks(axes, x[0], x[-1])
            axes.tick_params(labelbottom=war == wars[-1])
    table[0, 0].set_ylim(*ylim)
    return figure, panels


def row_of(
    titles: Sequence[str],
    labels: Labels,
    height: float,
    widths: Sequence[float] | None = None,
    apart: bool = False,
) -> tuple[Figure, list[Axes]]:
    """One row of panels that share the vertical axis, or with `apart` have one each."""
    figure = Figure(figsize=(WIDTH, height))
    room = {"left": 0.055, "right": 0.985, "top": 1 - 0.26 / height, "bottom": 0.24 / height}
    panels = figure.subplots(
        1,
        len(titles),
        sharey=not apart,
        squeeze=False,
        width_ratios=widths,
        gridspec_kw={**room, "wspace": 0.14 if apart else 0.08},
    )[0]
    for title, axes in zip(titles, panels, strict=True):
        tidy(axes)
        axes.set_title(labels.get(title, title), y=1, fontsize=8.5, color=INK, pad=5)
    return figure, list(panels)


def tidy(axes: Axes) -> None:
    """No frame, no tick marks, faint lines across."""
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, left=False, labelsize=7.5, labelcolor=INK, pad=2)
    axes.grid(axis="y", color=INK, alpha=0.14, linewidth=0.6)
    axes.set_axisbelow(True)


def year_ticks(axes: Axes, first: float, last: float, count: int = 2) -> None:
    """Ticks at about `count` round years; the outer labels stay inside the panel."""
    span = last - first
    step = min((n for n in (1, 2, 5, 10, 20) if n * count >= span - 1), default=40)
    ticks = np.arange(math.ceil(first / step) * step, last + 1e-9, step)
    if ticks.size and ticks[0] - first > 0.3 * span:
        ticks = np.append(math.ceil(first), ticks)
    room = 0.02 * max(span, 0.5)
    axes.set_xlim(first - room, last + room)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    for label, tick in zip(axes.get_xticklabels(), ticks, strict=True):
        near = (tick - first, last - tick)
        if min(near) < 0.08 * span:
            label.set_horizontalalignment("left" if near[0] < near[1] else "right")


def as_svg(figure: Figure, key: str, label: str) -> str:
    """The figure as text for a page: no prolog, no fonts, colours of the page; `key` keeps its ids apart."""
    figure.patch.set_visible(False)
    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    width, height = (float(x) for x in re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)[0])
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'id="d:([^"]*)"', r'data-series="\1"', body)
    used = set(re.findall(r"#([\w-]+)", body))
    body = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
    body = re.sub(r"font-family: [^;\"]*; ?", "", body).replace("<defs>\n  </defs>", "")
    body = re.sub(r" transform=\"rotate\(-0 [^\"]*\"", "", body)
    body = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", body)
    body = body.replace("xlink:href", "href").replace(INK, "currentColor")
    for colour, name in _VARIABLES.items():
        body = body.replace(colour, f"var(--{name}, {colour})")
    body = re.sub(r"\s+", " ", body).replace("> <", ">\n<").replace("<defs/>", "").strip()
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="--wide: {width:.0f}px" role="img" '
        f'aria-label="{html.escape(label)}">\n{body}\n</svg>'
    )
