"""Draw the charts of the report page: each function takes labelled numbers and returns inline SVG.

Most charts are drawn for wide and for narrow screens. Where the page lets the reader choose what is drawn, the chart
shows the reference scenario, and the script of the page redraws it with the values of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import accumulate
from textwrap import wrap
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.quarters import decimal_years
from forecast.reporting import svg
from forecast.reporting.formatting import number, printable, probability
from forecast.reporting.svg import Frame

Labels = Mapping[str, str]
Row = Mapping[str, Any]

VERDICT_COLOURS: Final = dict(zip(names.VERDICTS, ("red", "grey", "blue"), strict=True))
#: Colours and dashes of the outcomes of the war, in the order of the plan.
_WAR_COLOURS: Final = ("ink", "blue", "red", "purple", "green", "orange")
_WAR_DASHES: Final = ("", "6 2", "2 2", "8 2 2 2")
#: Colour and dash of lines that the reader may choose, five at most.
PICKED: Final = (("blue", ""), ("red", "6 2"), ("green", "2 2"), ("purple", "8 2 2 2"), ("orange", "12 3"))
CURVE_LINES: Final = {"nominal": ("blue", ""), "operational": ("red", ""), "nominal_by_count": ("ink", "3 2")}
_BANDS: Final = ((0.1, 0.9, 0.2), (0.25, 0.75, 0.3))  # 80 % and 50 % bands with their opacity
_PERCENT: Final = ((0.0, 0.25, 0.5, 0.75, 1.0), ("0", "25 %", "50 %", "75 %", "100 %"))


def war_line(n: int) -> tuple[str, str]:
    """Return colour and dash of outcome n of the war; the first 24 differ."""
    again, colour = divmod(n, len(_WAR_COLOURS))
    return _WAR_COLOURS[colour], _WAR_DASHES[(colour + again) % len(_WAR_DASHES)]


def css_dash(dash: str) -> str:
    """Return the style of a border that looks most like a dashed line of a chart."""
    return {"": "solid", "2 2": "dotted", "1 3": "dotted"}.get(dash, "dashed")


def quantile(fan: Floats, level: float) -> Floats:
    """Return one quantile of an array whose last axis is `names.QUANTILES`."""
    return np.asarray(fan[..., names.QUANTILES.index(level)], float)


# -- verdicts --------------------------------------------------------------------------------------------------------


def verdict_cell(probability_of: xr.DataArray, key: str, title: str) -> str:
    """Draw the verdict probabilities (quarter, verdict) of one scenario as a small picture without axes."""
    x = decimal_years(probability_of[names.QUARTER].values)
    frame = Frame(left=0, right=120, top=0, bottom=44, x=(x[0], x[-1]), y=(0, 1))
    last = ", ".join(f"{v} {probability(p)}" for v, p in zip(names.VERDICTS, probability_of.values[-1], strict=True))
    return svg.picture(
        (120, 44), key, title, f"At the end of the horizon: {last}.", _stack(frame, x, probability_of), spark=True
    )


def verdict_chart(probability_of: xr.DataArray, key: str, title: str) -> str:
    """Draw the verdict probabilities (quarter, verdict) of one scenario as stacked areas by quarter."""
    x, blank = decimal_years(probability_of[names.QUARTER].values), np.array([np.nan])
    frame = Frame(left=40, right=svg.NARROW - 8, top=6, bottom=172, x=(x[0], x[-1]), y=(0, 1))
    parts = _stack(frame, x, probability_of)
    parts += [svg.line(frame, blank, blank, "ink", f"compare {n}", width=1.5, dash="5 3") for n in ("low", "high")]
    return svg.picture(
        (svg.NARROW, 194),
        key,
        title,
        "Stacked areas by quarter: Weak at the bottom, Fragmented in the middle, Strong at the top.",
        [frame.plot(parts, key), svg.level_axis(frame, *_PERCENT), svg.year_axis(frame)],
    )


def _stack(frame: Frame, x: Floats, probability_of: xr.DataArray) -> list[str]:
    floor, parts = np.zeros(x.size), []
    for verdict, colour in VERDICT_COLOURS.items():
        height = probability_of.sel(verdict=verdict).values.astype(float)
        parts.append(svg.area(frame, x, floor, floor + height, colour, verdict, 0.85))
        floor = floor + height
    return parts


# -- fans ------------------------------------------------------------------------------------------------------------


def fan(
    frame: Frame, x: Floats, values: Floats, colour: str, name: str, *, bands: int = 2, dash: str = ""
) -> list[str]:
    """Return bands and median of a fan (times, quantiles)."""
    parts = [
        svg.area(frame, x, quantile(values, low), quantile(values, high), colour, f"{name} {low:g}-{high:g}", opacity)
        for low, high, opacity in _BANDS[:bands]
    ]
    return [*parts, svg.line(frame, x, quantile(values, 0.5), colour, f"{name} median", dash=dash)]


def fan_chart(x: Floats, values: Floats, reach: tuple[float, float], key: str, title: str) -> str:
    """Draw the fan (times, quantiles) of one scenario, with blank lines for a scenario to compare it with."""
    frame = Frame(left=40, right=svg.NARROW - 8, top=6, bottom=172, x=(float(x[0]), float(x[-1])), y=reach)
    blank = np.array([np.nan])
    parts = fan(frame, x, values, "blue", "shown")
    parts += [svg.line(frame, blank, blank, "ink", f"compare {n}", width=1.3, dash="5 3") for n in ("low", "high")]
    parts.append(svg.line(frame, blank, blank, "ink", "compare median", width=1.8, dash="5 3"))
    return svg.picture(
        (svg.NARROW, 194),
        key,
        title,
        "Median with 50 % and 80 % bands by time.",
        [_levels(frame), svg.year_axis(frame), frame.plot(parts, key)],
    )


def reach_of(values: Floats, low: float = 0.1, high: float = 0.9) -> tuple[float, float]:
    """Return limits of an axis that hold the 80 % bands of fans (..., quantiles) with a small margin."""
    bottom, top = float(np.nanmin(quantile(values, low))), float(np.nanmax(quantile(values, high)))
    margin = 0.05 * (top - bottom or 1.0)
    return bottom - margin, top + margin


def _levels(frame: Frame, count: int = 5, unit: str = "") -> str:
    ticks = svg.round_ticks(*frame.y, count)
    digits = 0 if all(float(t).is_integer() for t in ticks) else 1 if all((10 * t).is_integer() for t in ticks) else 2
    return svg.level_axis(frame, ticks, [f"{number(tick, digits)}{unit}" for tick in ticks])


# -- contrasts -------------------------------------------------------------------------------------------------------


def contrast_chart(rows: Sequence[Row], key: str, title: str, unit: str) -> str:
    """Draw each scenario less the reference: mean (dot), twice its MC error (thick line), 80 % interval (thin line).

    Each of `rows` has `group`, `label`, `mean`, `mcse`, `lower` and `upper`.
    """
    marks = [row[name] for row in rows for name in ("lower", "upper")]
    low, high = min([0.0, *marks]), max([0.0, *marks])
    margin = 0.04 * (high - low or 1.0)

    def draw(width: float) -> str:
        rows_of = _Rows(rows, width, (low - margin, high + margin))
        frame, height = rows_of.frame, rows_of.height
        parts = rows_of.names() + rows_of.ticks(lambda tick: f"{round(tick, 2):g}".replace("-", "−"))
        parts.append(svg.text((frame.left + frame.right) / 2, height - 5, unit, "middle"))
        for row, y in zip(rows, rows_of.levels, strict=True):
            a, b, c, d, e = (
                frame.across(value)
                for value in (
                    row["lower"],
                    row["upper"],
                    row["mean"] - 2 * row["mcse"],
                    row["mean"] + 2 * row["mcse"],
                    row["mean"],
                )
            )
            words = f"{row['group']}, {row['label']}: {number(row['mean'])}, {_interval(row)}"
            parts.append(
                f"<g><title>{escape(printable(words))}</title>"
                f'<path class="line-blue" d="M{a:.1f} {y:.1f}H{b:.1f}" stroke-width="2" opacity=".6"/>'
                f'<path class="line-blue" d="M{c:.1f} {y:.1f}H{d:.1f}" stroke-width="6"/>'
                f'<circle class="fill-ink" cx="{e:.1f}" cy="{y:.1f}" r="3.5"/></g>'
            )
        words = "; ".join(f"{row['group']}, {row['label']}: {number(row['mean'])}, {_interval(row)}" for row in rows)
        return svg.picture(
            (width, height), f"{key}-{width:g}", title, f"Mean and 80 % interval, {unit}. {words}.", parts
        )

    return svg.both_widths(draw, svg.HALF)


def _interval(row: Row) -> str:
    return f"{number(row['lower'])} to {number(row['upper'])}"


def waterfall_chart(row: Row, key: str) -> str:
    """Draw how a headline moved: its value `before`, a bar for each of its `contributions`, and its value `after`.

    Values are probabilities if `percent` is set; otherwise they have the unit of the headline.
    """
    scale, unit, digits = (100.0, "\u00a0%", 1) if row["percent"] else (1.0, "", 3)
    changes = [scale * part["value"] for part in row["contributions"]]
    levels = list(accumulate(changes, initial=scale * row["before"]))
    after = scale * row["after"]
    reach, margin = (min([after, *levels]), max([after, *levels])), 0.06 * (np.ptp([after, *levels]) or 1.0)
    words = [
        f"{part['part']} {number(x, digits, sign=bool(round(x, digits)))}{'\u00a0pp' if row['percent'] else ''}"
        for part, x in zip(row["contributions"], changes, strict=True)
    ]
    words = [f"earlier run {number(levels[0], digits)}{unit}", *words, f"this run {number(after, digits)}{unit}"]
    named = [{"group": None, "label": label} for label in words]

    def draw(width: float) -> str:
        rows_of = _Rows(named, width, (reach[0] - margin, reach[1] + margin), left=190.0)
        frame = rows_of.frame
        parts = rows_of.names() + rows_of.ticks(lambda tick: f"{round(tick, 6):g}{unit}".replace("-", "−"))
        for start, end, y in zip(levels, levels[1:], rows_of.levels[1:], strict=False):
            colour = "blue" if end >= start else "red"
            parts.append(
                f'<path class="line-{colour}" d="M{frame.across(start):.1f} {y:.1f}H{frame.across(end):.1f}" '
                'stroke-width="9"/>'
            )
        for value, y in ((levels[0], rows_of.levels[0]), (after, rows_of.levels[-1])):
            parts.append(f'<circle class="fill-ink" cx="{frame.across(value):.1f}" cy="{y:.1f}" r="4"/>')
        size = width, rows_of.height - 12
        return svg.picture(size, f"{key}-{width:g}", f"{row['title']}: change by input", "; ".join(words), parts)

    return svg.both_widths(draw, svg.HALF)


# -- cohesion --------------------------------------------------------------------------------------------------------


def history_chart(history: Row | None, future: tuple[Floats, Floats], anchors: Sequence[Row], key: str) -> str:
    """Draw cohesion as estimated for the past (`years`, `lower`, `median`, `upper`), and its fan (x, values)."""
    x, values = future
    shown = [*quantile(values, 0.1), *quantile(values, 0.9)]
    shown += [*history["lower"], *history["upper"]] if history else []
    low, high = float(min(shown)) - 0.1, float(max(shown)) + 0.1
    first = float(history["years"][0]) if history else float(x[0])

    def draw(width: float) -> str:
        frame = Frame(left=40, right=width - 8, top=14, bottom=196, x=(first, float(x[-1])), y=(low, high))
        parts = [svg.rule(frame, 0.0, dash="", name="neutral")]
        if history:
            past = np.asarray(history["years"], float) + 0.5
            parts.append(svg.area(frame, past, history["lower"], history["upper"], "ink", "past 0.1-0.9", 0.15))
            parts.append(svg.line(frame, past, history["median"], "ink", "past median"))
            parts.append(_join(frame, past, history, x, values))
        parts += fan(frame, x, values, "blue", "forecast")
        around = [_levels(frame), svg.year_axis(frame)]
        around += [_anchor(frame, anchor) for anchor in anchors if history]
        return svg.picture(
            (width, 218),
            f"{key}-{width:g}",
            "Cohesion index, estimated for the past and forecast, in sign units",
            "Grey: yearly estimate with 80 % band. Blue: forecast of the reference scenario with 50 % and 80 % bands. "
            + " ".join(f"{a['when']}: probability of its verdict in the fit {probability(a['p'])}." for a in anchors),
            [*around, frame.plot(parts, key)],
        )

    return svg.both_widths(draw, svg.HALF)


def _join(frame: Frame, past: Floats, history: Row, x: Floats, values: Floats) -> str:
    """Return a thin line from the last estimate to the first forecast."""
    ends = np.array([past[-1], x[0]]), np.array([history["median"][-1], quantile(values, 0.5)[0]])
    return svg.line(frame, *ends, "ink", "join", width=1, dash="2 2")


def _anchor(frame: Frame, anchor: Row) -> str:
    """Return the mark of one past verdict at the top of the frame."""
    x = frame.across(anchor["at"])
    words = escape(f"{anchor['when']}: probability of the verdict of that time in the fit {probability(anchor['p'])}")
    return (
        f'<g><title>{words}</title><path class="line-ink" d="M{x:.1f} 14V196" stroke-dasharray="1 3" opacity=".6"/>'
        f'<path class="fill-ink" d="M{x - 5:.1f} 4h10l-5 9Z"/></g>'
    )


def factor_charts(history: Row | None, future: xr.DataArray, labels: Labels) -> list[str]:
    """Draw each factor (quarter, factor) as a small picture: yearly estimate with 80 % band, then the mean forecast."""
    x = decimal_years(future[names.QUARTER].values)
    pictures = []
    shown = [future.values.min(), future.values.max()]
    if history:
        shown += [min(map(min, history["lower"].values())), max(map(max, history["upper"].values()))]
    reach = (float(min(shown)) - 0.1, float(max(shown)) + 0.1)
    for factor in (str(f) for f in future[names.FACTOR].values):
        first = float(history["years"][0]) if history else float(x[0])
        frame = Frame(left=26, right=252, top=22, bottom=112, x=(first, float(x[-1])), y=reach)
        parts = [svg.rule(frame, 0.0, dash="", name="neutral")]
        if history:
            past = np.asarray(history["years"], float) + 0.5
            edges = history["lower"][factor], history["upper"][factor]
            parts.append(svg.area(frame, past, *edges, "ink", f"{factor} past 0.1-0.9", 0.15))
            parts.append(svg.line(frame, past, history["median"][factor], "ink", f"{factor} past median"))
        parts.append(svg.line(frame, x, future.sel(factor=factor).values.astype(float), "blue", f"{factor} mean"))
        around = [svg.text(0, 12, labels[factor], style="strong"), _levels(frame, 4), svg.year_axis(frame)]
        pictures.append(
            svg.picture(
                (260, 132),
                f"factor-{factor}",
                f"{labels[factor]}: estimated for the past and forecast, in sign units",
                "Grey: yearly estimate with 80 % band. Blue: mean forecast of the reference scenario.",
                [*around, *parts],
            )
        )
    return pictures


# -- spending --------------------------------------------------------------------------------------------------------


def europe_chart(
    fans: Mapping[str, Floats],
    years: Floats,
    last: float,
    lines: Mapping[str, tuple[Floats, Floats]],
    key: str,
) -> str:
    """Draw European spending: a fan for the first war, medians of the others, and `lines` by name as (years, levels).

    The lines are `observed` and `pledge`; each may be empty. The random walk stays at `last`.
    """
    x = np.append(years[0] - 1, years)
    opened = {war: np.vstack([np.full(f.shape[1], last), f]) for war, f in fans.items()}
    low, high = reach_of(np.stack(list(opened.values())))
    levels = np.concatenate([np.array([low]), *(level for _, level in lines.values())])
    span = (min(low, float(levels.min()) - 0.1), max(high, float(levels.max()) + 0.1))
    first = min([float(x[0]), *(float(at[0]) for at, _ in lines.values() if at.size)])

    def draw(width: float) -> str:
        frame = Frame(left=44, right=width - 8, top=8, bottom=196, x=(first, float(x[-1])), y=span)
        parts = [svg.rule(frame, last, dash="4 3", name="random walk")] if np.isfinite(last) else []
        for n, (war, values) in enumerate(opened.items()):
            colour, dash = war_line(n)
            parts += fan(frame, x, values, colour, war, bands=2 if n == 0 else 0, dash=dash)
        if "pledge" in lines:
            parts.append(svg.line(frame, *lines["pledge"], "green", "pledge", width=2.2, dash="1 3"))
        if "observed" in lines:
            parts += _observed(frame, *lines["observed"], "ink", "observed", width=1.6)
        return svg.picture(
            (width, 218),
            f"{key}-{width:g}",
            "Defence spending of the European allies, percent of GDP",
            "Observed; median by outcome of the war, with bands of the reference; the pledge; a random walk.",
            [_levels(frame, unit=" %"), svg.year_axis(frame), frame.plot(parts, key)],
        )

    return svg.both_widths(draw, svg.HALF)


def allies_chart(members: xr.Dataset, chosen: Sequence[str], pledge: tuple[Floats, Floats], key: str) -> str:
    """Draw observed spending and the median forecast of a few allies on one axis; the reader may choose others."""
    past_years = members[names.HISTORY_YEAR].values.astype(float)
    years = members[names.YEAR].values.astype(float)
    reference = members["spending_share"].isel(war=0, design=0)
    top = float(np.nanmax([np.nanmax(quantile(reference.values, 0.9)), np.nanmax(members["spending_history"].values)]))
    span = (past_years[0], years[-1])

    def draw(width: float) -> str:
        frame = Frame(left=44, right=width - 8, top=8, bottom=196, x=span, y=(0, top))
        parts = [svg.line(frame, pledge[0], pledge[1], "green", "pledge", width=2, dash="1 3")]
        for n, (colour, dash) in enumerate(PICKED):
            code = chosen[n] if n < len(chosen) else None
            parts += _ally(frame, members, code, reference, f"pick {n}", colour, dash)
        return svg.picture(
            (width, 218),
            f"{key}-{width:g}",
            "Defence spending of up to five allies, percent of GDP",
            "Observed to the last year, then the median forecast with its 80 % band; the dotted line is the pledge.",
            [_levels(frame, unit=" %"), svg.year_axis(frame), frame.plot(parts, key)],
        )

    return svg.both_widths(draw, svg.HALF)


def _ally(
    frame: Frame, members: xr.Dataset, code: str | None, reference: xr.DataArray, name: str, colour: str, dash: str
) -> list[str]:
    years, blank = members[names.YEAR].values.astype(float), np.array([np.nan])
    if code is None:
        return [
            svg.area(frame, blank, blank, blank, colour, f"{name} band", 0.12),
            *(svg.line(frame, blank, blank, colour, f"{name} {part}", dash=dash) for part in ("wdi", "nato", "median")),
        ]
    values = reference.sel(member=code).values.astype(float)
    past = members["spending_history"].sel(member=code).values.astype(float)
    past_years = members[names.HISTORY_YEAR].values.astype(float)
    return [
        svg.area(frame, years, quantile(values, 0.1), quantile(values, 0.9), colour, f"{name} band", 0.12),
        *_observed(frame, past_years, past, colour, name, width=1.4, dash=dash),
        svg.line(frame, years, quantile(values, 0.5), colour, f"{name} median", width=2.2, dash=dash),
    ]


def _observed(
    frame: Frame, years: Floats, levels: Floats, colour: str, name: str, *, width: float, dash: str = ""
) -> list[str]:
    """Return observed spending as two lines: World Bank figures and NATO figures follow two definitions."""
    sources = (("wdi", years < NATO_FROM), ("nato", years >= NATO_FROM))
    return [
        svg.line(frame, years[part], levels[part], colour, f"{name} {source}", width=width, dash=dash)
        for source, part in sources
    ]


def ally_cell(members: xr.Dataset, code: str, name: str) -> str:
    """Draw one ally as a small picture: observed spending by source, and the reference fan; own axis from zero."""
    data = members.sel(member=code).isel(war=0, design=0)
    past_years, past = data[names.HISTORY_YEAR].values.astype(float), data["spending_history"].values.astype(float)
    years, values = data[names.YEAR].values.astype(float), data["spending_share"].values.astype(float)
    top = float(np.nanmax([np.nanmax(quantile(values, 0.9)), np.nanmax(past) if np.isfinite(past).any() else 0.0]))
    frame = Frame(left=2, right=128, top=2, bottom=34, x=(past_years[0], years[-1]), y=(0, top))
    parts = fan(frame, years, values, "blue", code)
    parts += _observed(frame, past_years, past, "ink", code, width=1.2)
    return svg.picture((130, 36), f"ally-{code}", f"{name}: spending", "Observed, then the forecast.", parts)


def leader_chart(rows: Sequence[Row], years: Sequence[int], key: str) -> str:
    """Draw the probability of a change of leader as shades: allies across and years down, or turned on a phone.

    Each of `rows` has `code`, `name` and `cells`, by year the probability `p` and a scheduled `vote`, which gets a dot.
    """

    def draw(width: float) -> str:
        wide = width > svg.NARROW
        left, top, down = (36.0, 26.0, 14.0) if wide else (120.0, 18.0, 14.0)
        across = (width - left) / (len(rows) if wide else len(years))
        parts = []
        for r, row in enumerate(rows):
            x, y = left + across * (r + 0.7), top + down * (r + 0.75)
            name = escape(printable(row["code"]))
            parts.append(
                f'<text transform="translate({x:.1f} {top - 3:g}) rotate(-90)">{name}</text>'
                if wide
                else svg.text(left - 5, y, row["name"], "end", room=left)
            )
            for n, (year, cell) in enumerate(zip(years, row["cells"], strict=True)):
                x, y = (left + across * r, top + down * n) if wide else (left + across * n, top + down * r)
                parts.append(_leader_cell(x, y, across, down, f"{row['name']} {year}", cell))
        for n, year in enumerate(years):
            words = str(year) if wide else f"’{year % 100:02}"
            place = (left - 5, top + down * (n + 0.75)) if wide else (left + across * (n + 0.5), top - 5)
            parts.append(svg.text(*place, words, "end" if wide else "middle"))
        size = width, top + down * (len(years) if wide else len(rows)) + 2
        words = "Darker is more likely; a dot marks a scheduled election. All numbers are in the table."
        title = "Probability that the chief executive changes, by ally and year"
        return svg.picture(size, f"{key}-{width:g}", title, words, parts)

    return svg.both_widths(draw, svg.HALF)


def _leader_cell(x: float, y: float, width: float, height: float, name: str, cell: Row) -> str:
    """Return one shade with its words, and a dot if an election is scheduled."""
    words = escape(printable(f"{name}: {probability(cell['p'])}{', ' if cell['vote'] else ''}{cell['vote']}"))
    shade = cell["p"] if np.isfinite(cell["p"]) else 0.0
    dot = f'<circle class="fill-ink" cx="{x + width / 2:.1f}" cy="{y + height / 2:.1f}" r="2"/>' if cell["vote"] else ""
    return (
        f'<g><title>{words}</title><rect class="fill-orange" x="{x:.1f}" y="{y:.1f}" width="{width - 1:.1f}" '
        f'height="{height - 1:g}" opacity="{shade:.2f}"/>{dot}</g>'
    )


# -- missions --------------------------------------------------------------------------------------------------------


def running(missions: xr.Dataset, mission: str) -> NDArray[np.bool_]:
    """Return the quarters in which a mission runs, as a mask (quarter,)."""
    nominal = missions["survival_mean"].isel(war=0, design=0).sel(mission=mission, curve="nominal")
    return np.asarray(np.isfinite(nominal.values))


def mission_chart(missions: xr.Dataset, mission: str, label: str, key: str) -> str:
    """Draw the survival curves of a mission and the probabilities of being hollow and of collapse; first scenario."""
    data = missions.sel(mission=mission).isel(war=0, design=0)
    x, runs = decimal_years(data[names.QUARTER].values), running(missions, mission)
    x = x[runs]

    def draw(width: float) -> str:
        frame = Frame(left=44, right=width - 8, top=6, bottom=190, x=(x[0], x[-1] + 1e-6), y=(0, 1))
        parts = []
        for curve, (colour, dash) in CURVE_LINES.items():
            values = data["survival"].sel(curve=curve).values[runs].astype(float)
            if curve != "nominal_by_count":
                edges = quantile(values, 0.1), quantile(values, 0.9)
                parts.append(svg.area(frame, x, *edges, colour, f"{curve} band", 0.15))
            mean = data["survival_mean"].sel(curve=curve).values[runs].astype(float)
            parts.append(svg.line(frame, x, mean, colour, curve, dash=dash))
        for name, colour in (("hollow", "orange"), ("collapse", "purple")):
            chance = data[f"{name}_probability"].values[runs].astype(float)
            parts.append(svg.line(frame, x, chance, colour, name, dash="8 2 2 2"))
        return svg.picture(
            (width, 212),
            f"{key}-{width:g}",
            f"{label}: share of the initial contingents by quarter",
            "Nominal participation, operational contribution, participation by count; probabilities of being hollow "
            "and of having collapsed.",
            [svg.level_axis(frame, *_PERCENT), svg.year_axis(frame), frame.plot(parts, key)],
        )

    return svg.both_widths(draw)


def interval_bar(mean: float, low: float, high: float, colour: str) -> str:
    """Draw a mean with its interval on a scale from 0 to 1; the numbers stand beside it."""
    frame = Frame(left=2, right=88, top=0, bottom=12, x=(0, 1), y=(0, 1))
    a, b, m = frame.across(low), frame.across(high), frame.across(mean)
    return (
        '<svg class="bar" viewBox="0 0 90 12" aria-hidden="true"><path class="line-ink" d="M2 6H88" opacity=".15"/>'
        f'<path class="line-{colour}" d="M{a:.1f} 6H{b:.1f}" stroke-width="6" opacity=".4"/>'
        f'<circle class="fill-{colour}" cx="{m:.1f}" cy="6" r="4"/></svg>'
    )


def crossing_chart(missions: xr.Dataset, chosen: Sequence[str], labels: Labels, key: str) -> str:
    """Draw the operational contribution of several missions by calendar quarter; first scenario."""
    x = decimal_years(missions[names.QUARTER].values)

    def draw(width: float) -> str:
        frame = Frame(left=44, right=width - 8, top=6, bottom=130, x=(x[0], x[-1]), y=(0, 1))
        parts = []
        for n, mission in enumerate(chosen):
            colour, dash = PICKED[n % len(PICKED)]
            data = missions.sel(mission=mission, curve="operational").isel(war=0, design=0)
            runs, values = running(missions, mission), data["survival"].values.astype(float)
            edges = quantile(values, 0.1)[runs], quantile(values, 0.9)[runs]
            parts.append(svg.area(frame, x[runs], *edges, colour, f"{mission} band", 0.13))
            mean = data["survival_mean"].values[runs].astype(float)
            parts.append(svg.line(frame, x[runs], mean, colour, mission, dash=dash, width=2.2))
        return svg.picture(
            (width, 152),
            f"{key}-{width:g}",
            f"Operational contribution: {' and '.join(labels.get(m, m) for m in chosen)}",
            "Mean and 80 % band by quarter, as a share of the initial contingents.",
            [svg.level_axis(frame, *_PERCENT), svg.year_axis(frame), frame.plot(parts, key)],
        )

    return svg.both_widths(draw, svg.HALF)


def dyad_chart(dyads: xr.Dataset, dyad: str, designs: Sequence[str], key: str) -> str:
    """Draw the cohesion of a dyad: a fan for the first design, medians for the others."""
    data = dyads["dyad_cohesion"].isel(war=0)
    x, title = decimal_years(dyads[names.QUARTER].values), str(dyads["dyad_label"].sel(dyad=dyad).item())
    low, high = reach_of(data.values.astype(float))

    def draw(width: float) -> str:
        frame = Frame(left=40, right=width - 8, top=6, bottom=150, x=(x[0], x[-1]), y=(min(low, -0.5), max(high, 0.5)))
        parts = [svg.rule(frame, 0.0, dash="", name="neutral")]
        for n, design in enumerate(designs):
            colour, dash = PICKED[n % len(PICKED)]
            values = data.sel(dyad=dyad, design=design).values.astype(float)
            parts += fan(frame, x, values, colour, f"{dyad} {design}", bands=2 if n == 0 else 0, dash=dash)
        return svg.picture(
            (width, 172),
            f"{key}-{width:g}",
            f"Cohesion of the dyad {title}",
            "Median by design with bands of the first design, in sign units.",
            [_levels(frame), svg.year_axis(frame), frame.plot(parts, key)],
        )

    return svg.both_widths(draw, svg.HALF)


# -- how sure --------------------------------------------------------------------------------------------------------


def coverage_chart(rows: Sequence[Row], key: str) -> str:
    """Draw how often intervals held the outcome: dots beside marks at 50, 80 and 95 %.

    Each of `rows` has `group`, `label`, `in50`, `in80`, `in95` and `n`.
    """
    levels = (("in50", 0.5, "orange"), ("in80", 0.8, "blue"), ("in95", 0.95, "green"))
    lowest = min([0.4, *(row["in50"] - 0.05 for row in rows)])

    def draw(width: float) -> str:
        rows_of = _Rows(rows, width, (lowest, 1.0), left=250.0)
        frame, height, parts = rows_of.frame, rows_of.height, rows_of.names()
        for _, level, colour in levels:
            x = frame.across(level)
            parts.append(
                f'<path class="line-{colour}" d="M{x:.1f} 6V{frame.bottom:g}" stroke-width="1.5"/>'
                + svg.text(x, height - 20, f"{100 * level:.0f} %", "middle")
            )
        for row, y in zip(rows, rows_of.levels, strict=True):
            for name, level, colour in levels:
                words = f"{100 * row[name]:.0f} % inside the {100 * level:.0f} % interval; {row['n']} forecasts"
                parts.append(
                    f'<g><title>{escape(words)}</title><circle class="fill-{colour}" '
                    f'cx="{frame.across(row[name]):.1f}" cy="{y:.1f}" r="4.5"/></g>'
                )
        parts.append(svg.text((frame.left + frame.right) / 2, height - 5, "outcomes inside the interval", "middle"))
        words = "; ".join(
            f"{r['group']}, {r['label']}: {', '.join(f'{100 * r[n]:.0f} %' for n, *_ in levels)}" for r in rows
        )
        title = "Share of past outcomes inside the 50 %, 80 % and 95 % intervals"
        return svg.picture((width, height), f"{key}-{width:g}", title, words, parts)

    return svg.both_widths(draw, svg.HALF)


def skill_chart(rows: Sequence[Row], key: str) -> str:
    """Draw the skill against each baseline as a dot, filled if p < 0.05.

    Each of `rows` has `group`, `label`, `skill`, `p` and `words`.
    """
    shown = [max(-0.5, min(0.5, row["skill"])) for row in rows]
    reach = (min([*shown, -0.05]) - 0.03, max([*shown, 0.05]) + 0.03)

    def draw(width: float) -> str:
        rows_of = _Rows(rows, width, reach, left=235.0)
        frame, height = rows_of.frame, rows_of.height
        parts = rows_of.names() + rows_of.ticks(lambda tick: f"{number(100 * tick, 0)} %")
        parts.append(
            svg.text((frame.left + frame.right) / 2, height - 5, "← worse than the baseline · better →", "middle")
        )
        for row, value, y in zip(rows, shown, rows_of.levels, strict=True):
            clear = row["p"] is not None and row["p"] < 0.05
            colour = "blue" if row["skill"] > 0 else "red"
            look = f'class="fill-{colour}"' if clear else 'class="line-ink" fill="none"'
            parts.append(
                f"<g><title>{escape(row['words'])}</title>"
                f'<circle {look} stroke-width="1.5" cx="{frame.across(value):.1f}" cy="{y:.1f}" r="4.5"/></g>'
            )
        words = "; ".join(f"{row['group']}, {row['label']}: {row['words']}" for row in rows)
        return svg.picture((width, height), f"{key}-{width:g}", "Skill against each baseline", words, parts)

    return svg.both_widths(draw, svg.HALF)


def group_chart(titles: Sequence[str], series: Mapping[str, Sequence[Row | None]], key: str, title: str) -> str:
    """Draw headlines as dots with two Monte Carlo errors to each side, a colour for each series; crosses: baselines."""
    known = [h for records in series.values() for h in records if h]
    edges = [h["value"] + sign * 2 * h["mcse"] for h in known for sign in (-1, 1)]
    edges += [h["baseline"] for h in known if h["baseline"] is not None]
    low, high = min([0.0, *edges]), max([*edges, 1e-3])
    percent = known[0]["statistic"] == names.PROBABILITY
    rows = [{"group": None, "label": title_of} for title_of in titles]

    def draw(width: float) -> str:
        rows_of = _Rows(rows, width, (low - 0.02 * (high - low), high + 0.02 * (high - low)), left=270.0, step=21.0)
        frame = rows_of.frame
        parts = rows_of.names() + rows_of.ticks(lambda t: f"{100 * t:g} %" if percent else f"{t:g}".replace("-", "−"))
        for n, (name, records) in enumerate(series.items()):
            shift = 10 * (n / max(len(series) - 1, 1) - 0.5) if len(series) > 1 else 0.0
            colour, _ = war_line(n)
            for row, h, level in zip(rows, records, rows_of.levels, strict=True):
                if h:
                    parts += _dot(frame, h, level + shift, colour, f"{row['label']}, {name}")
        for h, level in zip(next(iter(series.values())), rows_of.levels, strict=True):
            if h and h["baseline"] is not None:
                x = frame.across(h["baseline"])
                parts.append(
                    f'<path class="line-ink" d="M{x - 4:.1f} {level - 4:.1f}l8 8m0 -8l-8 8" stroke-width="1.5"/>'
                )
        words = f"{len(titles)} rows; values and errors are in the table."
        return svg.picture((width, rows_of.height), f"{key}-{width:g}", title, words, parts)

    return svg.both_widths(draw, svg.HALF + 160)


def _dot(frame: Frame, h: Row, y: float, colour: str, name: str) -> list[str]:
    a, b, x = (frame.across(h["value"] + k * h["mcse"]) for k in (-2, 2, 0))
    return [
        f'<path class="line-{colour}" d="M{a:.1f} {y:.1f}H{b:.1f}" stroke-width="1.5"/>',
        f'<circle class="fill-{colour}" data-series="{escape(printable(name))}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
    ]


class _Rows:
    """Where the rows of a dot plot stand: names at the left of a wide picture, and above their dots in a narrow one."""

    def __init__(
        self,
        rows: Sequence[Row],
        width: float,
        reach: tuple[float, float],
        left: float = 175.0,
        step: float = 14.5,
    ) -> None:
        self.rows, self.wide = rows, width > svg.NARROW
        step, y, group = (step if self.wide else 27.0), 14.0, None
        self.baselines, self.headings = [], []
        for row in rows:
            if row["group"] != group:
                group = row["group"]
                self.headings.append((group, y))
                y += 16
            self.baselines.append(y)
            y += step
        self.levels = [b - 4 if self.wide else b + 10 for b in self.baselines]
        self.height = y + 28
        left = left if self.wide else 10.0
        self.frame = Frame(left=left, right=width - 14, top=6, bottom=self.height - 34, x=reach, y=(0, 1))

    def names(self) -> list[str]:
        """Return the headings of groups and the names of rows."""
        left, side = (self.frame.left - 10, "end") if self.wide else (self.frame.left, "start")
        return [
            *(svg.text(0 if self.wide else 10, y, group, style="strong") for group, y in self.headings),
            *(
                svg.text(left, y, row["label"], side, room=left if self.wide else 340.0)
                for row, y in zip(self.rows, self.baselines, strict=True)
            ),
        ]

    def ticks(self, words: Callable[[float], str]) -> list[str]:
        """Return labelled vertical lines at round values, zero the strongest."""
        return [
            f'<path class="line-ink" d="M{self.frame.across(t):.1f} 6V{self.frame.bottom:g}" '
            f'opacity="{0.6 if t == 0 else 0.15}"/>'
            + svg.text(self.frame.across(t), self.frame.bottom + 14, words(t), "middle")
            for t in svg.round_ticks(*self.frame.x, 6)
        ]


# -- models ----------------------------------------------------------------------------------------------------------


def forest_chart(rows: Sequence[Row], key: str, title: str, unit: str) -> str:
    """Draw the 80 % interval and median of each row, over the interval of its prior in grey if it has one.

    Each of `rows` has `label`, `lower`, `median`, `upper`, and may have `prior`, a pair of ends.
    """
    ends = [value for row in rows for value in (row["lower"], row["upper"], *row.get("prior", ()))]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    margin = 0.03 * (high - low or 1.0)
    named = [{"group": None, **row} for row in rows]

    def draw(width: float) -> str:
        rows_of = _Rows(named, width, (low - margin, high + margin))
        frame = rows_of.frame
        parts = rows_of.names() + rows_of.ticks(lambda tick: f"{round(tick, 3):g}".replace("-", "−"))
        parts.append(svg.text((frame.left + frame.right) / 2, rows_of.height - 5, unit, "middle"))
        for row, y in zip(rows, rows_of.levels, strict=True):
            parts += _forest_row(frame, row, y)
        words = "; ".join(f"{row['label']}: {number(row['median'])}, {_interval(row)}" for row in rows)
        return svg.picture((width, rows_of.height), f"{key}-{width:g}", title, words, parts)

    return svg.both_widths(draw, svg.HALF)


def _forest_row(frame: Frame, row: Row, y: float) -> list[str]:
    a, b, m = (frame.across(row[name]) for name in ("lower", "upper", "median"))
    parts = [f"<g><title>{escape(printable(row['label']))}: {number(row['median'], 3)}, {_interval(row)}</title>"]
    if "prior" in row:
        start, end = (frame.across(value) for value in row["prior"])
        parts.append(f'<path class="line-grey" d="M{start:.1f} {y:.1f}H{end:.1f}" stroke-width="8" opacity=".6"/>')
    parts.append(f'<path class="line-blue" d="M{a:.1f} {y:.1f}H{b:.1f}" stroke-width="2.5"/>')
    parts.append(f'<circle class="fill-blue" cx="{m:.1f}" cy="{y:.1f}" r="3.5"/></g>')
    return parts


def path_chart(years: Floats, fan_of: Mapping[str, Floats], key: str, title: str) -> str:
    """Draw a fitted path as a small picture: `lower`, `median` and `upper` of each year."""
    low, high = float(np.min(fan_of["lower"])), float(np.max(fan_of["upper"]))
    margin = 0.05 * (high - low or 1.0)
    lines = wrap(printable(title), 38, max_lines=2, placeholder="…")
    top = 9 + 13 * len(lines)
    frame = Frame(
        left=32, right=252, top=top, bottom=top + 90, x=(years[0], years[-1]), y=(low - margin, high + margin)
    )
    parts = [
        svg.area(frame, years, fan_of["lower"], fan_of["upper"], "blue", f"{key} band", 0.25),
        svg.line(frame, years, fan_of["median"], "blue", key),
    ]
    around = [svg.text(0, 12 + 13 * n, words, style="strong") for n, words in enumerate(lines)]
    around += [_levels(frame, 4), svg.year_axis(frame)]
    size, words = (260, top + 110), "Median with 80 % band by year."
    return svg.picture(size, key, f"{title}: fitted path", words, [*around, *parts])


def withdrawal_chart(checks: Mapping[str, Row], labels: Labels, key: str) -> str:
    """Draw observed shares of contributors (points) against 80 % bands of the fits with and without each mission."""
    pictures = []
    for name, check in checks.items():
        years = np.array(check["years"], float)
        frame = Frame(left=40, right=340, top=22, bottom=160, x=(0, years[-1] + 1), y=(0, 1))
        words = labels.get(name, name.replace("_", " "))
        parts = [svg.text(40, 12, words, style="strong"), svg.level_axis(frame, *_PERCENT)]
        parts += [svg.text(frame.across(y), 174, f"{y:g} y", "middle") for y in years]
        for source, shift, colour in (("fitted", -0.17, "blue"), ("left_out", 0.17, "orange")):
            low, high, median = (check[source][part] for part in ("lower", "upper", "median"))
            for y, a, b, m in zip(years + shift, low, high, median, strict=True):
                parts.append(svg.segment(frame, (y, a), (y, b), colour, width=7, opacity=0.45))
                parts.append(svg.segment(frame, (y - 0.14, m), (y + 0.14, m), colour, width=2.5))
        parts.append(svg.dots(frame, years, check["kaplan_meier"], "ink", f"{name} counted", 4))
        title = f"{words}: share of contributors still present, by years since entry"
        pictures.append(svg.picture((348, 180), f"{key}-{name}", title, "Points: observed. Bars: 80 % bands.", parts))
    return "\n".join(pictures)


# -- cards -----------------------------------------------------------------------------------------------------------


def spark_fan(x: Floats, values: Floats, key: str, title: str) -> str:
    """Draw a fan (times, quantiles) as a small picture without axes."""
    frame = Frame(left=1, right=119, top=2, bottom=42, x=(float(x[0]), float(x[-1])), y=reach_of(values))
    words = f"From {number(quantile(values, 0.5)[0])} to {number(quantile(values, 0.5)[-1])}."
    return svg.picture((120, 44), key, title, words, fan(frame, x, values, "blue", key), spark=True)


def spark_lines(missions: xr.Dataset, chosen: Sequence[str], key: str, title: str) -> str:
    """Draw the mean operational contribution of missions as a small picture without axes; first scenario."""
    x = decimal_years(missions[names.QUARTER].values)
    frame = Frame(left=1, right=119, top=2, bottom=42, x=(float(x[0]), float(x[-1])), y=(0, 1))
    data = missions["survival_mean"].sel(curve="operational").isel(war=0, design=0)
    lines = [
        svg.line(frame, x, data.sel(mission=mission).values.astype(float), *_style(n, mission))
        for n, mission in enumerate(chosen)
    ]
    return svg.picture((120, 44), key, title, "Mean by quarter on a scale from 0 to 1.", lines, spark=True)


def _style(n: int, name: str) -> tuple[str, str]:
    return PICKED[n % len(PICKED)][0], name


def pledge_bar(record: Row) -> str:
    """Draw median and interval of spending on a scale from 0 to 5 % of GDP, with a tick at the pledge."""
    frame = Frame(left=2, right=158, top=0, bottom=14, x=(0, max(5.0, record["upper"])), y=(0, 1))
    a, b, m, p = (frame.across(record[name]) for name in ("lower", "upper", "value", "pledge"))
    return (
        '<svg class="bar" viewBox="0 0 160 14" aria-hidden="true"><path class="line-ink" d="M2 7H158" opacity=".15"/>'
        f'<path class="line-blue" d="M{a:.1f} 7H{b:.1f}" stroke-width="7" opacity=".4"/>'
        f'<circle class="fill-blue" cx="{m:.1f}" cy="7" r="4.5"/>'
        f'<path class="line-green" d="M{p:.1f} 0V14" stroke-width="2.5"/></svg>'
    )
