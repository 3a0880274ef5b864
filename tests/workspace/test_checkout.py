"""The commit of the code: found in a clone, a shallow clone and a worktree, and never an error."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from forecast.workspace.checkout import find_checkout

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
IDENTITY = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    """Run git without the settings of the machine."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with two commits of a package of this project's name."""
    root = tmp_path / "project"
    (root / "forecast").mkdir(parents=True)
    (root / "forecast" / "a.py").write_text("a = 1\n")
    (root / "pyproject.toml").write_text('[project]\nname = "alliance-forecast"\n')
    (root / ".gitignore").write_text("*.pyc\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one")
    (root / "forecast" / "a.py").write_text("a = 2\n")
    git(root, "commit", "-q", "-a", "-m", "two")
    return root


def head(root: Path) -> str:
    return git(root, "rev-parse", "HEAD")


def test_a_clean_checkout_has_its_commit(checkout: Path) -> None:
    (checkout / "plan.toml").write_text("not code")
    (checkout / "forecast" / "a.pyc").write_text("ignored")
    assert find_checkout(checkout / "forecast") == {"commit": head(checkout), "dirty": False}


@pytest.mark.parametrize("change", ["edit", "add", "delete", "stage"])
def test_a_changed_package_is_dirty(checkout: Path, change: str) -> None:
    file = checkout / "forecast" / "a.py"
    if change == "delete":
        file.unlink()
    else:
        (checkout / "forecast" / "b.py" if change == "add" else file).write_text("a = 3\n")
    if change == "stage":
        git(checkout, "add", "-A")
    assert find_checkout(checkout / "forecast") == {"commit": head(checkout), "dirty": True}


def test_shallow_clones_worktrees_and_detached_heads(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", checkout.as_uri(), "shallow")
    git(checkout, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
    assert (tmp_path / "tree" / ".git").is_file()
    git(checkout, "pack-refs", "--all")
    git(checkout, "checkout", "-q", "--detach", "HEAD~1")
    for folder in ("shallow", "tree", "project"):
        found = find_checkout(tmp_path / folder / "forecast")
        assert found == {"commit": head(tmp_path / folder), "dirty": False}
    assert head(checkout) != head(tmp_path / "tree")


def test_variables_of_git_do_not_mislead(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert find_checkout(checkout / "forecast") == {"commit": head(checkout), "dirty": False}


def test_nothing_of_the_repository_is_executed_or_written(checkout: Path, tmp_path: Path) -> None:
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(hook))
    os.utime(checkout / "forecast" / "a.py")  # an index that git would refresh
    before = (checkout / ".git" / "index").read_bytes()
    assert find_checkout(checkout / "forecast")
    assert not (tmp_path / "ran").exists()
    assert (checkout / ".git" / "index").read_bytes() == before


@pytest.mark.parametrize("fault", ["no git", "no repository", "broken", "other project", "no commit", "hangs", "fails"])
def test_no_answer_is_no_error(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    if fault == "no git":
        monkeypatch.setenv("PATH", str(tmp_path))
    if fault in ("no repository", "no commit", "broken"):
        shutil.rmtree(checkout / ".git")
    if fault == "broken":
        (checkout / ".git").write_text("gitdir: /nowhere\n")
    if fault == "no commit":
        git(checkout, "init", "-q")
    if fault == "other project":
        (checkout / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    if fault in ("hangs", "fails"):  # as for a repository of somebody else, which git refuses
        monkeypatch.setattr("forecast.workspace.checkout._SECONDS", 0.2)
        (tmp_path / "git").write_text("#!/bin/sh\n" + ("exec sleep 5" if fault == "hangs" else "exit 128"))
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_checkout(checkout / "forecast") is None


def test_an_installed_package_has_no_commit(checkout: Path) -> None:
    """A virtual environment inside a checkout of another project is not that project."""
    site = checkout / ".venv" / "lib" / "site-packages" / "forecast"
    site.mkdir(parents=True)
    assert find_checkout(site) is None
