"""The pipeline from fits to a run folder, with fake posteriors; `test_whole_job` runs the samplers."""

import contextlib
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from forecast import names
from forecast.cli.app import app
from forecast.data.exclusions import expired_today
from forecast.errors import NotConvergedError
from forecast.evaluation.score_store import find_scores
from forecast.pipeline import prepare
from forecast.pipeline import run as pipeline
from forecast.projection import output_schema
from forecast.projection.headlines import verdicts
from forecast.reporting.labels import mission_labels
from forecast.reporting.terminal import check_lines, headline_lines
from forecast.simulation.histograms import COHESION_STEP, SHARE_STEP
from forecast.storage.runs import Run, list_runs, open_run
from forecast.workspace.checkout import find_checkout
from forecast.workspace.init import create_workspace
from forecast.workspace.inputs import read_inputs
from tests.support.bundled_scenarios import WARS
from tests.support.pipeline_run import PLAN, invented_fits_of, quiet, small


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    create_workspace(folder)
    (folder / "runs" / "plans" / "tiny.toml").write_text(PLAN)
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "fits_of", invented_fits_of)
        yield pipeline.run(home, "tiny", quiet, threads=2)


@pytest.fixture(scope="module")
def tree(run: Run) -> Iterator[xr.DataTree]:
    with contextlib.closing(run.projection) as opened:
        yield opened.load()


def data(tree: xr.DataTree, group: str) -> xr.Dataset:
    return tree[group].to_dataset()


def test_groups_have_their_variables_and_provenance(tree: xr.DataTree, run: Run) -> None:
    for name, variable in output_schema.VARIABLES.items():
        stored = data(tree, variable.group)[name]
        assert stored.dims == variable.dims, name
        assert stored.attrs["units"] == variable.units
        assert stored.attrs["long_name"] == variable.long_name
    for group in (names.ALLIANCE, names.MEMBERS, names.MISSIONS, names.COUNTS, names.JOINT):
        attributes = tree[group].attrs
        assert attributes["run_id"] == run.id
        assert attributes["schema_version"] == names.SCHEMA_VERSION
        assert {"seed", "tables_sha256", "priors_sha256", "libraries"} <= set(attributes)


def test_tallies_agree_with_sampled_paths(tree: xr.DataTree) -> None:
    """All paths are sampled here, so both give the same numbers; 1e-6 is the precision of 32 bits."""
    alliance, missions, joint = (data(tree, g) for g in ("alliance", "missions", "joint"))
    assert np.allclose(alliance["cohesion_mean"], joint["joint_cohesion"].mean("path"), atol=1e-6)
    share = joint["joint_european_share"]
    assert np.allclose(alliance["european_share_mean"], share.mean("path"), rtol=1e-6)
    curves = joint["joint_survival"].mean("path")
    assert np.allclose(missions["survival_mean"], curves, atol=1e-6, equal_nan=True)
    exact = joint["joint_cohesion"].quantile(0.5, "path", method="inverted_cdf")
    assert float(abs(alliance["cohesion"].sel(quantile=0.5) - exact).max()) <= COHESION_STEP
    exact = share.quantile(0.9, "path", method="inverted_cdf")
    assert np.allclose(np.log(alliance["european_share"].sel(quantile=0.9)), np.log(exact), atol=SHARE_STEP)
    stored = data(tree, "members")["spending_share"].sel(quantile=0.5, drop=True).drop_sel(member="ISL")
    spending = joint["joint_spending_share"].drop_sel(member="ISL").quantile(0.5, "path", method="inverted_cdf")
    assert np.allclose(np.log(stored), np.log(spending.transpose(*stored.dims)), atol=SHARE_STEP)
    assert np.isnan(joint["joint_spending_share"].sel(member="ISL")).all()


def test_first_quarters_of_sampled_paths_give_the_probabilities(tree: xr.DataTree) -> None:
    alliance, missions, joint = (data(tree, g) for g in ("alliance", "missions", "joint"))
    by = xr.DataArray(np.arange(joint.sizes["quarter"]), dims="quarter", coords={"quarter": joint["quarter"]})

    def probability(first: xr.DataArray) -> xr.DataArray:
        return (first <= by).mean("path")

    events = probability(joint["joint_event_quarter"]).transpose(*alliance["event_probability"].dims)
    assert np.allclose(alliance["event_probability"], events, atol=1e-6)
    assert alliance["event_probability"].max() > 0.5
    for k, verdict in enumerate(names.VERDICTS):
        stored = alliance["verdict_probability"].sel(verdict=verdict)
        assert np.allclose(stored, (joint["joint_verdict"] == k).mean("path"), atol=1e-6)
    for landmark, name in zip(names.LANDMARKS, ("collapse", "nominal_end", "hand_over"), strict=True):
        stored = missions[f"{name}_probability"]
        first = probability(joint["joint_landmark_quarter"].sel(landmark=landmark))
        running = np.isfinite(missions["survival_mean"].isel(curve=0))
        assert np.allclose(stored, first.where(running).transpose(*stored.dims), atol=1e-6, equal_nan=True), name
    stored = missions["exit_probability"]
    left = probability(joint["joint_exit_quarter"]).where(np.isfinite(stored)).transpose(*stored.dims)
    assert np.allclose(stored, left, atol=1e-6, equal_nan=True)
    assert left.max() > 0.1
    for step, event, us_event in (("notice", "notice", "us_notice"), ("exit", "exit", "us_exit")):
        first = joint["joint_membership_quarter"].sel(membership=step)
        others, usa = first.drop_sel(member="USA").min("member"), first.sel(member="USA")
        for quarters, name in ((others, event), (usa, us_event)):
            stored = alliance["event_probability"].sel(event=name, drop=True)
            assert np.allclose(stored, probability(quarters).transpose(*stored.dims), atol=1e-6), name


def test_probabilities_sum_to_one(tree: xr.DataTree) -> None:
    alliance, missions = data(tree, "alliance"), data(tree, "missions")
    assert np.allclose(alliance["verdict_probability"].sum("verdict"), 1.0, atol=1e-6)
    left = missions["exit_probability"].sel(mission="kfor")
    present = missions["contingent_weight"].sel(mission="kfor") > 0
    by_count = 1.0 - left.where(present).mean("contributor")
    flags_by_count = missions["survival_mean"].sel(mission="kfor", curve="nominal_by_count")
    assert np.allclose(by_count, flags_by_count, atol=1e-6)
    assert np.allclose(missions["contingent_weight"].sum("contributor"), 1.0, atol=1e-6)


def test_a_mission_has_no_values_outside_its_time(tree: xr.DataTree) -> None:
    curves = data(tree, "missions")["survival_mean"].isel(war=0, design=0, curve=0)
    assert np.isfinite(curves.sel(mission="unifil", quarter="2026Q4"))
    assert np.isnan(curves.sel(mission="unifil", quarter="2027Q1"))
    assert np.isnan(curves.sel(mission="together", quarter="2026Q2"))
    assert np.isfinite(curves.sel(mission="together", quarter="2026Q3"))


def test_histograms_count_every_path(tree: xr.DataTree) -> None:
    counts = data(tree, "counts")
    assert (counts["cohesion_count"].sum("cohesion_bin") == 128).all()
    assert (counts["european_share_count"].sum("share_bin") == 128).all()
    members = counts["spending_share_count"].sum("share_bin")
    assert (members.sel(member="POL") == 128).all()
    assert (members.sel(member="ISL") == 0).all()
    assert np.isnan(data(tree, "members")["spending_share"].sel(member="ISL")).all()


def test_headlines_are_complete(run: Run) -> None:
    for headline in run.headlines:
        assert {"value", "lower", "upper", "mcse", "baseline", "judgement"} <= set(headline)
        assert headline["mcse"] >= 0
        if headline["judgement"] is None:  # no variance, or its paths are not sampled
            assert headline["target"] not in names.MAIN_TARGETS and not headline["mostly_judgement"]
            continue
        assert 0 <= headline["judgement"] <= 1
        assert headline["mostly_judgement"] == (headline["judgement"] > 0.5)
    spending = [h for h in run.headlines if h["target"] == names.EUROPEAN_SPENDING]
    assert all(h["lower"] <= h["value"] <= h["upper"] for h in spending)
    assert {h["horizon"] for h in spending} == {"2030", "2031"}
    text = "\n".join(headline_lines(run))
    assert "Strong" in text
    assert "\n  Kosovo Force\n" in text


def test_headlines_beside_the_main_targets_agree_with_the_sampled_paths(run: Run, tree: xr.DataTree) -> None:
    """All paths of this run are counted and half of them are sampled, so the two differ by sampling error alone."""
    joint = tree["joint"].to_dataset().isel(war=0, design=0)
    last = {"quarter": tree["alliance"].sizes["quarter"] - 1, "year": -1}
    by_key = {
        (h["target"], h["category"]): h for h in run.headlines if h["war"] == "neutral" and h["horizon"] >= "2031"
    }
    size = joint.sizes["path"]
    for event in ("crisis", "block", "notice"):
        happened = float((joint["joint_event_quarter"].sel(event=event) <= last["quarter"]).mean())
        assert by_key[names.ALLIANCE_EVENT, event]["value"] == pytest.approx(happened, abs=3 / np.sqrt(size))
    spending = joint["joint_european_share"].isel(year=-1).values
    reached = by_key[names.SPENDING_AT_LEAST, "2"]["value"]
    assert reached == pytest.approx(float((spending >= 2.0).mean()), abs=3 / np.sqrt(size))
    shortfall = by_key[names.SPENDING_SHORTFALL, None]
    pledge = np.interp(tree["alliance"]["year"].values[-1], (2025, 2035), (2.0, 3.5))
    short = np.maximum(pledge - spending, 0.0)
    assert shortfall["value"] == pytest.approx(short.mean(), abs=4 * short.std() / np.sqrt(size))
    assert 0.0 <= by_key[names.ALLIANCE_EVENT, "crisis"]["judgement"] <= 1.0


def test_the_manifest_says_which_code_and_what_is_expired(run: Run) -> None:
    assert run.manifest["code"] == find_checkout()
    assert run.manifest["expired"] == expired_today(read_inputs(run.path.parents[1], run.plan_name).priors.statements)


def test_labels_of_missions_and_scores_are_stored(run: Run) -> None:
    """The terminal shows a run without opening its tree, and a list of runs does not read scores."""
    with closing(run.projection) as tree:
        missions = tree[names.MISSIONS].to_dataset()
        shown = dict(zip(missions[names.MISSION].values, missions["mission_label"].values, strict=True))
    assert mission_labels(run) == run.manifest["missions"] == shown
    manifest = {key: value for key, value in run.manifest.items() if key != "missions"}
    assert mission_labels(replace(run, manifest=manifest)) == shown  # a run of an earlier build
    assert "scores" not in run.manifest
    assert run.json(names.SCORES) == {"scores": find_scores(run.path.parents[1], run.manifest["models"])}


def test_checks_are_complete(run: Run) -> None:
    checks = run.json(names.CHECKS)
    assert {
        "verdicts",
        "from_now",
        "cohesion",
        "weights",
        "permuted_signs",
        "threat_twice",
        "coalitions",
        "crossing",
        "operation_below_flags",
    } == set(checks)
    assert checks["operation_below_flags"]["met"]
    assert checks["permuted_signs"]["met"]
    assert all(isinstance(check["met"], bool) for check, _ in check_lines(checks))


def test_a_run_is_made_once(run: Run, home: Path) -> None:
    stamp = (run.path / names.PROJECTION).stat().st_mtime_ns
    assert pipeline.run(home, "tiny", quiet, threads=1).id == run.id
    assert (run.path / names.PROJECTION).stat().st_mtime_ns == stamp
    assert run.damaged_files() == []


def test_priors_are_stored_with_their_sources(run: Run) -> None:
    record = run.json(names.PRIORS)
    kappa = next(p for p in record["priors"] if p["name"] == "spending.kappa")
    assert kappa["source"]
    assert kappa["text"] == "Beta(3, 97)"
    assert kappa["prior_sd"] == pytest.approx(0.0170, abs=0.0005)  # sqrt(ab / ((a+b)^2 (a+b+1)))
    assert set(record["grid"]["wars"]) == set(WARS)


@pytest.mark.slow
def test_a_failed_fit_is_stored_until_the_run_succeeds(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "runs" / "plans" / "doomed.toml"
    path.write_text(small(PLAN, "neutral").replace("seed = 5", "seed = 6"))

    def fail(*rest: Any) -> Any:
        raise NotConvergedError("withdrawal: the chains do not agree")

    monkeypatch.setattr(pipeline, "fits_of", fail)
    done = CliRunner().invoke(app, ["project", "doomed", "--home", str(home)])
    assert isinstance(done.exception, NotConvergedError)
    failed = [r for r in list_runs(home) if r.status == "failed"]
    assert [r.manifest["reason"] for r in failed] == ["withdrawal: the chains do not agree"]
    assert open_run("latest", home).manifest["plan"]["name"] == "tiny"
    assert "failed" in CliRunner().invoke(app, ["list", "--home", str(home)]).output
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    pipeline.run(home, "doomed", quiet, threads=1)
    assert [r.status for r in list_runs(home)] == ["complete", "complete"]


def test_the_command_line_shows_a_run(run: Run, home: Path) -> None:
    runner = CliRunner()
    shown = runner.invoke(app, ["show", run.id, "--home", str(home)])
    assert shown.exit_code == 0
    assert "files   undamaged" in shown.output and "uncertified model" in shown.output
    described = json.loads(runner.invoke(app, ["show", run.id, "--json", "--home", str(home)]).output)
    assert described["manifest"]["id"] == run.id
    page = runner.invoke(app, ["report", run.id, "--home", str(home)])
    assert page.exit_code == 0
    assert all(Path(line).is_file() for line in page.output.split())


@pytest.mark.slow
def test_part_of_the_scenarios_with_a_late_onset(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts are read when the shift is complete, at least a year after the onset."""
    part = small(PLAN, "neutral", "win").replace("quarters = 8", 'quarters = 12\nonset = "2027Q1"')
    (home / "runs" / "plans" / "part.toml").write_text(part)
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    made = pipeline.run(home, "part", quiet, threads=1)
    assert "verdicts" not in made.json(names.CHECKS)
    assert {h["war"] for h in made.headlines} == {"neutral", "win"}
    by_scenario = verdicts(made.headlines)
    assert {verdict.record["horizon"] for verdict in by_scenario.values()} == {"2028Q4"}
    assert by_scenario["win", "none"].likeliest == "Strong"


@pytest.mark.slow
def test_a_plan_without_the_reference_has_no_baseline(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "runs" / "plans" / "unmoored.toml").write_text(small(PLAN, "win", "lose", design="business_as_usual"))
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    made = pipeline.run(home, "unmoored", quiet, threads=1)
    records = [h for h in made.headlines if h["target"] == names.COHESION_VERDICT]
    assert [h["baseline"] for h in records] == [None] * 6
    assert CliRunner().invoke(app, ["report", made.id, "--home", str(home)]).exit_code == 0
    assert "coalitions" not in made.json(names.CHECKS)


@pytest.mark.slow
def test_a_cell_does_not_depend_on_other_cells(home: Path, tree: xr.DataTree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same cells in another order, and fewer of them, have the same numbers to the last bit."""
    part = PLAN.replace("seed = 5", 'seed = 5\nwar = ["lose", "neutral"]\ndesign = ["division_of_labour", "none"]')
    (home / "runs" / "plans" / "other.toml").write_text(part)
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    with contextlib.closing(pipeline.run(home, "other", quiet, threads=1).projection) as other:
        for group, name in (
            ("alliance", "cohesion_mean"),
            ("missions", "survival_mean"),
            ("counts", "spending_share_count"),
        ):
            values = data(other, group)[name]
            expected = data(tree, group)[name].sel(war=values["war"], design=values["design"])
            assert np.array_equal(values, expected, equal_nan=True), name


def test_warm_kernel_takes_time(home: Path) -> None:
    assert prepare.warm_kernel(read_inputs(home, "tiny")) > 0
