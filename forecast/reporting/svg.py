"""Write SVG pictures for the pages: a frame with linear scales, and axes, lines, areas, points and texts in it.

Colours are CSS classes (`fill-blue`, `line-red`), for which `templates/style.css` has one rule each, so one picture
works on light and dark pages. Each curve has its name in `data-series`. Equal data give equal bytes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from forecast.array_types import Floats
from forecast.reporting.formatting import printable, shortened

#: Colours that pages define for light and dark: Okabe and Ito (2008), grey, and the colour of the text.
COLOURS: Final = ("ink", "blue", "red", "orange", "green", "purple", "grey")
#: Widths in pixels: of the whole page, of half of it, and of a phone or a third of the page.
WIDE, HALF, NARROW = 940.0, 540.0, 358.0
_LETTER: Final = 6.0  # width in pixels of a letter of a text, which cannot wrap
_STEPS: Final = (1, 2, 5, 10, 20, 40)  # years between two ticks


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """A rectangle of a picture, in pixels from the top left, with the values of `x` and `y` at its edges."""

    left: float
    right: float
    top: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, x: float) -> float:
        """Return the horizontal position of a value."""
        return self.left + (self.right - self.left) * (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1.0)

    def up(self, y: float) -> float:
        """Return the vertical position of a value."""
        return self.bottom - (self.bottom - self.top) * (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1.0)

    def plot(self, parts: Iterable[str], key: str = "") -> str:
        """Return the parts as one group that states its scales; `key` names its values for the script of the page."""
        edges = (self.left, self.right, self.top, self.bottom, *self.x, *self.y)
        hover = f' data-key="{key}"' if key else ""
        return f'<g data-plot="{" ".join(f"{edge:g}" for edge in edges)}"{hover}>\n' + "\n".join(parts) + "\n</g>"


def picture(
    size: tuple[float, float], key: str, title: str, description: str, parts: Iterable[str], *, spark: bool = False
) -> str:
    """Return an `<svg>` of a width and height, with a title and a description; a spark fills any box."""
    width, height = size
    stretch = ' class="spark" preserveAspectRatio="none"' if spark else ""
    title, description = (escape(printable(text)) for text in (title, description))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}"{stretch} role="img" '
        f'aria-labelledby="{key}-t" aria-describedby="{key}-d">\n'
        f'<title id="{key}-t">{title}</title><desc id="{key}-d">{description}</desc>\n' + "\n".join(parts) + "\n</svg>"
    )


def both_widths(draw: Callable[[float], str], wide: float = WIDE) -> str:
    """Return a picture drawn for wide and for narrow screens; the style sheet shows one of them."""
    return f'<div class="at-wide">{draw(wide)}</div>\n<div class="at-narrow">{draw(NARROW)}</div>'


def line(frame: Frame, x: Floats, y: Floats, colour: str, name: str, *, width: float = 1.8, dash: str = "") -> str:
    """Return a line through the finite points."""
    return (
        f'<path class="line-{colour}" data-series="{_name(name)}" d="{_points(frame, x, y)}" fill="none" '
        f'stroke-width="{width:g}"{_dash(dash)}/>'
    )


def area(frame: Frame, x: Floats, low: Floats, high: Floats, colour: str, name: str, opacity: float) -> str:
    """Return the area between two curves."""
    outline = _points(frame, np.append(x, x[::-1]), np.append(low, high[::-1]))
    closed = f"{outline}Z" if outline else ""
    return f'<path class="fill-{colour}" data-series="{_name(name)}" d="{closed}" opacity="{opacity:g}"/>'


def dots(frame: Frame, x: Iterable[float], y: Iterable[float], colour: str, name: str, radius: float = 3.5) -> str:
    """Return a circle at each point."""
    circles = "".join(
        f'<circle cx="{frame.across(a):.1f}" cy="{frame.up(b):.1f}" r="{radius:g}"/>'
        for a, b in zip(x, y, strict=True)
        if np.isfinite(a) and np.isfinite(b)
    )
    return f'<g class="fill-{colour}" data-series="{_name(name)}">{circles}</g>'


def segment(frame: Frame, start: tuple[float, float], end: tuple[float, float], colour: str, **style: float) -> str:
    """Return a straight line between two points; `style` may hold `width` and `opacity`."""
    return (
        f'<path class="line-{colour}" d="{_points(frame, np.array([start[0], end[0]]), np.array([start[1], end[1]]))}" '
        f'stroke-width="{style.get("width", 2):g}" opacity="{style.get("opacity", 1):g}"/>'
    )


def rule(frame: Frame, y: float, colour: str = "ink", dash: str = "2 3", name: str = "") -> str:
    """Return a horizontal line across the frame."""
    return line(frame, np.array(frame.x), np.array([y, y]), colour, name or f"level {y:g}", width=1, dash=dash)


def text(x: float, y: float, words: str, anchor: str = "start", style: str = "", room: float = 360.0) -> str:
    """Return a text at a position in pixels, cut if it needs more `room` than that; `style` names a CSS class."""
    words = shortened(printable(words), int(room / _LETTER))
    kind = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def year_axis(frame: Frame) -> str:
    """Return round years below the frame, as many as fit, with short ticks."""
    first, last = frame.x
    most = max(1.0, (frame.right - frame.left) / 44)
    step = next((n for n in _STEPS if (last - first) / n <= most), _STEPS[-1])
    years = [year for year in range(int(np.ceil(first)), int(last) + 1) if year % step == 0]
    parts = []
    for year in years:
        x = frame.across(year)
        anchor = "end" if x > frame.right - 12 else "start" if x < frame.left + 12 else "middle"
        parts.append(text(x, frame.bottom + 14, str(year), anchor))
        parts.append(f'<path class="line-ink" d="M{x:.1f} {frame.bottom:.1f}v3" opacity=".5"/>')
    return "".join(parts)


def level_axis(frame: Frame, ticks: Sequence[float], labels: Sequence[str]) -> str:
    """Return labelled faint lines across the frame."""
    return "".join(
        f'<path class="line-ink" d="M{frame.left:g} {frame.up(y):.1f}H{frame.right:g}" opacity=".15"/>'
        + text(frame.left - 5, frame.up(y) + 3.5, label, "end")
        for y, label in zip(ticks, labels, strict=True)
    )


def round_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return about `count` round numbers from `low` to `high`."""
    raw = (high - low) / max(count - 1, 1) or 1.0
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(float(m * power) for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    return [round(n * step, 10) + 0.0 for n in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _points(frame: Frame, x: Floats, y: Floats) -> str:
    """Return the points of a path, in tenths of a pixel; points that are not finite are left out."""
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if np.isfinite(a) and np.isfinite(b)]
    return "M" + "L".join(f"{frame.across(a):.1f} {frame.up(b):.1f}" for a, b in pairs) if pairs else ""


def _dash(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _name(name: str) -> str:
    return escape(printable(name))
