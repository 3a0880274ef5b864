"""A new fit held against an earlier one on other data: differences are printed and explained, never gated on."""

import tomllib
from importlib.resources import files

import numpy as np
import xarray as xr

from forecast.names import POSTERIOR


def earlier_lines(model: str, tree: xr.DataTree) -> list[str]:
    """Each scalar of `model` beside its earlier posterior, how many SDs apart, and why; empty if there is none."""
    known = tomllib.loads((files("forecast.inference") / "earlier_fits.toml").read_text(encoding="utf-8"))
    if model not in known:
        return []
    earlier = dict(known[model])
    lines = [f"{model}, beside the {earlier.pop('source')}:"]
    draws = tree[POSTERIOR].to_dataset()
    for name, then in earlier.items():
        mean, sd = float(draws[name].mean()), float(draws[name].std())
        apart = (mean - then["mean"]) / np.hypot(sd, then["sd"])
        why = f"  {then['why']}" if then["why"] else ""
        lines.append(
            f"  {name:<14} {mean:>7.3f} +- {sd:.3f}   earlier {then['mean']:>6.3f} +- {then['sd']:.3f}   "
            f"apart {apart:+.1f} SD{why}"
        )
    return lines
