"""Draw each model as a graph and give its equations, from a short description; PyMC is not needed.

Nodes point to nodes in the rows below. Observed nodes have a heavy outline.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# Pixels: step between rows, height of a box, width of a letter, gap between boxes
_ROW, _BOX, _LETTER, _GAP = 84, 34, 7.0, 18


@dataclass(frozen=True, slots=True)
class Graph:
    """A model: rows of nodes from causes to observations, edges between two nodes, observed nodes, HTML equations."""

    rows: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[str, str], ...]
    observed: frozenset[str]
    equations: tuple[str, ...]


def _fan_in(sources: tuple[str, ...], end: str) -> tuple[tuple[str, str], ...]:
    return tuple((source, end) for source in sources)


_SPENDING = (
    "kappa",
    "country target",
    "common factor",
    "response to pledge",
    "growth, election",
    "volatility",
)
_CALENDAR = ("country effect", "elections", "tenure")
_DEFECT = ("framework", "losses, wear, cuts", "contagion, lead gone")
_SHARED = ("mission effect", "country effect", "time served")

GRAPHS: Final[Mapping[str, Graph]] = {
    "spending": Graph(
        (("target_sd", "loading", "gap to pledge", "front"), _SPENDING, ("change of log share",)),
        (
            ("target_sd", "country target"),
            ("loading", "common factor"),
            ("gap to pledge", "response to pledge"),
            ("front", "response to pledge"),
            *_fan_in(_SPENDING, "change of log share"),
        ),
        frozenset({"gap to pledge", "change of log share"}),
        (
            "Δ<var>s</var><sub>it</sub> = −κ (<var>s</var><sub>it</sub> − target<sub>i</sub>) + "
            "loading<sub>i</sub> factor<sub>t</sub> + response<sub>t</sub> (<var>g</var><sup>+</sup> + "
            "front · <var>h</var><sup>+</sup>) + growth (GDP growth − 2 %) + "
            "lag (GDP growth<sub>t−1</sub> − 2 %) + election + noise<sub>it</sub>",
            "noise<sub>it</sub> ~ Student-t(ν, 0, scale<sub>i</sub> volatility<sub>t</sub>)",
            "κ, ν and the mean of scale<sub>i</sub> differ between members of NATO and other countries; others respond "
            "to part of the gap <var>g</var><sup>+</sup>. A last level that is an estimate has an error of its own, "
            "Student-t(4, 0, scale<sub>i</sub>).",
        ),
    ),
    "leadership": Graph(
        (("country_sd", "offset", "tenure_scale"), _CALENDAR, ("change of leader",)),
        (
            ("country_sd", "country effect"),
            ("offset", "elections"),
            ("tenure_scale", "tenure"),
            *_fan_in(_CALENDAR, "change of leader"),
        ),
        frozenset({"change of leader"}),
        (
            "logit <var>p</var> = intercept + effect<sub>i</sub> + election <var>E</var> + after <var>A</var> + "
            "after_new <var>N</var> + limited <var>L</var> + before <var>P</var> + "
            "offset · effect<sub>i</sub> (<var>E</var> + <var>A</var>) + tenure[bin]",
        ),
    ),
    "withdrawal": Graph(
        ((*_DEFECT, *_SHARED), ("rate of defection", "rate of planned exit"), ("exits and stays",)),
        (
            *_fan_in((*_DEFECT, *_SHARED), "rate of defection"),
            *_fan_in(_SHARED, "rate of planned exit"),
            ("rate of defection", "exits and stays"),
            ("rate of planned exit", "exits and stays"),
        ),
        frozenset({"exits and stays"}),
        (
            "log rate of defection = level + framework + noncombat + <var>u</var> + <var>v</var> + is lead + "
            "duration<sub>b</sub> + leader change + election ahead + 10 · contagion · share + lead gone + "
            "casualties · felt losses + drift · quarters in combat + ever reduced",
            "log rate of planned = level + load (<var>u</var> + <var>v</var>) + is lead + "
            "duration<sub>b</sub> + ending",
        ),
    ),
    "cohesion": Graph(
        (
            ("common path", "path of each factor", "path of each sub-factor"),
            ("11 sub-factors", "4 factors"),
            ("15 indicators", "index"),
            ("verdict at anchors",),
        ),
        (
            *_fan_in(("common path", "path of each factor", "path of each sub-factor"), "11 sub-factors"),
            ("11 sub-factors", "4 factors"),
            ("11 sub-factors", "15 indicators"),
            ("4 factors", "index"),
            ("index", "verdict at anchors"),
        ),
        frozenset({"15 indicators", "verdict at anchors"}),
        (
            "<var>S</var><sub>k</sub> = sd (√ρ <var>g</var> + √(1 − ρ − <var>c</var>) <var>h</var><sub>f</sub> + "
            "√<var>c</var> <var>u</var><sub>k</sub>)",
            "<var>F</var><sub>f</sub> = mean of its <var>S</var><sub>k</sub> + sd √(<var>c</var> (1 − "
            "1/<var>K</var><sub>f</sub>)) <var>e</var><sub>f</sub>",
            "<var>x</var><sub>j</sub> = intercept<sub>j</sub> + loading<sub>j</sub> "
            "<var>S</var><sub>k(j)</sub> + noise<sub>j</sub>",
            "<var>C</var> = Σ weight<sub>f</sub> <var>F</var><sub>f</sub>; the verdict is an ordered probit of "
            "<var>C</var>, at the anchors alone",
        ),
    ),
}


def draw_graph(model: str) -> str:
    """Return the graph of a model as inline SVG in the colours of the page."""
    graph = GRAPHS[model]
    width = max(sum(_width(n) + _GAP for n in row) for row in graph.rows)
    centre: dict[str, tuple[float, float]] = {}
    for r, row in enumerate(graph.rows):
        x = (width - sum(_width(n) + _GAP for n in row) + _GAP) / 2
        for node in row:
            centre[node] = x + _width(node) / 2, 4 + r * _ROW + _BOX / 2
            x += _width(node) + _GAP
    lines = [_arrow(centre[start], centre[end]) for start, end in graph.edges]
    boxes = [_box(node, *position, observed=node in graph.observed) for node, position in centre.items()]
    height = 8 + (len(graph.rows) - 1) * _ROW + _BOX
    label = html.escape(f"Graph of the {model} model: " + "; ".join(f"{a} to {b}" for a, b in graph.edges))
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" style="--wide: {0.7 * width:.0f}px; max-width: {width:g}px" '
        f'role="img" aria-label="{label}">\n' + "\n".join(lines + boxes) + "\n</svg>"
    )


def _width(node: str) -> float:
    return 20 + _LETTER * len(node)


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a line between two boxes with a dot at its end; boxes in one row are joined at their sides."""
    (x, y), (to_x, to_y) = start, end
    if y == to_y:
        middle = (x + to_x) / 2
        x, to_x = middle - _GAP, middle + _GAP
    else:
        y, to_y = y + _BOX / 2, to_y - _BOX / 2
    return (
        f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="var(--soft)"/>'
        f'<circle cx="{to_x:g}" cy="{to_y:g}" r="3" fill="var(--soft)"/>'
    )


def _box(node: str, x: float, y: float, *, observed: bool) -> str:
    edge = 'stroke="var(--blue)" stroke-width="3"' if observed else 'stroke="var(--soft)"'
    return (
        f'<rect x="{x - _width(node) / 2:g}" y="{y - _BOX / 2:g}" width="{_width(node):g}" height="{_BOX}" '
        f'rx="5" fill="var(--wash)" {edge}/><text x="{x:g}" y="{y + 5:g}" text-anchor="middle" font-size="13" '
        f'fill="currentColor">{html.escape(node)}</text>'
    )
