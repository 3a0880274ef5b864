"""Compare a fit with an earlier one on other data; differences are printed with their reason and are never an error."""

import tomllib
from importlib.resources import files

import numpy as np
import xarray as xr

from forecast.names import POSTERIOR


def earlier_lines(model: str, tree: xr.DataTree) -> list[str]:
    """Return lines that compare each scalar of `model` with its earlier posterior; empty if there is none.

    Each line shows both means and SDs, their difference in SDs, and the reason for it.
    """
    known = tomllib.loads((files("forecast.inference") / "earlier_fits.toml").read_text(encoding="utf-8"))
    if model not in known:
        return []
    earlier = dict(known[model])
    lines = [f"{model}, beside the {earlier.pop('source')}:"]
    draws = tree[POSTERIOR].to_dataset()
    for name, reference in earlier.items():
        mean, sd = float(draws[name].mean()), float(draws[name].std())
        apart = (mean - reference["mean"]) / np.hypot(sd, reference["sd"])
        why = f"  {reference['why']}" if reference["why"] else ""
        lines.append(
            f"  {name:<14} {mean:>7.3f} +- {sd:.3f}   earlier {reference['mean']:>6.3f} +- {reference['sd']:.3f}   "
            f"apart {apart:+.1f} SD{why}"
        )
    return lines
