"""Cores and memory are those of the job: the smallest limit of machine, control group and process counts."""

import os
import resource
from pathlib import Path

import pytest

from forecast.projection import machine
from forecast.projection.machine import cores, free_memory

GIB = 1 << 30
CGROUP = "sys/fs/cgroup"


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)), raising=False)
    monkeypatch.setattr(machine, "_process_memory", lambda: None)


def tree(root: Path, group: str, files: dict[str, str]) -> Path:
    """A root with a machine of 16 GiB, the group of this process, and files of the control groups."""
    files = {"proc/meminfo": "MemTotal: 33554432 kB\nMemAvailable: 16777216 kB\n", "proc/self/cgroup": group, **files}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def memory_v2(folder: str, limit: int | str, used: int, cached: int = 0) -> dict[str, str]:
    return {
        f"{folder}/memory.max": f"{limit}\n",
        f"{folder}/memory.current": f"{used}\n",
        f"{folder}/memory.stat": f"anon 1\ninactive_file {cached}\nactive_file 7\n",
    }


def memory_v1(folder: str, limit: int, used: int, cached: int = 0) -> dict[str, str]:
    return {
        f"{folder}/memory.limit_in_bytes": f"{limit}\n",
        f"{folder}/memory.usage_in_bytes": f"{used}\n",
        f"{folder}/memory.stat": f"inactive_file 7\ntotal_inactive_file {cached}\n",
    }


V1 = "4:memory:/job/step\n2:cpu,cpuacct:/job/step\n1:name=systemd:/\n0::/\n"
UNLIMITED_V1 = 9223372036854771712


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/\n", {}, 16 * GIB),
        ("0::/\n", memory_v2(CGROUP, "max", GIB), 16 * GIB),
        ("0::/\n", memory_v2(CGROUP, 4 * GIB, GIB), 3 * GIB),
        ("0::/\n", memory_v2(CGROUP, 4 * GIB, 3 * GIB, cached=2 * GIB), 3 * GIB),
        ("0::/\n", memory_v2(CGROUP, 64 * GIB, GIB), 16 * GIB),
        ("0::/job/step\n", memory_v2(f"{CGROUP}/job/step", "max", GIB) | memory_v2(f"{CGROUP}/job", GIB, 0), GIB),
        ("0::/job/step\n", memory_v2(f"{CGROUP}/job/step", GIB, 2 * GIB), 0),
        ("0::/of/the/machine\n", memory_v2(CGROUP, 2 * GIB, 0), 2 * GIB),
        (V1, memory_v1(f"{CGROUP}/memory/job/step", 2 * GIB, GIB, cached=GIB // 2), 3 * GIB // 2),
        (V1, memory_v1(f"{CGROUP}/memory", UNLIMITED_V1, 0) | memory_v1(f"{CGROUP}/memory/job", GIB, 0), GIB),
        (V1, memory_v1(f"{CGROUP}/memory", GIB, 0), GIB),
        ("", {}, 16 * GIB),
    ],
    ids=["none", "max", "limit", "cached", "large", "parent", "full", "namespace", "v1", "v1-parent", "v1-mount", "no"],
)
def test_free_memory_is_that_of_the_job(tmp_path: Path, group: str, files: dict[str, str], expected: int) -> None:
    assert free_memory(tree(tmp_path, group, files)) == expected


def test_a_limit_of_the_process_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2 * GIB, resource.RLIM_INFINITY))
    assert free_memory(tree(tmp_path, "0::/\n", {})) == 2 * GIB


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {f"{CGROUP}/cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {f"{CGROUP}/cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {f"{CGROUP}/cpu.max": "250000 100000\n"}, 3),
        ("0::/\n", {f"{CGROUP}/cpu.max": "1000 100000\n"}, 1),
        ("0::/a/b\n", {f"{CGROUP}/a/b/cpu.max": "max 100000\n", f"{CGROUP}/a/cpu.max": "400000 100000\n"}, 4),
        ("0::/\n", {f"{CGROUP}/cpu.max": "nonsense"}, 8),
        (V1, {f"{CGROUP}/cpu/job/step/cpu.cfs_quota_us": "-1", f"{CGROUP}/cpu/job/step/cpu.cfs_period_us": "9"}, 8),
        (V1, {f"{CGROUP}/cpu/job/cpu.cfs_quota_us": "300000", f"{CGROUP}/cpu/job/cpu.cfs_period_us": "100000"}, 3),
    ],
    ids=["none", "max", "two", "rounded up", "at least one", "parent", "nonsense", "v1 none", "v1"],
)
def test_cores_are_those_of_the_job(tmp_path: Path, group: str, files: dict[str, str], expected: int) -> None:
    (tmp_path / CGROUP / "cpu" / "job" / "step").mkdir(parents=True)
    assert cores(tree(tmp_path, group, files)) == expected


def test_cores_that_the_process_may_not_run_on_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5})
    assert cores(tree(tmp_path, "0::/\n", {f"{CGROUP}/cpu.max": "400000 100000\n"})) == 2
