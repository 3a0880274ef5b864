"""Restore the inputs of a stored run: its plan from the manifest, its kept tables, and its priors from `priors.json`.

The workspace may have other tables and priors by now. If the restored inputs have the id of the run, they are exactly
those that it was made of, and this version of the code would make the same numbers.
"""

from datetime import date
from functools import lru_cache
from pathlib import Path

from forecast import names
from forecast.data.table_schema import TABLES
from forecast.data.tables import Tables, parse_tables
from forecast.errors import DataError, RunError
from forecast.pipeline.kept_tables import tables_of
from forecast.priors.stored import restored_priors
from forecast.storage.runs import Run
from forecast.workspace.inputs import Inputs, joined_inputs, plan_of


def inputs_of_run(home: Path, run: Run) -> Inputs:
    """Return the inputs of a whole run.

    Raises
    ------
    ForecastError
        If a table of the run is not kept, or its plan, tables or priors are of another version.
    """
    manifest = run.manifest
    where = f"{run.path / names.MANIFEST}: plan"
    plan = plan_of(manifest["plan"], where)
    texts = tables_of(home, manifest)
    if missing := [name for name in TABLES if name not in texts]:
        raise RunError(
            f"{home / 'runs' / 'tables'}: the tables {', '.join(missing)} of run {run.id} are not kept, expected every "
            "table of the run; restore the folder from a backup, or run the plan again"
        )
    try:
        tables = _parsed(tuple(texts.items()), plan.as_of, tuple(manifest["overlaid"]))
    except DataError as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{run.path}: its tables are of another version ({reason}), expected those of this one; run the plan again"
        ) from None
    priors = restored_priors(str(run.path / names.PRIORS), run.json(names.PRIORS), manifest["priors"])
    return joined_inputs(home, plan, tables, priors, where)


@lru_cache(maxsize=4)
def _parsed(texts: tuple[tuple[str, str], ...], as_of: date, overlaid: tuple[str, ...]) -> Tables:
    """Return the tables of these texts, the same object for the same texts, so that digests of data are reused."""
    return parse_tables(dict(texts), as_of, overlaid)
