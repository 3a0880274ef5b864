"""What a path of quickstart cannot do without: random words, transcendental functions, counts in large tables.

They are counted in the kernel without its compiler, and each is timed alone in a compiled loop. The sum is what the
kernel would take if all else were free: no branches, no bookkeeping, nothing that waits for anything.
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

PATHS = 3
CALLS = 4_000_000
TURNS = 7


def counts() -> Counter[str]:
    """How often a path of all cells of quickstart does each of them, on average over a few; without the compiler."""
    import numpy as np
    from common import quickstart

    from forecast.projection.batches import simulate_batch
    from forecast.simulation import random_numbers, recording

    spec = quickstart()
    seen: Counter[str] = Counter()

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            seen[name] += 1
            return function(*arguments)

        return call

    for name in ("exp", "log", "cos", "sqrt"):
        setattr(math, name, watched(name, getattr(math, name)))
    random_numbers.philox = watched("random block", random_numbers.philox)
    recording.note_move = watched("move of a curve", recording.note_move)
    simulate_batch(spec, np.arange(PATHS))
    layout, cells = spec.static, spec.static.cells.size
    dyads, years = layout.dyads.size, layout.pledge.size
    bins = cells * (spec.quarters * (1 + dyads) + years * (1 + layout.members.size + dyads))
    return Counter({k: round(n / PATHS) for k, n in seen.items()} | {"bin of a fan": bins})


def unit_costs() -> dict[str, float]:
    """Nanoseconds of each, alone in a compiled loop; the least of a few turns."""
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
    def scatter(table: Any, at: Any) -> None:
        for i in range(at.size):
            table[at[i]] += 1

    x = np.random.default_rng(1).random(1024)
    table = np.zeros(4_000_000, np.int32)  # the size of the survival histograms
    at = np.random.default_rng(2).integers(0, table.size, CALLS)
    jobs: dict[str, tuple[Any, ...]] = {
        **{name: (summed(getattr(math, name)), x) for name in ("exp", "log", "cos", "sqrt")},
        "random block": (summed(block), np.arange(1024)),
        "bin of a fan": (scatter, table, at),
    }
    found = {}
    for name, (job, *arguments) in jobs.items():
        job(*arguments)
        taken = []
        for _ in range(TURNS):
            begun = time.thread_time()
            job(*arguments)
            taken.append(time.thread_time() - begun)
        found[name] = 1e9 * min(taken) / CALLS
    return found | {"move of a curve": 2 * found["bin of a fan"]}  # out of one bin, into another


def main() -> None:
    """The table, and its sum."""
    plain = subprocess.run(
        [sys.executable, __file__, "count"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
    )
    seen, cost = Counter(json.loads(plain.stdout)), unit_costs()
    print("| what | times a path | ns each | ms a path |\n|---|---|---|---|")
    total = 0.0
    for name, times in seen.most_common():
        total += times * cost[name] * 1e-6
        print(f"| {name} | {times:,} | {cost[name]:.1f} | {times * cost[name] * 1e-6:.3f} |")
    print(f"| together | | | {total:.3f} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["count"]:
        print(json.dumps(counts()))
    else:
        main()
