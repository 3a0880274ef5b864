"""The worked example of `docs/story.md` works: its files are written and its commands run, in order."""

import json
import re
import shlex
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from forecast.archive import hybrids
from forecast.cli import evaluation
from forecast.cli.app import app
from forecast.pipeline import run as pipeline
from forecast.storage.runs import list_runs, open_run
from forecast.workspace.init import create_workspace
from tests.support.markdown_code import blocks
from tests.support.pipeline_run import invented_fits_of, invented_trees

PAGE = Path(__file__).parents[1] / "docs" / "story.md"
PLAN, QUESTION, PRIOR = blocks(PAGE, "toml")
(ROWS,) = blocks(PAGE, "csv")
LATER = datetime(2028, 1, 15, tzinfo=UTC)


class InTwoYears(datetime):
    """A clock for the day on which the outcome is recorded."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return LATER


def play(commands: str, home: Path) -> list[Result]:
    """Run the commands of a block and return what they print."""
    done = []
    for line in commands.splitlines():
        words = shlex.split(line)[1:]
        done.append(CliRunner().invoke(app, [*words, "--home", str(home)]))
        assert done[-1].exit_code == 0, (line, done[-1].output, done[-1].exception)
    return done


@pytest.mark.slow
@pytest.mark.long
def test_the_worked_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "fits_of", invented_fits_of)
    monkeypatch.setattr(hybrids, "fit_models", lambda inputs, models, stages: {m: invented_trees()[m] for m in models})
    first, second, why, condition, outcome = blocks(PAGE, "")
    home = tmp_path / "home"
    create_workspace(home)
    plan = home / "runs" / "plans" / "watch.toml"
    plan.write_text(PLAN)
    (home / "runs" / "questions.toml").write_text(QUESTION)
    play(first, home)

    plan.write_text(PLAN.replace("as_of = 2025-09-30", "as_of = 2025-12-31"))
    (home / "tables").mkdir()
    (home / "tables" / "defence_spending.csv").write_text(ROWS)
    missions = home / "priors" / "missions.toml"
    text = missions.read_text()
    old = re.search(r"^\[kaplan_meier_weight\]\n.*?(?=^\[)", text, flags=re.M | re.S)
    assert old
    missions.write_text(text.replace(old[0], PRIOR + "\n"))
    *_, compared = play(second, home)
    assert "POL" in compared.output and "kaplan_meier_weight" in compared.output

    cost, explained = play(why, home)
    assert "hybrid" in cost.output
    assert "priors" in explained.output and "revised data" in explained.output
    before, after = list_runs(home)
    assert_parts_add_up(json.loads(play(f"forecast explain {before.id} {after.id} --json", home)[0].stdout))

    (answer,) = play(condition, home)
    assert re.search(r"\d paths|[\d,]+ of [\d,]+", answer.output)

    monkeypatch.setattr(evaluation, "datetime", InTwoYears)
    resolved, board, verified = play(outcome, home)
    assert "known on 2027-12-31" in resolved.output
    answers = {record["id"]: record["value"] for record in open_run(after.id, home).json("answers.json")["answers"]}
    brier = answers["turkey_leaves_kfor"] ** 2
    scored = json.loads(play("forecast scoreboard --json", home)[0].stdout)["scored"]
    assert [row["scores"]["Brier"] for row in scored][-1] == pytest.approx(brier)
    assert len(scored) == 2 and "turkey_leaves_kfor" in board.output + resolved.output
    assert after.id in verified.output


def assert_parts_add_up(explanation: dict[str, Any]) -> None:
    assert {part for part, what in explanation["parts"].items() if what} >= {"priors", "revised data"}
    moved = [headline for headline in explanation["headlines"] if headline["change"] != 0.0]
    assert moved
    for headline in moved:
        total = sum(part["value"] for part in headline["contributions"])
        assert total == pytest.approx(headline["change"], abs=1e-12)
