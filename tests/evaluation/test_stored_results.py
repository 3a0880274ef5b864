"""A damaged score table, variant, certificate or fit is left out with a warning, and the rest goes on."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from forecast.errors import RunError
from forecast.evaluation.calibration.certificates import (
    certificate_lines,
    read_simulations,
    write_certificate,
    write_simulations,
)
from forecast.evaluation.calibration.sbc import calibration_lines
from forecast.evaluation.coding_variants import variant_lines
from forecast.evaluation.score_store import TABLE, UNSCORED, VARIANTS, find_scores, find_variants, score_versions
from forecast.inference import fit_store
from forecast.inference.fit_store import fit_stored
from forecast.names import MANIFEST
from forecast.storage.files import CHECKSUMS, with_checksums, write_json, write_tree, written_whole
from forecast.storage.runs import is_whole, write_manifest
from forecast.workspace.inputs import Inputs, read_inputs
from forecast.workspace.provenance import PREDICTIVE_VERSION, SIMULATION_VERSION, VARIANTS_VERSION
from tests.support.damage import DAMAGES, wrongly_typed
from tests.support.fake_posteriors import ROOT
from tests.support.pipeline_run import invented_fits
from tests.support.unprivileged import unprivileged

MODELS = {"spending": "s1"}
ESTIMATE = {"mean": 0.5, "mcse": 0.01}


def without_checksums(content: dict[str, Any]) -> dict[str, Any]:
    """Return what an earlier version wrote."""
    return {key: value for key, value in content.items() if key != CHECKSUMS}


def store(home: Path, kind: str, name: str, **facts: Any) -> Path:
    folder = home / "runs" / kind / name
    table: dict[str, Any] = {"as it is": {"flags": ESTIMATE}}
    if kind == "scores":
        table = {"skill": [{"model": "spending", "baseline": name}], "cover": []}
    with written_whole(folder) as aside:
        write_json(aside / TABLE, table)
        write_manifest(aside, {"models": MODELS, **facts})
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace with two scorings and two results of variants; those called `new` are found first."""
    versions = {"version": VARIANTS_VERSION, "simulation": SIMULATION_VERSION}
    for name in ("old", "new"):
        store(tmp_path, "scores", name, quick=False, versions=score_versions())
        store(tmp_path, VARIANTS, name, plan="p", **versions)
    return tmp_path


def found(home: Path) -> tuple[list[str], list[str]]:
    """Return the folders of the scores that count, and the lines of the variants."""
    scores = find_scores(home, MODELS)
    folders = [] if isinstance(scores, str) else scores["folders"]
    variants = find_variants(home, MODELS, "p")
    return folders, variant_lines(variants) if variants else []


@pytest.mark.case("M12", "M18")
@pytest.mark.parametrize("file", [MANIFEST, TABLE])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_left_out(home: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    assert found(home)[0] == ["new"]
    for kind in ("scores", VARIANTS):
        DAMAGES[damage](home / "runs" / kind / "new" / file)
    folders, lines = found(home)
    assert folders == ["old"]
    assert lines == ["flags", "  as it is                     0.500 ± 0.010"]
    told = [record.getMessage() for record in caplog.records]
    if (file, damage) != (MANIFEST, "missing"):
        assert all(
            any(f"{kind}/new/{file}: " in line and "left out" in line for line in told) for kind in ("scores", VARIANTS)
        )


@pytest.mark.case("M18")
def test_tables_without_the_right_to_read_them_are_left_out(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    (home / "runs" / "scores" / "new" / TABLE).chmod(0)
    (home / "runs" / VARIANTS).chmod(0)
    with unprivileged(home), caplog.at_level(logging.WARNING):
        assert found(home) == (["old"], [])
    (home / "runs" / VARIANTS).chmod(0o755)
    assert sum("Permission denied" in record.getMessage() for record in caplog.records) == 2


@pytest.mark.case("M12")
def test_every_key_of_a_manifest_of_scores_may_be_wrong(home: Path) -> None:
    for kind in ("scores", VARIANTS):
        path = home / "runs" / kind / "new" / MANIFEST
        whole = path.read_text("utf-8")
        for _, content in wrongly_typed(without_checksums(json.loads(whole))):
            path.write_text(json.dumps(content))
            found(home)
            is_whole(path.parent)
        path.write_text(whole)


def committed(model: str) -> dict[str, Any]:
    (path,) = (ROOT / "runs" / "certificates").glob(f"{model}-*.json")
    return dict(json.loads(path.read_text("utf-8")))


@pytest.mark.case("M12")
@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ("missing")])
def test_a_damaged_certificate_certifies_nothing_and_is_named(tmp_path: Path, damage: str) -> None:
    for model in ("spending", "cohesion"):
        write_certificate(tmp_path, f"{model}-ab", committed(model))
    DAMAGES[damage](tmp_path / "runs" / "certificates" / "spending-ab.json")
    lines = certificate_lines(tmp_path, {"spending": "ab", "cohesion": "ab"})
    assert lines["cohesion"][0] and not lines["spending"][0]
    assert "uncertified model" in lines["spending"][1]
    assert damage == "a dangling link" or "spending-ab.json" in lines["spending"][1]


@pytest.mark.case("M12")
def test_every_key_of_a_certificate_may_be_wrong(tmp_path: Path) -> None:
    whole = committed("spending")
    whole["summary"]["quantities"] = dict(list(whole["summary"]["quantities"].items())[:1])
    for what, content in wrongly_typed(whole):
        write_json_to(tmp_path / "runs" / "certificates" / "spending-ab.json", content)
        certified, line = certificate_lines(tmp_path, {"spending": "ab"})["spending"]
        if "damaged" not in line:
            assert calibration_lines(content), what
        else:
            assert not certified and "forecast calibrate" in line


def write_json_to(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.mark.case("M12")
def test_damaged_simulations_are_never_overwritten(tmp_path: Path) -> None:
    one = {
        "ranks": {"a": 1},
        "truth": {"a": 1.0},
        "mean": {"a": 1.0},
        "sd": {"a": 1.0},
        "divergences": 0,
        "seconds": 1.0,
    }
    write_simulations(tmp_path, "spending-ab", {"recipe": "x", "simulations": [one]})
    stored = read_simulations(tmp_path, "spending-ab")
    assert stored is not None and without_checksums(stored) == {"recipe": "x", "simulations": [one]}
    write_simulations(tmp_path, "spending-ab", {"recipe": "x", "simulations": [one | {"ranks": None}]})
    with pytest.raises(
        RunError, match=r"spending-ab\.json: damaged \(simulations\.0\.ranks is None.*to simulate again"
    ):
        read_simulations(tmp_path, "spending-ab")
    assert "damaged" in certificate_lines(tmp_path, {"spending": "ab"})["spending"][1]


@pytest.mark.case("H2", "M12")
@pytest.mark.parametrize("digest", ["../../../secret", "/etc/passwd", "a/b", "a\0b", "", "x" * 500])
def test_a_digest_is_no_path(tmp_path: Path, digest: str) -> None:
    (tmp_path / "secret.json").write_text("{}")
    certified, line = certificate_lines(tmp_path, {"spending": digest})["spending"]
    assert not certified and "secret.json" not in line
    certified, line = certificate_lines(tmp_path, {"../../secret": "a"})["../../secret"]
    assert not certified and "expected a name of letters" in line


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_inputs(ROOT, "smoke")


@pytest.fixture(scope="module")
def fitted(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the fit of one model."""
    home = tmp_path_factory.mktemp("fitted")
    here = dataclasses.replace(inputs, home=home)
    with written_whole(fit_store._folder(here, "spending", None)) as aside:
        write_tree(aside / "posterior.nc", xr.DataTree.from_dict({"posterior": xr.Dataset({"kappa": ("draw", [0.5])})}))
        write_manifest(aside, invented_fits(None, None)[1]["spending"])  # type: ignore[arg-type]
    assert fit_stored(here, "spending") is not None
    return home


@pytest.mark.case("M12", "M13")
@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *((MANIFEST, damage) for damage in DAMAGES),
        *(("posterior.nc", damage) for damage in ("truncated", "one byte", "missing", "a pipe")),
    ],
)
def test_a_damaged_fit_is_made_again_and_notes_beside_it_are_kept(
    inputs: Inputs, fitted: Path, tmp_path: Path, file: str, damage: str
) -> None:
    shutil.copytree(fitted, tmp_path / "home")
    here = dataclasses.replace(inputs, home=tmp_path / "home")
    folder = fit_store._folder(here, "spending", None)
    (folder / "notes.txt").write_text("mine")
    DAMAGES[damage](folder / file)
    assert fit_stored(here, "spending") is None
    if damage != "a folder":  # which may hold something
        with written_whole(folder) as aside:
            shutil.copytree(fitted / folder.relative_to(here.home), aside, dirs_exist_ok=True)
        assert fit_stored(here, "spending") is not None
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.case("M18")
def test_a_fit_without_the_right_to_read_it_is_not_made_again(inputs: Inputs, tmp_path: Path) -> None:
    here = dataclasses.replace(inputs, home=tmp_path)
    folder = fit_store._folder(here, "spending", None)
    folder.mkdir(parents=True)
    (folder / MANIFEST).write_text("{}")
    (folder / MANIFEST).chmod(0)
    with unprivileged(tmp_path), pytest.raises(RunError, match=r"cannot be read \(Permission denied\)"):
        fit_stored(here, "spending")


LOO = dict.fromkeys(("elpd", "se", "parameters", "largest_k"), 0.5) | {"observations": 2, "far": 0}
CHECKS = {"loo": LOO, "pit": None, "checks": []}


@pytest.mark.case("M12")
@pytest.mark.parametrize("name", ["predictive.json", "predictive.nc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_predictive_checks_are_made_again(
    inputs: Inputs, tmp_path: Path, damage: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = dataclasses.replace(inputs, home=tmp_path)
    folder = fit_store._folder(here, "spending", None)
    folder.mkdir(parents=True)
    checks = CHECKS
    assert against_the_data(here, monkeypatch, lambda *rest: checks) == checks
    assert against_the_data(here, monkeypatch, lambda *rest: {}) == checks
    DAMAGES[damage](folder / name)
    if damage == "a folder":  # something is in its place that nobody may remove
        with pytest.raises(RunError, match="cannot be written"):
            against_the_data(here, monkeypatch, lambda *rest: checks)
    else:
        for made in (checks, {}):  # the second time they are stored
            assert against_the_data(here, monkeypatch, lambda *rest, made=made: made) == checks


def test_a_fit_of_an_earlier_version_gets_its_groups(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = dataclasses.replace(inputs, home=tmp_path)
    folder = fit_store._folder(here, "spending", None)
    folder.mkdir(parents=True)
    earlier = {"version": PREDICTIVE_VERSION - 1, "found": CHECKS | {"pit": [1]}}
    write_json(folder / "predictive.json", with_checksums(earlier))
    assert against_the_data(here, monkeypatch, lambda *rest: CHECKS) == CHECKS
    assert (folder / "predictive.nc").is_file()
    assert not caplog.records


def against_the_data(here: Inputs, monkeypatch: pytest.MonkeyPatch, make: Callable[..., Any]) -> dict[str, Any]:
    groups = xr.DataTree.from_dict({"observed_data": xr.Dataset({"change": ("obs", [0.5])})})
    monkeypatch.setattr(fit_store, "against_its_data", lambda *rest: (make(*rest), groups))
    if (stored := fit_store._stored_checks(here, "spending")) is None:
        fit_store._check(here, "spending", xr.DataTree())
        stored = fit_store._stored_checks(here, "spending")
    assert stored is not None and stored[1]["observed_data"]["change"].item() == 0.5
    return stored[0]


def test_nothing_is_stored_in_a_new_workspace(tmp_path: Path) -> None:
    assert find_scores(tmp_path, MODELS) == UNSCORED
    assert find_variants(tmp_path, MODELS, "p") == {}
