"""The layout holds: the import contract, its walls, few names at the top, and nothing that speaks of one machine."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fake_posteriors import ROOT

PACKAGE = ROOT / "forecast"
MOST_PACKAGES, MOST_FILES, MEDIAN_LINES = 15, 10, 150
#: None of these is loaded by `import forecast`, nor to print help.
HEAVY = ("pymc", "pytensor", "nutpie", "numba", "arviz", "xarray", "matplotlib")
CODE = [path for part in ("forecast", "tests", "benchmarks") for path in (ROOT / part).rglob("*.py")]


def imported(path: Path) -> set[str]:
    """Top-level names of all that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: an import names the whole path"
            names.add(str(node.module).split(".")[0])
    return names


def test_the_import_contract_is_kept() -> None:
    """Layers, circles and walls round heavy libraries, as `pyproject.toml` states them."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_the_top_of_the_package_is_small() -> None:
    packages = [path.parent for path in PACKAGE.glob("*/__init__.py")]
    assert len(packages) <= MOST_PACKAGES
    assert len(list(PACKAGE.glob("*.py"))) <= MOST_FILES
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")]
    assert statistics.median(lengths) < MEDIAN_LINES


@pytest.mark.parametrize(
    "code",
    [
        "import forecast; forecast.ForecastError",
        "import forecast; [getattr(forecast, n) for n in ('Plan', 'Priors', 'load_priors')]",
        "from forecast.cli import app\ntry: app.main()\nexcept SystemExit as done: assert not done.code",
        "import forecast.reporting.run_list, forecast.storage.runs as runs; runs.list_runs('.')",
        "import forecast.reporting.terminal, forecast.evaluation.calibration.certificates",
    ],
    ids=["package", "light names", "help", "list", "show"],
)
def test_what_is_light_loads_nothing_heavy(code: str) -> None:
    program = f"import sys; sys.argv = ['forecast', '--help']\n{code}\nprint(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(ast.literal_eval(done.stderr.splitlines()[-1]))
    assert loaded & set(HEAVY) == set()


PROJECT = """
import sys
from tests.support.random_kernel_inputs import spec, tiny_draws, tiny_layout
from forecast.pipeline import run
from forecast.progress import silent
from forecast.projection.execution import Executor, simulate_paths
layout = tiny_layout()
tally, _ = simulate_paths(spec(layout, tiny_draws(layout)), 8, Executor(2), silent)
assert tally.verdict[:, -1].sum() == 8 * layout.cells.size
print(sorted(sys.modules))
"""


def loaded_by(code: str) -> set[str]:
    """Return the modules that a program has loaded at its end, which it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(ast.literal_eval(done.stdout))


def test_the_process_that_projects_loads_no_sampler_and_no_pictures() -> None:
    """Models are fitted in processes of their own (`forecast.inference.own_process`)."""
    loaded = loaded_by(PROJECT)
    assert "forecast.pipeline.run" in loaded
    assert loaded & {"pymc", "pytensor", "nutpie", "arviz", "arviz_stats", "matplotlib", "scipy.stats"} == set()


def test_a_report_loads_no_sampler_or_plots() -> None:
    code = "from forecast.reporting import html_report, model_page as m\nimport numpy, sys\n"
    code += "assert m._diagnostics(numpy.random.default_rng(0).normal(size=(4, 99)))['rhat'] < 1.1\n"
    loaded = loaded_by(f"{code}print(sorted(sys.modules))")
    assert "arviz_stats" in loaded
    assert loaded & {"pymc", "pytensor", "nutpie", "arviz", "arviz_plots", "matplotlib"} == set()


@pytest.mark.parametrize("folder", ["priors", "runs", "reports"])
def test_a_data_folder_is_no_package_and_nobody_imports_it(folder: str) -> None:
    assert list((ROOT / folder).rglob("__init__.py")) == []
    assert [path for path in CODE if folder in imported(path)] == []


def test_every_file_states_its_idea() -> None:
    assert len(CODE) > 200
    silent = [path for path in CODE if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


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
KEPT = "forecast priors tests benchmarks runs/plans runs/certificates runs/scores runs/variants reports/notebooks .ci"


def committed() -> list[Path]:
    """All files that git keeps, but for what is not text."""
    files = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".cov")]
    files += [ROOT / "runs" / "README.md", ROOT / "reports" / "README.md", *(ROOT / "docs").glob("*.md")]
    for part in KEPT.split():
        files += [path for path in (ROOT / part).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix not in (".pyc", ".nc", ".png", ".npz", ".gz")]


def test_no_file_speaks_of_a_machine_or_of_where_packages_come_from() -> None:
    files = committed()
    assert len(files) > 300
    speaking = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        speaking += [f"{path.relative_to(ROOT)}: {pattern}" for pattern in ELSEWHERE if pattern in text]
    assert speaking == []
