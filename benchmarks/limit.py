"""Estimate a lower bound on the time of a path of `quickstart` from the operations that it cannot avoid.

These operations are blocks of random numbers, transcendental functions, and counts in large tables. The script counts
them in the kernel run without the compiler, and times each alone in a compiled loop. Their total time is a lower bound,
because it contains no branches, no bookkeeping and no waiting for memory.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

PATHS = 3  # over which the operations are counted
CALLS = 4_000_000  # of an operation in one timed loop
TURNS = 7  # timed loops of each operation


def counts() -> Counter[str]:
    """Return the mean number of each operation in a path of all cells of `quickstart`; needs a disabled compiler."""
    import numpy as np
    from common import quickstart

    from forecast.projection.batches import simulate_batch
    from forecast.simulation import random_numbers, recording

    spec = quickstart()
    numbers: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            numbers[name] += 1
            return function(*arguments)

        return call

    for name in ("exp", "log", "cos", "sqrt"):
        setattr(math, name, counting(name, getattr(math, name)))
    random_numbers.philox = counting("random block", random_numbers.philox)
    recording.note_move = counting("move of a curve", recording.note_move)
    simulate_batch(spec, np.arange(PATHS))
    layout, cells = spec.static, spec.static.cells.size
    dyads, years = layout.dyads.size, layout.pledge.size
    bins = cells * (spec.quarters * (1 + dyads) + years * (1 + layout.members.size + dyads))
    return Counter({k: round(n / PATHS) for k, n in numbers.items()} | {"bin of a fan": bins})


def unit_costs() -> dict[str, float]:
    """Return the nanoseconds of each operation alone in a compiled loop, the smallest of `TURNS` loops."""
    import numba
    import numpy as np

    from forecast.simulation.random_numbers import uniforms

    options = {"error_model": "numpy", "nogil": True}

    def summed(function: Callable[[Any], Any]) -> Any:
        @numba.njit(**options)
        def loop(x: Any) -> float:
            total = 0.0
            for i in range(CALLS):
                total += function(x[i & 1023])
            return total

        return loop

    @numba.njit(**options)
    def block(i: Any) -> float:
        return uniforms(1, i, 2, 3, 4)[0]

    @numba.njit(**options)
    def scatter(table: Any, bins: Any) -> None:
        for i in range(bins.size):
            table[bins[i]] += 1

    x = np.random.default_rng(1).random(1024)
    table = np.zeros(4_000_000, np.int32)  # the size of the survival histograms
    bins = np.random.default_rng(2).integers(0, table.size, CALLS)
    jobs: dict[str, tuple[Any, ...]] = {
        **{name: (summed(getattr(math, name)), x) for name in ("exp", "log", "cos", "sqrt")},
        "random block": (summed(block), np.arange(1024)),
        "bin of a fan": (scatter, table, bins),
    }
    costs = {}
    for name, (job, *arguments) in jobs.items():
        job(*arguments)
        durations = []
        for _ in range(TURNS):
            start = time.thread_time()
            job(*arguments)
            durations.append(time.thread_time() - start)
        costs[name] = 1e9 * min(durations) / CALLS
    return costs | {"move of a curve": 2 * costs["bin of a fan"]}  # one count leaves a bin, another enters one


def main() -> None:
    """Print the operations, their number and time, and the total per path."""
    interpreted = subprocess.run(
        [sys.executable, __file__, "count"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    numbers, costs = Counter(json.loads(interpreted.stdout)), unit_costs()
    print("| operation | number per path | ns each | ms per path |\n|---|---|---|---|")
    total = 0.0
    for name, times in numbers.most_common():
        total += times * costs[name] * 1e-6
        print(f"| {name} | {times:,} | {costs[name]:.1f} | {times * costs[name] * 1e-6:.3f} |")
    print(f"| total | | | {total:.3f} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["count"]:
        print(json.dumps(counts()))
    else:
        main()
