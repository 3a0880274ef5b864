"""Draw the figures of the pages: each function returns one inline SVG that takes its colours from the page.

`reporting/drawing.py` has the drawing style; a user's settings of matplotlib have no effect. Each curve has its name in
`data-series`. Equal data give equal bytes.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from forecast import names
from forecast.names import DESIGN, QUARTER, WAR, YEAR
from forecast.quarters import decimal_years
from forecast.reporting.drawing import (
    BANDS,
    CURVE_COLOURS,
    PAGE_WIDTH,
    Fan,
    Labels,
    band,
    draw_cohesion,
    draw_fan,
    draw_outlined_band,
    draw_spending,
    draw_survival,
    draw_verdicts,
    open_fan,
    panel_grid,
    panel_row,
    style_axes,
    year_ticks,
)
from forecast.reporting.formatting import printable
from forecast.reporting.headline_groups import Group, chart_rows
from forecast.reporting.svg import BLUE, COLOUR_NAMES, GREEN, INK, ORANGE, PURPLE, RED, SERIES, as_svg, page_style

WAR_COLOURS: Final = {"neutral": INK, "win": BLUE, "lose": RED, "stalemate": PURPLE}
WAR_DASHES: Final[Mapping[str, Any]] = {"win": (0, (5, 2)), "lose": (0, (1.5, 1.5))}
MEMBER_WARS: Final = ("neutral", "win", "lose")  # drawn for each member, where the plan has them
MISSION_COLOURS: Final = (RED, BLUE, GREEN, PURPLE)
MISSION_DASHES: Final[tuple[tuple[Any, str], ...]] = (("-", "solid"), ((0, (6, 2)), "dashed"))
#: Colour of each design in the figure of the dyads, its dash in matplotlib and its dash in CSS.
DESIGN_LINES: Final[tuple[tuple[str, Any, str], ...]] = (
    (BLUE, "-", "solid"),
    (ORANGE, (0, (5, 2)), "dashed"),
    (GREEN, (0, (1.5, 1.5)), "dotted"),
    (RED, "-", "solid"),
    (PURPLE, (0, (5, 2)), "dashed"),
)
_TITLE: Final = 42  # characters beside a chart of dots
#: An entry of a legend: class and style of its symbol, and its text.
LegendEntry = tuple[str, str, str]


@page_style()
def verdict_areas(alliance: xr.Dataset, labels: Labels) -> str:
    """Draw the probability of each verdict by quarter as stacked areas: wars in rows, designs in columns."""
    data = alliance["verdict_probability"]
    figure, panels = panel_grid(data, labels, ylim=(0, 1))
    for (war, design), axes in panels.items():
        draw_verdicts(axes, data.sel(war=war, design=design), f"{war} {design}")
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        axes.grid(axis="y", color=INK, alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(False)
    return as_svg(
        figure,
        "verdicts",
        "Stacked areas: probability of each verdict on cohesion by quarter; one panel for each outcome of the war "
        "(rows) and design (columns)",
    )


@page_style()
def cohesion_fans(alliance: xr.Dataset, labels: Labels) -> str:
    """Draw the cohesion index by quarter with 50 % and 80 % bands: wars in rows, designs in columns."""
    data = alliance["cohesion"]
    reach = max(0.5, np.ceil(float(np.abs(band(data.values)).max()) * 4) / 4)
    figure, panels = panel_grid(data, labels, ylim=(-reach, reach))
    for (war, design), axes in panels.items():
        draw_cohesion(axes, data.sel(war=war, design=design), f"{war} {design}")
    return as_svg(
        figure,
        "cohesion",
        "Fans: cohesion index by quarter, median with 50 % and 80 % bands; one panel for each outcome of the war "
        "(rows) and design (columns)",
    )


@page_style()
def european_fans(alliance: xr.Dataset, along: str, last: float, labels: Labels) -> str:
    """Draw European spending by year for each war (`along` = war) or design, in the first label of the other axis.

    `last` (percent of GDP) is the last observed level, which a random walk keeps.
    """
    other = DESIGN if along == WAR else WAR
    data = alliance["european_share"].isel({other: 0})
    values = [str(v) for v in data[along].values]
    years = data[YEAR].values.astype(float)
    figure, panels = panel_row(values, labels, height=2.3)
    shown = np.append(band(data.values), last)
    for value, axes in zip(values, panels, strict=True):
        axes.axhline(last, color=INK, linewidth=0.9, alpha=0.8, linestyle=(0, (2, 2)))
        fan = data.sel({along: value}).values
        draw_fan(axes, *open_fan(years[0] - 1, last, years, fan), BLUE, value)
        axes.set_ylim(0.97 * np.nanmin(shown), 1.03 * np.nanmax(shown))
        year_ticks(axes, years[0] - 1, years[-1], count=2 if len(values) > 2 else 5)
    panels[0].set_ylabel("percent of GDP", color=INK, fontsize=8)
    return as_svg(
        figure,
        f"european-{along}",
        "Fans: defence spending of the European allies, percent of GDP, by year; one panel for each "
        + ("outcome of the war" if along == WAR else "design"),
    )


def member_wars(wars: Sequence[str]) -> list[str]:
    """Return the wars whose forecasts are drawn for each member; the first has an 80 % band."""
    return [war for war in MEMBER_WARS if war in wars] if "neutral" in wars else list(wars[:1])


def member_legend(wars: Sequence[str], labels: Labels) -> list[LegendEntry]:
    """Return the legend of `member_fan`."""
    shown = member_wars(wars)
    dashes = {"win": "dashed", "lose": "dotted"}
    return [
        ("line thin", "--c: currentColor", "observed"),
        *(
            ("line", f"--c: {_css(WAR_COLOURS[war])}; --s: {dashes.get(war, 'solid')}", f"{labels[war]}, median")
            for war in shown
        ),
        ("", f"--c: {_css(WAR_COLOURS[shown[0]])}; --o: .2", f"80 % band of {labels[shown[0]]}"),
    ]


@page_style()
def member_fan(members: xr.Dataset, member: str, name: str) -> str:
    """Draw the spending of one ally: observations, the first war with its 80 % band, and the medians of the others."""
    data = members.sel(member=member).isel(design=0)
    figure = Figure(figsize=(2.6, 1.7))
    axes = figure.add_axes((0.11, 0.13, 0.86, 0.74))
    style_axes(axes)
    axes.set_title(name, y=1, fontsize=8.5, loc="left", color=INK, pad=4)
    shown = member_wars([str(war) for war in data[WAR].values])
    fans = [
        Fan(
            values=data["spending_share"].sel(war=war).values,
            name=war,
            colour=WAR_COLOURS[war],
            bands=BANDS[: int(war == shown[0])],
            dash=WAR_DASHES.get(war, "-"),
        )
        for war in shown
    ]
    draw_spending(axes, data, fans)
    axes.set_ylim(bottom=0)
    year_ticks(axes, float(data[names.HISTORY_YEAR].values[0]), float(data[YEAR].values[-1]), count=4)
    return as_svg(figure, f"member-{member}", f"{name}: defence spending, percent of GDP, observed and forecast")


@page_style()
def mission_curves(missions: xr.Dataset, mission: str, label: str) -> str:
    """Draw the survival curves of a mission, and the probabilities of being hollow and of collapse; first scenario."""
    data = missions.sel(mission=mission).isel(war=0, design=0)
    x = decimal_years(data[QUARTER].values)
    runs = running(missions, mission)
    figure, (left, right) = panel_row(["Share of the initial contingents", "Probability"], {}, 2.3, (2, 1))
    draw_survival(left, data, list(CURVE_COLOURS), {})
    for name, colour, dash in (("hollow", ORANGE, "-"), ("collapse", PURPLE, (0, (5, 2)))):
        right.plot(
            x[runs],
            data[f"{name}_probability"].values[runs],
            color=colour,
            linewidth=1.6,
            linestyle=dash,
            gid=f"{SERIES}{name}",
        )
    for axes, count in ((left, 5), (right, 2)):
        axes.set_ylim(0, 1.02)
        year_ticks(axes, x[0], x[-1], count)
    return as_svg(
        figure,
        f"mission-{mission}",
        f"{label}, by quarter: nominal participation, operational contribution and nominal participation by count; "
        "right, the probabilities of being hollow and of having collapsed",
    )


@page_style()
def crossing(missions: xr.Dataset, chosen: Sequence[str], labels: Labels) -> str:
    """Draw the operational contribution of several missions by calendar quarter; first scenario."""
    x = decimal_years(missions[QUARTER].values)
    figure, (axes,) = panel_row(["Operational contribution, share of the initial contingents"], {}, height=3.1)
    for n, mission in enumerate(chosen):
        data = missions.sel(mission=mission, curve="operational").isel(war=0, design=0)
        runs = running(missions, mission)
        colour = MISSION_COLOURS[n % len(MISSION_COLOURS)]
        draw_outlined_band(axes, x[runs], data["survival"].values[runs], colour, f"{mission} band")
        axes.plot(
            x[runs],
            data["survival_mean"].values[runs],
            color=colour,
            linewidth=1.8,
            linestyle=MISSION_DASHES[n % 2][0],
            gid=f"{SERIES}{mission}",
        )
    axes.set_ylim(0, 1.02)
    year_ticks(axes, x[0], x[-1], count=10)
    titles = " and ".join(labels.get(m, m) for m in chosen)
    return as_svg(figure, "crossing", f"Operational contribution by quarter: {titles}")


def crossing_legend(chosen: Sequence[str], labels: Labels) -> list[LegendEntry]:
    """Return the legend of `crossing`."""
    return [
        (
            "line",
            f"--c: {_css(MISSION_COLOURS[n % len(MISSION_COLOURS)])}; --s: {MISSION_DASHES[n % 2][1]}",
            f"{labels[mission]}, mean and 80 % band",
        )
        for n, mission in enumerate(chosen)
    ]


@page_style()
def dyad_fans(dyads: xr.Dataset) -> str:
    """Draw the cohesion of each dyad: a fan for the first design, medians for the others.

    The last panel shows the probability that each treaty is in force.
    """
    x = decimal_years(dyads[QUARTER].values)
    titles = [str(label) for label in dyads["dyad_label"].values]
    figure, panels = panel_row(
        [*titles, "Treaty in force: probability"], {}, 2.6, [3] * len(titles) + [2], share_y=False
    )
    data = dyads["dyad_cohesion"].isel(war=0)
    shown = np.array(band(data.values))
    for d, axes in enumerate(panels[:-1]):
        axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
        for n, design in enumerate(str(v) for v in data[DESIGN].values):
            colour, dash, _ = DESIGN_LINES[n]
            name = f"{data[names.DYAD].values[d]} {design}"
            draw_fan(axes, x, data.isel(dyad=d, design=n).values, colour, name, BANDS if n == 0 else (), dash)
        axes.set_ylim(1.05 * min(shown.min(), -0.5), 1.05 * max(shown.max(), 0.5))
        year_ticks(axes, x[0], x[-1], 4)
    _draw_treaties(panels[-1], x, dyads["intact_probability"].isel(war=0, design=0), titles)
    return as_svg(
        figure,
        "dyads",
        "Fans: cohesion of each dyad by quarter, with medians by design; right, the probability that each treaty is "
        "in force",
    )


def dyad_legend(designs: Sequence[str], labels: Labels) -> list[LegendEntry]:
    """Return the legend of `dyad_fans`."""
    bands = ("", "--c: var(--blue); --o: .35", f"{labels[designs[0]]}: 50 % and 80 % bands")
    lines = zip(designs, DESIGN_LINES, strict=False)
    return [
        bands,
        *(
            ("line", f"--c: {_css(colour)}; --s: {css_dash}", f"{labels[design]}, median")
            for design, (colour, _, css_dash) in lines
        ),
    ]


def _draw_treaties(axes: Axes, x: NDArray[np.float64], in_force: xr.DataArray, titles: Sequence[str]) -> None:
    """Draw the probability that each treaty is in force (dyad, quarter), with the partner's name at the line's end."""
    for d, title in enumerate(titles):
        colour, dash = (BLUE, RED, GREEN, PURPLE)[d % 4], ("-", (0, (4, 2)))[d % 2]
        probability = in_force.isel(dyad=d).values.astype(float)
        name = in_force[names.DYAD].values[d]
        axes.plot(x, probability, color=colour, linewidth=1.6, linestyle=dash, gid=f"{SERIES}{name} in force")
        axes.annotate(
            title.split("–")[-1],
            (x[-1], probability[-1]),
            xytext=(0, 6),
            ha="right",
            textcoords="offset points",
            fontsize=7.5,
            color=INK,
        )
    floor = min(0.9, np.floor(20 * float(in_force.min())) / 20)
    ticks = np.linspace(floor, 1, 3)
    axes.set_ylim(floor, 1.005)
    axes.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    year_ticks(axes, x[0], x[-1], 2)


@page_style()
def dots(group: Group, labels: Labels) -> str:
    """Draw the numbers of a group as dots with two Monte Carlo errors to each side, and baselines as crosses."""
    titles, series = chart_rows(group)
    height = 0.45 + 0.27 * len(titles)
    figure = Figure(figsize=(PAGE_WIDTH, height))
    axes = figure.add_axes((0.3, 0.25 / height, 0.685, 1 - 0.4 / height))
    style_axes(axes)
    axes.grid(axis="x", color=INK, alpha=0.14, linewidth=0.6)
    places = np.linspace(-0.24, 0.24, len(series)) if len(series) > 1 else [0.0]
    for (name, records), colour, place in zip(series.items(), _series_colours(series), places, strict=True):
        rows = [(y + place, h) for y, h in enumerate(records) if h is not None]
        y, x, error = (np.array(v, float) for v in zip(*((y, h["value"], h["mcse"]) for y, h in rows), strict=True))
        axes.hlines(y, x - 2 * error, x + 2 * error, color=colour, linewidth=1.3)
        axes.plot(x, y, "o", color=colour, markersize=4, gid=f"{SERIES}{group.key} {name}")
    known = [(y, h["baseline"]) for y, h in enumerate(next(iter(series.values()))) if h and h["baseline"] is not None]
    y, x = np.array(known, float).reshape(-1, 2).T
    axes.plot(x, y, "x", color=INK, markersize=5, gid=f"{SERIES}{group.key} baseline")
    axes.set_yticks(range(len(titles)), [_with_short_mission(printable(labels.get(title, title))) for title in titles])
    if group.rows[0].reference["statistic"] == names.PROBABILITY:
        axes.set_xlim(left=0.0)
        axes.xaxis.set_major_formatter(lambda x, _: f"{100 * x:g} %")
    axes.set_ylim(len(titles) - 0.5, -0.5)
    return as_svg(figure, f"group-{group.key}", f"Dots: {group.title}, by row")


def _with_short_mission(title: str) -> str:
    """Return a title that fits beside a chart: only a long name of a mission is cut."""
    mission, colon, what = title.rpartition(": ")
    room = _TITLE - len(colon + what)
    return title if len(mission) <= room else f"{mission[: room - 1]}…{colon}{what}"


def dots_legend(group: Group, labels: Labels) -> list[LegendEntry]:
    """Return the legend of `dots`."""
    _, series = chart_rows(group)
    colours = _series_colours(series)
    return [("dot", f"--c: {_css(c)}", labels.get(name, name)) for name, c in zip(series, colours, strict=True)]


def _series_colours(series: Iterable[str]) -> list[str]:
    """Return the colour of each war; of other series, one after the other."""
    others = itertools.cycle((BLUE, RED, ORANGE, GREEN, PURPLE))
    return [WAR_COLOURS.get(name) or next(others) for name in series]


@page_style()
def withdrawal_check(checks: Mapping[str, Mapping[str, Any]], labels: Labels) -> str:
    """Draw counted shares (points) against the 80 % bands of the fits with and without each mission."""
    figure, panels = panel_row(list(checks), labels, height=2.5)
    for (name, check), axes in zip(checks.items(), panels, strict=True):
        years = np.array(check["years"], float)
        for key, shift, colour in (("fitted", -0.17, BLUE), ("left_out", 0.17, ORANGE)):
            low, high, median = (np.array(check[key][k], float) for k in ("lower", "upper", "median"))
            axes.vlines(years + shift, low, high, color=colour, linewidth=6, alpha=0.45, gid=f"{SERIES}{name} {key}")
            axes.hlines(median, years + shift - 0.14, years + shift + 0.14, color=colour, linewidth=2)
        axes.plot(years, check["kaplan_meier"], "o", color=INK, markersize=5, gid=f"{SERIES}{name} counted")
        axes.set_xticks(years, [f"{y:g} y" for y in years])
        axes.set_xlim(0, years[-1] + 1)
        axes.set_ylim(0, 1.04)
    return as_svg(
        figure,
        "withdrawal",
        "Points: observed share of contributors still present, by years since entry. Bars: 80 % bands of the fit "
        "with and without the mission",
    )


def running(missions: xr.Dataset, mission: str) -> NDArray[np.bool_]:
    """Return the quarters in which a mission runs, as a mask (quarter,)."""
    nominal = missions["survival_mean"].isel(war=0, design=0).sel(mission=mission, curve="nominal")
    return np.asarray(np.isfinite(nominal.values))


def _css(colour: str) -> str:
    """Return the CSS value of a colour of the figures."""
    name = COLOUR_NAMES[colour]
    return "currentColor" if name == "ink" else f"var(--{name})"
