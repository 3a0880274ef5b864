"""The core, as ratios measured side by side in one run: `make bench`.

Machines are shared and noisy, so each comparison takes turns (A B A B ...) and tells the median of the ratios, with
the lowest and highest; absolute times are only for orientation. Parameters are one row with typical hazards
(`sizes.typical_draws`), so that no fit is needed: contingents are cut and leave over the years.
"""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import reference  # noqa: E402
from worlds import tiny_draws, tiny_layout  # noqa: E402

from forecast.core.state import Layout  # noqa: E402
from forecast.inputs import read_inputs  # noqa: E402
from forecast.layout import build_layout  # noqa: E402
from forecast.progress import silent  # noqa: E402
from forecast.scale import simulate_paths  # noqa: E402
from forecast.sizes import typical_draws  # noqa: E402

ROUNDS = 5
PATHS = 2000


def seconds(job: Callable[[], object]) -> float:
    """Wall time of one call."""
    begun = time.perf_counter()
    job()
    return time.perf_counter() - begun


def compare(
    title: str, slow: Callable[[], object], fast: Callable[[], object], unit: float = 1.0
) -> None:
    """Print how many times faster `fast` is; `unit` scales for unequal amounts of work."""
    pairs = [(seconds(slow), seconds(fast)) for _ in range(ROUNDS)]
    ratios = sorted(unit * a / b for a, b in pairs)
    middle = statistics.median(b for _, b in pairs)
    print(
        f"| {title} | {statistics.median(ratios):.2f} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {middle:.2f} s |"
    )


def peak_memory(paths: int) -> float:
    """MiB of a process of its own that lives through so many paths on two threads."""
    done = subprocess.run(
        [sys.executable, __file__, str(paths)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def live_and_tell_memory(paths: int) -> None:
    """What `peak_memory` runs."""
    inputs = read_inputs(ROOT, "quickstart")
    layout = build_layout(inputs.tables, inputs.beliefs, inputs.plan, inputs.roster)
    own = layout._replace(cells=layout.cells[:1].copy())
    simulate_paths(
        own, typical_draws(layout), quarters=inputs.plan.quarters, paths=paths, joint_paths=0,
        seed=1, threads=2, report=silent,
    )  # fmt: skip
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """All comparisons, as a table."""
    inputs = read_inputs(ROOT, "quickstart")
    layout = build_layout(inputs.tables, inputs.beliefs, inputs.plan, inputs.roster)
    draws = typical_draws(layout)
    one = layout._replace(cells=layout.cells[:1].copy())

    def core(threads: int, paths: int, own: Layout = layout) -> Callable[[], object]:
        return lambda: simulate_paths(
            own, draws, quarters=inputs.plan.quarters, paths=paths, joint_paths=0, seed=1,
            threads=threads, report=silent,
        )  # fmt: skip

    tiny = tiny_layout()
    few = tiny_draws(tiny)

    def kernel() -> object:
        return simulate_paths(
            tiny, few, quarters=12, paths=2000, joint_paths=0, seed=1, threads=1, report=silent
        )

    def twin() -> object:
        return [
            reference.Path(1, path, tiny, few, 12).live(n) for path in range(5) for n in range(4)
        ]

    core(1, 1)()
    kernel()
    print("| comparison | ratio | range | time of the second |\n|---|---|---|---|")
    compare("one thread : two threads, 20 cells", core(1, PATHS), core(2, PATHS))
    compare("twice the paths : the paths", core(2, 2 * PATHS), core(2, PATHS))
    for more in (1000, 10_000):
        title = f"time a path, {10 * more:,} paths : {more:,}, one cell"
        compare(title, core(2, 10 * more, one), core(2, more, one), unit=0.1)
    small, large = peak_memory(1000), peak_memory(30_000)
    print(
        f"| peak memory, 30,000 paths : 1,000, one cell | {large / small:.2f} | | {small:.0f} MiB |"
    )
    compare("plain Python twin : kernel, one thread", twin, kernel, unit=2000 / 5)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        live_and_tell_memory(int(sys.argv[1]))
    else:
        main()
