"""Pictures of a run: each function turns a dataset into one inline SVG that takes its colours from the page.

How they are drawn is in `reporting/svg.py`. Each curve has its name in `data-series`. Equal data give equal bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from forecast import names
from forecast.constants import NATO_FROM
from forecast.names import DESIGN, QUARTER, WAR, YEAR
from forecast.quarters import decimal_years
from forecast.reporting.svg import (
    BANDS,
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    Labels,
    as_svg,
    band,
    draw_area,
    draw_edged,
    draw_fan,
    grid_of,
    opened,
    row_of,
    tidy,
    year_ticks,
)

VERDICT_COLOURS: Final = dict(zip(names.VERDICTS, (RED, GREY, BLUE), strict=True))
WAR_COLOURS: Final = {"neutral": INK, "win": BLUE, "lose": RED, "stalemate": PURPLE}
WAR_DASHES: Final[Mapping[str, Any]] = {"win": (0, (5, 2)), "lose": (0, (1.5, 1.5))}
MISSION_COLOURS: Final = (RED, BLUE, GREEN, PURPLE)
DESIGN_LINES: Final[tuple[tuple[str, Any], ...]] = (
    (BLUE, "-"),
    (ORANGE, (0, (5, 2))),
    (GREEN, (0, (1.5, 1.5))),
    (RED, "-"),
    (PURPLE, (0, (5, 2))),
)
CURVE_COLOURS: Final = {"flags": BLUE, "operation": RED, "flags_by_count": INK}


def verdict_areas(alliance: xr.Dataset, labels: Labels) -> str:
    """Probability of each verdict by quarter, stacked: wars in rows, designs in columns."""
    data = alliance["verdict_probability"]
    figure, panels = grid_of(data, labels, ylim=(0, 1))
    x = decimal_years(data[QUARTER].values)
    for (war, design), axes in panels.items():
        floor = np.zeros(x.size)
        for verdict in data[names.VERDICT].values:
            here = data.sel(war=war, design=design, verdict=verdict).values.astype(float)
            draw_area(axes, x, floor, floor + here, VERDICT_COLOURS[str(verdict)], 0.85, f"{verdict} {war} {design}")
            floor = floor + here
        axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
        axes.grid(axis="y", color=INK, alpha=0.25, linewidth=0.5)
        axes.set_axisbelow(False)
    return as_svg(
        figure,
        "verdicts",
        "Stacked areas: probability of each verdict on cohesion by "
        "quarter; one panel for each end of the war (rows) and design (columns)",
    )


def cohesion_fans(alliance: xr.Dataset, labels: Labels) -> str:
    """Cohesion index by quarter: median, 50 and 80 % bands; wars in rows, designs in columns."""
    data = alliance["cohesion"]
    reach = max(0.5, np.ceil(float(np.abs(band(data.values)).max()) * 4) / 4)
    figure, panels = grid_of(data, labels, ylim=(-reach, reach))
    x = decimal_years(data[QUARTER].values)
    for (war, design), axes in panels.items():
        axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
        draw_fan(axes, x, data.sel(war=war, design=design).values, BLUE, f"{war} {design}")
    return as_svg(
        figure,
        "cohesion",
        "Fans: cohesion index by quarter, median with 50 and 80 % bands; "
        "one panel for each end of the war (rows) and design (columns)",
    )


def european_fans(alliance: xr.Dataset, along: str, last: float, labels: Labels) -> str:
    """European spending by year for each war (`along` = war) or design, in the first of the other axis.

    `last` (percent of GDP) is the last observed level, which a random walk would carry on.
    """
    other = DESIGN if along == WAR else WAR
    data = alliance["european_share"].isel({other: 0})
    values = [str(v) for v in data[along].values]
    years = data[YEAR].values.astype(float)
    figure, panels = row_of(values, labels, height=2.3)
    shown = np.append(band(data.values), last)
    for value, axes in zip(values, panels, strict=True):
        axes.axhline(last, color=INK, linewidth=0.9, alpha=0.8, linestyle=(0, (2, 2)))
        here = data.sel({along: value}).values
        draw_fan(axes, *opened(years[0] - 1, last, years, here), BLUE, value)
        axes.set_ylim(0.97 * np.nanmin(shown), 1.03 * np.nanmax(shown))
        year_ticks(axes, years[0] - 1, years[-1], count=2 if len(values) > 2 else 5)
    panels[0].set_ylabel("percent of GDP", color=INK, fontsize=8)
    return as_svg(
        figure,
        f"european-{along}",
        f"Fans: defence spending of the European allies, percent of GDP, by year; one panel for each {along}",
    )


def member_fan(members: xr.Dataset, member: str, name: str) -> str:
    """Spending of one ally: observed, then neutral with its 80 % band, and the medians of win and lose."""
    data = members.sel(member=member).isel(design=0)
    past = data["spending_history"].values.astype(float)
    seen = data[names.HISTORY_YEAR].values.astype(float)[np.isfinite(past)]
    past = past[np.isfinite(past)]
    years = data[YEAR].values.astype(float)
    figure = Figure(figsize=(2.6, 1.7))
    axes = figure.add_axes((0.11, 0.13, 0.86, 0.74))
    tidy(axes)
    axes.set_title(name, y=1, fontsize=8.5, loc="left", color=INK, pad=4)
    for basis, part in (("wdi", seen < NATO_FROM), ("nato", seen >= NATO_FROM)):
        if part.any():  # two definitions, so two lines: no bridge between 2013 and 2014
            axes.plot(seen[part], past[part], color=INK, linewidth=1.1, gid=f"d:{basis}")
    at, level = (seen[-1], past[-1]) if seen.size else (years[0] - 1, np.nan)
    wars = [str(w) for w in data[WAR].values]
    for war in ("neutral", "win", "lose") if "neutral" in wars else wars[:1]:
        if war in wars:
            here = data["spending_share"].sel(war=war).values
            draw_fan(
                axes,
                *opened(at, level, years, here),
                WAR_COLOURS[war],
                war,
                BANDS[: int(war == wars[0])],
                WAR_DASHES.get(war, "-"),
            )
    axes.set_ylim(bottom=0)
    year_ticks(axes, float(data[names.HISTORY_YEAR].values[0]), years[-1], count=4)
    return as_svg(figure, f"member-{member}", f"{name}: spending, percent of GDP, seen and forecast")


def mission_curves(missions: xr.Dataset, mission: str, label: str) -> str:
    """Left: flags, operation (means, 80 % bands) and flags by count. Right: hollow and collapsed. First cell."""
    data = missions.sel(mission=mission).isel(war=0, design=0)
    x = decimal_years(data[QUARTER].values)
    runs = running(missions, mission)
    figure, (left, right) = row_of(["Share of the first contingent", "Probability"], {}, 2.3, (2, 1))
    for curve, colour in CURVE_COLOURS.items():
        thin = curve == "flags_by_count"
        if not thin:
            band = data["survival"].sel(curve=curve).values[runs]
            draw_edged(left, x[runs], band, colour, f"{curve} band")
        left.plot(
            x[runs],
            data["survival_mean"].sel(curve=curve).values[runs],
            color=colour,
            linewidth=0.7 if thin else 1.6,
            linestyle=(0, (3, 2)) if thin else "-",
            gid=f"d:{curve}",
        )
    for name, colour, dash in (("hollow", ORANGE, "-"), ("collapse", PURPLE, (0, (5, 2)))):
        right.plot(
            x[runs],
            data[f"{name}_probability"].values[runs],
            color=colour,
            linewidth=1.6,
            linestyle=dash,
            gid=f"d:{name}",
        )
    for axes, count in ((left, 5), (right, 2)):
        axes.set_ylim(0, 1.02)
        year_ticks(axes, x[0], x[-1], count)
    return as_svg(
        figure,
        f"mission-{mission}",
        f"{label}: flags, operation and flags by count by quarter; "
        "beside it the probability of being hollow and of having collapsed",
    )


def crossing(missions: xr.Dataset, chosen: Sequence[str], labels: Labels) -> str:
    """Operation of several missions on one calendar: means and 80 % bands, first cell."""
    x = decimal_years(missions[QUARTER].values)
    figure, (axes,) = row_of(["Operation, share of the first contingent"], {}, height=3.1)
    for n, mission in enumerate(chosen):
        data = missions.sel(mission=mission, curve="operation").isel(war=0, design=0)
        runs = running(missions, mission)
        colour = MISSION_COLOURS[n % len(MISSION_COLOURS)]
        draw_edged(axes, x[runs], data["survival"].values[runs], colour, f"{mission} band")
        axes.plot(
            x[runs],
            data["survival_mean"].values[runs],
            color=colour,
            linewidth=1.8,
            linestyle=("-", (0, (6, 2)))[n % 2],
            gid=f"d:{mission}",
        )
    axes.set_ylim(0, 1.02)
    year_ticks(axes, x[0], x[-1], count=10)
    told = " and ".join(labels.get(m, m) for m in chosen)
    return as_svg(figure, "crossing", f"Operation by quarter: {told}")


def dyad_fans(dyads: xr.Dataset) -> str:
    """A panel a dyad: cohesion in the first design as a fan, medians of the others. Right: the treaty stands."""
    x = decimal_years(dyads[QUARTER].values)
    titles = [str(label) for label in dyads["dyad_label"].values]
    figure, panels = row_of(
        [*titles, "Probability that the treaty stands"],
        {},
        2.6,
        [3] * len(titles) + [2],
        apart=True,
    )
    data = dyads["dyad_cohesion"].isel(war=0)
    shown = np.array(band(data.values))
    for d, axes in enumerate(panels[:-1]):
        axes.axhline(0, color=INK, linewidth=0.7, alpha=0.7)
        for n, design in enumerate(str(v) for v in data[DESIGN].values):
            colour, dash = DESIGN_LINES[n]
            here = data.isel(dyad=d, design=n).values
            name = f"{data[names.DYAD].values[d]} {design}"
            draw_fan(axes, x, here, colour, name, BANDS if n == 0 else (), dash)
        axes.set_ylim(1.05 * min(shown.min(), -0.5), 1.05 * max(shown.max(), 0.5))
        year_ticks(axes, x[0], x[-1], 4)
    _draw_stands(panels[-1], x, dyads["intact_probability"].isel(war=0, design=0), titles)
    return as_svg(
        figure,
        "dyads",
        "Fans: cohesion of each dyad by quarter, with medians by design; beside "
        "them the probability that each treaty still stands",
    )


def _draw_stands(axes: Axes, x: NDArray[np.float64], stands: xr.DataArray, titles: Sequence[str]) -> None:
    """The probability of each dyad (dims dyad, quarter), named at the end of its line."""
    for d, title in enumerate(titles):
        colour, dash = (BLUE, RED, GREEN, PURPLE)[d % 4], ("-", (0, (4, 2)))[d % 2]
        here = stands.isel(dyad=d).values.astype(float)
        axes.plot(x, here, color=colour, linewidth=1.6, linestyle=dash, gid=f"d:{stands[names.DYAD].values[d]} stands")
        axes.annotate(
            title.split("–")[-1],
            (x[-1], here[-1]),
            xytext=(0, 6),
            ha="right",
            textcoords="offset points",
            fontsize=7.5,
            color=INK,
        )
    floor = min(0.9, np.floor(20 * float(stands.min())) / 20)
    ticks = np.linspace(floor, 1, 3)
    axes.set_ylim(floor, 1.005)
    axes.set_yticks(ticks, [f"{100 * tick:g} %" for tick in ticks])
    year_ticks(axes, x[0], x[-1], 2)


def withdrawal_check(found: Mapping[str, Mapping[str, Any]], labels: Labels) -> str:
    """Counted shares (points) against the 80 % bands of the fit with the mission (filled) and without (open)."""
    figure, panels = row_of(list(found), labels, height=2.5)
    for (name, one), axes in zip(found.items(), panels, strict=True):
        years = np.array(one["years"], float)
        for key, shift, colour in (("fitted", -0.17, BLUE), ("left_out", 0.17, ORANGE)):
            band = one[key]
            low, high, mid = (np.array(band[k], float) for k in ("lower", "upper", "median"))
            axes.vlines(years + shift, low, high, color=colour, linewidth=6, alpha=0.45, gid=f"d:{name} {key}")
            axes.hlines(mid, years + shift - 0.14, years + shift + 0.14, color=colour, linewidth=2)
        axes.plot(years, one["kaplan_meier"], "o", color=INK, markersize=5, gid=f"d:{name} counted")
        axes.set_xticks(years, [f"{y:g} y" for y in years])
        axes.set_xlim(0, years[-1] + 1)
        axes.set_ylim(0, 1.04)
    return as_svg(
        figure,
        "withdrawal",
        "Points: counted share of contributors still present after some "
        "years. Bars: 80 % bands of the fit with and without the mission",
    )


def running(missions: xr.Dataset, mission: str) -> NDArray[np.bool_]:
    """The quarters in which a mission runs, as a mask."""
    flags = missions["survival_mean"].isel(war=0, design=0).sel(mission=mission, curve="flags")
    return np.asarray(np.isfinite(flags.values))
