"""Read the tables of a report back from its HTML, and compare their numbers with the run.

Nothing that makes the page is used: the text of each cell is read, and every number in it is compared with the stored
one to the decimals that are shown.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names

_NUMBER: Final = re.compile(r"([<>]?)\s*([−-]?\d+(?:\.\d+)?)\s*(%?)")
_NOISE: Final = 2e-6  # of numbers of 32 bits

#: Numbers of a row in the order of the page: each with half its last place where that is not the decimals shown.
Expected = Sequence[float | tuple[float, float]]


@dataclass(slots=True)
class Table:
    """A table of a page: its name, caption, the cells of its head, and rows of a heading and cells."""

    name: str
    caption: str = ""
    head: list[list[str]] = field(default_factory=list)
    rows: list[tuple[str, list[str]]] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collect the tables of a page whose region has a label `Table: …`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self._name = ""
        self._part = ""  # caption, thead or tbody
        self._cells: list[list[Any]] = []  # tag and text of each cell of the row

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        label = dict(attrs).get("aria-label") or ""
        if tag == "div" and label.startswith("Table: "):
            self._name = label.removeprefix("Table: ")
        elif tag == "table" and self._name:
            self.tables.append(Table(self._name))
        elif tag in ("caption", "thead", "tbody"):
            self._part = tag
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._cells.append([tag, ""])

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._name = ""
        elif tag == "tr" and self._name and self._cells:
            texts = [" ".join(text.split()) for _, text in self._cells]
            if self._part == "thead":
                self.tables[-1].head.append(texts)
            else:
                headings = sum(kind == "th" for kind, _ in self._cells)
                self.tables[-1].rows.append((" ".join(texts[:headings]), texts[headings:]))

    def handle_data(self, data: str) -> None:
        if self._name and self._part == "caption" and self.tables:
            self.tables[-1].caption += data
        elif self._name and self._cells:
            self._cells[-1][1] += f" {data}"


def read_tables(page: str) -> list[Table]:
    """Return the tables of a page in its order."""
    reader = _Reader()
    reader.feed(page)
    return reader.tables


def table_faults(page: str, tree: xr.DataTree, headlines: Sequence[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return how many numbers of the page were compared with the run, and a sentence for each that differs.

    Parameters
    ----------
    page : HTML of the page of a run.
    tree : projection of the run.
    headlines : headline records of the run.
    """
    data = _Run({name: node.to_dataset() for name, node in tree.children.items()}, headlines)
    compared, faults = 0, []
    for table in read_tables(page):
        try:
            expected = data.rows(table)
        except (KeyError, ValueError) as error:
            faults.append(f"{table.name}: names {error}, which the run does not have")
            continue
        if expected is None:
            continue
        if len(expected) != len(table.rows):
            faults.append(f"{table.name}: {len(table.rows)} rows, the run has {len(expected)}")
        for (heading, cells), numbers in zip(table.rows, expected, strict=False):
            texts = (cell.replace("\u00a0", " ") for cell in cells if cell not in data.labels)
            shown = [token for text in texts for token in _NUMBER.findall(text)]
            if len(shown) != len(numbers):
                faults.append(f"{table.name}, {heading}: {len(shown)} numbers, the run has {len(numbers)}")
                continue
            compared += len(shown)
            faults += [
                f"{table.name}, {heading}: {''.join(token)} is shown, the run has {_plain(stored):.6g}"
                for token, stored in zip(shown, numbers, strict=True)
                if not _agrees(token, stored)
            ]
    return compared, faults


def _plain(stored: float | tuple[float, float]) -> float:
    return stored[0] if isinstance(stored, tuple) else stored


def _agrees(token: tuple[str, str, str], stored: float | tuple[float, float]) -> bool:
    """Return whether a number as shown is the stored one, to the decimals shown or to a wider half step."""
    bound, text, percent = token
    shown = float(text.replace("−", "-"))
    scale = 0.01 if percent else 1.0
    half = 0.5 * 10.0 ** -len(text.partition(".")[2]) * scale
    value, half = stored if isinstance(stored, tuple) else (stored, half)
    if bound:
        return value < shown * scale if bound == "<" else value > shown * scale
    return abs(shown * scale - value) <= half * (1.0 + 1e-6) + _NOISE * max(1.0, abs(value))


def _judged(headline: Mapping[str, Any]) -> list[float]:
    """Return the judgement share in percent and its error, as `22 ± 7 %` shows them; none for a number without."""
    share = headline["judgement"]
    return [] if share is None else [100.0 * share, headline["judgement_error"]]


class _Run:
    """Give the numbers that each table of a page should have, from the stored run."""

    def __init__(self, groups: Mapping[str, xr.Dataset], headlines: Sequence[Mapping[str, Any]]) -> None:
        self.groups, self.headlines = groups, headlines
        alliance = groups[names.ALLIANCE]
        self.wars = alliance[names.WAR].values.tolist()
        self.designs = alliance[names.DESIGN].values.tolist()
        self.labels = {" ".join(str(label).split()) for label in alliance[f"{names.DESIGN}_label"].values}
        self.cells = [(war, design) for war in self.wars for design in self.designs]
        self.mcse = groups[names.MCSE].sel({names.SOURCE: names.SOURCES[0]})
        self.verdict_quarter = str(alliance.attrs["verdict_quarter"])

    def rows(self, table: Table) -> list[Expected] | None:
        """Return the numbers of each row; None for a table that holds no number of the projection."""
        of_page = {
            "all verdict probabilities": self._probabilities,
            "differences in cohesion": self._cohesion,
            "European spending by scenario": self._spending,
            "spending of each ally": self._members,
            "change of chief executive by year": self._leaders,
        }
        if table.name in of_page:
            return list(of_page[table.name](table))
        missions = self.groups[names.MISSIONS]
        for mission, label in zip(missions[names.MISSION].values, missions["mission_label"].values, strict=True):
            if table.name == f"{label} by outcome of the war":
                return list(self._mission(table, str(mission)))
        return None

    def _probabilities(self, table: Table) -> Iterator[Expected]:
        p = self.groups[names.ALLIANCE]["verdict_probability"]
        last = str(p[names.QUARTER].values[-1])
        for war, design in self.cells:
            yield [
                float(x)
                for quarter in (self.verdict_quarter, last)
                for x in p.sel(war=war, design=design, quarter=quarter).values
            ]

    def _difference(self, values: xr.DataArray, war: str, design: str) -> list[float]:
        """Return mean, Monte Carlo error and 80 % interval of the difference from the reference scenario."""
        reference = values.sel(war=self.wars[0], design=self.designs[0]).values.astype(float)
        gap = values.sel(war=war, design=design).values.astype(float) - reference
        low, high = np.quantile(gap, [0.1, 0.9])
        return [float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(gap.size)), float(low), float(high)]

    def _cohesion(self, table: Table) -> Iterator[Expected]:
        values = self.groups[names.JOINT]["joint_cohesion"].sel(quarter=self.verdict_quarter)
        for war in self.wars:
            yield [
                x
                for design in self.designs
                for x in ([0.0] if (war, design) == self.cells[0] else self._difference(values, war, design))
            ]

    def _spending(self, table: Table) -> Iterator[Expected]:
        spending = [h for h in self.headlines if h["target"] == names.EUROPEAN_SPENDING]
        years = list(dict.fromkeys(h["horizon"] for h in spending))
        values = self.groups[names.JOINT]["joint_european_share"].isel(year=-1)
        share, error = self.groups[names.ALLIANCE]["european_share"], self.mcse["european_share"]
        for war, design in self.cells:
            row: list[float | tuple[float, float]] = []
            for year in years:
                at = {names.WAR: war, names.DESIGN: design, names.YEAR: int(year)}
                row += [float(share.sel(at).sel(quantile=q)) for q in (0.5, 0.1, 0.9)]
                row.append(float(error.sel(at).sel(quantile=0.5)))
                for h in spending:
                    if (h["war"], h["design"], h["horizon"]) == (war, design, year):
                        row += _judged(h)
            row.append(float(self.groups[names.MEMBERS].attrs["european_share_last"]))
            if any("Difference" in cell for line in table.head for cell in line):
                row += [0.0] if (war, design) == self.cells[0] else self._difference(values, war, design)[:2]
            yield row

    def _members(self, table: Table) -> Iterator[Expected]:
        members = self.groups[names.MEMBERS]
        years = [int(cell) for cell in table.head[0] if cell.isdigit()]
        history, share = members["spending_history"], members["spending_share"].sel(design=self.designs[0])
        for member in self._named(members, table):
            if not member:
                yield []
                continue
            forecast = share.sel(member=member, year=years).transpose("year", "war", "quantile")
            if bool(forecast.isnull().all()):
                yield []
                continue
            past = history.sel(member=member).dropna(names.HISTORY_YEAR)
            last = [float(past[-1]), float(past[names.HISTORY_YEAR][-1])] if past.size else []
            yield last + forecast.sel(quantile=[0.5, 0.1, 0.9]).values.astype(float).ravel().tolist()

    def _leaders(self, table: Table) -> Iterator[Expected]:
        members = self.groups[names.MEMBERS]
        change = members["leader_change_probability"]
        for member in self._named(members, table):
            values = change.sel(member=member) if member else change.mean(names.MEMBER)
            yield values.values.astype(float).tolist()

    @staticmethod
    def _named(members: xr.Dataset, table: Table) -> list[str]:
        """Return the code of the ally of each row of a table; empty for the row of no ally."""
        codes = members[names.MEMBER].values.tolist()
        labels = members["member_name"].values.tolist() if "member_name" in members.coords else codes
        of_name = {str(label): str(code) for label, code in zip(labels, codes, strict=True)}
        return [of_name.get(heading, "") for heading, _ in table.rows]

    def _mission(self, table: Table, mission: str) -> Iterator[Expected]:
        found = re.search(r"\((\d{4}Q[1-4])\)", table.caption)
        at = {names.MISSION: mission, names.QUARTER: found[1] if found else "", names.DESIGN: self.designs[0]}
        missions = self.groups[names.MISSIONS].sel(at)
        errors = self.mcse["survival_mean"].sel(at)
        for war in self.wars:
            row: list[float | tuple[float, float]] = []
            for curve in names.CURVES:
                here = {names.WAR: war, names.CURVE: curve}
                quantiles = missions["survival"].sel(here)
                row += [float(missions["survival_mean"].sel(here)), float(errors.sel(here))]
                row += [float(quantiles.sel(quantile=q)) for q in (0.1, 0.9)]
            row += [float(missions[name].sel(war=war)) for name in ("hollow_probability", "collapse_probability")]
            at_five_years = (names.MISSION_SURVIVAL, mission, war, "nominal", at[names.QUARTER])
            for h in self.headlines:
                if (h["target"], h["unit_id"], h["war"], h["category"], h["horizon"]) == at_five_years:
                    row += _judged(h)
            yield row
