"""Validate and write what a person submits: plans, scenarios, tables and rows. Nothing in it is executed.

The inputs of the workspace are copied, the copy is changed and checked as `forecast check` does. Only then is the
workspace changed, in one step. The names of files are made here, never taken from a request.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from forecast.data.table_schema import TABLES
from forecast.errors import DataError, ForecastError, PlanError, shown
from forecast.priors.scenarios import PARTS
from forecast.service.schedules import require_name
from forecast.storage.files import read_bytes, replace_text, scratch_folder, written_whole
from forecast.storage.locks import only_one
from forecast.storage.toml_files import read_toml
from forecast.workspace.check import check_workspace

_PLANS: Final = Path("runs") / "plans"
_TABLES: Final = Path("tables")
_SCENARIOS: Final = Path("priors") / "scenarios"


class OutOfDate(ForecastError):
    """The file that a request replaces is not the one that its sender has read."""


def plan_file(name: str) -> Path:
    """Return the file of a plan within a workspace; raises PlanError for a name that no plan can have."""
    return _PLANS / f"{require_name(name)}.toml"


def scenario_file(part: str) -> Path:
    """Return the file of a part of the scenarios; raises PlanError if there is no such part."""
    if part not in PARTS:
        raise PlanError(f"scenarios: {shown(part)}, expected one of {', '.join(PARTS)}; correct it")
    return _SCENARIOS / f"{part}.toml"


def table_file(name: str) -> Path:
    """Return the workspace's own file of a table; raises DataError if there is no such table."""
    if name not in TABLES:
        raise DataError(f"tables: {shown(name)}, expected one of {', '.join(TABLES)}; correct it")
    return _TABLES / f"{name}.csv"


def digest_of_input(home: Path, file: Path) -> str:
    """Return the sha256 of a file of the workspace; empty if there is none."""
    path = home / file
    return hashlib.sha256(read_bytes(path)).hexdigest() if path.exists() else ""


def submit_files(home: Path, texts: Mapping[Path, str], replaces: Mapping[Path, str], write: bool) -> list[str]:
    """Check a workspace with some files changed, write them if all is well, and return what `forecast check` says.

    Parameters
    ----------
    home : folder of the workspace.
    texts : content by file, each `plan_file`, `scenario_file` or `table_file`; they are written in this order.
    replaces : sha256 of each file that the sender has read; none for a new file.
    write : whether to write the files after the check.

    Raises
    ------
    ForecastError
        With every fault of the changed workspace; then nothing is written.
    """
    with only_one(home, "inputs"):
        for file in texts:
            if digest_of_input(home, file) != replaces.get(file, ""):
                raise OutOfDate(
                    f"{file}: was changed or is there already, expected the version that you read; read it again"
                )
            if file.parent == _PLANS and (home / file).exists():
                _require_unscheduled(home / file, str(file))
        lines = _check(home, texts)
        for file, text in texts.items() if write else ():
            replace_text(home / file, text)
    return lines


def submit_rows(home: Path, rows: Mapping[str, str], write: bool) -> list[str]:
    """Add rows to the workspace's own tables, checked together and written together; as `submit_files`.

    A mission needs rows of `missions` and of `deployments`. Each text begins with the names of the columns, as in
    the file that is there already.
    """
    if not rows:
        raise DataError("tables: no rows, expected the rows of at least one table; add them")
    with only_one(home, "inputs"):
        texts = {table_file(name): _with_rows(home, table_file(name), text) for name, text in rows.items()}
        lines = _check(home, texts)
        if write:
            with written_whole(home / _TABLES) as folder:
                for file, text in texts.items():
                    (folder / file.name).write_text(text, encoding="utf-8", newline="\n")
    return lines


def _with_rows(home: Path, file: Path, text: str) -> str:
    """Return the present text of a table with rows added to it."""
    path = home / file
    if not path.exists():
        return text
    present = read_bytes(path).decode("utf-8-sig", errors="replace")
    header, _, rows = text.partition("\n")
    expected = present.partition("\n")[0].strip()
    if header.strip().removeprefix("\ufeff") != expected:
        raise DataError(f"{file}: the first line is {shown(header)}, expected {shown(expected, 300)}; correct it")
    return present.rstrip("\r\n") + "\n" + rows


def _check(home: Path, texts: Mapping[Path, str]) -> list[str]:
    """Return what `forecast check` says of a copy of the workspace with these files; of plans, only those named."""
    plans_alone = all(file.parent == _PLANS for file in texts)
    with scratch_folder(home / "runs" / "inputs") as draft:
        for part in ("priors", "tables", *(() if plans_alone else ("runs/plans",))):
            if (home / part).exists():
                shutil.copytree(home / part, draft / part)
        for file, text in texts.items():
            (draft / file).parent.mkdir(parents=True, exist_ok=True)
            (draft / file).write_text(text, encoding="utf-8", newline="\n")
        try:
            lines = check_workspace(draft)
        except ForecastError as error:
            raise type(error)(str(error).replace(f"{draft}/", "")) from None
        for file in texts:
            if file.parent == _PLANS:
                _require_unscheduled(draft / file, f"{file} as submitted")
        return [line.replace(f"{draft}/", "") for line in lines]


def _require_unscheduled(path: Path, where: str) -> None:
    """Raise PlanError if a plan has a schedule, which may name commands to execute."""
    try:
        scheduled = "schedule" in read_toml(path)
    except ForecastError:  # the scheduler cannot read it either
        return
    if scheduled:
        raise PlanError(
            f"{where}: has a [schedule], expected none over HTTP, because it may name commands; edit the file on the "
            "machine of the workspace"
        )


def named(field: str, text: str) -> str:
    """Return the name made of a title that a person gave in a field of the form; raises PlanError if there is none."""
    letters = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.lower()).strip("_")
    name = "_".join(part for part in letters.split("_") if part)[:50]
    if not name:
        raise PlanError(f"{field}: {shown(text)}, expected a title with a letter from a to z, or a digit; change it")
    return name if name[0].isalpha() else f"s_{name}"
