"""Ten thousand damaged plans, priors, scenarios and tables are valid or refused with errors that name file and key.

A mutant is a bundled file with one to three changes of its text: characters, lines, or values after `=`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.data.read_csv import read_table
from forecast.data.table_schema import TABLES
from forecast.data.tables import load_tables
from forecast.errors import ForecastError, PriorError, all_faults
from forecast.priors.joint_conditions import joint_faults
from forecast.priors.load import read_section
from forecast.priors.registry import KNOWN
from forecast.priors.scenarios import PARTS, parse_grid
from forecast.storage.toml_files import read_toml
from forecast.workspace.plan import Plan, read_plan
from forecast.workspace.resolve import build_roster
from tests.support import fake_posteriors

pytestmark = pytest.mark.slow

PRIORS = fake_posteriors.ROOT / "priors"
PLANS = fake_posteriors.ROOT / "runs" / "plans"
SCHEDULE = (
    '\n[schedule]\ncron = "0 6 * * mon"\ntimezone = "Europe/Berlin"\ntimeout = 90.5\nmemory = 8\ndegraded = true\n'
    'on_failure = ["notify", "--urgent"]\n'
)
OPTIONS = 'onset = "2027Q1"\nprecision = 0.01\npledge_2035 = 3.5\noff = ["crises"]\nstress = { crisis = "2027Q1" }\n'
SCENARIOS: Mapping[str, Any] = {part: read_toml(PRIORS / "scenarios" / f"{part}.toml") for part in PARTS}
ROWS = 12  # of each table
WHOLE = 40  # one in so many valid tables is also compared with the bundled ones
LONGEST = 900  # characters of one fault of a TOML file, with its path
EXAMPLES = 2500

VALUES = (
    *(
        "0",
        "-1",
        "1",
        "2",
        "32",
        "1e999",
        "-inf",
        "nan",
        "1e300",
        "-1e-300",
        "0.5",
        "1.5",
        "true",
        "''",
        "'x'",
        "[]",
        "{}",
    ),
    *("9" * 25, "9" * 5000, "0x" + "f" * 300, "1" + "0" * 400, "1979-05-27", "9999-12-31", "0001-01-01", "07:32:00"),
    *("1979-05-27T07:32:00Z", "'2026Q1'", "'9999Q4'", "'2026Q1\\n'", "'USA-XXX'", "'USA'", "'Europe'", "'Normal'"),
    *("'Beta'", "'Dirichlet'", "'Constant'", "'" + "y" * 3000 + "'", '"\\u0000"', '"a\\u001bb\\nc"', "['a', 1, {}]"),
    *("[" * 700 + "]" * 700, "[" * 9 + "1" + "]" * 9, "{a = {b = {c = 1}}}", "{ USA = 1e9, FRA = true }", "[{}, {}]"),
)
CHARACTERS = (
    "",
    '"',
    "'",
    "[",
    "]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r",
    "\0",
    "\x1b",
    "é",
    "\ufeff",
    "–",
    "0",
    "9",
    "-",
    ";",
    "\t",
)
KINDS = (
    "delete",
    "insert",
    "repeat a character",
    "drop a line",
    "repeat a line",
    "swap lines",
    "value",
    "other value",
    "cut",
)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(KINDS), st.integers(0, 2**16), st.integers(0, 2**16), st.sampled_from([*CHARACTERS, *VALUES])
    ),
    min_size=1,
    max_size=3,
)


def changed(text: str, kind: str, first: int, second: int, new: str) -> str:
    """Return a text with one change; `first` and `second` choose places, `new` is text to insert."""
    at, lines = first % (len(text) + 1), text.split("\n")
    i, j = first % len(lines), second % len(lines)
    values = [*re.finditer(r"(?<= = )[^\n,}]+", text)]
    if kind in ("value", "other value") and values:
        place, other = values[first % len(values)], values[second % len(values)]
        return text[: place.start()] + (new if kind == "value" else other[0]) + text[place.end() :]
    match kind:
        case "delete":
            return text[:at] + text[at + 1 + second % 3 :]
        case "insert":
            return text[:at] + new + text[at:]
        case "repeat a character":
            return text[:at] + text[at : at + 1] * (2 + second % 40) + text[at:]
        case "drop a line":
            del lines[i]
        case "repeat a line":
            lines.insert(j, lines[i])
        case "swap lines":
            lines[i], lines[j] = lines[j], lines[i]
        case _:
            return text[:at]
    return "\n".join(lines)


def check(path: Path, read: Callable[[], Any]) -> Any:
    """Return what is read, or None after checking the error."""
    try:
        return read()
    except ForecastError as error:
        lines = str(error).splitlines()
        for line in lines[1:] if len(lines) > 1 else lines:
            line = line.removeprefix("  - ")
            assert line.startswith(str(path)), line
            assert len(line) < LONGEST, line
            assert line.isprintable(), line
            assert not re.search("Input should|should match|Value error|valid tuple|validation error", line), line
        return None


def fuzz(function: Callable[..., None]) -> Callable[..., None]:
    """Return a test that runs a function on many mutants of the texts that it is parametrised with."""
    many = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=timedelta(seconds=20),
        suppress_health_check=list(HealthCheck),
    )
    return many(function)


def mutant_in(folder: Path, name: str, text: str, changes: list[tuple[str, int, int, str]]) -> Path:
    """Write a mutant of a text and return its path."""
    for change in changes:
        text = changed(text, *change)
    path = folder / name
    path.write_bytes(text.encode())
    return path


def plans() -> Iterator[str]:
    for path in sorted(PLANS.glob("*.toml")):
        text = path.read_text(encoding="utf-8")
        yield text + SCHEDULE
        yield OPTIONS + text


@cache  # many mutants differ in comments and titles only
def resolve(path: Path, plan_text: str) -> None:
    """Resolve a valid plan, which may contradict tables and priors."""
    plan = Plan.model_validate_json(plan_text)
    check(path, lambda: build_roster(fake_posteriors.tables(), plan, fake_posteriors.priors(), str(path)))


@pytest.mark.case("F1", "M17", "B19")
@fuzz
@given(text=st.sampled_from([*plans()]), changes=CHANGES)
def test_plans(tmp_path_factory: pytest.TempPathFactory, text: str, changes: list[tuple[str, int, int, str]]) -> None:
    path = mutant_in(tmp_path_factory.getbasetemp(), "mutant.toml", text, changes)
    plan = check(path, lambda: read_plan(path))
    if plan is not None:
        resolve(path, plan.model_copy(update={"title": "Any"}).model_dump_json())


@pytest.mark.case("F1", "H6")
@fuzz
@given(file=st.sampled_from([*KNOWN]), changes=CHANGES)
def test_priors(tmp_path_factory: pytest.TempPathFactory, file: str, changes: list[tuple[str, int, int, str]]) -> None:
    text = (PRIORS / f"{file}.toml").read_text(encoding="utf-8")
    path = mutant_in(tmp_path_factory.getbasetemp(), f"{file}.toml", text, changes)

    def read() -> Any:
        priors, _, faults = read_section(path)
        faults = faults or joint_faults(priors, path.parent)
        if faults:
            raise all_faults(PriorError, faults)
        return priors

    for prior in (check(path, read) or {}).values():
        assert np.isfinite(prior.sample(np.random.default_rng(1), 4)).all()


@pytest.mark.case("F1", "F3", "M17")
@fuzz
@given(part=st.sampled_from(PARTS), changes=CHANGES)
def test_scenarios(
    tmp_path_factory: pytest.TempPathFactory, part: str, changes: list[tuple[str, int, int, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = (PRIORS / "scenarios" / f"{part}.toml").read_text(encoding="utf-8")
    path = mutant_in(folder, f"{part}.toml", text, changes)

    def read() -> Any:
        grid, faults = parse_grid(folder, {**SCENARIOS, part: read_toml(path)})
        if faults:
            raise all_faults(PriorError, faults)
        return grid

    grid = check(path, read)
    for war in grid.wars.values() if grid else ():
        assert all(-1.0 <= sign <= 1.0 for sign in war.signs.values())


@pytest.mark.case("F1")
@fuzz
@given(name=st.sampled_from([*TABLES]), changes=CHANGES)
def test_tables(tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[str, int, int, str]]) -> None:
    content = (files("forecast.data") / "tables" / f"{name}.csv").read_text(encoding="utf-8")
    text = "\n".join(content.splitlines()[: 1 + ROWS]) + "\n"
    for change in changes:
        text = changed(text, *change)
    folder = tmp_path_factory.getbasetemp() / name
    path, faults = folder / f"{name}.csv", list[str]()
    read_table(str(path), text.encode(), TABLES[name], faults)
    if faults:

        def refuse() -> None:
            raise all_faults(PriorError, faults)

        check(path, refuse)
    elif len(text) % WHOLE == 0:  # against the bundled rows, which takes longer
        folder.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
        check(folder, lambda: load_tables(folder))
