"""Monte Carlo error of every number of a projection: its paths in replicates, and each number told by each of them.

The draws of the parameters are dealt out to groups, and the rounds in which the draws serve paths in turn to two
halves. How much the groups differ is the whole error, from finite draws and finite paths; how much the halves of a
group differ, which share its draws, is the part of the paths. What is left is the part of the draws, which more paths
do not lower. Means, probabilities and quantiles are treated alike. Source: non-overlapping batch means, as in Flegal
and Jones 2010, Annals of Statistics 38; the halves are a nested analysis of variance (Searle, Casella and McCulloch
1992, Variance Components, chapter 3).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.array_types import Floats
from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, cut
from forecast.projection.execution import CHUNK, run_batches, store_paths
from forecast.simulation.buffers import empty_sampled_paths, empty_tally
from forecast.simulation.tallies import SampledPaths, Tally, add, settle

GROUPS: Final = 32  # the error itself is then known to an eighth


Estimates = Mapping[str, Floats]
Key = tuple[int, int]  # group, half


@dataclass(frozen=True, slots=True)
class Error:
    """Variances of one estimate from finite draws and finite paths, and of the latter alone; NaN = too few paths."""

    whole: Floats
    paths: Floats

    @property
    def total(self) -> Floats:
        """Monte Carlo standard error."""
        return np.asarray(np.sqrt(self.whole))

    @property
    def draws(self) -> Floats:
        """The part of it that is owed to the finite number of draws, in squares what the paths leave."""
        return np.asarray(np.sqrt(np.maximum(self.whole - self.paths, 0.0)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Projected:
    """What many paths have given: the tally, whole paths, and the error of each estimate."""

    paths: int
    tally: Tally
    joint: SampledPaths
    errors: Mapping[str, Error]


def project(
    spec: SimulationSpec,
    paths: range,
    estimate: Callable[[Tally], Estimates],
    *,
    threads: int,
    report: Report,
    dask: str = "",
    chunk: int = 0,
) -> Projected:
    """Live through the paths in replicates; `estimate` gives the numbers that a settled tally tells.

    A thread lives through a whole replicate, so that no tally waits for the rest of its own; on a cluster, or with
    `chunk`, a part has at most so many paths.
    """
    most = chunk or (CHUNK if dask else len(paths))
    keys, parts = _parts(paths, spec.draws.parameters.size, most)
    layout = spec.layout
    tally = empty_tally(layout, spec.quarters)
    joint = empty_sampled_paths(layout, spec.quarters, spec.joint_paths)
    left, halves = Counter(keys), Counter(group for group, _ in dict.fromkeys(keys))
    growing: dict[Key, Tally] = {}
    told: dict[int, dict[int, tuple[int, Estimates]]] = {group: {} for group in halves}
    spread, coming = _Spread(), iter(halves)
    group = next(coming)
    for i, found, whole in run_batches(parts, spec, threads=threads, report=report, dask=dask):
        store_paths(joint, parts[i], whole)
        key = keys[i]
        if key in growing:
            add(growing[key], found)
        else:
            growing[key] = found
        left[key] -= 1
        if left[key] == 0:
            replicate = growing.pop(key)
            add(tally, replicate)
            number = int(replicate.paths.sum())
            told[key[0]][key[1]] = number, estimate(settle(replicate, layout.missions))
        while group >= 0 and len(told[group]) == halves[group]:  # in order: sums of floats keep it
            spread.add([half for _, half in sorted(told.pop(group).items())])
            group = next(coming, -1)
    return Projected(paths=len(paths), tally=settle(tally, layout.missions), joint=joint, errors=spread.errors())


def _parts(paths: range, rows: int, chunk: int) -> tuple[list[Key], list[Paths]]:
    """The paths of each replicate in turn, in parts of at most `chunk`; two halves if every draw serves both."""
    rounds = np.arange(paths.start // rows, -(-paths.stop // rows))
    half = rounds % 2 if len(paths) >= 2 * rows else np.zeros_like(rounds)
    keys: list[Key] = []
    parts: list[Paths] = []
    for g in range(GROUPS):
        for h in (0, 1):
            mine = np.add.outer(rounds[half == h] * rows, np.arange(g, rows, GROUPS)).ravel()
            cuts = cut(mine[(mine >= paths.start) & (mine < paths.stop)], chunk)
            keys += [(g, h)] * len(cuts)
            parts += cuts
    return keys, parts


class _Spread:
    """Running sums over groups: of their values, of the squares, and of the squared differences of their halves."""

    def __init__(self) -> None:
        self.groups = 0
        self.origin: dict[str, Floats] = {}  # the first group: sums of what is near 0 lose nothing
        self.sums: dict[str, list[Floats]] = {}

    def add(self, halves: Sequence[tuple[int, Estimates]]) -> None:
        """One group, from its halves and their numbers of paths."""
        self.groups += 1
        paths = sum(number for number, _ in halves)
        for name in halves[0][1]:
            values = [told[name] for _, told in halves]
            mean = np.average(values, axis=0, weights=[number for number, _ in halves])
            apart = np.full_like(mean, np.nan)
            if len(halves) == 2:  # its expectation is the variance of the mean of the group's paths
                share = halves[0][0] * halves[1][0] / paths**2
                apart = share * (values[0] - values[1]) ** 2
            off = mean - self.origin.setdefault(name, mean)
            mine = self.sums.setdefault(name, [np.zeros_like(mean) for _ in range(3)])
            for total, more in zip(mine, (off, off**2, apart), strict=True):
                total += more

    def errors(self) -> dict[str, Error]:
        """The variances of the mean over all groups."""
        n = self.groups
        found = {}
        for name, (first, second, apart) in self.sums.items():
            between = np.maximum(second - first**2 / n, 0.0) / (n - 1) if n > 1 else np.nan * first
            found[name] = Error(whole=between / n, paths=apart / n / n)
        return found


def joined(one: Projected, other: Projected) -> Projected:
    """Two sets of paths under the same draws: tallies add up, what is owed to the paths averages out.

    Where the first are too few to tell the parts apart, chance in them is that of the others for so many paths.
    """
    add(one.tally, other.tally)
    paths = one.paths + other.paths
    a, b = one.paths / paths, other.paths / paths
    errors = {}
    for name, left in one.errors.items():
        right = other.errors[name]
        few = np.where(np.isnan(left.paths), right.paths * (other.paths / one.paths), left.paths)
        chance = a**2 * few + b**2 * right.paths
        draws = a * (left.whole - few) + b * (right.whole - right.paths)
        errors[name] = Error(whole=chance + np.maximum(draws, 0.0), paths=chance)
    return Projected(paths=paths, tally=one.tally, joint=one.joint, errors=errors)
