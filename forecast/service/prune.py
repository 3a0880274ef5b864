"""Remove old runs of a workspace, and enter in the ledger that they were pruned.

A run is never pruned if it is among the newest of its plan, is the last complete run of its plan or the run of its
last good slot (the next run is compared with it), was corrected in the ledger (its files show what the correction
says), or is pending, failed or damaged (it is small, or somebody should look at it). The explanations of a run,
which only its report reads, are removed with it. Pages in `reports/` stay.
"""

from collections.abc import Iterable
from pathlib import Path

from forecast.archive.kept_explanations import explained_runs
from forecast.errors import RunError
from forecast.service.slots import read_slots
from forecast.storage.files import scratch_folder
from forecast.storage.ledger import last_entry, missing_runs, pruned_reason, read_ledger, seal_run, was_pruned
from forecast.storage.locks import free_lock
from forecast.storage.runs import COMPLETE, PUBLISHED, Run, list_runs
from forecast.workspace.plan import is_plan_name


def prunable(home: Path, keep: int, plan: str = "") -> list[Run]:
    """Return the runs that `prune` would remove, oldest first.

    Parameters
    ----------
    home : Path
        The workspace.
    keep : int
        Number of published runs of each plan to keep, at least 1.
    plan : str
        The plan whose runs are pruned; all plans if empty.

    Raises
    ------
    RunError
        If the ledger is damaged, or no run is of this plan.
    """
    runs = list_runs(home)
    plans = {run.plan_name for run in runs}
    if plan and plan not in plans:
        known = ", ".join(sorted(plans)) or "none"
        raise RunError(f"{home / 'runs'}: no run is of the plan {plan!r:.80}, expected one of {known}")
    corrected = {entry.run for entry in read_ledger(home) if entry.reason and not was_pruned(entry)}
    found: list[Run] = []
    for name in [plan] if plan else sorted(plans):
        published = [run for run in runs if run.plan_name == name and run.status in PUBLISHED]
        kept = {run.id for run in published[-keep:]} | corrected | _last_good(home, name, published)
        found += [run for run in published if run.id not in kept]
    return [run for run in runs if run in found]


def _last_good(home: Path, plan: str, published: list[Run]) -> set[str]:
    """Return the ids of the last complete run of a plan, and of the run of its last good slot."""
    good = [run.id for run in published if run.status == COMPLETE][-1:]
    slots = read_slots(home, plan)[0] if is_plan_name(plan) else []
    return {*good, *[slot.run for slot in slots if slot.status == "complete"][-1:]}


def prune(home: Path, runs: Iterable[Run], time: str) -> tuple[list[str], list[str]]:
    """Remove runs after entering each in the ledger as pruned.

    A process that is killed in between leaves a run that is entered and still there; the next call removes it.

    Parameters
    ----------
    home : Path
        The workspace.
    runs : iterable of Run
        Runs of `prunable`.
    time : str
        Moment of the entries (UTC, ISO 8601).

    Returns
    -------
    tuple of two lists of str
        The ids of the runs that were removed, and of those that another process is using.

    Raises
    ------
    RunError
        If the ledger or a folder cannot be written; runs before it are removed.
    """
    removed, used = [], []
    for run in runs:
        with free_lock(home, run.id) as free:
            if not free:
                used.append(run.id)
                continue
            entry = last_entry(read_ledger(home), run.id)
            if entry is None or not was_pruned(entry):
                seal_run(home, run, time, pruned_reason(run))
            remove_folders([run.path])
            removed.append(run.id)
    return removed, used


def prunable_explanations(home: Path, removed: Iterable[str]) -> list[Path]:
    """Return the folders of the explanations of these removed runs, and of runs that were pruned before."""
    pruned, _ = missing_runs(read_ledger(home), list_runs(home))
    gone = {*removed, *(entry.run for entry in pruned)}
    return [folder for folder in explained_runs(home) if folder.name in gone]


def remove_folders(folders: Iterable[Path]) -> None:
    """Remove folders, each at once; raises RunError if that is impossible."""
    for folder in folders:
        with scratch_folder(folder) as aside:
            folder.rename(aside / folder.name)
