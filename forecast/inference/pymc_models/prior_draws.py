"""Draw the variables of a model from their joint prior, without the data."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
from pytensor.graph.replace import graph_replace

from forecast.array_types import Floats


def prior_draws(
    model: pm.Model, names: Sequence[str], flat: Mapping[Any, Any], size: int, seed: int
) -> dict[str, Floats]:
    """Return `size` joint draws from the prior of each variable, by name, (draw, ...).

    Parameters
    ----------
    model : the model, whose data play no part.
    names : variables to draw, free or computed.
    flat : what each variable that the model samples from a flat prior is drawn as instead.
    size : number of draws.
    seed : seed of the draws.
    """
    variables = graph_replace([model[name] for name in names], flat, strict=False)
    # interpreted, because a few hundred calls take less time than compiling the function
    run: Any = pm.compile([], variables, random_seed=seed, mode="FAST_COMPILE")
    drawn = zip(*(run() for _ in range(size)), strict=True)
    return {name: np.stack(values) for name, values in zip(names, drawn, strict=True)}
