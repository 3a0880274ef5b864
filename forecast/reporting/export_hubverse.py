"""Export a run for a forecast hub: one hubverse model-output file and a hub configuration that it satisfies.

Rows are tasks (origin date, scenario, target, location, end of the period) with a mean, quantiles, samples, or the
probability of each verdict. A location is `alliance`, an ally or a mission; a scenario is `<war>.<design>`. The
configuration lets a validator check the file. An existing hub has its own, and gets the model-output file alone.

A sample is one stored path: it is joint over scenarios, locations and dates of a target, which the configuration
declares by naming the other task ids as the compound set. A hub allows no sample to span targets, so its id begins
with a letter of the target; samples of several targets with the same number are one path.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import xarray as xr

from forecast import names
from forecast.errors import RunError
from forecast.quarters import period_end
from forecast.reporting.headline_text import COHESION_SKILL, CURVE_NAMES, EVENT_NAMES
from forecast.storage.files import replace_text, sha256_of, write_json

SCHEMAS: Final = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v6.0.0"
TEAM, MODEL = "alliance", "forecast"
_TEAM_MODEL: Final = f"{TEAM}-{MODEL}"
CONFIG: Final = Path("hub-config")  # by which a hub is known
_METADATA: Final = Path("model-metadata", f"{_TEAM_MODEL}.yml")
TASK_IDS: Final = ("origin_date", "scenario_id", "target", "location", "target_end_date")
SAMPLE: Final = "sample"
MOST_SAMPLES: Final = 100  # of each task, which keeps the file below the limits of code hosts
_DIGITS: Final = 9  # the run stores single precision; fewer digits would break sums to 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One quantity of a run as a target of a hub, with its stored variable for each output type."""

    name: str
    title: str
    group: str
    variables: dict[str, str]
    location_dim: str = ""  # dimension whose labels are the locations; empty: the alliance
    select: tuple[str, str] = ("", "")  # dimension and label to select: a survival curve or an event
    note: str = ""  # what a reader of the target must know
    minimum: float | None = None
    maximum: float | None = None
    kind: str = "continuous"  # the statistical type, in the words of a hub


_SHARE: Final = {"quantile": "survival", "mean": "survival_mean"}
TARGETS: Final = (
    Target(
        name="verdict",
        title="verdict on cohesion",
        group=names.ALLIANCE,
        variables={"pmf": "verdict_probability"},
        kind="ordinal",
        note=COHESION_SKILL,
    ),
    Target(
        name="cohesion",
        title="cohesion index",
        group=names.ALLIANCE,
        variables={"quantile": "cohesion", "mean": "cohesion_mean", "sample": "joint_cohesion"},
        note=COHESION_SKILL,
    ),
    Target(
        name="european spending",
        title="defence spending of the European allies",
        group=names.ALLIANCE,
        variables={"quantile": "european_share", "mean": "european_share_mean", "sample": "joint_european_share"},
        minimum=0,
    ),
    Target(
        name="member spending",
        title="defence spending of an ally",
        group=names.MEMBERS,
        variables={"quantile": "spending_share"},
        location_dim=names.MEMBER,
        minimum=0,
    ),
    *(
        Target(
            name=f"mission {curve}",
            title=f"share of the initial contingents, {CURVE_NAMES[curve]}",
            group=names.MISSIONS,
            variables=_SHARE,
            location_dim=names.MISSION,
            select=(names.CURVE, curve),
            minimum=0,
            maximum=1,
        )
        for curve in names.CURVES[:2]
    ),
    *(
        Target(
            name=f"event {event}",
            title=f"by then: {EVENT_NAMES[event]}",
            group=names.ALLIANCE,
            variables={"mean": "event_probability"},
            select=(names.EVENT, event),
            minimum=0,
            maximum=1,
            kind="binary",
        )
        for event in names.EVENTS
    ),
)


def write_hub(tree: xr.DataTree, folder: Path) -> None:
    """Write the model-output file of a projection, its metadata and the hub configuration under `folder`."""
    rows, origin = _all_rows(tree)
    for path in (_output(origin), _METADATA, CONFIG / "tasks.json"):
        (folder / path).parent.mkdir(parents=True)
    (folder / _output(origin)).write_text(_csv(rows), encoding="utf-8")
    (folder / _METADATA).write_text(_metadata(tree), encoding="utf-8")
    write_json(folder / CONFIG / "tasks.json", tasks(tree, rows, origin))
    write_json(folder / CONFIG / "admin.json", _admin())


def add_to_hub(tree: xr.DataTree, hub: Path) -> None:
    """Add the model-output file of a projection to an existing hub, and the metadata of the model if there are none.

    Nothing else in the hub is touched. Raises RunError if the hub has another file of that name.
    """
    rows, origin = _all_rows(tree)
    path, text = hub / _output(origin), _csv(rows)
    if os.path.lexists(path):
        if sha256_of(path) == hashlib.sha256(text.encode()).hexdigest():
            return
        raise RunError(f"{path}: already there, with other forecasts; remove it if this run replaces it")
    if not os.path.lexists(hub / _METADATA):
        replace_text(hub / _METADATA, _metadata(tree))
    replace_text(path, text)


def _output(origin: str) -> Path:
    """Return the path of the model-output file in a hub."""
    return Path("model-output", _TEAM_MODEL, f"{origin}-{_TEAM_MODEL}.csv")


def _all_rows(tree: xr.DataTree) -> tuple[pd.DataFrame, str]:
    """Return the rows of the model-output file, and their origin date."""
    origin = str(tree.attrs["as_of"])
    return pd.concat([_rows(tree, target, origin) for target in TARGETS], ignore_index=True), origin


def _csv(rows: pd.DataFrame) -> str:
    return str(rows.to_csv(index=False, na_rep="NA", lineterminator="\n"))


def _metadata(tree: xr.DataTree) -> str:
    """Return the description of the model for a hub."""
    return (
        f'team_name: "alliance-forecast"\nteam_abbr: "{TEAM}"\nmodel_name: "alliance-forecast"\n'
        f'model_abbr: "{MODEL}"\nmodel_version: "{tree.attrs["forecast_version"]}"\n'
        f'run_id: "{tree.attrs["run_id"]}"\n'
    )


def tasks(tree: xr.DataTree, rows: pd.DataFrame, origin: str) -> dict[str, Any]:
    """Return the content of `tasks.json`: the tasks that the rows answer."""
    groups = []
    for target in TARGETS:
        target_rows = rows[rows["target"] == target.name]
        ids = {key: _optional(target_rows[key]) for key in TASK_IDS if key not in ("origin_date", "target")}
        ids |= {
            key: {"required": [value], "optional": None}
            for key, value in (("origin_date", origin), ("target", target.name))
        }
        first = next(iter(target.variables.values()))
        groups.append(
            {
                "task_ids": {key: ids[key] for key in TASK_IDS},
                "output_type": {
                    kind: _sample_type(target, target_rows) if kind == SAMPLE else _output_type(kind, target)
                    for kind in target.variables
                },
                "target_metadata": [
                    {
                        "target_id": target.name,
                        "target_name": target.title,
                        "target_units": str(tree[target.group][first].attrs.get("units", "1")),
                        "target_keys": {"target": target.name},
                        **({"description": target.note} if target.note else {}),
                        "target_type": target.kind,
                        "is_step_ahead": False,
                    }
                ],
            }
        )
    due = {"relative_to": "origin_date", "start": 0, "end": 366}
    round_ = {"round_id_from_variable": True, "round_id": "origin_date", "model_tasks": groups, "submissions_due": due}
    return {
        "schema_version": f"{SCHEMAS}/tasks-schema.json",
        "rounds": [round_],
        "output_type_id_datatype": "character",
    }


def _rows(tree: xr.DataTree, target: Target, origin: str) -> pd.DataFrame:
    parts = [_part(tree, target, kind) for kind in target.variables]
    rows = pd.concat(parts, ignore_index=True)
    rows.insert(0, "origin_date", origin)
    rows.insert(2, "target", target.name)
    return rows


def _part(tree: xr.DataTree, target: Target, kind: str) -> pd.DataFrame:
    """Return the rows of one output type; quarters in which a mission does not run have none."""
    group = tree[names.JOINT if kind == SAMPLE else target.group].to_dataset()
    data = group[target.variables[kind]].astype("float64")
    dim, label = target.select
    if dim:
        data = data.sel({dim: label})
    if kind == SAMPLE:
        data = data.isel({names.PATH: slice(MOST_SAMPLES)})
        data = data.assign_coords({names.PATH: [f"{target.name[0]}{n}" for n in data[names.PATH].values]})
        data = data.transpose(..., names.PATH)
    if kind == "pmf":
        data = data / data.sum(names.VERDICT)
    output_dim = {"pmf": names.VERDICT, "quantile": names.QUANTILE, SAMPLE: names.PATH}.get(kind)
    time = names.QUARTER if names.QUARTER in data.dims else names.YEAR
    long = data.drop_vars([c for c in data.coords if c not in data.dims]).to_series().dropna()
    index = long.index.to_frame(index=False)
    return pd.DataFrame(
        {
            "scenario_id": index[names.WAR] + "." + index[names.DESIGN],
            "location": index[target.location_dim] if target.location_dim else "alliance",
            "target_end_date": index[time].map(period_end),
            "output_type": kind,
            "output_type_id": index[output_dim].map(_text) if output_dim else "NA",
            "value": long.to_numpy().round(_DIGITS),
        }
    )


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _optional(column: pd.Series) -> dict[str, Any]:
    return {"required": None, "optional": sorted(set(column))}


def _output_type(kind: str, target: Target) -> dict[str, Any]:
    """Return the configuration of an output type."""
    ids = {"pmf": list(names.VERDICTS), "quantile": list(names.QUANTILES), "mean": None}[kind]
    return {"output_type_id": {"required": ids}, "is_required": True, "value": _value(kind, target)}


def _sample_type(target: Target, rows: pd.DataFrame) -> dict[str, Any]:
    """Return the configuration of samples: their number, and that they are joint over all tasks of the target."""
    ids = rows.loc[rows["output_type"] == SAMPLE, "output_type_id"].unique()
    params = {
        "type": "character",
        "max_length": max(map(len, ids)),
        "min_samples_per_task": len(ids),
        "max_samples_per_task": len(ids),
        "compound_taskid_set": ["origin_date", "target"],
    }
    return {"output_type_id_params": params, "is_required": True, "value": _value(SAMPLE, target)}


def _value(kind: str, target: Target) -> dict[str, Any]:
    """Return the configuration of the values of an output type."""
    bounds = (0, 1) if kind == "pmf" else (target.minimum, target.maximum)
    limits = {k: v for k, v in zip(("minimum", "maximum"), bounds, strict=True) if v is not None}
    return {"type": "double", **limits}


def _admin() -> dict[str, Any]:
    """Return the configuration of a hub with one model; the owner of a hub replaces owner and contact."""
    return {
        "schema_version": f"{SCHEMAS}/admin-schema.json",
        "name": "alliance-forecast",
        "maintainer": "the owner of this workspace",
        "contact": {"name": "the owner of this workspace"},
        "repository": {"host": "github", "owner": "example", "name": "example"},
        "file_format": ["csv"],
        "timezone": "Europe/Brussels",
    }
