"""Read what the fits leave out although the tables hold it: each exclusion with reason, author, date and last day."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from forecast.priors.statements import Statement, expired, split_statement, statements_of

FILE = "exclusions.toml"


@cache
def _content() -> dict[str, Any]:
    return tomllib.loads((files("forecast.data") / FILE).read_text(encoding="utf-8"))


def left_out(model: str) -> tuple[str, ...]:
    """Return the names of what the fit of a model leaves out."""
    return tuple(_content().get(model, {}))


def exclusions() -> dict[str, Statement]:
    """Return who stated each exclusion, when, and its last day, by dotted name, such as `exclusions.leadership.CHE`."""
    own, entries, _ = split_statement(FILE, _content())
    return dict(statements_of("exclusions", own, entries))


def expired_today(of_priors: Mapping[str, Statement]) -> list[dict[str, Any]]:
    """Return the priors, scenarios and exclusions whose last day is past, as `statements.expired` groups them."""
    return expired({**of_priors, **exclusions()}, date.today())
