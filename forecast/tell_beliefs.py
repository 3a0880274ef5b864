"""What a run believed, for its page: priors by file, the table of signs, the designs of the alliance."""

from collections.abc import Mapping
from typing import Any, Final

from forecast import names
from forecast.belief import Prior
from forecast.tell import Row, Story

_DESIGN_NUMBERS: Final = (
    "pledge_multiplier",
    "retrenchment",
    "credibility",
    "asia_signal",
    "china_focus",
)


def prior_tables(story: Story) -> list[tuple[str, list[Row]]]:
    """Priors by the file they come from, in their order."""
    tables: dict[str, list[Row]] = {}
    for prior in story.beliefs["priors"]:
        file, short = prior["name"].split(".", 1)
        tables.setdefault(file, []).append({"short": short, **prior})
    return list(tables.items())


def sign_table(story: Story) -> list[Row]:
    """One row a factor, then one for each of its sub-factors, with the symbols of the source by war."""
    grid = story.beliefs["grid"]
    rows: list[Row] = []
    for factor in names.FACTORS:
        symbols = {war: one["symbols"][factor] for war, one in grid["wars"].items()}
        rows.append({"name": factor, "sub": False, "signs": symbols})
        for key, label in grid["factors"][factor].items():
            own = {w: one["subfactors"].get(key, symbols[w]) for w, one in grid["wars"].items()}
            rows.append({"name": label, "sub": True, "signs": own})
    return rows


def design_table(story: Story) -> list[Row]:
    """One row a design: the shift of each factor with its half-life, and the numbers for spending."""
    rows = []
    for name, one in story.beliefs["grid"]["designs"].items():
        shift = {f: (_written(p), one["half_life"].get(f, 0.0)) for f, p in one["shift"].items()}
        numbers = {key: _written(one[key]) for key in _DESIGN_NUMBERS}
        rows.append({"name": name, **one, "shift": shift, "numbers": numbers})
    return sorted(rows, key=lambda row: names.DESIGNS.index(row["name"]))


def _written(prior: Mapping[str, Any]) -> str:
    """A distribution as statistics writes it."""
    return Prior(**{**prior, "params": tuple(prior["params"])}).describe()
