"""A damaged run is named with file and fix, is never published, and hides no other run."""

import itertools
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import Result
from typer.testing import CliRunner

from forecast import names
from forecast.cli.app import app
from forecast.errors import ForecastError, RunError
from forecast.evaluation.calibration.certificates import certificate_lines
from forecast.pipeline.changes import compare_with_last, last_good
from forecast.reporting.html_report import write_index
from forecast.reporting.terminal import headline_lines, since_lines
from forecast.storage.files import CHECKSUMS, with_checksums, write_json, write_tree
from forecast.storage.runs import Run, list_runs, open_run, read_run, write_manifest
from tests.support.damage import DAMAGES, wrongly_typed
from tests.support.headline_records import headline
from tests.support.tiny_run_folder import ID, all_checks, make_run
from tests.support.unprivileged import unprivileged

WHOLE = "2025-12-30-specimen-00000001"  # the same run, one day older
POSTERIOR = "posterior/spending.nc"
FILES = (names.MANIFEST, names.HEADLINES, names.CHECKS, names.PRIORS, names.PROJECTION, POSTERIOR)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run and a copy of it."""
    home = tmp_path_factory.mktemp("made")
    run = make_run(
        home, wars=("neutral", "win"), designs=("none",), missions=("kfor",), quarters=8, checks=all_checks()
    )
    groups = {
        names.POSTERIOR: xr.Dataset({"kappa": (("chain", "draw"), np.random.default_rng(3).uniform(size=(2, 50)))}),
        "sample_stats": xr.Dataset({"energy": (("chain", "draw"), np.random.default_rng(4).normal(size=(2, 50)))}),
    }
    write_tree(run.path / POSTERIOR, xr.DataTree.from_dict(groups))
    record = headline(0.5)
    move = record | {"before": 0.4, "before_horizon": "2029", "errors": 3.0}
    side = {"category": "Strong", "value": 0.7, "horizon": "2027Q4", "decided": True}
    since = {
        "run": "earlier",
        "finished": "2026-01-05T06:00:00+00:00",
        "inputs": ["table leaders"],
        "compared": 5,
        "moved": 1,
        "moves": [move],
        "flips": [{"war": "win", "design": "none", "before": side, "now": side}],
        "passed_over": [{"run": "older", "schema": "2"}],
    }
    scores = {"models": ["spending"], "folders": ["a"], "skill": [], "cover": []}
    provenance = run.manifest["provenance"] | dict.fromkeys(("model_versions", "simulation_version", "libraries"), "1")
    more = {
        "provenance": provenance,
        "since": since,
        "scores": scores,
        "models": {"spending": "ab"},
        "certificates": {"spending": "ab"},
    }
    write_manifest(run.path, {**run.manifest, **more})
    shutil.copytree(run.path, home / "runs" / WHOLE)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def call(home: Path, *words: str) -> Result:
    """Call a command; an exception that is no ForecastError is a traceback."""
    done = CliRunner().invoke(app, [*words, "--home", str(home)])
    if done.exception is not None and not isinstance(done.exception, ForecastError | SystemExit):
        raise done.exception
    return done


def is_left_out(home: Path, file: str) -> Iterator[str]:
    """Yield what is wrong with the treatment of a run whose file is damaged."""
    listed = {line.split()[-1] if "complete" in line else line for line in call(home, "list").output.splitlines()}
    (damaged,) = (line for line in listed if ID in line)
    if WHOLE not in listed or "damaged" not in damaged or file not in damaged:
        yield f"list: {listed}"
    for words in (("show", ID), ("show", ID, "--json"), ("report", ID), ("export", ID), ("requirements", ID)):
        error = call(home, *words).exception
        if not isinstance(error, RunError) or file not in str(error) or "run the plan again" not in str(error):
            yield f"{words}: {error!r}"
    if (home / "reports" / ID).exists() or list((home / "reports").glob("*-csv")):
        yield "published"
    if "undamaged" not in call(home, "show", "latest").output or open_run("latest", home).id != WHOLE:
        yield "show latest"
    page = write_index(home).read_text("utf-8")
    if f"Last good forecast: {WHOLE}," not in page or "The newest run is damaged" not in page:
        yield "index"
    runs = list_runs(home)
    good = last_good(runs, "specimen")
    since = compare_with_last(runs, read_run(home / "runs" / WHOLE).manifest, [])
    if good is None or good.id != WHOLE or since is None or since["run"] != WHOLE:
        yield "last good"
    if since is None or f"  {ID} cannot be compared: " not in "\n".join(since_lines(since)):
        yield "since"


@pytest.mark.case("M12", "M13", "H3", "H4")
@pytest.mark.parametrize(
    ("file", "damage"),
    [
        *((names.MANIFEST, damage) for damage in DAMAGES),
        *((file, "one byte") for file in FILES[1:]),
        (names.HEADLINES, "missing"),
        (names.CHECKS, "an object"),
        (names.PROJECTION, "a pipe"),
        (POSTERIOR, "a folder"),
    ],
)
def test_a_damaged_run_is_named_and_left_out(home: Path, file: str, damage: str) -> None:
    DAMAGES[damage](home / "runs" / ID / file)
    assert list(is_left_out(home, file)) == []


@pytest.mark.case("M13")
@pytest.mark.parametrize("file", [names.MANIFEST, names.HEADLINES, names.PROJECTION])
def test_a_file_of_another_run_is_found(home: Path, file: str) -> None:
    other = home / "other"
    make_run(other, wars=("lose",), designs=("none",), missions=("kfor",), quarters=4, checks={})
    write_manifest(other / "runs" / ID, {**read_run(other / "runs" / ID).manifest, "id": "other", "status": "complete"})
    shutil.copy2(other / "runs" / ID / file, home / "runs" / ID / file)
    expected = "damaged" if file != names.MANIFEST else names.HEADLINES  # another manifest knows other files
    assert list(is_left_out(home, expected)) == []


@pytest.mark.case("M18")
@pytest.mark.parametrize("file", [*FILES, ""])
def test_a_run_without_the_right_to_read_it_is_told_as_that(home: Path, file: str) -> None:
    assert call(home, "show", ID).exit_code == 0  # which imports what another user may not read
    (home / "runs" / ID / file).chmod(0)
    with unprivileged(home):
        listed = call(home, "list").output
        error = call(home, "show", ID).exception
        latest = open_run("latest", home).id
    (home / "runs" / ID / file).chmod(0o755)
    assert latest == WHOLE and re.search(f"complete .*  {WHOLE}", listed) and re.search(f"damaged .*  {ID}", listed)
    assert "read" in str(error) and "the right to" in str(error) and "move the folder" not in str(error)


@pytest.mark.case("M12")
def test_every_key_of_a_manifest_may_be_wrong(home: Path) -> None:
    """Either the key is named, or the run can be shown as it is, also without the checksums that find every edit."""
    path = home / "runs" / ID / names.MANIFEST
    content = json.loads(path.read_text("utf-8"))
    del content[CHECKSUMS]
    content["fits"] = {"spending": content["fits"]["spending"]}
    refused = 0
    for what, changed in itertools.islice(wrongly_typed(content), None, None, 2):  # every second, to save time
        path.write_text(json.dumps(changed))
        run = next(run for run in list_runs(home) if run.id == ID)
        compare_with_last([run], content, [])
        try:
            run.require_whole()
            assert headline_lines(run), what
            certificate_lines(home, run.manifest.get("certificates", {}))
        except RunError as error:
            refused += 1
            assert str(error).startswith(str(run.path)) and "run the plan again" in str(error), what
    assert refused > 150


@pytest.mark.case("M13")
def test_every_edit_of_a_manifest_is_found_with_its_key(home: Path) -> None:
    path = home / "runs" / ID / names.MANIFEST
    content = json.loads(path.read_text("utf-8"))
    for key in content:
        for edited in (content | {key: "x"}, {name: content[name] for name in content if name != key}):
            if CHECKSUMS not in edited:
                continue  # as an earlier version wrote it
            path.write_text(json.dumps(edited))
            run = read_run(path.parent)
            assert run.status == "damaged" and key in run.reason and str(path) in run.reason
            with pytest.raises(RunError, match="run the plan again"):
                run.require_whole()
    path.write_text(json.dumps(content | {"note": "more"}, indent=4))
    assert "note changed" in read_run(path.parent).reason
    path.write_text(json.dumps(content, indent=4))  # the same content in other bytes
    assert read_run(path.parent).status == "complete"


@pytest.mark.case("M13")
def test_a_run_of_an_earlier_version_is_shown_as_one_without_checksums(home: Path) -> None:
    assert "no checksums" not in call(home, "show", ID).output
    path = home / "runs" / ID / names.MANIFEST
    content = json.loads(path.read_text("utf-8"))
    del content[CHECKSUMS]
    path.write_text(json.dumps(content))
    done = call(home, "show", ID)
    assert done.exit_code == 0 and "the manifest is of an earlier version and has no checksums" in done.output


@pytest.mark.case("M12", "H2")
@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "a/../../b", "", "a\0b", "."])
def test_a_manifest_names_no_file_outside_its_folder(home: Path, name: str) -> None:
    path = home / "runs" / ID / names.MANIFEST
    content = json.loads(path.read_text("utf-8"))
    content["files"][name] = "missing"
    write_json(path, with_checksums(content))
    run = next(run for run in list_runs(home) if run.id == ID)
    assert run.status == "damaged" and "files" in run.reason and "inside the folder" in run.reason


@pytest.mark.case("H2")
@pytest.mark.parametrize("name", ["", "../runs", "/", "..", f"../runs/{WHOLE}", "*", "\0"])
def test_a_name_on_the_command_line_is_no_path(home: Path, name: str) -> None:
    for words in (("show", name), ("report", name), ("export", name)):
        assert isinstance(call(home, *words).exception, RunError)
    assert not list((home / "reports").glob("*"))


@pytest.mark.parametrize("name", ["notes", "a\nb", "\udcff", "#backup"])
def test_a_folder_that_is_no_run_is_not_listed(home: Path, name: str) -> None:
    (home / "runs" / name).mkdir()
    if name != "notes":
        shutil.copy(home / "runs" / ID / names.MANIFEST, home / "runs" / name / names.MANIFEST)
    assert {run.id for run in list_runs(home)} == {ID, WHOLE}
    write_index(home)


@pytest.mark.case("M13")
def test_untouched_files_are_not_hashed_for_a_list_and_touched_ones_are(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr("forecast.storage.runs.sha256_of", lambda path: hashed.append(path.name) or "x")
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_text("x")
    time.sleep(0.03)  # longer than the tick of the clock of files
    write_manifest(folder, {"id": "run", "status": "complete"})
    hashed.clear()
    assert read_run(folder).status == "complete" and hashed == []
    assert Run(folder, read_run(folder).manifest).damaged_files() == [] and hashed == ["a", "b"]
    hashed.clear()
    shutil.copy2(folder / "b", folder / "a")  # with the time of the other file
    assert read_run(folder).status == "complete" and hashed == ["a"]
    hashed.clear()
    manifest = (folder / names.MANIFEST).read_text()
    (folder / names.MANIFEST).write_text(manifest)
    assert read_run(folder).status == "complete" and hashed == ["a", "b"]


@pytest.mark.case("L2")
def test_a_report_leaves_what_a_user_put_beside_it(home: Path) -> None:
    folder = home / "reports" / ID
    (folder / "figures").mkdir(parents=True)
    for name in ("notes.txt", "figures/a.svg", "old.html"):
        (folder / name).write_text("mine")
    (folder / "index.html").write_text("an earlier page")
    assert call(home, "report", ID).exit_code == 0
    assert {name: (folder / name).read_text() for name in ("notes.txt", "figures/a.svg", "old.html")} == dict.fromkeys(
        ("notes.txt", "figures/a.svg", "old.html"), "mine"
    )
    assert "A specimen" in (folder / "index.html").read_text("utf-8") and (folder / "spending.html").is_file()
