"""Examine what a run needs: Python, libraries, machine, caches, clock, and the health of a workspace."""

import platform
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from forecast.errors import ForecastError, faults_of
from forecast.projection.machine import cores, free_memory
from forecast.storage.facts_age import age_text
from forecast.storage.ledger import read_ledger, unsealed
from forecast.storage.locks import free_lock
from forecast.storage.runs import COMPLETE, list_runs
from forecast.workspace.check import check_workspace
from forecast.workspace.home import require_workspace
from forecast.workspace.provenance import library_versions

_GIB: Final = 1 << 30  # bytes
_NEEDED: Final = 3.0  # GiB; with less, no plan can be run
_WIDTH: Final = 62  # of the second column, so that a line has 80 characters
_DISK: Final = 1.0  # GiB; a large run takes about as much


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What was found about one thing.

    Attributes
    ----------
    what : str
        The thing.
    found : str
        What it is.
    fix : str
        What to do if it is wrong; empty if it is right.
    """

    what: str
    found: str
    fix: str = ""


def examine(home: Path, now: datetime) -> list[Finding]:
    """Return findings about the program, the machine and a workspace at the time `now`, which is aware and local."""
    findings = [*_program(), *_machine(home), *_caches()]
    try:
        require_workspace(home)
    except ForecastError as error:
        found, _, fix = str(error).partition("; ")
        return [*findings, _clock(now, ""), Finding(what="workspace", found=found, fix=fix)]
    return findings + [found for part in (_locks, _inputs, _runs, _ledger) for found in part(home, now)]


def finding_lines(findings: list[Finding]) -> list[str]:
    """Return a line for each finding, with what to do below what is wrong."""
    lines = []
    for finding in findings:
        first, *more = [*textwrap.wrap(finding.found, _WIDTH), *finding.fix.splitlines()]
        lines.append(f"{'WRONG' if finding.fix else 'ok':<6} {finding.what:<10} {first}")
        lines += [f"{'':<17} {line}" for line in more]
    return lines


def _program() -> list[Finding]:
    libraries = ", ".join(f"{name} {number}" for name, number in library_versions().items() if name != "python")
    return [
        Finding(what="forecast", found=f"{version('alliance-forecast')} in {Path(__file__).parents[1]}"),
        Finding(what="python", found=f"{platform.python_version()} on {platform.platform()}, {sys.executable}"),
        Finding(what="libraries", found=libraries),
    ]


def _machine(home: Path) -> list[Finding]:
    memory = free_memory()
    free = "no known limit" if memory is None else f"{memory / _GIB:.1f} GiB"
    more = f"free memory, to at least {_NEEDED:g} GiB" if memory is not None and memory < _NEEDED * _GIB else ""
    folder = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    disk = shutil.disk_usage(folder).free / _GIB
    return [
        Finding(what="cores", found=f"{cores()} that this job may use"),
        Finding(what="memory", found=f"{free} for this job", fix=more),
        Finding(
            what="disk",
            found=f"{disk:.1f} GiB free at {folder}",
            fix="free space, or prune runs: `forecast prune --keep 20`" if disk < _DISK else "",
        ),
    ]


def _caches() -> list[Finding]:
    from forecast.simulation.jit import cache_folder, is_compiled

    folder = cache_folder()
    if folder is None:
        return [Finding(what="cache", found="none", fix="set XDG_CACHE_HOME to a folder that only you can write to")]
    kernel = "compiled" if is_compiled() else "not compiled; the first run does it, or `forecast warmup` before it"
    return [Finding(what="cache", found=str(folder.parent)), Finding(what="simulator", found=kernel)]


def _clock(now: datetime, newest: str) -> Finding:
    found = f"{now:%Y-%m-%d %H:%M:%S}, time zone {now.tzname()} (UTC{now:%z})"
    behind = bool(newest) and datetime.fromisoformat(newest) > now
    fix = f"set the clock: the newest run was made at {newest}, which is later" if behind else ""
    return Finding(what="clock", found=found, fix=fix)


def _locks(home: Path, now: datetime) -> list[Finding]:
    try:
        with free_lock(home, "doctor"):
            return [Finding(what="locks", found=f"work in {home.absolute() / 'runs'}")]
    except ForecastError as error:
        return [Finding(what="locks", found="do not work", fix=str(error))]


def _inputs(home: Path, now: datetime) -> list[Finding]:
    try:
        return [Finding(what="inputs", found=f"{len(check_workspace(home))} valid parts (`forecast check`)")]
    except ForecastError as error:
        faults = faults_of(error)
        return [Finding(what="inputs", found=f"{len(faults)} faults (`forecast check`)", fix="\n".join(faults))]


def _runs(home: Path, now: datetime) -> list[Finding]:
    try:
        runs = list_runs(home)
    except ForecastError as error:
        return [Finding(what="runs", found="cannot be listed", fix=str(error))]
    counts = ", ".join(f"{count} {status}" for status, count in sorted(Counter(run.status for run in runs).items()))
    good = [run for run in runs if run.status == COMPLETE]
    newest = good[-1].manifest["finished"] if good else ""
    facts = [Finding(what="facts", found=f"{age_text(run.facts, now.date())}; {run.id}") for run in good[-1:]]
    damage = "\n".join(run.reason for run in runs if run.status == "damaged")
    return [_clock(now, newest), Finding(what="runs", found=counts or "none yet", fix=damage), *facts]


def _ledger(home: Path, now: datetime) -> list[Finding]:
    try:
        entries = read_ledger(home)
        without = unsealed(entries, list_runs(home))
    except ForecastError as error:
        return [Finding(what="ledger", found="damaged", fix=str(error))]
    fix = f"published without an entry: {', '.join(without)}; see `forecast verify`" if without else ""
    return [Finding(what="ledger", found=f"{len(entries)} entries, an unbroken chain", fix=fix)]
