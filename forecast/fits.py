"""Stored fits: made once, used again while model, tables, beliefs, settings and libraries are unchanged."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import xarray as xr

import forecast
from forecast import names
from forecast.inputs import Inputs, library_versions
from forecast.plan import FitSettings
from forecast.progress import Report, Stages
from forecast.runs import Run, digest_of, only_one, write_manifest, write_tree, written_whole

#: What each model sees: tables and files of priors.
_SEES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "spending": (("members", "defence_spending", "economy", "elections"), ("spending",)),
    "leadership": (("leaders", "elections", "terms", "members"), ("leadership",)),
    "withdrawal": (("missions", "deployments", "leaders", "elections"), ("withdrawal",)),
}


def fit_all(
    inputs: Inputs, stages: Stages
) -> tuple[dict[str, xr.DataTree], dict[str, Any], dict[str, xr.DataTree]]:
    """All models: their trees, what the manifest says of each, and the withdrawal fits without one mission."""
    trees, facts = {}, {}
    for model in names.MODELS:
        with stages(f"fit {model}") as report:
            trees[model], facts[model] = fit_one(inputs, model, report)
    without = {}
    for mission in inputs.plan.fit.leave_out:
        title = f"withdrawal without {mission}"
        with stages(title) as report:
            without[mission], facts[title] = fit_one(inputs, "withdrawal", report, mission)
    return trees, facts, without


def fit_one(
    inputs: Inputs, model: str, report: Report, leave_out: str | None = None
) -> tuple[xr.DataTree, dict[str, Any]]:
    """A stored fit of the same model, tables, beliefs and settings; made now if there is none."""
    settings, seed = inputs.plan.fit, inputs.plan.seed
    digest = fit_digest(inputs, model, settings, seed, leave_out)
    name = f"{model}-{digest[:16]}"
    folder = inputs.home / "runs" / "fits" / name
    with only_one(inputs.home, name):
        if not (folder / names.MANIFEST).is_file():
            _make_fit(folder, inputs, model, settings, seed, report, leave_out)
    report("fitted", 1.0)
    stored = Run(folder, Run(folder, {}).json(names.MANIFEST))
    with xr.open_datatree(folder / "posterior.nc", engine="h5netcdf") as tree:
        return tree.load(), dict(stored.manifest)


def fit_digest(
    inputs: Inputs, model: str, settings: FitSettings, seed: int, leave_out: str | None
) -> str:
    """What a fit depends on, and nothing else."""
    tables, files = _SEES[model]
    sources = [Path(forecast.__file__).parent / p for p in _model_sources(model)]
    return digest_of(
        {
            "tables": {t: inputs.tables.digests[t] for t in tables},
            "as_of": inputs.plan.as_of,
            "beliefs": {f: inputs.beliefs.digests[f] for f in files},
            "sampler": settings.model_dump(exclude={"leave_out"}),
            "seed": seed,
            "leave_out": leave_out,
            "code": [hashlib.sha256(p.read_bytes()).hexdigest() for p in sources],
            "libraries": library_versions(),
        }
    )


def _model_sources(model: str) -> list[str]:
    shared = ["models/__init__.py", "models/fit.py", "models/variables.py", "posterior.py"]
    own = {"spending": "panel.py", "leadership": "tenure.py", "withdrawal": "spells.py"}[model]
    return [*shared, f"models/{model}.py", own]


def _make_fit(
    folder: Path,
    inputs: Inputs,
    model: str,
    settings: FitSettings,
    seed: int,
    report: Report,
    leave_out: str | None,
) -> None:
    from forecast.models.fit import fit

    done = fit(model, inputs.tables, inputs.beliefs, settings, seed, report, leave_out)
    with written_whole(folder) as aside:
        write_tree(aside / "posterior.nc", done.tree)
        facts = {
            "model": model,
            "leave_out": leave_out,
            "digest": folder.name,
            "diagnostics": done.diagnostics.as_dict(),
            "attempts": done.attempts,
            "seconds": dict(done.seconds),
        }
        write_manifest(aside, facts)
