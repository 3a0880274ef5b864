"""Audit a published run: its numbers agree with each other, and every page and export shows them.

Numbers are read back from what was written. The tables of the page and the exports are compared with the projection
by code that did not write them; all other numbers of the pages are compared with the pages made again.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import xarray as xr

from forecast.archive.answers import AnswersFile, answers_of, read_answers
from forecast.archive.headline_values import estimates_in, scenarios_in
from forecast.archive.questions import read_questions
from forecast.archive.run_mixture import MIXTURE, MixtureFile, mixture_faults, mixture_of, read_mixture, weights_in
from forecast.projection.consistency import compared, inconsistencies
from forecast.reporting.export_audit import export_faults
from forecast.reporting.html_report import render, render_model
from forecast.reporting.model_page import fitted
from forecast.reporting.page_tables import table_faults
from forecast.reporting.report_data import read_report_data
from forecast.storage.files import read_bytes
from forecast.storage.runs import Run

_PAGE: Final = "index.html"
_FORMATS: Final = ("csv", "parquet", "hubverse")
_TOKEN: Final = re.compile(r"\d+(?:\.\d+)?")
_SECTION: Final = re.compile(r'id="([\w-]+)"')
_MOST: Final = 20  # faults of one page that are listed


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What was compared, each with the number of numbers, and one sentence for each fault."""

    checked: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]


def audit_run(home: Path, run: Run, exports: Sequence[Path] = ()) -> Audit:
    """Compare everything that was published of a run with its projection.

    Parameters
    ----------
    home : folder of the workspace.
    run : run to audit.
    exports : folders of exports; those in `reports/` are found.

    Raises
    ------
    RunError
        If a file of the run is missing or damaged.
    """
    run.require_whole()
    checked: list[tuple[str, int]] = []
    with run.projection as stored:
        tree = stored.load()
    headlines = run.headlines
    faults = [f"{run.path}: {fault}" for fault in inconsistencies(tree, headlines)]
    checked.append((f"headlines of {len(headlines)}, with the projection", compared(headlines)))
    if (answers := read_answers(run)) is not None:
        pairs = _answer_pairs(home, run, answers, tree)
        checked.append((f"answers of {len(answers['answers'])}, with the projection", len(pairs)))
        faults += _answer_faults(run, pairs)
    if (mixture := read_mixture(run)) is not None:
        checked.append(("headlines of the mixture, with the projection", len(mixture["headlines"])))
        faults += [f"{run.path}: {fault}" for fault in _mixture_faults(run, tree, mixture)]
    folder = home / "reports" / run.id
    if (folder / _PAGE).exists():
        page = read_bytes(folder / _PAGE).decode()
        count, found = table_faults(page, tree, headlines)
        checked.append(("numbers in the tables of the page, with the projection", count))
        faults += [f"{folder / _PAGE}: {fault}" for fault in found]
        count, found = _pages(home, run, folder)
        checked.append(("numbers of all pages, with the pages made again", count))
        faults += found
    found_exports = (home / "reports" / f"{run.id}-{to}" for to in _FORMATS)
    for export in [*(path for path in found_exports if path.is_dir()), *exports]:
        count, found = export_faults(export, tree, headlines)
        checked.append((f"numbers of {export}, with the projection", count))
        faults += found
    return Audit(checked=tuple(checked), faults=tuple(faults))


def page_faults(home: Path, run: Run) -> list[str]:
    """Return the faults in the tables of the page of a run, without making the page again."""
    path = home / "reports" / run.id / _PAGE
    with run.projection as tree:
        _, faults = table_faults(read_bytes(path).decode(), tree.load(), run.headlines)
    return [f"{path}: {fault}" for fault in faults]


type _Pair = tuple[Mapping[str, Any], Mapping[str, Any]]


def _answer_pairs(home: Path, run: Run, stored: AnswersFile, tree: xr.DataTree) -> list[_Pair]:
    """Return each stored answer with the one that the projection gives; changed and removed questions are left out."""
    plan = run.manifest["plan"]
    made = answers_of(read_questions(home), tree, date.fromisoformat(plan["as_of"]), plan["draws"])["answers"]
    again = {(record["id"], record["digest"]): record for record in made}
    pairs = ((record, again.get((record["id"], record["digest"]))) for record in stored["answers"])
    return [(record, now) for record, now in pairs if now is not None]


def _answer_faults(run: Run, pairs: Sequence[_Pair]) -> Iterator[str]:
    """Yield a sentence for each answer that the projection does not give."""
    for record, now in pairs:
        if keys := [key for key in now if now[key] != record.get(key)]:
            yield f"{run.path}: answers.json: {record['id']}: {', '.join(keys)} is not what the projection gives"


def _mixture_faults(run: Run, tree: xr.DataTree, mixture: MixtureFile) -> Iterator[str]:
    """Yield a sentence for each number of the mixture that contradicts the scenarios or is not mixed from them."""
    weights = weights_in(run, mixture, *scenarios_in(tree))
    estimates = estimates_in(tree, run.headlines)
    yield from mixture_faults(mixture, estimates, weights)
    for one, stored, now in zip(
        estimates, mixture["headlines"], mixture_of(estimates, weights)["headlines"], strict=True
    ):
        if keys := [key for key in now if not _same(stored.get(key), now[key])]:
            yield f"{MIXTURE}: {one.kind.name}: {', '.join(keys)} is not what the projection gives"


def _same(stored: Any, now: Any) -> bool:
    """Return whether two values are equal; numbers may differ by rounding."""
    return math.isclose(stored, now, rel_tol=1e-9) if isinstance(now, float) and stored is not None else stored == now


def _pages(home: Path, run: Run, folder: Path) -> tuple[int, list[str]]:
    """Compare the pages of a run with the same pages made again."""
    data, models = read_report_data(run, home), fitted(run)
    again = {_PAGE: render(data, models)} | {f"{model}.html": render_model(data, model) for model in models}
    compared_numbers, faults = 0, []
    for name, page in again.items():
        path = folder / name
        if not path.exists():
            faults.append(f"{path}: is missing; write it with `forecast report {run.id}`")
            continue
        stored = read_bytes(path).decode()
        compared_numbers += len(_TOKEN.findall(page))
        if stored != page:
            found = list(_differences(stored, page))
            faults += [f"{path}: {fault}" for fault in found[:_MOST]]
            faults += [f"{path}: {len(found) - _MOST} more numbers differ"] * (len(found) > _MOST)
    return compared_numbers, faults


def _differences(stored: str, again: str) -> Iterator[str]:
    """Yield a sentence for each number in which two pages differ, or for the first text that does."""
    old, new = list(_TOKEN.finditer(stored)), list(_TOKEN.finditer(again))
    if [*map(str.strip, _TOKEN.split(stored))] == [*map(str.strip, _TOKEN.split(again))]:
        for a, b in zip(old, new, strict=True):
            if a[0] != b[0]:
                yield f"{_section(stored, a.start())}: {a[0]} is shown, expected {b[0]}, in {_around(stored, a)!r}"
        return
    place = next((k for k, (a, b) in enumerate(zip(stored, again, strict=False)) if a != b), 0)
    yield (
        f"{_section(stored, place)}: {stored[place : place + 40]!r} is shown, expected {again[place : place + 40]!r}; "
        "if the scores or this program changed since, write the page again with `forecast report`"
    )


def _section(page: str, place: int) -> str:
    """Return the id of the last element with one before a place."""
    ids = _SECTION.findall(page, 0, place)
    return f"#{ids[-1]}" if ids else "the head of the page"


def _around(page: str, token: re.Match[str]) -> str:
    text = page[max(token.start() - 60, 0) : token.end() + 20]
    return " ".join(re.sub(r"<[^>]*>|^[^<]*>|<[^>]*$", " ", text).split())
