"""Page, terminal, exports and queries have the scenarios that the workspace names, however many there are."""

import json
from pathlib import Path

import pandas as pd
import pytest

from forecast.archive.query import answer_query, sampled_paths
from forecast.archive.query_language import parse_query
from forecast.reporting.audit import page_faults
from forecast.reporting.charts import war_line
from forecast.reporting.export_audit import export_faults
from forecast.reporting.export_tables import export_run
from forecast.reporting.html_report import write_report
from forecast.reporting.terminal import headline_lines
from forecast.storage.runs import Run
from tests.support.tiny_run_folder import all_checks, make_run

GRIDS = {
    "1": (("calm",), ("as_now",)),
    "25": (tuple(f"war_{n}" for n in range(5)), tuple(f"design_{n}" for n in range(5))),
}


@pytest.fixture(scope="module", params=GRIDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Run]:
    home = tmp_path_factory.mktemp("home")
    wars, designs = GRIDS[request.param]
    checks = {"operation_below_flags": all_checks()["operation_below_flags"]}
    return home, make_run(home, wars=wars, designs=designs, quarters=12, checks=checks, named=True)


def scenarios(run: Run) -> list[tuple[str, str]]:
    found = {(h["war"], h["design"]): 0 for h in run.headlines if h["target"] == "cohesion_verdict"}
    return [*found]


def test_the_page_shows_every_scenario_and_its_numbers(made: tuple[Path, Run]) -> None:
    home, run = made
    page = write_report(run, home).read_text()
    assert page_faults(home, run) == []
    for war, design in scenarios(run):
        assert f'data-cell="{war}/{design}"' in page and f'<option value="{war}/{design}">' in page
    wars = dict.fromkeys(war for war, _ in scenarios(run))
    assert [war for war in wars if f'<h3 id="card-{war}">' in page] == ([*wars][1:4] or [*wars])
    assert ("without a card: War war_4" in page) == (len(wars) == 5)
    assert "The test of the threat is not applicable: no scenario named win in this plan." in page
    assert all(f"War {war}" in "\n".join(headline_lines(run)) for war in wars)


def test_exports_have_every_scenario(made: tuple[Path, Run], tmp_path: Path) -> None:
    _, run = made
    with run.projection as stored:
        tree = stored.load()
    hub = export_run(run, "hubverse", tmp_path / "hub")
    assert export_faults(hub, tree, run.headlines)[1] == []
    task = json.loads((hub / "hub-config" / "tasks.json").read_text())["rounds"][0]["model_tasks"][0]
    assert task["task_ids"]["scenario_id"]["optional"] == sorted(".".join(cell) for cell in scenarios(run))
    table = pd.read_parquet(export_run(run, "parquet", tmp_path / "parquet") / "alliance.parquet")
    assert {*map(tuple, table[["war", "design"]].drop_duplicates().to_numpy())} == {*scenarios(run)}


def test_a_query_names_an_own_scenario(tmp_path: Path) -> None:
    joint = sampled_paths(make_run(tmp_path, wars=("calm", "ceasefire"), designs=("as_now",), quarters=12))
    (found,) = answer_query(parse_query("P(cohesion in 2028Q4 > 0, war=ceasefire)"), joint, draws=32)
    assert found.scenario == {"war": "ceasefire", "design": "as_now"}


def test_lines_of_wars_differ() -> None:
    assert len({war_line(n) for n in range(24)}) == 24
