"""Verify a published run: its files against its manifest, and its headlines against their seal in the ledger."""

from pathlib import Path

from forecast.errors import RunError
from forecast.storage.ledger import (
    Entry,
    digests_of,
    last_entry,
    ledger_path,
    missing_runs,
    read_ledger,
    unsealed,
)
from forecast.storage.runs import DAMAGED, LATEST, Run, list_runs


def verify_run(home: Path, run: Run) -> Entry:
    """Check the files of a run and its seal; return its newest entry of the ledger.

    Raises
    ------
    RunError
        If a file or the ledger is damaged, or the headlines are not those that were sealed.
    """
    run.require_whole()
    entry = last_entry(read_ledger(home), run.id)
    if entry is None:
        raise RunError(
            f"{ledger_path(home)}: no entry for {run.id}, expected one; add it with `forecast verify {run.id} "
            "--correct 'made before the ledger'`"
        )
    headlines, files = digests_of(run)
    for what, found, sealed in (("headlines", headlines, entry.headlines), ("files", files, entry.files)):
        if found != sealed:
            raise RunError(
                f"{run.path}: the {what} differ from entry {entry.number} of the ledger, sealed on "
                f"{entry.time[:10]} (digest {found[:12]}, expected {sealed[:12]}); restore the run from a backup, or "
                f"add an entry that says why with `forecast verify {run.id} --correct REASON`"
            )
    return entry


def faults_of_ledger(home: Path) -> list[str]:
    """Return a sentence for every published run that has no entry in the ledger; raises RunError if it is damaged."""
    return [f"{name}: published, but not in the ledger" for name in unsealed(read_ledger(home), list_runs(home))]


def passed_over(home: Path, run: Run, name: str) -> list[str]:
    """Return what is wrong with each newer, damaged run that `latest` passed over; none if `name` asks for another."""
    if not name.endswith(LATEST):
        return []
    runs = list_runs(home)
    newer = runs[[other.id for other in runs].index(run.id) + 1 :]
    return [other.reason for other in newer if other.status == DAMAGED]


def missing_lines(home: Path) -> list[str]:
    """Return a line for every run of the ledger that is not there: it was pruned, or removed without a word."""
    pruned, removed = missing_runs(read_ledger(home), list_runs(home))
    return [
        *(f"pruned  {entry.run} on {entry.time[:10]}, entry {entry.number}" for entry in pruned),
        *(f"removed {entry.run}; entry {entry.number} seals it: restore it from a backup" for entry in removed),
    ]


def pruned_entry(home: Path, name: str) -> Entry | None:
    """Return the entry that says that the run of this id was pruned; None if there is none or the run is there."""
    pruned, _ = missing_runs(read_ledger(home), list_runs(home))
    return next((entry for entry in pruned if entry.run == name), None)
