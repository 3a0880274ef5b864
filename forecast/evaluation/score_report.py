"""How scores are told: lines for the terminal and a page of Markdown."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import pandas as pd

from forecast.evaluation.comparison import FAIR

RELIABILITY: Final = "reliability"
FITS: Final = "fits"


def page(table: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Return the whole page; `table` and `facts` are the stored table and manifest of a scoring."""
    parts = []
    if facts["quick"]:
        parts.append("**A quick try-out with few origins and short chains: no evidence.**\n")
    parts.append(_convergence(table[FITS]))
    skill = pd.DataFrame(table["skill"])
    for model, of_model in skill.groupby("model", sort=False):
        parts.append(f"## {str(model).capitalize()}\n")
        for target, lines in of_model.groupby("target", sort=False):
            parts += [f"### {str(target).capitalize()}\n", markdown(_rounded(lines)), ""]
    if table["cover"]:
        parts += [
            "## Cover of central intervals\n",
            markdown(_rounded(pd.DataFrame(table["cover"]))),
            "",
        ]
    if table[RELIABILITY]:
        reliable = _rounded(pd.DataFrame(table[RELIABILITY]))
        parts += ["## Reliability of chances\n", _band_note(), markdown(reliable), ""]
    frame = (files("forecast") / "reporting" / "templates" / "scores.md").read_text(encoding="utf-8")
    return frame.format(body="\n".join(parts), as_of=facts["as_of"], seed=facts["seed"])


def pivot(skill: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One table for each model, target and score: a row a baseline, a cell a horizon (None where not compared).

    A cell holds a line of `comparison.skill_table`.
    """
    tables: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in skill:
        key = (line["model"], line["target"], line["score"])
        table = tables.setdefault(key, {"model": key[0], "target": key[1], "score": key[2], "horizons": [], "rows": {}})
        horizon = str(line["horizon"])
        if horizon not in table["horizons"]:
            table["horizons"].append(horizon)
        table["rows"].setdefault(line["baseline"], {})[horizon] = line
    for table in tables.values():
        table["rows"] = [
            {"baseline": name, "cells": [cells.get(h) for h in table["horizons"]]}
            for name, cells in table["rows"].items()
        ]
    return list(tables.values())


def score_lines(table: Mapping[str, Any]) -> list[str]:
    """The comparison for the terminal: skill in percent by horizon, with the p of the paired test."""
    lines = []
    for one in pivot(table["skill"]):
        lines += [
            "",
            f"{one['model']}: {one['target']}, skill in {one['score']} by horizon (years)",
        ]
        lines.append(" " * 30 + "".join(f"{h:>17}" for h in one["horizons"]))
        for row in one["rows"]:
            cells = "".join(f"{_cell(cell):>17}" for cell in row["cells"])
            lines.append(f"  {row['baseline']:<28}{cells}")
    return lines[1:]


def _cell(line: Mapping[str, Any] | None) -> str:
    if line is None or line["skill"] is None:
        return "-"
    p = "" if line["p"] is None else f" (p {line['p']:.2f})"
    return f"{100 * line['skill']:+.1f} %{p}"


def markdown(table: pd.DataFrame) -> str:
    """A table in Markdown."""
    head = [str(name) for name in table]
    lines = [head, ["---"] * len(head), *table.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rounded(lines: pd.DataFrame) -> pd.DataFrame:
    shown = lines.drop(columns=[c for c in ("model", "target") if lines[c].nunique() == 1])
    return shown.map(lambda x: f"{x:.4g}" if isinstance(x, float) else x)


def _convergence(fits: Sequence[Mapping[str, Any]]) -> str:
    """Say how many of the fits behind the forecasts converged."""
    told = [
        f"{one['model']}: {one['fits']} fits, {one['missed']} with R-hat above {FAIR}, largest {one['largest']:.3f}"
        for one in fits
    ]
    return "Fits: " + "; ".join(told) + ".\n" if told else ""


def _band_note() -> str:
    return "`low` to `high`: where 95 % of the frequencies seen would lie if the chances were right.\n"
