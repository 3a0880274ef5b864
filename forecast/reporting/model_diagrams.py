"""Draw the graph of a model, as the fit has stored it from the PyMC model itself, and give the model's equations.

A row of the picture holds what the rows below are computed from. Free variables and data that lead to the same
variables share one box.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

# Pixels: height of a line, of the gap between rows, width of a letter, gap between boxes, padding of a box
_LINE, _BETWEEN, _LETTER, _GAP, _PAD = 16, 44, 6.6, 16, 8
_LINES: Final = 9  # most names in a column of a box
_STYLES: Final[Mapping[str, str]] = {
    "free": 'rx="14" stroke="var(--soft)"',
    "computed": 'rx="3" stroke="var(--soft)" stroke-dasharray="4 3"',
    "data": 'rx="3" stroke="var(--blue)" stroke-width="2.5"',
    "observed": 'rx="3" stroke="var(--blue)" stroke-width="2.5"',
    "density": 'rx="3" stroke="var(--orange)" stroke-width="2.5"',
}

#: Equations of each model, as HTML.
EQUATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "spending": (
        "Δ<var>s</var><sub>it</sub> = −κ (<var>s</var><sub>it</sub> − target<sub>i</sub>) + "
        "loading<sub>i</sub> factor<sub>t</sub> + response<sub>t</sub> (<var>g</var><sup>+</sup> + "
        "front · <var>h</var><sup>+</sup>) + growth (GDP growth − 2 %) + "
        "lag (GDP growth<sub>t−1</sub> − 2 %) + election + noise<sub>it</sub>",
        "noise<sub>it</sub> ~ Student-t(ν, 0, scale<sub>i</sub> volatility<sub>t</sub>)",
        "κ, ν and the mean of scale<sub>i</sub> differ between members of NATO and other countries; others respond "
        "to part of the gap <var>g</var><sup>+</sup>. A last level that is an estimate has an error of its own, "
        "Student-t(4, 0, scale<sub>i</sub>).",
    ),
    "leadership": (
        "logit <var>p</var> = intercept + effect<sub>i</sub> + election <var>E</var> + after <var>A</var> + "
        "after_new <var>N</var> + limited <var>L</var> + before <var>P</var> + "
        "offset · effect<sub>i</sub> (<var>E</var> + <var>A</var>) + tenure[bin]",
    ),
    "withdrawal": (
        "log rate of defection = level + framework + noncombat + <var>u</var> + <var>v</var> + is lead + "
        "duration<sub>b</sub> + leader change + election ahead + 10 · contagion · share + lead gone + "
        "casualties · felt losses + drift · quarters in combat + ever reduced",
        "log rate of planned = level + load (<var>u</var> + <var>v</var>) + is lead + duration<sub>b</sub> + ending",
    ),
    "cohesion": (
        "<var>S</var><sub>k</sub> = sd (√ρ <var>g</var> + √(1 − ρ − <var>c</var>) <var>h</var><sub>f</sub> + "
        "√<var>c</var> <var>u</var><sub>k</sub>)",
        "<var>F</var><sub>f</sub> = mean of its <var>S</var><sub>k</sub> + sd √(<var>c</var> (1 − "
        "1/<var>K</var><sub>f</sub>)) <var>e</var><sub>f</sub>",
        "<var>x</var><sub>j</sub> = intercept<sub>j</sub> + loading<sub>j</sub> "
        "<var>S</var><sub>k(j)</sub> + noise<sub>j</sub>",
        "<var>C</var> = Σ weight<sub>f</sub> <var>F</var><sub>f</sub>; the verdict is an ordered probit of "
        "<var>C</var>, at the anchors alone",
    ),
}


@dataclass(frozen=True, slots=True)
class _Box:
    """Variables that are drawn as one box: their kind, their names, and their distance from the last row."""

    names: tuple[str, ...]
    kind: str
    level: int

    @property
    def columns(self) -> list[tuple[str, ...]]:
        """Names side by side, in as few columns as their number allows."""
        count = -(-len(self.names) // _LINES)
        size = -(-len(self.names) // count)
        return [self.names[i : i + size] for i in range(0, len(self.names), size)]

    @property
    def width(self) -> float:
        return sum(2 * _PAD + _LETTER * max(map(len, column)) for column in self.columns)

    @property
    def height(self) -> float:
        return 2 * _PAD + _LINE * max(map(len, self.columns)) - 4


def draw_graph(nodes: Sequence[Mapping[str, Any]], model: str) -> str:
    """Return the graph of a model as inline SVG in the colours of the page.

    Parameters
    ----------
    nodes : `name`, `kind` and `parents` of each variable, as `inference.pymc_models.graph` gives them.
    model : name of the model, for the label of the picture.
    """
    boxes = _boxes(nodes)
    box_of = {name: box for box in boxes for name in box.names}
    edges = {(box_of[parent], box_of[node["name"]]) for node in nodes for parent in node["parents"]}
    levels = sorted({box.level for box in boxes}, reverse=True)
    rows = [[box for box in boxes if box.level == level] for level in levels]
    width = max(sum(box.width + _GAP for box in row) for row in rows)
    place: dict[_Box, tuple[float, float]] = {}
    top = 4.0
    for row in rows:
        x = (width - sum(box.width + _GAP for box in row) + _GAP) / 2
        tallest = max(box.height for box in row)
        for box in _ordered(row, edges, place):
            place[box] = x + box.width / 2, top + (tallest - box.height)
            x += box.width + _GAP
        top += tallest + _BETWEEN
    drawn = [_arrow(place, *edge) for edge in sorted(edges, key=lambda edge: (edge[0].names, edge[1].names))]
    drawn += [_draw(box, *position) for box, position in place.items()]
    label = html.escape(f"Graph of the {model} model: " + "; ".join(f"{', '.join(b.names)}" for b in boxes))
    return (
        f'<svg viewBox="0 0 {width:g} {top - _BETWEEN + 4:g}" style="--wide: {0.8 * width:.0f}px; '
        f'max-width: {width:g}px" role="img" aria-label="{label}">\n' + "\n".join(drawn) + "\n</svg>"
    )


def _boxes(nodes: Sequence[Mapping[str, Any]]) -> list[_Box]:
    """Return the boxes: variables without parents are joined if they are of one kind and lead to the same variables."""
    children: dict[str, list[str]] = {node["name"]: [] for node in nodes}
    for node in nodes:
        for parent in node["parents"]:
            children[parent].append(node["name"])
    level: dict[str, int] = {}
    for node in reversed(nodes):
        level[node["name"]] = max((level[child] + 1 for child in children[node["name"]]), default=0)
    joined: dict[Any, list[str]] = {}
    for node in nodes:
        name = node["name"]
        if node["kind"] == "data" and not children[name]:
            continue  # the data of an observed variable, which is drawn
        alone = name if node["parents"] or not children[name] else ""
        joined.setdefault((node["kind"], tuple(sorted(children[name])), alone), []).append(name)
    return [_Box(tuple(names), kind, level[names[0]]) for (kind, _, _), names in joined.items()]


def _ordered(
    row: Sequence[_Box], edges: Iterable[tuple[_Box, _Box]], place: Mapping[_Box, tuple[float, float]]
) -> list[_Box]:
    """Return the boxes of a row, each near the mean of those above that lead to it."""

    def middle(box: _Box) -> float:
        above = [place[start][0] for start, end in edges if end == box and start in place]
        return sum(above) / len(above) if above else 0.0

    return sorted(row, key=lambda box: (middle(box), box.names))


def _arrow(place: Mapping[_Box, tuple[float, float]], start: _Box, end: _Box) -> str:
    """Return a curve from the foot of a box to the head of another, with a dot at its end."""
    (x, y), (to_x, to_y) = place[start], place[end]
    y += start.height
    bend = (to_y - y) / 2
    return (
        f'<path d="M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}" '
        f'fill="none" stroke="var(--soft)" stroke-opacity=".6"/><circle cx="{to_x:.1f}" cy="{to_y:.1f}" r="3" '
        'fill="var(--soft)"/>'
    )


def _draw(box: _Box, x: float, y: float) -> str:
    """Return a box with its names, one a line."""
    parts = [
        f'<rect x="{x - box.width / 2:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:g}" '
        f'fill="var(--wash)" {_STYLES[box.kind]}/>'
    ]
    left = x - box.width / 2
    for column in box.columns:
        wide = 2 * _PAD + _LETTER * max(map(len, column))
        parts += [
            f'<text x="{left + wide / 2:.1f}" y="{y + _PAD + 8 + _LINE * line:.1f}" text-anchor="middle" '
            f'font-size="12" fill="currentColor">{html.escape(name.replace("_", " "))}</text>'
            for line, name in enumerate(column)
        ]
        left += wide
    return "<g>" + "".join(parts) + "</g>"
