"""The files for a service parse, agree with each other, and call commands and options that exist."""

import configparser
import re
import shlex
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from forecast.cli.app import app
from forecast.storage.ledger import read_ledger
from forecast.storage.runs import Run, open_run
from tests.support.tiny_run_folder import make_run

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def pod() -> dict[str, Any]:
    parts = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    spec: dict[str, Any] = next(x for x in parts if x["kind"] == "Deployment")["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    return next(c for c in [*pod()["containers"], *pod()["initContainers"]] if c["name"] == name)


def compose() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["forecast"]
    return service


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "forecast.service")
    return parser


def commands() -> Iterator[list[str]]:
    """Yield every call of `forecast` in the page and in the files, without the program."""
    for line in re.findall(r"^```(?:sh)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        for words in map(shlex.split, line.splitlines()):
            if words[0] == "forecast":
                yield words[1:]
            elif words[:2] == ["docker", "compose"] and "forecast" in words:
                at = words.index("forecast") + 1
                yield words[at + (words[at] == "forecast") :]
    yield from map(shlex.split, re.findall(r"`forecast ([^`]*)`", PAGE))
    yield compose()["command"]
    yield shlex.split(unit()["Service"]["ExecStart"])[1:]
    yield container("forecast")["command"][1:]
    yield container("warmup")["command"][1:]
    for line in re.findall(r"^(?:CMD|HEALTHCHECK .* CMD) (\[.*\])", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        words = yaml.safe_load(line)
        yield words[1:] if words[0] == "forecast" else words


def test_every_command_and_option_exists() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    calls = list(commands())
    assert len(calls) > 12
    for name, *words in calls:
        assert name in known, name
        options = {option for parameter in known[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, (name, words)


def test_dockerfile_copies_what_is_there_and_ends_as_a_user() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        assert all((ROOT / source).exists() for source in line.split()[:-1]), line
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["forecast"]
    assert {words.split()[0] for words in re.sub(r"\\\n", " ", text).splitlines() if words and words[0] != "#"} <= {
        "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"
    }  # fmt: skip


def test_files_agree() -> None:
    """A stop waits longer than a run takes to stop, and one folder holds the workspace in every file."""
    from forecast.service.worker import _GRACE

    waits = [
        float(unit()["Service"]["TimeoutStopSec"]),
        float(compose()["stop_grace_period"].removesuffix("s")),
        float(pod()["terminationGracePeriodSeconds"]),
    ]
    assert min(waits) > _GRACE + 2
    mounts = {mount["mountPath"] for mount in container("forecast")["volumeMounts"]}
    assert mounts == {volume.split(":")[1] for volume in compose()["volumes"]} == {"/workspace", "/cache"}
    assert unit()["Service"]["ReadWritePaths"] == unit()["Service"]["WorkingDirectory"]


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_every_file_is_on_the_page(path: Path) -> None:
    assert f"`deploy/{path.name}`" in PAGE


def test_backup_and_restore(tmp_path: Path) -> None:
    """The archive of the page leaves out what is being written, and a restored run has every byte."""
    run: Run = make_run(tmp_path / "forecast")
    (tmp_path / "forecast" / "runs" / ".writing-half").mkdir()
    (line,) = (line for line in PAGE.splitlines() if line.startswith("tar --create"))
    excluded = re.findall(r"--exclude=(\S+)", line)
    with tarfile.open(tmp_path / "backup.tar.gz", "w:gz") as archive:
        archive.add(
            tmp_path / "forecast",
            "forecast",
            filter=lambda member: None if any(Path(member.name).match(pattern) for pattern in excluded) else member,
        )
    with tarfile.open(tmp_path / "backup.tar.gz") as archive:
        archive.extractall(tmp_path / "restored", filter="data")
    restored = open_run(run.id, tmp_path / "restored" / "forecast")
    assert restored.damaged_files() == [] and restored.manifest == run.manifest
    assert not list((tmp_path / "restored" / "forecast" / "runs").glob(".writing-*"))
    assert read_ledger(tmp_path / "restored" / "forecast") == []
