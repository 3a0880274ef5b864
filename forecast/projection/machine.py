"""The cores and the memory that this process may use, which can be less than the machine has.

Schedulers and containers limit a job by its control group (cgroup, version 1 or 2), by the cores it may run on and by
limits of the process. The smallest limit counts.
"""

import math
import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/")


def cores(root: Path = _ROOT) -> int:
    """Return the number of cores that this process may use, at least 1; `root` holds `proc` and `sys`."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [share for folder in _groups("cpu", root) if (share := _cpu_share(folder)) is not None]
    return max(1, math.ceil(min([allowed, *shares])))


def free_memory(root: Path = _ROOT) -> int | None:
    """Return the bytes of memory that this process may still take without swapping; None if no limit is known."""
    limits = [_machine_memory(root), _process_memory(), *(_group_memory(folder) for folder in _groups("memory", root))]
    return min((limit for limit in limits if limit is not None), default=None)


def _groups(controller: str, root: Path) -> Iterator[Path]:
    """Yield the folders of this process's control group and of the groups above it, in both versions."""
    mounts = root / "sys" / "fs" / "cgroup"
    for line in _lines(root / "proc" / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = mounts / controller if controllers else mounts
        group = mount / path.lstrip("/")
        # Inside a container the mount may be the group itself, while the path is that of the machine.
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mount) and folder.is_dir())


def _cpu_share(group: Path) -> float | None:
    """Return the cores' worth of time that a group may use."""
    quota, period = _numbers(group / "cpu.max", 2) or (None, None)
    if quota is None:
        quota, period = (_number(group / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return quota / period if quota and period and quota > 0 else None


def _group_memory(group: Path) -> int | None:
    """Return the bytes left in a group; cached files count as free, because the kernel drops them at need."""
    for limit_file, used_file, cached in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = _number(group / limit_file), _number(group / used_file)
        if limit is not None and used is not None:
            return max(0, limit - used + _field(group / "memory.stat", cached))
    return None


def _machine_memory(root: Path) -> int | None:
    if kibibytes := _field(root / "proc" / "meminfo", "MemAvailable:"):
        return kibibytes << 10
    with suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _process_memory() -> int | None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _lines(path: Path) -> list[str]:
    """Return the lines of a file of the kernel; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _numbers(path: Path, size: int) -> tuple[int, ...] | None:
    """Return the numbers on the first line; None if there are not `size` of them, as in `max 100000`."""
    words = " ".join(_lines(path)[:1]).split()
    return tuple(map(int, words)) if len(words) == size and all(word.isdigit() for word in words) else None


def _number(path: Path) -> int | None:
    numbers = _numbers(path, 1)
    return numbers[0] if numbers else None


def _field(path: Path, name: str) -> int:
    """Return the number after a name in a file of names and numbers; 0 if it is not there."""
    found = (line.split() for line in _lines(path))
    return next((int(words[1]) for words in found if len(words) > 1 and words[0] == name and words[1].isdigit()), 0)
