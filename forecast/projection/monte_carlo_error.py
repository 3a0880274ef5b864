"""Simulate paths in replicates, and estimate the Monte Carlo error of every number of a projection from them.

Parameter draws are split into 32 groups, and the passes over each group into two halves. The variance between groups
estimates the total Monte Carlo error. The variance between halves, which share draws, estimates the part due to paths.
The remainder is due to the finite number of draws and cannot be reduced by adding paths. Means, probabilities and
quantiles are treated alike. Sources: non-overlapping batch means, as in Flegal and Jones 2010, Annals of Statistics
38; nested analysis of variance, as in Searle, Casella and McCulloch 1992, Variance Components, chapter 3.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from forecast.array_types import Floats
from forecast.progress import Report
from forecast.projection.batches import Paths, SimulationSpec, split_paths
from forecast.projection.execution import BATCH_SIZE, Executor, run_batches, store_paths
from forecast.simulation.buffers import empty_sampled_paths, empty_tally
from forecast.simulation.tallies import SampledPaths, Tally, add, settle

GROUPS: Final = 32  # the standard error is then known to about one eighth
_TIE: Final = 1e-9  # shares closer than this to a level have reached it


Estimates = Mapping[str, Floats]
Key = tuple[int, int]  # group, half


@dataclass(frozen=True, slots=True)
class MonteCarloError:
    """The Monte Carlo variance of one estimate.

    Parameters
    ----------
    variance
        From finite numbers of draws and paths.
    path_variance
        From the finite number of paths alone; NaN where the paths are too few to separate it.
    """

    variance: Floats
    path_variance: Floats

    @property
    def total(self) -> Floats:
        """Monte Carlo standard error."""
        return np.asarray(np.sqrt(self.variance))

    @property
    def draws(self) -> Floats:
        """Standard error due to the finite number of parameter draws."""
        return np.asarray(np.sqrt(np.maximum(self.variance - self.path_variance, 0.0)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Projected:
    """The result of a number of paths: settled tally, sampled paths, and the error of each estimate by name."""

    paths: int
    tally: Tally
    joint: SampledPaths
    errors: Mapping[str, MonteCarloError]


def project(
    spec: SimulationSpec,
    paths: range,
    estimate: Callable[[Tally], Estimates],
    executor: Executor,
    report: Report,
) -> Projected:
    """Simulate paths in replicates and return their tally, sampled paths and Monte Carlo errors.

    A batch is a whole replicate, so that no tally waits for the rest of its replicate. On a cluster, or with a batch
    size, a batch is smaller.

    Parameters
    ----------
    spec
        The simulation.
    paths
        Numbers of the paths to simulate.
    estimate
        Returns the estimates of a settled tally, by name.
    executor
        Where the paths are simulated.
    report
        Receives the progress.
    """
    static = spec.static
    batch_size = executor.batch_size or (BATCH_SIZE if executor.dask else len(paths))
    keys, batches = replicate_batches(paths, spec.draws.parameters.size, batch_size)
    tally = empty_tally(static, spec.quarters)
    joint = empty_sampled_paths(static, spec.quarters, spec.joint_paths)
    batches_left, halves_of = Counter(keys), Counter(group for group, _ in dict.fromkeys(keys))
    replicates: dict[Key, Tally] = {}
    finished: dict[int, dict[int, tuple[int, Estimates]]] = {group: {} for group in halves_of}
    sums, groups = GroupSums(), iter(halves_of)
    group = next(groups)
    for position, batch_tally, batch_sampled in run_batches(batches, spec, executor, report):
        store_paths(joint, batches[position], batch_sampled)
        key = keys[position]
        if key in replicates:
            add(replicates[key], batch_tally)
        else:
            replicates[key] = batch_tally
        batches_left[key] -= 1
        if batches_left[key] == 0:
            replicate = replicates.pop(key)
            add(tally, replicate)
            size = int(replicate.paths.sum())
            finished[key[0]][key[1]] = size, estimate(settle(replicate, static.missions))
            del replicate
        del batch_tally, batch_sampled  # before the next batch takes as much memory
        while group >= 0 and len(finished[group]) == halves_of[group]:  # in order, since sums of floats depend on it
            sums.add([half for _, half in sorted(finished.pop(group).items())])
            group = next(groups, -1)
    return Projected(paths=len(paths), tally=settle(tally, static.missions), joint=joint, errors=sums.errors())


def replicate_batches(paths: range, rows: int, batch_size: int) -> tuple[list[Key], list[Paths]]:
    """Split paths into replicates, and each replicate into batches of at most `batch_size`.

    There are two halves where every one of the `rows` draws serves both, else one.

    Returns
    -------
    keys
        Group and half of each batch.
    batches
        The paths of each batch.
    """
    passes = np.arange(paths.start // rows, -(-paths.stop // rows))
    half_of = passes % 2 if len(paths) >= 2 * rows else np.zeros_like(passes)
    keys: list[Key] = []
    batches: list[Paths] = []
    for group in range(GROUPS):
        for half in (0, 1):
            numbers = np.add.outer(passes[half_of == half] * rows, np.arange(group, rows, GROUPS)).ravel()
            pieces = split_paths(numbers[(numbers >= paths.start) & (numbers < paths.stop)], batch_size)
            keys += [(group, half)] * len(pieces)
            batches += pieces
    return keys, batches


class GroupSums:
    """Running sums over groups: of their estimates, of the squares, and of the squared differences of their halves."""

    def __init__(self) -> None:
        self.groups = 0
        self.origin: dict[str, Floats] = {}  # the first group: sums of values near 0 keep their precision
        self.sums: dict[str, list[Floats]] = {}

    def add(self, halves: Sequence[tuple[int, Estimates]]) -> None:
        """Add one group, given as the number of paths and the estimates of each half."""
        self.groups += 1
        paths = sum(size for size, _ in halves)
        for name in halves[0][1]:
            values = [estimates[name] for _, estimates in halves]
            mean = np.average(values, axis=0, weights=[size for size, _ in halves])
            within = np.full_like(mean, np.nan)
            if len(halves) == 2:  # its expectation is the variance of the mean of the group's paths
                share = halves[0][0] * halves[1][0] / paths**2
                within = share * (values[0] - values[1]) ** 2
            deviation = mean - self.origin.setdefault(name, mean)
            totals = self.sums.setdefault(name, [np.zeros_like(mean) for _ in range(3)])
            for total, term in zip(totals, (deviation, deviation**2, within), strict=True):
                total += term

    def errors(self) -> dict[str, MonteCarloError]:
        """Return the variances of the mean over all groups, by estimate."""
        n = self.groups
        errors = {}
        for name, (first, second, within) in self.sums.items():
            between = np.maximum(second - first**2 / n, 0.0) / (n - 1) if n > 1 else np.nan * first
            errors[name] = MonteCarloError(variance=between / n, path_variance=within / n / n)
        return errors


def lumpy_quantile_errors(
    counts: NDArray[np.integer], values: Floats, levels: Sequence[float], error_of_mean: Floats
) -> Floats:
    """Return the Monte Carlo standard errors of quantiles of a distribution with few distinct values.

    A survival curve has few values, and the quantiles of all groups often agree where the quantile of all paths is
    about to jump. The variance between groups is then too small. Here the error of the level p is carried over to the
    quantile (Woodruff 1952): it is half the distance between the quantiles at p - e and p + e. The error of the level
    is e = sqrt(p (1 - p)) m / s, with s the standard deviation of the distribution and m the error of its mean, so
    e reflects that paths share draws.

    Parameters
    ----------
    counts : histograms of all paths, (..., bins).
    values : value of each bin, (bins,).
    levels : levels of the quantiles, 0 to 1.
    error_of_mean : Monte Carlo standard error of the mean of each histogram, (...).

    Returns
    -------
    Errors, (..., levels); NaN where a histogram is empty or the error of its mean is.
    """
    total = counts.sum(axis=-1, dtype=np.int64)
    share = np.cumsum(counts, axis=-1) / np.maximum(total, 1)[..., None]
    mean, square = (counts @ values**power / np.maximum(total, 1) for power in (1, 2))
    sd = np.sqrt(np.maximum(square - mean**2, 0.0))
    ratio = np.where(sd > 0.0, error_of_mean / np.where(sd > 0.0, sd, 1.0), 0.0)
    known = (total > 0) & np.isfinite(error_of_mean)
    errors = np.empty((*total.shape, len(levels)))
    for i, level in enumerate(levels):
        reach = np.where(known, ratio, 0.0) * np.sqrt(level * (1.0 - level))
        low, high = (
            values[np.minimum((share < np.clip(level + step, 0.0, 1.0)[..., None] - _TIE).sum(-1), values.size - 1)]
            for step in (-reach, reach)
        )
        errors[..., i] = np.where(known, (high - low) / 2.0, np.nan)
    return errors


def merge_projected(first: Projected, second: Projected) -> Projected:
    """Merge two sets of paths under the same draws: tallies add up, and the path variance averages out.

    Where the first set is too small to separate its path variance, the second set's variance per path is used.
    The tally of `first` is changed in place; the sampled paths are those of `first`.
    """
    add(first.tally, second.tally)
    paths = first.paths + second.paths
    a, b = first.paths / paths, second.paths / paths
    errors = {}
    for name, left in first.errors.items():
        right = second.errors[name]
        left_path_variance = np.where(
            np.isnan(left.path_variance), right.path_variance * (second.paths / first.paths), left.path_variance
        )
        path_variance = a**2 * left_path_variance + b**2 * right.path_variance
        draw_variance = a * (left.variance - left_path_variance) + b * (right.variance - right.path_variance)
        errors[name] = MonteCarloError(
            variance=path_variance + np.maximum(draw_variance, 0.0), path_variance=path_variance
        )
    return Projected(paths=paths, tally=first.tally, joint=first.joint, errors=errors)
