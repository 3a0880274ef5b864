"""Draw what a fit says by elapsed time, and how it meets single observations: PIT histogram and Pareto k."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.special import bdtr

from forecast.array_types import Floats
from forecast.constants import DURATION_EDGES, QUARTERS_PER_YEAR
from forecast.inference.importance_sampling import MAX_PARETO_K
from forecast.reporting import svg
from forecast.reporting.formatting import number
from forecast.reporting.svg import NARROW, Frame

_MOST_DOTS: Final = 700  # of observations that are reliable; the others are all drawn

_BAND: Final = (0.05, 0.5, 0.95)  # quantiles of a curve by elapsed time
_DRAWN_TO: Final = 15.0  # years: end of the last bin of elapsed time, which has none
#: Colour and dash of curves by elapsed time.
ELAPSED_LINES: Final = (("blue", ""), ("orange", "5 2"), ("green", "2 2"))


def elapsed_chart(curves: Mapping[str, Floats], key: str, title: str, axes: tuple[str, str]) -> str:
    """Draw percentages by elapsed time as steps: the median of each curve, and the 90 % interval of the first.

    Parameters
    ----------
    curves : draws of a fraction by name, (draw, bin of `DURATION_BINS`).
    key : name of the picture.
    title : title of the picture.
    axes : words below the horizontal axis, in years, and beside the vertical one, in percent.
    """
    low, median, high = (100 * np.quantile(next(iter(curves.values())), _BAND, axis=0)).tolist()
    edges = np.append(np.array(DURATION_EDGES) / QUARTERS_PER_YEAR, _DRAWN_TO)
    years = np.repeat(edges, 2)[1:-1]
    first, last = (_interval(low[n], median[n], high[n]) for n in (0, -1))
    words = f"First half-year: {first}; from ten years: {last}."

    def draw(width: float) -> str:
        frame = Frame(left=44, right=width - 8, top=10, bottom=150, x=(0, _DRAWN_TO), y=(0, 1.05 * max(high)))
        parts = [svg.area(frame, years, np.repeat(low, 2), np.repeat(high, 2), "blue", f"{key} band", 0.25)]
        for (name, draws), (colour, dash) in zip(curves.items(), ELAPSED_LINES, strict=False):
            parts.append(svg.line(frame, years, np.repeat(100 * np.median(draws, axis=0), 2), colour, name, dash=dash))
        around = [_levels(frame), *_below(frame, range(0, 16, 5), axes[0]), _beside(frame, axes[1])]
        return svg.picture((width, 186), f"{key}-{width:g}", title, words, [*around, *parts])

    return svg.both_widths(draw, svg.HALF)


def outside_band(counts: Sequence[int]) -> list[int]:
    """Return the bars of a PIT histogram outside the band that holds each bar of a level one with probability 95 %."""
    low, high = _band(counts)
    return [i for i, n in enumerate(counts) if not low <= n <= high]


def _band(counts: Sequence[int]) -> tuple[float, float]:
    """Return the ends of the band: quantiles of a binomial, as `scipy.stats` gives, which takes a second to load."""
    below = bdtr(np.arange(sum(counts) + 1), sum(counts), 1.0 / len(counts))
    low, high = np.searchsorted(below, (0.025, 0.975))
    return float(low), float(high)


def pit_chart(counts: Sequence[int], key: str) -> str:
    """Draw a PIT histogram over the band that holds each bar of a level one with probability 95 %."""
    low, high = _band(counts)
    frame = Frame(left=44, right=NARROW - 8, top=10, bottom=150, x=(0, 1), y=(0, 1.1 * max(high, *counts)))
    edges = np.linspace(0, 1, len(counts) + 1)
    parts = [svg.area(frame, np.array([0.0, 1.0]), np.full(2, low), np.full(2, high), "grey", "band", 0.4)]
    for n, left, right in zip(counts, edges[:-1], edges[1:], strict=True):
        a, b, y = frame.across(left) + 1, frame.across(right) - 1, frame.up(n)
        bar = f'x="{a:.1f}" y="{y:.1f}" width="{b - a:.1f}" height="{frame.bottom - y:.1f}"'
        parts.append(f'<rect class="fill-blue" {bar}><title>{n}</title></rect>')
    around = [_levels(frame), *_below(frame, (0, 0.5, 1), "position in the predictive distribution")]
    words = f"{len(outside_band(counts))} of {len(counts)} bars are outside the 95 % band."
    title = "Leave-one-out probability integral transform: observations in each bar"
    return svg.picture((NARROW, 186), key, title, words, [*around, *parts, _beside(frame, "observations")])


def khat_chart(k: Floats, key: str) -> str:
    """Draw the Pareto k of each observation in the order of the data, with the line above which it is unreliable."""
    top = max(1.0, float(k.max()) * 1.05)
    bottom = min(0.0, float(k.min()) * 1.05)
    frame = Frame(left=44, right=NARROW - 8, top=10, bottom=150, x=(1, max(2, k.size)), y=(bottom, top))
    far = k > MAX_PARETO_K
    place = np.arange(1, k.size + 1)
    shown = far | (place % max(1, k.size // _MOST_DOTS) == 0)  # thousands of equal dots say no more than hundreds
    parts = [
        svg.dots(frame, place[shown & ~far], k[shown & ~far], "blue", "reliable", 1.6),
        svg.dots(frame, place[far], k[far], "red", "unreliable", 3.0),
        svg.rule(frame, MAX_PARETO_K, "red", name="limit"),
    ]
    ticks = (1, k.size // 2, k.size)
    around = [_levels(frame), *_below(frame, ticks, "number of the observation")]
    words = (
        f"{int(far.sum())} of {k.size} observations are above {MAX_PARETO_K}; the largest is {number(float(k.max()))}."
    )
    parts.append(_beside(frame, "Pareto k"))
    return svg.picture((NARROW, 186), key, "Pareto k of each observation", words, [*around, *parts])


def _interval(low: float, median: float, high: float) -> str:
    return f"{number(median, 1)} % (90 % interval {number(low, 1)} to {number(high, 1)} %)"


def _below(frame: Frame, ticks: Sequence[float], words: str) -> list[str]:
    """Return numbers and words below a frame."""
    numbers = [svg.text(frame.across(tick), frame.bottom + 14, f"{tick:,g}", "middle") for tick in ticks]
    return [*numbers, svg.text((frame.left + frame.right) / 2, frame.bottom + 31, words, "middle")]


def _beside(frame: Frame, words: str) -> str:
    """Return the words of the vertical axis, upright at its left."""
    middle = (frame.top + frame.bottom) / 2
    return f'<g transform="rotate(-90 10 {middle:g})">{svg.text(10, middle + 3, words, "middle")}</g>'


def _levels(frame: Frame) -> str:
    ticks = svg.round_ticks(*frame.y, 5)
    return svg.level_axis(frame, ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
