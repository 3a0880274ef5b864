"""The core, as ratios measured side by side in one run: `make bench`.

Machines are shared and noisy, so each comparison takes turns (A B A B ...) and tells the median of the ratios, with
the lowest and highest; absolute times are only for orientation. Parameters are blank rows: every branch of the
loops runs, nobody leaves, so the counts are those of a full house (the slowest case).
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import reference  # noqa: E402
from worlds import tiny_draws, tiny_layout  # noqa: E402

from forecast.core.buffers import blank_draws  # noqa: E402
from forecast.inputs import read_inputs  # noqa: E402
from forecast.layout import build_layout  # noqa: E402
from forecast.progress import silent  # noqa: E402
from forecast.scale import simulate_paths  # noqa: E402

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


def main() -> None:
    """All comparisons, as a table."""
    inputs = read_inputs(ROOT, "quickstart")
    layout = build_layout(inputs.tables, inputs.beliefs, inputs.plan, inputs.roster)
    draws = blank_draws(layout)
    draws.members["scale"] = draws.members["start"] = 0.05
    draws.parameters["nu"] = 4.0
    draws.missions["full_exit"] = 0.5
    draws.contingents["defection"] = draws.contingents["planned"] = -30.0

    def core(threads: int, paths: int) -> Callable[[], object]:
        return lambda: simulate_paths(
            layout, draws, quarters=inputs.plan.quarters, paths=paths, joint_paths=0, seed=1,
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
    compare("plain Python twin : kernel, one thread", twin, kernel, unit=2000 / 5)


if __name__ == "__main__":
    main()
