"""The ledger of published headlines: an append-only chain in which every entry holds the digest of the one before it.

`runs/ledger.jsonl` has one JSON object a line. An entry seals the headlines of a run by their sha256, and all
files of the run by one digest. A changed byte breaks the seal of its entry, and a changed or removed entry breaks the
link of the next one. A correction is a new entry with a reason; no entry is ever changed. A chain cannot show that its
last entries were removed, so `unsealed` finds published runs without an entry, and readers can quote a seal.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypedDict

from forecast.errors import RunError, shown
from forecast.names import HEADLINES
from forecast.storage.files import digest_of, parse_json, read_bytes, replace_text
from forecast.storage.locks import only_one
from forecast.storage.runs import PUBLISHED, Run
from forecast.storage.shapes import Moment

LEDGER: Final = "ledger.jsonl"
_FIRST: Final = "0" * 64  # stands for the entry before the first
_LONGEST: Final = 500  # characters of a reason
_PRUNED: Final = "pruned"
_FIX: Final = "restore the ledger from a backup"


class _Content(TypedDict):
    """One line of the file."""

    number: int
    time: Moment
    run: str
    headlines: str
    files: str
    reason: str
    previous: str
    seal: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One entry of the ledger.

    Attributes
    ----------
    number : position in the ledger, from 1.
    time : moment of writing (UTC, ISO 8601).
    run : id of the run.
    headlines : sha256 of the run's headlines.
    files : digest of the sha256 of all files of the run.
    reason : why the run was sealed again; empty for its first entry.
    previous : seal of the entry before.
    seal : sha256 of all other fields.
    """

    number: int
    time: str
    run: str
    headlines: str
    files: str
    reason: str
    previous: str
    seal: str


def ledger_path(home: Path) -> Path:
    """Return the file of the ledger of a workspace."""
    return home / "runs" / LEDGER


def read_ledger(home: Path) -> list[Entry]:
    """Return the entries in order; raises RunError at the first line that is not an unchanged link of the chain."""
    path = ledger_path(home)
    if not os.path.lexists(path):
        return []
    lines = read_bytes(path, fix=_FIX).split(b"\n")
    entries: list[Entry] = []
    for number, line in enumerate(lines[:-1], 1):
        content = parse_json(Path(f"{path}:{number}"), line, _Content, fix=_FIX)
        entry = Entry(**{name: content[name] for name in Entry.__slots__})
        if _line(entry).encode() != line + b"\n":
            raise RunError(f"{path}:{number}: changed, expected the entry in the form in which it was written; {_FIX}")
        _require_link(path, entry, number, entries[-1].seal if entries else _FIRST)
        entries.append(entry)
    if lines[-1]:
        raise RunError(f"{path}: line {len(lines)} is cut off, expected a line break at its end; {_FIX}")
    return entries


def _require_link(path: Path, entry: Entry, number: int, previous: str) -> None:
    fields = asdict(entry)
    found, expected = fields.pop("seal"), digest_of(fields)
    if found != expected:
        raise RunError(
            f"{path}: entry {number} was changed (its seal is {found[:12]}, expected {expected[:12]}); {_FIX}"
        )
    if entry.number != number or entry.previous != previous:
        raise RunError(
            f"{path}: an entry before line {number} was removed, added or changed (the line is entry {entry.number} "
            f"and follows {entry.previous[:12]}, expected entry {number} after {previous[:12]}); {_FIX}"
        )


def seal_run(home: Path, run: Run, time: str, reason: str | None = None) -> Entry:
    """Append an entry for a published run and return it; without a reason, a run that is sealed gets no other entry.

    Parameters
    ----------
    home : folder of the workspace.
    run : a run with undamaged files.
    time : moment of the entry (UTC, ISO 8601).
    reason : why the run is sealed again, in one line; None for its first entry.

    Raises
    ------
    RunError
        If the ledger is damaged or cannot be written, the reason is no line of text, or another result of the run is
        sealed and no reason is given.
    """
    if reason is not None:
        _require_line(home, reason)
    with only_one(home, "ledger"):
        entries = read_ledger(home)
        last = last_entry(entries, run.id)
        digests = digests_of(run)
        if last and reason is None:
            if (last.headlines, last.files) == digests:
                return last
            raise RunError(
                f"{ledger_path(home)}: entry {last.number} seals another result of {run.id}; if the new one corrects "
                f"it, add an entry with `forecast verify {run.id} --correct REASON`"
            )
        fields: dict[str, Any] = {
            "number": len(entries) + 1,
            "time": time,
            "run": run.id,
            "headlines": digests[0],
            "files": digests[1],
            "reason": reason or "",
            "previous": entries[-1].seal if entries else _FIRST,
        }
        entry = Entry(**fields, seal=digest_of(fields))
        replace_text(ledger_path(home), "".join(map(_line, [*entries, entry])))
    return entry


def _require_line(home: Path, reason: str) -> None:
    if not (reason.strip() and reason.isprintable() and len(reason) <= _LONGEST):
        raise RunError(
            f"{ledger_path(home)}: the reason is {shown(reason)} ({len(reason)} characters), expected one line of at "
            f"most {_LONGEST} printable characters; correct it"
        )


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry), ensure_ascii=False) + "\n"


def digests_of(run: Run) -> tuple[str, str]:
    """Return the sha256 of a run's headlines, and one digest of all its files, both from the manifest."""
    files: Mapping[str, str] = run.manifest["files"]
    return files[HEADLINES], digest_of(dict(files))


def pruned_reason(run: Run) -> str:
    """Return the reason of the entry that says that a run was pruned."""
    return f"{_PRUNED}: the run of {run.manifest['finished'][:10]} was removed to save space"


def was_pruned(entry: Entry) -> bool:
    """Return whether an entry says that its run was pruned."""
    return entry.reason.startswith(f"{_PRUNED}: ")


def missing_runs(entries: Sequence[Entry], runs: Sequence[Run]) -> tuple[list[Entry], list[Entry]]:
    """Return the last entries of the sealed runs that are not there: of the pruned ones, and of those just removed."""
    there = {run.id for run in runs}
    last = {entry.run: entry for entry in entries if entry.run not in there}
    pruned = [entry for entry in last.values() if was_pruned(entry)]
    return pruned, [entry for entry in last.values() if not was_pruned(entry)]


def last_entry(entries: Sequence[Entry], run: str) -> Entry | None:
    """Return the newest entry of a run."""
    return next((entry for entry in reversed(entries) if entry.run == run), None)


def unsealed(entries: Sequence[Entry], runs: Sequence[Run]) -> list[str]:
    """Return the ids of the published runs that have no entry."""
    sealed = {entry.run for entry in entries}
    return [run.id for run in runs if run.status in PUBLISHED and run.id not in sealed]
