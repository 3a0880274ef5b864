"""One-off: give the stored certificates, scores and variants their keys by content, without making them again.

`python tests/adopt.py OLD.json`, where OLD.json holds what the version before computed on the same priors and tables:
`{"models": {model: digest}, "certificates": {model: digest}, "rows": {"scores.nc": "sha256"}}`. The log densities,
simulators and back-tests on both sides are the same: the pins of `tests/pins.json` were computed by both.
"""

import json
import shutil
import sys
from pathlib import Path

from forecast.calibration import SETTINGS, _recipe
from forecast.certificates import SIMULATIONS, certificate_digest, write_certificate
from forecast.comparison import FAIR
from forecast.fits import model_digest
from forecast.inputs import read_inputs
from forecast.provenance import COMPARISON_VERSION, SIMULATION_VERSION, VARIANTS_VERSION
from forecast.runs import digest_of, read_json, replace_json, sha256_of, write_json, write_manifest
from forecast.scored import score_versions
from forecast.scores import SCORES, TABLE, _key, make_tasks
from forecast.variants import variants_key

HOME = Path(__file__).parents[1]


def main(old: dict) -> None:
    inputs = read_inputs(HOME, "quickstart")
    now = {model: model_digest(inputs, model) for model in SETTINGS}
    for model, was in old["certificates"].items():
        path = HOME / "runs" / "certificates" / f"{model}-{was}.json"
        found = read_json(path)
        digest = certificate_digest(model, inputs.beliefs)
        simulations = found.pop("simulations")
        made = {**found, "digest": digest, "recipe": _recipe(model, ""), "adopted_from": was,
                "simulations_sha256": digest_of(simulations), "summary": found["summary"]}  # fmt: skip
        write_certificate(HOME, f"{model}-{digest}", made)
        raw = {"recipe": made["recipe"], "simulations": simulations}
        replace_json(path.parent / SIMULATIONS / f"{model}-{digest}.json", raw)
        path.unlink()
    adopt_scores(inputs, now, old)
    adopt_variants(inputs, now, old)


def adopt_scores(inputs, now: dict, old: dict) -> None:
    import pandas as pd
    import xarray as xr

    (folder,) = (path.parent for path in (HOME / "runs" / "scores").glob(f"*/{SCORES}"))
    manifest, table = read_json(folder / "manifest.json"), read_json(folder / TABLE)
    assert manifest["models"] == old["models"]
    with xr.open_dataset(folder / SCORES, engine="netcdf4") as rows:
        frame = pd.DataFrame({k: rows[k].values for k in ("model", "forecaster", "rhat")})
    own = frame[(frame["forecaster"] == "model") & frame["rhat"].notna()]
    table["fits"] = [
        {"model": m, "fits": int(r.nunique()), "missed": int((pd.unique(r) > FAIR).sum()), "largest": float(r.max())}
        for m, r in own.groupby("model", sort=False)["rhat"]
    ]  # fmt: skip
    keys = [_key(inputs, task, False) for task in make_tasks(inputs, False)]
    new = folder.with_name(digest_of([COMPARISON_VERSION, *keys])[:16])
    new.mkdir()
    shutil.move(folder / SCORES, new / SCORES)
    write_json(new / TABLE, table)
    facts = {k: manifest[k] for k in ("quick", "as_of", "seed", "settings")}
    facts = {
        "models": now,
        "versions": score_versions(),
        **facts,
        "rows_sha256": sha256_of(new / SCORES),
    }
    finish(new, facts, manifest["finished"], folder.name, apart=(SCORES,))
    shutil.rmtree(folder)


def adopt_variants(inputs, now: dict, old: dict) -> None:
    (folder,) = (path.parent for path in (HOME / "runs" / "variants").glob("*/manifest.json"))
    manifest = read_json(folder / "manifest.json")
    assert manifest["models"] == old["models"]
    facts = {
        "models": now,
        "plan": "quickstart",
        "version": VARIANTS_VERSION,
        "simulation": SIMULATION_VERSION,
    }
    new = folder.with_name(variants_key(inputs, facts))
    new.mkdir()
    shutil.move(folder / TABLE, new / TABLE)
    finish(new, facts, manifest["finished"], folder.name)
    shutil.rmtree(folder)


def finish(folder: Path, facts: dict, finished: str, was: str, apart: tuple = ()) -> None:
    """A manifest that tells when the content was made and which key it had."""
    write_manifest(folder, {**facts, "adopted_from": was}, apart=apart)
    manifest = read_json(folder / "manifest.json")
    replace_json(folder / "manifest.json", {**manifest, "finished": finished})


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
