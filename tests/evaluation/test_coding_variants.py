"""Test the headlines under recoded data: the table as text, and how a report finds it."""

from pathlib import Path

import numpy as np
import xarray as xr

from forecast.evaluation.coding_variants import AS_IT_IS, calm_response, variant_lines
from forecast.evaluation.score_store import TABLE, VARIANTS, find_variants
from forecast.storage.files import write_json, written_whole
from forecast.storage.runs import write_manifest
from forecast.workspace.provenance import SIMULATION_VERSION, VARIANTS_VERSION

VARIANT_HEADLINES = {
    AS_IT_IS: {"flags": {"mean": 0.5, "mcse": 0.01}},
    "unknown 0.8": {"flags": {"mean": 0.4, "mcse": 0.02}},
}
MODELS = {"withdrawal": "ab", "spending": "cd"}


def test_every_variant_has_a_line_under_each_headline() -> None:
    lines = variant_lines(VARIANT_HEADLINES)
    assert lines[0] == "flags"
    assert [line.split()[-3:] for line in lines[1:]] == [
        ["0.500", "±", "0.010"],
        ["0.400", "±", "0.020"],
    ]


def test_variants_are_found_by_models_and_plan(tmp_path: Path) -> None:
    with written_whole(tmp_path / "runs" / VARIANTS / "one") as folder:
        write_json(folder / TABLE, VARIANT_HEADLINES)
        versions = {"version": VARIANTS_VERSION, "simulation": SIMULATION_VERSION}
        write_manifest(folder, {"models": MODELS, "plan": "quickstart", **versions})
    assert find_variants(tmp_path, MODELS, "quickstart") == VARIANT_HEADLINES
    assert find_variants(tmp_path, MODELS, "smoke") == {}
    assert find_variants(tmp_path, MODELS | {"spending": "other"}, "quickstart") == {}


def test_calm_response_is_the_mean_of_2015_to_2021() -> None:
    years = np.arange(2014, 2026)
    log = xr.DataArray(
        np.where(years < 2022, years, 9e9) * [[1.0], [2.0]],
        {"pledge_year": years},
        ("sample", "pledge_year"),
    )
    np.testing.assert_allclose(calm_response(log), [2018.0, 4036.0], rtol=1e-12)  # rounding alone
