"""The scheduler as a command: signals as systemd, a shell and a container send them, and faults that stop no plan."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forecast.service.slots import read_slots, running_slot
from forecast.workspace.init import create_workspace

PATIENCE = 120.0  # seconds until a test gives up waiting; not a measure of speed
PLAN = 'title = "t"\nas_of = 2025-12-31\nseed = 1\nmissions = ["kfor"]\n'
#: Stands for `forecast run`: says that it is up, then waits to be interrupted, and leaves its number.
RUN = """#!{python}
import os, signal, subprocess, sys, time
if "forecast" not in sys.argv:  # the launcher
    os.execv("{python}", ["{python}", *sys.argv[1:]])
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, "up", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    sys.exit(130)
"""
DRIVER = """
import sys
from forecast.cli.app import main
sys.executable, sys.argv = sys.argv[1], sys.argv[1:]
main()
"""
UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def may_unshare() -> bool:
    """Return whether this user may make process namespaces, as containers have."""
    return bool(shutil.which("unshare")) and subprocess.run([*UNSHARE, "true"], check=False).returncode == 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace in a folder with a blank in its name, with a plan that is due each minute."""
    folder = tmp_path / "my work"
    create_workspace(folder)
    (folder / "runs" / "plans" / "minutely.toml").write_text(PLAN + '[schedule]\ncron = "* * * * *"\n')
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "fake-python"
    path.write_text(RUN.format(python=sys.executable))
    path.chmod(0o755)
    return path
