"""Who stated an assumption, when, and by which day it is to be looked at again.

A file states `author`, `date` and `expires` for all its entries, and an entry for itself. They change no number and are
part of no key. An expired entry is a warning.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import Field, model_validator

from forecast.priors.validation import Strict, validate

#: The keys of a statement, in a file and in an entry.
KEYS: Final = ("author", "date", "expires")

Author = Annotated[str, Field(pattern=r"^[^\n\r]*\S[^\n\r]*$", max_length=100, description="a name in one line")]
Day = Annotated[datetime.date, Field(strict=True, description="a date without quotation marks, such as 2026-12-31")]


class Stated(Strict):
    """The statement of a file."""

    author: Author = ""
    date: Day | None = None
    expires: Day | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.date and self.expires and self.expires < self.date:
            raise ValueError(f"expires is {self.expires}, expected a day not before date ({self.date}); correct one")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """Author, date and last day of one entry; empty or None where neither the entry nor its file states it."""

    author: str
    date: datetime.date | None
    expires: datetime.date | None


def split_statement(path: str, content: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Return the statement of a file, its entries, and the faults of the statement."""
    own = {key: content[key] for key in KEYS if key in content and not isinstance(content[key], Mapping)}
    _, faults = validate(path, Stated, own)
    return own, {key: value for key, value in content.items() if key not in own}, faults


def without_statements(content: Any) -> Any:
    """Return parsed TOML without the keys of statements, for a digest."""
    if not isinstance(content, Mapping):
        return content
    kept = {key: value for key, value in content.items() if key not in KEYS or isinstance(value, Mapping)}
    return {key: without_statements(value) for key, value in kept.items()}


def statements_of(prefix: str, own: Mapping[str, Any], entries: Mapping[str, Any]) -> Iterator[tuple[str, Statement]]:
    """Yield the dotted name and the statement of each valid entry of a file; what it leaves out is that of its file."""
    for key, entry in entries.items():
        if not isinstance(entry, Mapping):
            continue
        stated = {**own, **{name: entry[name] for name in KEYS if name in entry}}
        if "source" in entry or "reason" in entry:
            yield f"{prefix}.{key}", Statement(**{"author": "", "date": None, "expires": None, **stated})
        parts = {name: part for name, part in entry.items() if name != "before"}  # an assumption in its place
        yield from statements_of(f"{prefix}.{key}", stated, parts)


def expired(statements: Mapping[str, Statement], today: datetime.date) -> list[dict[str, Any]]:
    """Return the entries whose last day is past, by file, author and day: a record that JSON can hold."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name, statement in statements.items():
        if statement.expires is not None and statement.expires < today:
            file, _, entry = name.partition(".")
            groups.setdefault((file, statement.author, str(statement.expires)), []).append(entry)
    return [
        {"file": file, "names": entries, "author": author, "expires": day}
        for (file, author, day), entries in groups.items()
    ]


def expired_text(group: Mapping[str, Any]) -> str:
    """Return a warning on expired entries of one file, with at most three of their names."""
    entries = group["names"]
    named = ", ".join(entries[:3]) + (f" and {len(entries) - 3} more" if len(entries) > 3 else "")
    author = f" by {group['author']}" if group["author"] else ""
    return (
        f"{group['file']}: {named}: stated{author} to be looked at again by {group['expires']}; check "
        f"{'it' if len(entries) == 1 else 'them'} and set a later expires"
    )
