"""Turn a matplotlib figure into an inline SVG that takes its colours and fonts from the page.

Colours become CSS classes: `fill-blue` or `line-red`, for which `templates/style.css` has one rule each. One picture
therefore works on light and dark pages. A picture is drawn within `page_style`, so a user's settings of matplotlib do
not reach it. Names and labels are text, never formulas.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib.style
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text

from forecast.reporting.formatting import printable

INK: Final = "#010203"  # stands for the text colour of the page
#: Okabe and Ito (2008).
BLUE, RED, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7"
GREY: Final = "#b3b3b3"
#: Name of each colour in the classes of the page.
COLOUR_NAMES: Final = {
    INK: "ink",
    BLUE: "blue",
    RED: "red",
    ORANGE: "orange",
    GREEN: "green",
    PURPLE: "purple",
    GREY: "grey",
}
SERIES: Final = "d:"  # prefix of the `gid` of an artist whose name goes into `data-series`
_DROPPED: Final = ("metadata", "style")
_LONGEST: Final = 60  # characters of a text in a picture, which cannot wrap
_LONG_NUMBER: Final = re.compile(r"\d+\.\d{3,}")


@contextmanager
def page_style() -> Iterator[None]:
    """Draw with matplotlib's defaults, and with labels as plain text; decorates the functions that draw a picture."""
    style: Any = matplotlib.style
    with style.context({"text.parse_math": False, "svg.fonttype": "none"}, after_reset=True):
        yield


def as_svg(figure: Figure, key: str, label: str) -> str:
    """Return a figure as an `<svg>` element for a page.

    Parameters
    ----------
    figure
        The figure. Artists whose `gid` starts with `SERIES` keep their name in `data-series`.
    key
        Makes the ids of this picture differ from those of other pictures on the page.
    label
        Description for screen readers.
    """
    figure.patch.set_visible(False)
    buffer = io.BytesIO()
    no_metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
    _clean_texts(figure)
    with rc_context({"svg.hashsalt": key}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the page has its own fonts
        figure.savefig(buffer, format="svg", metadata=no_metadata)
    drawn = ElementTree.fromstring(buffer.getvalue())
    _, _, width, height = (float(x) for x in drawn.attrib["viewBox"].split())
    _strip(drawn)
    used = _referenced_ids(drawn)
    for element in drawn.iter():
        _restyle(element, used)
    attributes = {
        "viewBox": f"0 0 {width:g} {height:g}",
        "style": f"--wide: {width:.0f}px",
        "role": "img",
        "aria-label": printable(label),
    }
    svg = Element("svg", attributes)
    svg.extend(drawn)
    _break_lines(svg)
    return ElementTree.tostring(svg, encoding="unicode")


def _clean_texts(figure: Figure) -> None:
    """Take out of all texts and names of a figure what SVG cannot hold, and shorten long texts."""
    for artist in figure.findobj():
        if gid := artist.get_gid():
            artist.set_gid(printable(gid))
        if isinstance(artist, Text):
            text = printable(artist.get_text())
            artist.set_text(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")


def _local(name: str) -> str:
    """Return a tag or attribute name without its namespace."""
    return name.rpartition("}")[2]


def _strip(element: Element) -> None:
    """Remove namespaces, metadata, style sheets and empty definitions."""
    element.tag = _local(element.tag)
    for child in list(element):
        _strip(child)
        if child.tag in _DROPPED or (child.tag == "defs" and not len(child)):
            element.remove(child)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    element.attrib.clear()
    element.attrib.update(attributes)


def _referenced_ids(root: Element) -> set[str]:
    """Return the ids that `href` or `url()` attributes point to."""
    ids = set()
    for element in root.iter():
        for value in element.attrib.values():
            if value.startswith(("#", "url(#")):
                ids.add(value.removeprefix("url(").removeprefix("#").removesuffix(")"))
    return ids


def _restyle(element: Element, used: set[str]) -> None:
    """Name series, drop unused ids, replace colours by classes, drop fonts, and round coordinates."""
    identifier = element.get("id", "")
    if identifier.startswith(SERIES):
        del element.attrib["id"]
        element.set("data-series", identifier.removeprefix(SERIES))
    elif identifier and identifier not in used:
        del element.attrib["id"]
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for name, value in element.attrib.items():
        if name not in ("id", "href", "data-series"):
            element.set(name, _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.2f}", " ".join(value.split())))
    if "style" in element.attrib:
        _classify(element)


def _classify(element: Element) -> None:
    """Move the colours of a style attribute into classes; the page sets the font family."""
    pairs = (part.split(":", 1) for part in element.attrib.pop("style").split(";") if part.strip())
    properties = {name.strip(): value.strip() for name, value in pairs}
    properties.pop("font-family", None)
    classes = []
    for name, prefix in (("fill", "fill"), ("stroke", "line")):
        if colour := COLOUR_NAMES.get(properties.get(name, "")):
            classes.append(f"{prefix}-{colour}")
            del properties[name]
    if classes:
        element.set("class", " ".join(classes))
    if properties:
        element.set("style", "; ".join(f"{name}: {value}" for name, value in properties.items()))


def _break_lines(element: Element) -> None:
    """Put each element on a line of its own; text keeps its spaces."""
    if len(element):
        element.text = "\n"
    for child in element:
        child.tail = "\n"
        _break_lines(child)
