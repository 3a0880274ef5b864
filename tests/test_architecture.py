"""The architecture as a drawing: what each module may import, and where the walls stand."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FACE = "forecast"  # the package itself, as users import it
HOUSE = ROOT / "forecast"
FACE = "forecast"  # the package itself, as users import it

#: Libraries behind a wall: where alone they may be imported.
WALLS = {
    "pymc": "inference.pymc_models",
    "pytensor": "inference.pymc_models",
    "nutpie": "inference.pymc_models",
    "numba": "simulation.",
    "arviz": "inference.pymc_models inference.diagnostics inference.importance_sampling reporting.model_page",
    "matplotlib": "reporting.svg reporting.figures plots",
    "jinja2": "reporting.html_report",
    "typer": "cli.",
    "rich": "cli.",
    "pydantic": "workspace.plan",
    "netCDF4": "",
    "cronsim": "workspace.plan service.cron",
}
#: None of these is loaded by `import forecast`, nor to print help.
HEAVY = ("pymc", "pytensor", "nutpie", "numba", "arviz", "xarray", "matplotlib")

SOURCES = {
    ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix("__init__").rstrip(".") or FACE: path
    for path in sorted(HOUSE.rglob("*.py"))
}
CODE = [path for part in ("forecast", "tests", "benchmarks") for path in (ROOT / part).rglob("*.py")]


@cache
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


def test_arrows_never_run_in_a_circle() -> None:
    found = {room: arrows(room) for room in SOURCES}
    TopologicalSorter(found).prepare()  # raises on a circle


@pytest.mark.parametrize("library", WALLS)
def test_a_library_stays_behind_its_wall(library: str) -> None:
    users = {
        room for room, path in SOURCES.items() if library in {name.split(".")[0] for name in imported(tree_of(path))}
    }
    allowed = tuple(WALLS[library].split())
    assert [room for room in users if not room.startswith(allowed)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import forecast; forecast.ForecastError",
        "import forecast; [getattr(forecast, n) for n in ('Plan', 'Priors', 'load_priors')]",
        "from forecast.cli import app\ntry: app.main()\nexcept SystemExit as done: assert not done.code",
    ],
    ids=["package", "light names", "help"],
)
def test_what_is_light_loads_nothing_heavy(code: str) -> None:
    told = f"import sys; sys.argv = ['forecast', '--help']\n{code}\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert loaded & set(HEAVY) == set()


@pytest.mark.parametrize("folder", ["priors", "runs", "reports"])
def test_a_data_folder_is_no_package_and_nobody_imports_it(folder: str) -> None:
    assert list((ROOT / folder).rglob("__init__.py")) == []
    for path in CODE:
        assert not any(name.split(".")[0] == folder for name in imported(tree_of(path))), path


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_says_its_idea(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


#: Written in two parts, so that this file does not find itself.
ELSEWHERE = [
    "".join(parts)
    for parts in (
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        ("/tm", "p/"),
        ("py", "pi.org"),
        ("python", "hosted"),
        ("../", "shared"),
    )
]
KEPT = "forecast priors tests benchmarks runs/plans reports/notebooks .ci".split()


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
