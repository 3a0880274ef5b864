"""PyTensor has the settings of this program, not those of the user's files and variables."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.inference.pymc_models import SETTINGS

ROOT = Path(__file__).parents[3]
RC = "[global]\nfloatX = float32\noptimizer = fast_compile\n[gcc]\ncxxflags = -ffast-math\n[numba]\nfastmath = True\n"
SHOW = """
import os
before = dict(os.environ)
import forecast.inference.pymc_models
assert dict(os.environ) == before
from pytensor.configdefaults import config
print({name: getattr(config, name) for name in forecast.inference.pymc_models.SETTINGS})
print(config.base_compiledir)
"""


def python(program: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.case("B31")
def test_files_and_variables_of_the_user_have_no_effect(tmp_path: Path) -> None:
    (tmp_path / ".pytensorrc").write_text(RC)
    (tmp_path / "cache").mkdir()
    variables = {
        "PYTENSORRC": str(tmp_path / ".pytensorrc"),
        "PYTENSOR_FLAGS": "floatX=float32,optimizer_excluding=fusion,base_compiledir=elsewhere",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    done = python(SHOW, tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    settings, folder = done.stdout.splitlines()
    assert settings == str(SETTINGS)
    assert folder == str(tmp_path / "cache" / "alliance-forecast" / "pytensor")


@pytest.mark.case("B31")
def test_another_setting_made_before_is_refused(tmp_path: Path) -> None:
    program = "import pytensor\nimport forecast.inference.pymc_models"
    done = python(program, tmp_path, PYTENSOR_FLAGS="floatX=float32", PYTENSORRC=os.devnull)
    assert done.stderr.splitlines()[-1].startswith(
        "forecast.errors.ForecastError: PyTensor was imported with floatX = 'float32', expected 'float64'"
    )


@pytest.mark.case("B31")
def test_fast_math_is_off_if_pytensor_was_imported_before(tmp_path: Path) -> None:
    done = python("import pymc\n" + SHOW, tmp_path, PYTENSORRC=os.devnull)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(SETTINGS)
