"""Read the calendar of releases: data and decisions to come that reveal a projected quantity."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from forecast.errors import PriorError, all_faults
from forecast.priors.validation import Flag, Strict, validate
from forecast.priors.weights import Day, Text
from forecast.storage.toml_files import read_toml

FILE: Final = "releases.toml"


class Release(Strict):
    """One release: its day, whether that day is announced, its source, and what it reveals as terms of a query."""

    name: Text
    date: Day
    announced: Annotated[Flag, Field(description="true, or false for an expected day")]
    source: Text
    reveals: Annotated[
        tuple[Text, ...], Field(min_length=1, max_length=20, description="a list of terms such as E(cohesion in 2027)")
    ]


class _ReleasesFile(Strict):
    releases: Annotated[tuple[Release, ...], Field(min_length=1, description="tables [[releases]]")]


def read_releases(path: Path) -> tuple[Release, ...]:
    """Return the releases of a file by day; raise PriorError with all its faults."""
    content, faults = validate(str(path), _ReleasesFile, read_toml(path))
    if content is None:
        raise all_faults(PriorError, faults)
    names = [release.name for release in content.releases]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise PriorError(f"{path}: two releases are called {twice!r}, expected one; rename or remove one")
    return tuple(sorted(content.releases, key=lambda release: release.date))
