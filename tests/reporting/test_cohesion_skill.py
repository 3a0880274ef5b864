"""A sentence on the lack of skill stands before the first number on cohesion, wherever one is shown."""

import json
import re
from pathlib import Path

import pytest

from forecast.reporting.export_hubverse import write_hub
from forecast.reporting.export_tables import export_run
from forecast.reporting.headline_text import COHESION_SKILL
from forecast.reporting.html_report import write_report
from forecast.reporting.terminal import headline_lines
from forecast.storage.runs import Run
from tests.support.markdown_code import ROOT
from tests.support.tiny_run_folder import all_checks, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("skill"), wars=("neutral",), designs=("none",), checks=all_checks())


def test_terminal(run: Run) -> None:
    text = " ".join(headline_lines(run))
    assert text.index(COHESION_SKILL) < text.index("Verdict on cohesion in")


def test_html_report(run: Run) -> None:
    page = write_report(run, run.path.parents[1]).read_text("utf-8")
    for section in ("summary", "verdicts", "cohesion"):
        content = page.partition(f'<section id="{section}"')[2]
        before_numbers = content[: re.search("<table|<figure|<svg|status", content).start()]  # type: ignore[union-attr]
        assert COHESION_SKILL in before_numbers, section


def test_exports(run: Run, tmp_path: Path) -> None:
    package = json.loads((export_run(run, "csv", tmp_path / "csv") / "datapackage.json").read_text("utf-8"))
    assert package["description"].startswith(COHESION_SKILL)
    fields = [field for table in package["resources"] for field in table["schema"]["fields"]]
    said = {field["name"] for field in fields if COHESION_SKILL in field.get("description", "")}
    assert {"verdict_probability", "cohesion", "cohesion_mean", "joint_cohesion"} <= said
    assert not {"european_share", "survival", "spending_share"} & said


def test_hub(run: Run, tmp_path: Path) -> None:
    with run.projection as tree:
        tree.attrs |= {"as_of": "2025-12-31", "forecast_version": "0"}
        write_hub(tree, tmp_path)
    tasks = json.loads((tmp_path / "hub-config" / "tasks.json").read_text("utf-8"))
    targets = [group["target_metadata"][0] for group in tasks["rounds"][0]["model_tasks"]]
    said = {target["target_id"] for target in targets if target.get("description") == COHESION_SKILL}
    assert said == {"verdict", "cohesion"}


@pytest.mark.parametrize("page", ["README.md", "docs/model.md", "docs/reading.md", "docs/exports.md"])
def test_documents(page: str) -> None:
    text = " ".join((ROOT / page).read_text("utf-8").split())
    assert COHESION_SKILL.rstrip(".") in text
