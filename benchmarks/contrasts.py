"""Measure how much common random numbers reduce the Monte Carlo error of differences between designs.

    python benchmarks/contrasts.py HOME [RUN]

The script compares each design with the first one, for each war, in the sampled paths of a stored run. It divides the
standard deviation of the difference between independent paths by the one between cells of the same path. A ratio of 2
means half the error, or the same error with a quarter of the paths. The table shows the median and the range over wars
and designs.
"""

import sys
from pathlib import Path

import numpy as np

from forecast import names
from forecast.storage.runs import open_run


def ratios(values: np.ndarray) -> np.ndarray:
    """Return the ratio of independent to paired error, (wars, designs - 1), from `values` (paths, wars, designs)."""
    base, others = values[:, :, :1], values[:, :, 1:]
    independent = np.sqrt(base.var(0, ddof=1) + others.var(0, ddof=1))
    paired = (others - base).std(0, ddof=1)
    return independent / np.where(paired > 0.0, paired, np.nan)


def main(home: str, run: str = "latest") -> None:
    """Print the table of a run of the workspace `home`."""
    with open_run(run, Path(home)).projection as tree:
        joint = tree["joint"].to_dataset().load()
    quarter, year = joint.sizes[names.QUARTER] // 2, joint.sizes[names.YEAR] - 1
    outputs = {
        "cohesion": joint["joint_cohesion"].isel(quarter=quarter),
        "European share": joint["joint_european_share"].isel(year=year),
    }
    for s, mission in enumerate(joint[names.MISSION].values):
        for curve in ("nominal", "operational"):
            share = joint["joint_survival"].isel(mission=s, quarter=quarter).sel(curve=curve)
            outputs[f"{mission}: {curve}"] = share
    print("| contrast between designs | independent : paired error | range |\n|---|---|---|")
    for name, values in outputs.items():
        contrasts = ratios(values.transpose(names.PATH, names.WAR, names.DESIGN).values.astype(float))
        if np.isfinite(contrasts).any():
            low, middle, high = np.nanquantile(contrasts, [0, 0.5, 1])
            print(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
