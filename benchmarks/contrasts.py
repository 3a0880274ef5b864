"""How much less Monte Carlo error contrasts between designs have because all cells of a path share their luck.

    python benchmarks/contrasts.py HOME [RUN]

For each war and each design against the first: the standard deviation that the difference would have between
independent paths, over the one it has between the cells of a path, from the joint paths of a stored run. A ratio of
two means half the error, or a quarter of the paths. Printed as it is: median and range over wars and designs.
"""

import sys
from pathlib import Path

import numpy as np

from forecast import names
from forecast.storage.runs import open_run


def ratios(values: np.ndarray) -> np.ndarray:
    """values (paths, wars, designs) -> independent over paired error, (wars, designs - 1)."""
    base, others = values[:, :, :1], values[:, :, 1:]
    apart = np.sqrt(base.var(0, ddof=1) + others.var(0, ddof=1))
    paired = (others - base).std(0, ddof=1)
    return apart / np.where(paired > 0.0, paired, np.nan)


def main(home: str, run: str = "latest") -> None:
    """The table."""
    with open_run(run, Path(home)).projection as tree:
        joint = tree["joint"].to_dataset().load()
    quarter, year = joint.sizes[names.QUARTER] // 2, joint.sizes[names.YEAR] - 1
    outputs = {
        "cohesion": joint["joint_cohesion"].isel(quarter=quarter),
        "European share": joint["joint_european_share"].isel(year=year),
    }
    for s, mission in enumerate(joint[names.MISSION].values):
        for curve in ("nominal", "operational"):
            one = joint["joint_survival"].isel(mission=s, quarter=quarter).sel(curve=curve)
            outputs[f"{mission}: {curve}"] = one
    print("| contrast between designs | independent : paired error | range |\n|---|---|---|")
    for name, values in outputs.items():
        found = ratios(values.transpose(names.PATH, names.WAR, names.DESIGN).values.astype(float))
        if np.isfinite(found).any():
            low, middle, high = np.nanquantile(found, [0, 0.5, 1])
            print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
