"""Pictures of a run: each function turns a dataset into one inline SVG that takes its colours from the page.

Text and axes are drawn in `currentColor`, the rest in CSS variables with the colours of Okabe and Ito (2008), so
one picture serves light and dark. Each curve has its name in `data-series`. Equal data give equal bytes.
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
from numpy.typing import NDArray

from forecast import names
from forecast.names import DESIGN, QUARTER, WAR, YEAR
from forecast.panel import NATO_FROM

INK: Final = "#010203"  # stands for the colour of the text around
BLUE, RED, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7"
GREY: Final = "#b3b3b3"
_VARIABLES: Final = {BLUE: "blue", RED: "red", ORANGE: "orange", GREEN: "green",
                     PURPLE: "purple", GREY: "grey"}  # fmt: skip
VERDICT_COLOURS: Final = dict(zip(names.VERDICTS, (RED, GREY, BLUE), strict=True))
WAR_COLOURS: Final = {"neutral": INK, "win": BLUE, "lose": RED, "stalemate": PURPLE}
WAR_DASHES: Final[Mapping[str, Any]] = {"win": (0, (5, 2)), "lose": (0, (1.5, 1.5))}
MISSION_COLOURS: Final = (RED, BLUE, GREEN, PURPLE)
CURVE_COLOURS: Final = {"flags": BLUE, "operation": RED, "flags_by_count": INK}

Labels = Mapping[str, str]
Numbers = NDArray[np.float64]
_BANDS: Final = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.3))  # 80 and 50 %, with their opacity


def verdict_areas(alliance: xr.Dataset, labels: Labels) -> str:
    """Probability of each verdict by quarter, stacked: wars in rows, designs in columns."""
    data = alliance["verdict_probability"]
    figure, panels = _grid(data, labels, ylim=(0, 1))
    x = quarters(data[QUARTER].values)
    for (war, design), axes in panels.items():
        floor = np.zeros(x.size)
        for verdict in data[names.VERDICT].values:
            here = data.sel(war=war, design=design, verdict=verdict).values.astype(float)
            _area(axes, x, floor, floor + here, VERDICT_COLOURS[str(verdict)], 0.85,
                  f"{verdict} {war} {design}")  # fmt: skip
            floor = floor + here
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        axes.grid(axis="y", color=INK, alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(False)
    return _svg(figure, "verdicts", "Stacked areas: probability of each verdict on cohesion by "
                "quarter; one panel for each end of the war (rows) and design (columns)")  # fmt: skip


def cohesion_fans(alliance: xr.Dataset, labels: Labels) -> str:
    """Cohesion index by quarter: median, 50 and 80 % bands; wars in rows, designs in columns."""
    data = alliance["cohesion"]
    reach = max(0.5, math.ceil(float(np.abs(_band(data.values)).max()) * 2) / 2)
    figure, panels = _grid(data, labels, ylim=(-reach, reach))
    x = quarters(data[QUARTER].values)
    for (war, design), axes in panels.items():
        axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
        _fan(axes, x, data.sel(war=war, design=design).values, BLUE, f"{war} {design}")
    return _svg(figure, "cohesion", "Fans: cohesion index by quarter, median with 50 and 80 % bands; "
                "one panel for each end of the war (rows) and design (columns)")  # fmt: skip


def european_fans(alliance: xr.Dataset, along: str, last: float, labels: Labels) -> str:
    """European spending by year for each war (`along` = war) or design, in the first of the other axis.

    `last` (percent of GDP) is the last observed level, which a random walk would carry on.
    """
    other = DESIGN if along == WAR else WAR
    data = alliance["european_share"].isel({other: 0})
    values = [str(v) for v in data[along].values]
    years = data[YEAR].values.astype(float)
    figure, panels = _row(values, labels, height=2.3)
    shown = np.append(_band(data.values), last)
    for value, axes in zip(values, panels, strict=True):
        axes.axhline(last, color=INK, linewidth=0.9, alpha=0.8, linestyle=(0, (2, 2)))
        here = data.sel({along: value}).values
        _fan(axes, *_from(years[0] - 1, last, years, here), BLUE, value)
        axes.set_ylim(0.97 * np.nanmin(shown), 1.03 * np.nanmax(shown))
        _years(axes, years[0] - 1, years[-1])
    panels[0].set_ylabel("percent of GDP", color=INK, fontsize=8)
    return _svg(figure, f"european-{along}", "Fans: defence spending of the European allies, percent "
                f"of GDP, by year; one panel for each {along}")  # fmt: skip


def member_fan(members: xr.Dataset, member: str, name: str) -> str:
    """Spending of one ally: observed, then neutral with its 80 % band, and the medians of win and lose."""
    data = members.sel(member=member).isel(design=0)
    past = data["spending_history"].values.astype(float)
    seen = data[names.HISTORY_YEAR].values.astype(float)[np.isfinite(past)]
    past = past[np.isfinite(past)]
    years = data[YEAR].values.astype(float)
    figure = Figure(figsize=(2.6, 1.7))
    axes = figure.add_axes((0.11, 0.13, 0.86, 0.74))
    _tidy(axes)
    axes.set_title(name, fontsize=8.5, loc="left", color=INK, pad=4)
    for basis, part in (("wdi", seen < NATO_FROM), ("nato", seen >= NATO_FROM)):
        if part.any():  # two definitions, so two lines: no bridge between 2013 and 2014
            axes.plot(seen[part], past[part], color=INK, linewidth=1.1, gid=f"d:{basis}")
    at, level = (seen[-1], past[-1]) if seen.size else (years[0] - 1, np.nan)
    wars = [str(w) for w in data[WAR].values]
    for war in ("neutral", "win", "lose") if "neutral" in wars else wars[:1]:
        if war in wars:
            here = data["spending_share"].sel(war=war).values
            _fan(axes, *_from(at, level, years, here), WAR_COLOURS[war], war,
                 _BANDS[: int(war == wars[0])], WAR_DASHES.get(war, "-"))  # fmt: skip
    axes.set_ylim(bottom=0)
    _years(axes, seen[0] if seen.size else years[0], years[-1], count=4)
    return _svg(figure, f"member-{member}", f"{name}: spending, percent of GDP, seen and forecast")


def mission_curves(missions: xr.Dataset, mission: str, label: str) -> str:
    """Left: flags, operation (means, 80 % bands) and flags by count. Right: hollow and collapsed. First cell."""
    data = missions.sel(mission=mission).isel(war=0, design=0)
    x = quarters(data[QUARTER].values)
    runs = running(missions, mission)
    figure, (left, right) = _row(["Share of the first contingent", "Probability"], {}, 2.3, (2, 1))
    for curve, colour in CURVE_COLOURS.items():
        thin = curve == "flags_by_count"
        if not thin:
            band = _band(data["survival"].sel(curve=curve).values[runs])
            _area(left, x[runs], *band, colour, 0.16, f"{curve} band")
        left.plot(x[runs], data["survival_mean"].sel(curve=curve).values[runs], color=colour,
                  linewidth=0.7 if thin else 1.6, linestyle=(0, (3, 2)) if thin else "-",
                  gid=f"d:{curve}")  # fmt: skip
    for name, colour, dash in (("hollow", ORANGE, "-"), ("collapse", PURPLE, (0, (5, 2)))):
        right.plot(x[runs], data[f"{name}_probability"].values[runs], color=colour, linewidth=1.6,
                   linestyle=dash, gid=f"d:{name}")  # fmt: skip
    for axes in (left, right):
        axes.set_ylim(0, 1.02)
        _years(axes, x[0], x[-1])
    return _svg(figure, f"mission-{mission}", f"{label}: flags, operation and flags by count by quarter; "
                "beside it the probability of being hollow and of having collapsed")  # fmt: skip


def crossing(missions: xr.Dataset, chosen: Sequence[str], labels: Labels) -> str:
    """Operation of several missions on one calendar: means and 80 % bands, first cell."""
    x = quarters(missions[QUARTER].values)
    figure = Figure(figsize=(8.2, 3.0))
    axes = figure.add_axes((0.06, 0.1, 0.92, 0.84))
    _tidy(axes)
    for n, mission in enumerate(chosen):
        data = missions.sel(mission=mission, curve="operation").isel(war=0, design=0)
        runs = running(missions, mission)
        band = _band(data["survival"].values[runs])
        colour = MISSION_COLOURS[n % len(MISSION_COLOURS)]
        _area(axes, x[runs], *band, colour, 0.14, f"{mission} band")
        axes.plot(x[runs], data["survival_mean"].values[runs], color=colour, linewidth=1.8,
                  linestyle=("-", (0, (6, 2)))[n % 2], gid=f"d:{mission}")  # fmt: skip
    axes.set_ylim(0, 1.02)
    _years(axes, x[0], x[-1], count=10)
    told = " and ".join(labels.get(m, m) for m in chosen)
    return _svg(figure, "crossing", f"Operation by quarter: {told}")


def withdrawal_check(found: Mapping[str, Mapping[str, Any]], labels: Labels) -> str:
    """Counted shares (points) against the 80 % bands of the fit with the mission (filled) and without (open)."""
    figure, panels = _row(list(found), labels, height=2.5)
    for (name, one), axes in zip(found.items(), panels, strict=True):
        years = np.array(one["years"], float)
        for key, shift, colour in (("fitted", -0.17, BLUE), ("left_out", 0.17, ORANGE)):
            band = one[key]
            low, high, mid = (np.array(band[k], float) for k in ("lower", "upper", "median"))
            axes.vlines(years + shift, low, high, color=colour, linewidth=6, alpha=0.45,
                        gid=f"d:{name} {key}")  # fmt: skip
            axes.hlines(mid, years + shift - 0.14, years + shift + 0.14, color=colour, linewidth=2)
        axes.plot(years, one["kaplan_meier"], "o", color=INK, markersize=5, gid=f"d:{name} counted")
        axes.set_xticks(years, [f"{y:g} y" for y in years])
        axes.set_xlim(0, years[-1] + 1)
        axes.set_ylim(0, 1.04)
    return _svg(figure, "withdrawal", "Points: counted share of contributors still present after some "
                "years. Bars: 80 % bands of the fit with and without the mission")  # fmt: skip


def quarters(labels: Sequence[str] | NDArray[Any]) -> Numbers:
    """2026Q1 -> 2026.0, 2026Q2 -> 2026.25."""
    return np.array([int(str(q)[:4]) + (int(str(q)[5]) - 1) / 4 for q in labels])


def running(missions: xr.Dataset, mission: str) -> NDArray[np.bool_]:
    """The quarters in which a mission runs, as a mask."""
    flags = missions["survival_mean"].isel(war=0, design=0).sel(mission=mission, curve="flags")
    return np.asarray(np.isfinite(flags.values))


def _band(fan: Numbers, low: float = 0.1, high: float = 0.9) -> tuple[Numbers, Numbers]:
    """Two quantiles of an array whose last axis is `names.QUANTILES`."""
    at = names.QUANTILES.index
    return fan[..., at(low)].astype(float), fan[..., at(high)].astype(float)


def _from(at: float, level: float, years: Numbers, fan: Numbers) -> tuple[Numbers, Numbers]:
    """Open a fan of annual values at the last observed point, if there is one."""
    if not np.isfinite(level):
        return years, fan
    return np.append(at, years), np.vstack([np.full(fan.shape[1], level), fan])


def _fan(
    axes: Axes, x: Numbers, fan: Numbers, colour: str, name: str,
    bands: Sequence[tuple[float, float, float]] = _BANDS, dash: Any = "-",
) -> None:  # fmt: skip
    for low, high, alpha in bands:
        _area(axes, x, *_band(fan, low, high), colour, alpha, f"{name} {low:g}-{high:g}")
    axes.plot(x, _band(fan, 0.5)[0], color=colour, linewidth=1.3, linestyle=dash,
              gid=f"d:{name} median")  # fmt: skip


def _area(
    axes: Axes, x: Numbers, low: Numbers, high: Numbers, colour: str, alpha: float, name: str
) -> None:
    axes.fill(np.append(x, x[::-1]), np.append(low, high[::-1]), facecolor=colour, alpha=alpha,
              linewidth=0, gid=f"d:{name}")  # fmt: skip


def _grid(
    data: xr.DataArray, labels: Labels, ylim: tuple[float, float]
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Small multiples that share both axes: wars in rows, designs in columns."""
    wars, designs = ([str(v) for v in data[dim].values] for dim in (WAR, DESIGN))
    x = quarters(data[QUARTER].values)
    width, height = 1.2 + 1.72 * max(len(designs), 2), 0.5 + 1.3 * len(wars)
    figure = Figure(figsize=(width, height))
    left, top = 0.95 / width, 1 - 0.28 / height
    room = {"left": left, "right": 0.985, "top": top, "bottom": 0.25 / height}
    table = figure.subplots(len(wars), len(designs), sharex=True, sharey=True, squeeze=False,
                            gridspec_kw={**room, "wspace": 0.1, "hspace": 0.16})  # fmt: skip
    panels = {}
    for i, war in enumerate(wars):
        for j, design in enumerate(designs):
            axes = panels[war, design] = table[i, j]
            _tidy(axes)
            if i == 0:
                axes.set_title(labels.get(design, design), fontsize=8.5, color=INK, pad=5)
            if j == 0:
                axes.set_ylabel(labels.get(war, war), fontsize=8.5, color=INK)
            _years(axes, x[0], x[-1], count=3)
    table[0, 0].set_ylim(*ylim)
    return figure, panels


def _row(
    titles: Sequence[str], labels: Labels, height: float, widths: Sequence[float] | None = None
) -> tuple[Figure, list[Axes]]:
    """One row of panels that share the vertical axis."""
    figure = Figure(figsize=(8.2, height))
    room = {"left": 0.06, "right": 0.985, "top": 1 - 0.26 / height, "bottom": 0.24 / height}
    panels = figure.subplots(1, len(titles), sharey=True, squeeze=False, width_ratios=widths,
                             gridspec_kw={**room, "wspace": 0.08})[0]  # fmt: skip
    for title, axes in zip(titles, panels, strict=True):
        _tidy(axes)
        axes.set_title(labels.get(title, title), fontsize=8.5, color=INK, pad=5)
    return figure, list(panels)


def _tidy(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(bottom=False, left=False, labelsize=7.5, labelcolor=INK, pad=2)
    axes.grid(axis="y", color=INK, alpha=0.14, linewidth=0.6)
    axes.set_axisbelow(True)


def _years(axes: Axes, first: float, last: float, count: int = 5) -> None:
    """Ticks at whole years, at most `count` + 1 of them."""
    step = max(1, math.ceil((last - first) / count))
    ticks = np.arange(math.ceil(first), last + 1e-9, step)
    axes.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    room = 0.02 * max(last - first, 0.5)
    axes.set_xlim(first - room, last + room)


def _svg(figure: Figure, key: str, label: str) -> str:
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
