"""Every command of the archive works on the sample run of the repository (`tests/tools/make_sample_run.py`)."""

import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.storage.ledger import read_ledger, unsealed
from forecast.storage.runs import list_runs, open_run
from tests.tools.make_sample_run import SAMPLE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of the sample, unpacked."""
    folder = tmp_path_factory.mktemp("sample")
    with tarfile.open(SAMPLE) as archive:
        archive.extractall(folder, filter="data")
    return folder / "sample"


def test_it_is_small_whole_and_of_this_schema(home: Path) -> None:
    assert SAMPLE.stat().st_size < 1_500_000
    run = open_run("latest", home)
    run.require_whole()
    assert not run.damaged_files()
    assert not unsealed(read_ledger(home), list_runs(home))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "latest"], "undamaged"),
        (["audit", "latest"], "with the projection"),
        (["query", "latest", "P(collapsed[kfor] by 2027Q2)"], "paths"),
        (["query", "latest", "E(cohesion in 2027Q4, war=win) - E(cohesion in 2027Q4, war=lose)"], "win − lose"),
        (["reweight", "latest"], "win 25 %, lose 75 %"),
        (["reweight", "latest", "--target", "verdict Weak = {value}"], "relative entropy"),
        (["compare", "latest", "latest"], "0 of "),
        (["explain", "latest", "latest"], "Nothing that can change a number differs."),
        (["questions", "latest"], "no answer: the plan has no scenario"),
        (["scoreboard"], "0 forecasts scored"),
        pytest.param(["budget", "latest", "--draws", "30"], "30 parameter draws", marks=pytest.mark.slow),
        pytest.param(["voi", "latest", "--simulate", "120"], "From 120 paths", marks=pytest.mark.slow),
        pytest.param(["tripwires", "latest", "--simulate", "240"], "would move a headline", marks=pytest.mark.slow),
    ],
    ids=lambda value: " ".join(value[:1]) if isinstance(value, list) else "",
)
def test_a_command_on_the_sample(home: Path, words: list[str], said: str) -> None:
    mixture = open_run("latest", home).json("mixture.json")["headlines"]
    value = next(row["value"] for row in mixture if row["category"] == "Weak")
    done = CliRunner().invoke(app, [*(word.format(value=value) for word in words), "--home", str(home)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert said in done.stdout.replace("\xa0", " ")
    assert max(map(len, done.stdout.splitlines())) <= 80 or words[0] in ("verify", "audit")  # they print folders


def test_the_sample_explained_by_itself_is_all_zeros(home: Path) -> None:
    done = CliRunner().invoke(app, ["explain", "latest", "latest", "--json", "--home", str(home)])
    found = json.loads(done.stdout)
    assert found["mixtures"] and found["headlines"]
    assert {headline["change"] for headline in found["mixtures"] + found["headlines"]} == {0.0}
