"""Surroundings change no number and no page: variables, files, locale, home, and options of libraries in a notebook."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast.reporting.html_report import write_report
from tests.support.tiny_run_folder import make_run

ROOT = Path(__file__).parents[2]
PATIENCE = 1800  # seconds until a process is given up; never a measure of speed
#: Settings of the user's files, by name.
FILES = {
    "matplotlibrc": "text.usetex: True\nfont.size: 30\nsavefig.bbox: tight\n",
    "arvizrc": "stats.module: numba\ndata.index_origin: 1\ndata.sample_dims: draw\n",
    ".numba_config.yaml": "opt: 0\nboundscheck: 1\n",
    ".pytensorrc": "[global]\nfloatX = float32\n",
}
#: A user number without an entry in the list of users.
NOBODY = "import pwd\npwd.getpwuid = lambda number: {}[number]\n"


def child(
    program: str, folder: Path, *flags: str, home: bool = True, arvizrc: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder`, which holds the user's files, with some variables of the environment."""
    for name, text in (FILES | ({"arvizrc": arvizrc} if arvizrc else {})).items():
        (folder / name).write_text(text)
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
    environment |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache_home(), "HOME": str(folder), **variables}
    if not home:
        del environment["HOME"]
        program = NOBODY + program
    return subprocess.run(
        [sys.executable, *flags, "-c", program],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def cache_home() -> str:
    return os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")


COMMAND = "import sys\nsys.argv = ['forecast', *{}]\nfrom forecast.cli.app import main\nmain()\n"
EVERYTHING = {
    "MPLBACKEND": "nonsense",
    "NUMBA_DISABLE_JIT": "1",
    "NUMBA_DUMP_IR": "1",
    "PANDAS_FUTURE": "nonsense",
    "PYTHONHASHSEED": "4242",
    "PYTHONIOENCODING": "ascii",
    "PYTHONWARNINGS": "error",
    "LC_ALL": "tr_TR.UTF-8",
    "TZ": "Pacific/Kiritimati",
}


@pytest.mark.slow
@pytest.mark.case("B03", "B06")
@pytest.mark.parametrize("home", [True, False], ids=["hostile", "without home and user"])
def test_a_page_is_the_same_bytes_in_any_surroundings(tmp_path: Path, home: bool) -> None:
    workspace = tmp_path / "workspace"
    run = make_run(workspace, wars=("win",), designs=("none",), missions=("kfor",), quarters=8)
    expected = write_report(run, workspace).read_bytes()
    (workspace / "reports" / run.id / "index.html").unlink()
    done = child(COMMAND.format(["report", run.id, "--home", str(workspace)]), tmp_path, home=home, **EVERYTHING)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (workspace / "reports" / run.id / "index.html").read_bytes() == expected


def test_python_without_docstrings_is_refused_in_one_line(tmp_path: Path) -> None:
    done = child(COMMAND.format(["list"]), tmp_path, "-OO")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("forecast: Python runs with optimisation level 2, expected 0 or 1")
    assert done.stderr.count("\n") == 1


def test_an_arvizrc_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    program = "from forecast.inference.arviz_functions import arviz\nwith arviz():\n    pass"
    done = child(program, tmp_path, arvizrc="data.index_origin: nonsense\n")
    assert "ForecastError: ArviZ cannot be loaded (Bad val nonsense" in done.stderr
    assert f'in file "{tmp_path}/arvizrc"' in done.stderr.splitlines()[-1]


PIPELINE = """
import hashlib, json, sys
from pathlib import Path
{before}
from tests.support.pipeline_run import PLAN, SIZE, SMALLER, invented_fits_of, quiet
from forecast.pipeline import run as pipeline
from forecast.reporting.html_report import write_report
from forecast.workspace.init import create_workspace
home = Path("workspace")
create_workspace(home)
(home / "runs" / "plans" / "small.toml").write_text(PLAN.replace(SIZE, SMALLER))
pipeline.fits_of = invented_fits_of
run = pipeline.run(home, "small", quiet, threads=1)
page = write_report(run, home)
files = [*run.path.rglob("*.nc"), *run.path.glob("*.json"), *page.parent.glob("*.html")]
times = ("finished", "time: ", "threads")
def digest(path):
    lines = path.read_bytes().split(b"\\n")
    kept = [line for line in lines if path.suffix == ".nc" or not any(word.encode() in line for word in times)]
    return hashlib.sha256(b"\\n".join(kept)).hexdigest()
print("\\n" + json.dumps({{path.name: digest(path) for path in files if path.name != "manifest.json"}}))
"""
SETTLE = "from forecast.cli.environment import settle; settle()"
OPTIONS = """
import matplotlib, numpy as np, pandas as pd, xarray as xr
matplotlib.rcParams.update({"font.size": 30, "figure.dpi": 200, "savefig.bbox": "tight", "axes.facecolor": "black"})
np.set_printoptions(precision=2, legacy="1.13")
np.seterr(all="raise")
pd.set_option("mode.string_storage", "python")
pd.set_option("display.precision", 2)
xr.set_options(keep_attrs=False, arithmetic_join="outer", use_new_combine_kwarg_defaults=True)
"""


def digests(folder: Path, before: str, **variables: str) -> dict[str, Any]:
    """The sha256 of each file of a small run, and of its pages without their times."""
    done = child(PIPELINE.format(before=before), folder, **variables)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert {"projection.nc", "headlines.json", "index.html", "withdrawal.html"} <= set(found)
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return digests(tmp_path_factory.mktemp("plain"), "")


@pytest.mark.slow
@pytest.mark.case("B06", "B31")
@pytest.mark.parametrize(
    ("before", "variables"),
    [
        (OPTIONS, {}),
        (SETTLE, EVERYTHING),
        (
            SETTLE,
            {
                "LC_ALL": "de_DE.ISO-8859-1",
                "LANG": "C",
                "PYTHONUTF8": "0",
                "TZ": "America/St_Johns",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "7",
                "MKL_NUM_THREADS": "1",
                "NUMBA_NUM_THREADS": "1",
                "PANDAS_FUTURE": "legacy",
                "PANDAS_COPY_ON_WRITE": "0",
                "PYTHONHASHSEED": "0",
                "PYTHONOPTIMIZE": "1",
                "PYTENSOR_FLAGS": "floatX=float32,optimizer=fast_compile",
            },
        ),
        pytest.param(
            "",
            {"NUMBA_OPT": "0", "NUMBA_LOOP_VECTORIZE": "0", "NUMBA_SLP_VECTORIZE": "1", "NUMBA_BOUNDSCHECK": "1"},
            marks=pytest.mark.long,
        ),
        pytest.param("", {"NUMBA_CPU_NAME": "generic"}, marks=pytest.mark.long),
    ],
    ids=["options", "everything", "locale, threads and libraries", "numba", "cpu name"],
)
def test_a_run_is_the_same_bytes_in_any_surroundings(
    plain: dict[str, Any], tmp_path: Path, before: str, variables: dict[str, str]
) -> None:
    cache = {} if "NUMBA_OPT" not in variables else {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert digests(tmp_path, before, **variables, **cache) == plain
