"""Pages keep their word: made ones are current, links lead somewhere, named functions exist, code blocks run."""

import ast
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path
from unittest import mock

import pytest
import typer.main
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.storage.runs import Run
from tests.support.markdown_code import NOTEBOOKS, PAGES, ROOT, blocks, execute, play
from tests.tools.generate_reference import pages

VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
CHEAP = ("check", "list", "show", "report", "init")
#: Written by `forecast score` and `forecast run`; not there in a fresh clone.
LATER = {"docs/scores.md", "runs/ledger.jsonl"}
names_of = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.mark.parametrize("name", pages())
def test_a_made_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == pages()[name], "python -m tests.tools.generate_reference"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@names_of
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), target


@names_of
def test_every_file_and_function_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for path in re.findall(r"`((?:forecast|docs|tests|runs|priors|reports)/[\w/.-]+\.\w+)`", text):
        assert path in LATER or (ROOT / path).exists(), path
    for path, name in re.findall(r"`(forecast/[\w/]+\.py)` `(\w+)`", text):
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in defined, f"{path} {name}"


def test_the_model_page_names_functions() -> None:
    assert len(re.findall(r"\.py` `\w+`", (ROOT / "docs" / "model.md").read_text("utf-8"))) > 30


def test_every_page_is_in_the_site() -> None:
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    listed = {
        page
        for part in site["nav"]
        for value in part.values()
        for page in ([value] if isinstance(value, str) else value)
    }
    assert listed == {page.name for page in PAGES if page.parent.name == "docs"}


@pytest.fixture
def home(made_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace, as the folder one is in."""
    folder = tmp_path / "home"
    shutil.copytree(made_run.path.parents[1], folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FORECAST_HOME", str(folder))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_of_a_page_runs(page: Path, home: Path) -> None:
    names: dict[str, object] = {}
    for code in blocks(page, "python"):
        execute(code, page.name, names)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_of_a_notebook_runs(notebook: Path, home: Path) -> None:
    shown = play(notebook)
    assert len(shown) > 3
    assert any(value is not None for value in shown)


@names_of
def test_toml_of_a_page_is_toml(page: Path) -> None:
    for code in blocks(page, "toml"):
        tomllib.loads(code)


def commands(page: Path) -> list[str]:
    lines = [line for code in blocks(page, "") for line in code.splitlines()]
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


def check_command(line: str) -> None:
    """A line of a page is something that can be typed: a verb with options it has, a target there is."""
    if found := re.search(r"(?:^|bin/)forecast (\w+)(.*)", line):
        with mock.patch("forecast.cli.options.require_workspace"):  # the folders of a page are examples
            VERBS[found[1]].make_context(found[1], shlex.split(found[2]))
    elif line.startswith("make "):
        target = line.split()[1]
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), flags=re.M), line
    elif line.startswith("python -m "):
        assert (ROOT / (line.split()[2].replace(".", "/") + ".py")).is_file(), line
    else:
        assert line.split()[0] in ("mkdir", "cp"), f"{line}: not a command; name the block's kind"


@names_of
def test_commands_of_a_page_can_be_typed(page: Path) -> None:
    for line in commands(page):
        check_command(line)


def test_a_command_that_is_none_is_found() -> None:
    for line in ("forecast shaw latest", "forecast show --jsn", "make tea", "priors/  beliefs"):
        with pytest.raises((KeyError, AssertionError, typer.BadParameter.__base__)):  # type: ignore[arg-type]
            check_command(line)


@pytest.mark.slow
def test_cheap_commands_of_all_pages_are_run(home: Path, tmp_path: Path) -> None:
    lines = dict.fromkeys(line for page in PAGES for line in commands(page))
    typed = [shlex.split(line)[1:] for line in lines if re.match("forecast ", line)]
    here = [words[: words.index("--home")] if "--home" in words else words for words in typed]
    cheap = {" ".join(words): words for words in here if words and words[0] in CHEAP}
    assert {words[0] for words in cheap.values()} == set(CHEAP)
    for words in cheap.values():
        if words[0] == "init":
            shutil.rmtree(tmp_path / "new", ignore_errors=True)
            words = ["init", str(tmp_path / "new")]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)


def test_the_site_builds(tmp_path: Path) -> None:
    builder = shutil.which("zensical")
    if builder is None:
        pytest.skip("zensical is not installed; `make docs` installs it")
    for part in ("docs", "zensical.toml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    built = subprocess.run([builder, "build", "--strict"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert {p.stem for p in (tmp_path / "site").glob("*.html")} >= {p.stem for p in PAGES[1:]}
