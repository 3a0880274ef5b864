"""The architecture as a drawing: what each module may import, and where the walls stand."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from forecast import inputs

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "forecast"
FACE = "forecast"  # the package itself, as users import it
LONGEST_FILE, LONGEST_FUNCTION = 300, 40  # lines; of a function its body without the docstring

#: The drawing: every module with every module of the house that it imports, at the top or inside a function.
ARROWS = {
    "dyad_names": "",
    "core.dyad_state": "",
    "core.mission_state": "",
    "foresight": "",
    "claims_w": "claim claims_j core.state lab names rates",
    "claims_m": "claim claims_coding claims_dyads coding core.mission_rules lab names",
    "claims_k": "checks claim core.state core.tally lab names priors scale scenarios",
    "polls": "",
    "baselines": "",
    "names": "dyad_names",
    "schema": "dyad_names names",
    "core.alliance_state": "names",
    "cohesion": "names",
    "errors": "",
    "claim": "",
    "scoring": "",
    "table_schema": "",
    "progress": "",
    "core": "",
    "core.compile": "",
    "core.dyad_rules": "core.compile",
    "core.alliance_rules": "core.compile",
    "core.state": "core.alliance_state core.mission_state names",
    "core.buffers": "core.alliance_state core.dyad_state core.mission_state core.state",
    "core.dynamics": "core.compile",
    "core.dyad_steps": "core.compile core.dyad_rules core.dynamics",
    "core.alliance_steps": "core.alliance_rules core.alliance_state core.compile core.dynamics core.member_steps "
    "names",
    "core.philox": "core.compile",
    "core.alliance_luck": "core.alliance_rules core.alliance_state core.compile core.philox",
    "core.mission_rules": "core.compile",
    "core.arrivals": "core.compile core.dynamics core.mission_rules core.philox core.state",
    "core.member_steps": "core.alliance_rules core.alliance_state core.compile core.dynamics core.mission_rules ",
    "core.mission_luck": "core.compile core.dynamics core.mission_rules core.philox core.state",
    "core.luck": "core.alliance_luck core.arrivals core.compile core.dynamics core.mission_luck "
    "core.mission_rules core.philox core.state",
    "core.dyad_luck": "core.compile core.dyad_rules core.dynamics core.luck core.philox",
    "core.mission_steps": "core.compile core.dynamics core.mission_rules core.state",
    "core.tally": "core.compile core.dynamics core.mission_rules names",
    "core.dyad_tally": "core.compile core.tally",
    "core.kernel": "core.alliance_rules core.alliance_state core.alliance_steps core.arrivals core.compile "
    "core.dyad_luck core.dyad_steps core.dyad_tally core.dynamics core.luck "
    "core.mission_steps core.tally",
    "belief": "errors",
    "plan": "errors names",
    "table_file": "table_schema",
    "scenarios": "belief names",
    "data": "errors table_file table_schema",
    "indicators": "data errors names polls scenarios",
    "roster": "plan",
    "posterior": "belief names",
    "priors": "belief errors names scenarios",
    "believed": "belief priors roster",
    "parameters_alliance": "belief priors roster scenarios",
    "layout_alliance": "data names priors roster",
    "parameters_missions": "core.state priors roster",
    "layout_missions": "core.mission_state core.state data priors roster",
    "backtest_exit": "backtests data plan priors progress rates scoring",
    "rates": "belief data priors roster",
    "runs": "errors names plan priors",
    "scored": "errors names runs",
    "backtests": "names progress runs",
    "score_pages": "backtests",
    "comparison": "backtests scoring",
    "troops": "data priors",
    "profiles": "data names",
    "coding": "data priors",
    "covariates": "core.state data tenure",
    "casualties": "data priors troops",
    "spells": "casualties coding core.state covariates data errors priors tenure troops",
    "cells": "spells",
    "fates": "spells",
    "reductions": "coding covariates data fates priors roster troops",
    "tenure": "data errors",
    "turnover": "plan tenure",
    "panel": "data errors priors",
    "dyads": "core.dyad_state core.state data panel plan priors roster",
    "spenders": "believed core.state dyads panel posterior priors roster",
    "spending_paths": "core.state panel priors",
    "survival": "errors spells",
    "baselines_exits": "spells survival turnover",
    "models": "",
    "models.variables": "belief",
    "models.cohesion": "indicators models.variables priors",
    "models.spending": "core.state models.variables panel priors",
    "models.leadership": "models.variables priors",
    "models.withdrawal": "cells models.variables priors",
    "backtest_spells": "backtests baselines_exits cells models.withdrawal posterior priors progress ",
    "models.fit": "data errors indicators models models.cohesion models.leadership models.spending "
    "models.withdrawal names panel plan posterior priors spells tenure",
    "backtest_spending": "backtests baselines data models.fit models.spending panel plan posterior priors progress "
    "scoring spending_paths",
    "backtest_missions": "backtest_spells backtests baselines_exits cells covariates data foresight models.fit "
    "names plan priors progress scoring spells survival",
    "backtest_leadership": "backtests baselines_exits data models.fit models.leadership names plan posterior priors "
    "progress scoring tenure turnover",
    "layout": "core.state data dyads errors layout_alliance layout_missions names panel plan priors "
    "roster spells tenure",
    "parameters": "believed cohesion core.state dyads names parameters_alliance parameters_missions "
    "posterior priors roster spenders",
    "scale": "core.buffers core.kernel core.state core.tally",
    "projection": "core.dyad_state core.tally errors names panel roster schema",
    "inputs": "data layout plan priors roster runs",
    "checks": "believed core.state core.tally names parameters plan priors roster scale survival",
    "judgement": "core.tally",
    "sensitivity": "believed core.state core.tally names parameters plan posterior priors roster scale ",
    "headlines": "names roster runs",
    "fits": "inputs models.fit names progress reductions runs spells",
    "backtest_cohesion": "backtests cohesion data indicators models.fit names plan posterior priors progress ",
    "scores": "backtest_cohesion backtest_exit backtest_leadership backtest_missions backtest_spending "
    "backtests comparison data fits inputs names plan priors progress runs score_pages scored",
    "ranks": "",
    "small": "belief priors",
    "small_spending": "belief core.state models.spending panel priors small",
    "small_cohesion": "indicators names priors small",
    "small_leadership": "models.leadership priors small tenure",
    "small_withdrawal": "cells fates priors small spells",
    "prior_gates": "core.state names panel priors tenure",
    "certificates": "inputs names priors runs",
    "calibration": "certificates errors models.fit names plan prior_gates priors progress ranks roster runs "
    "small small_cohesion small_leadership small_spending small_withdrawal",
    "earlier": "names",
    "pipeline": "certificates checks cohesion core.buffers core.state data errors fits headlines "
    "indicators inputs judgement layout names panel parameters posterior progress projection "
    "rates runs scale scored sensitivity spells survival tenure",
    "lab": "core.state core.tally inputs layout names panel parameters rates roster scale",
    "claims_dyads": "believed claim core.dyad_state core.state lab panel spenders",
    "claims_coding": "claim coding lab spells",
    "claims_l": "claim claims_dyads cohesion indicators lab names",
    "claims_j": "claim cohesion indicators lab names",
    "variants": "backtests coding fits inputs lab models.fit names progress runs scored sensitivity "
    "spells",
    "requirements": "claim claims_j claims_k claims_l claims_m claims_w claims_zero lab",
    "claims_zero": "claim lab names",
    "canvas": "names",
    "figures": "canvas names panel",
    "tell": "figures names",
    "tell_dyads": "names tell",
    "reports": "belief certificates errors figures headlines names runs score_pages scored tell "
    "tell_dyads",
    "workspace": "errors",
    "audit": "data errors layout priors runs",
    "cli": "audit calibration certificates earlier errors fits headlines inputs lab names pipeline "
    "progress reports requirements runs score_pages scored scores variants workspace",
    FACE: "data errors plan priors runs",
    "__main__": "cli",
}

#: Libraries behind a wall: where alone they may be imported.
WALLS = {
    "pymc": "models.",
    "pytensor": "models.",
    "nutpie": "models.",
    "numba": "core.",
    "arviz": "models. posterior",
    "matplotlib": "canvas figures",
    "jinja2": "reports",
    "typer": "cli",
    "rich": "progress cli",
    "pydantic": "plan",
    "h5netcdf": "",
}
#: None of these is loaded by `import forecast`, nor to print help.
HEAVY = ("pymc", "pytensor", "nutpie", "numba", "arviz", "xarray", "matplotlib")

SOURCES = {
    ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix("__init__").rstrip(".") or FACE: path
    for path in sorted(HOUSE.rglob("*.py"))
}  # fmt: skip
CODE = [
    path for part in ("forecast", "tests", "benchmarks") for path in (ROOT / part).rglob("*.py")
]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> set[str]:
    """Full names of all that is imported anywhere in `tree`; `from a import b` gives a.b."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name the whole path"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(name: str) -> str:
    """The module of the house that `forecast.a.b` names, be b a module or something in one."""
    parts = name.split(".")[1:]
    inside = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((room for room in inside if room in SOURCES), FACE)


def arrows(room: str) -> set[str]:
    names = {name for name in imported(tree_of(SOURCES[room])) if name.split(".")[0] == "forecast"}
    return {room_of(name) for name in names} - {room}


@pytest.mark.parametrize("room", SOURCES)
def test_a_module_imports_what_the_drawing_shows(room: str) -> None:
    assert room in ARROWS, f"{room} is not in the drawing: put it there, with its arrows"
    assert arrows(room) == set(ARROWS[room].split())


def test_the_drawing_shows_no_module_that_is_gone() -> None:
    assert set(ARROWS) == set(SOURCES)


def test_arrows_never_run_in_a_circle() -> None:
    found = {room: arrows(room) for room in SOURCES}
    TopologicalSorter(found).prepare()  # raises on a circle


def test_the_digest_of_the_code_covers_what_computes_and_nothing_else() -> None:
    computes, ahead = set[str](), ["pipeline"]
    while ahead:
        computes.add(room := ahead.pop())
        ahead += sorted(arrows(room) - computes)
    tellers = {name.removesuffix(".py") for name in inputs._TELLERS}
    assert tellers == set(SOURCES) - computes - {FACE, "core"} | {"progress"}


@pytest.mark.parametrize("library", WALLS)
def test_a_library_stays_behind_its_wall(library: str) -> None:
    users = {
        room
        for room, path in SOURCES.items()
        if library in {name.split(".")[0] for name in imported(tree_of(path))}
    }
    allowed = tuple(WALLS[library].split())
    assert [room for room in users if not room.startswith(allowed)] == []


def test_arviz_is_imported_only_where_it_is_used() -> None:
    top = [
        node for node in tree_of(SOURCES["posterior"]).body if not isinstance(node, ast.FunctionDef)
    ]
    assert not any(name.startswith("arviz") for node in top for name in imported(node))


@pytest.mark.parametrize(
    "code",
    [
        "import forecast; forecast.ForecastError",
        "import forecast; [getattr(forecast, n) for n in ('Plan', 'Beliefs', 'load_beliefs')]",
        "from forecast import cli\ntry: cli.main()\nexcept SystemExit as done: assert not done.code",
    ],
    ids=["package", "light names", "help"],
)
def test_what_is_light_loads_nothing_heavy(code: str) -> None:
    told = f"import sys; sys.argv = ['forecast', '--help']\n{code}\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert loaded & set(HEAVY) == set()


@pytest.mark.parametrize("folder", ["priors", "runs", "reports"])
def test_a_data_folder_is_no_package_and_nobody_imports_it(folder: str) -> None:
    assert list((ROOT / folder).rglob("__init__.py")) == []
    for path in CODE:
        assert not any(name.split(".")[0] == folder for name in imported(tree_of(path))), path


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_its_idea_and_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < LONGEST_FILE
    assert ast.get_docstring(tree_of(path))


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the end."""
    first = function.body[0]
    begin = first.end_lineno + 1 if ast.get_docstring(function) is not None else first.lineno
    return (function.end_lineno or 0) - begin + 1


@pytest.mark.parametrize("room", SOURCES)
def test_a_function_is_short(room: str) -> None:
    functions = [
        node
        for node in ast.walk(tree_of(SOURCES[room]))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [f.name for f in functions if body_length(f) >= LONGEST_FUNCTION] == []


#: Written in two parts, so that this file does not find itself.
ELSEWHERE = ["".join(parts) for parts in (
    ("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/tm", "p/"), ("py", "pi.org"),
    ("python", "hosted"), ("../", "shared"),
)]  # fmt: skip
KEPT = (
    "forecast",
    "priors",
    "tests",
    "benchmarks",
    "runs/plans",
    "runs/baseline",
    "reports/notebooks",
    ".ci",
)


def committed() -> list[Path]:
    """All files that git keeps, but for what is not text."""
    found = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".cov")]
    found += [ROOT / "runs" / "README.md", ROOT / "reports" / "README.md"]
    for part in KEPT:
        found += [path for path in (ROOT / part).rglob("*") if path.is_file()]
    return [path for path in found if path.suffix not in (".pyc", ".nc", ".png", ".npz")]


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_no_file_speaks_of_a_machine_or_of_where_packages_come_from(pattern: str) -> None:
    found = committed()
    assert len(found) > 100
    speaking = [str(p.relative_to(ROOT)) for p in found if pattern in p.read_text(encoding="utf-8")]
    assert speaking == []
