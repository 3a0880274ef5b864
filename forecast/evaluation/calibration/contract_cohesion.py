"""The contract of the cohesion model: the verdicts on the dates whose verdict the fit knows.

Each path judges cohesion on every such date, given the fitted factors of its year.
"""

from typing import Any

import numpy as np

from forecast.evaluation.calibration.contract_lines import Line, make_line
from forecast.models.cohesion import Samples, index
from forecast.names import VERDICTS
from forecast.projection.parameter_draws.assemble import start_from_posterior
from forecast.simulation.arrays import Draws
from forecast.simulation.replay import replay_verdicts


def cohesion_lines(panel: Any, samples: Samples, draws: Draws, seed: int) -> list[Line]:
    """Return the lines of the cohesion model; `panel` is its data, and each parameter draw gives one history."""
    from scipy.special import ndtr

    parameters = start_from_posterior(draws, samples).parameters
    at = panel["anchor_year"].to_numpy()
    factors = np.ascontiguousarray(samples["factor_state"].values[:, at], dtype=float)
    verdicts = np.zeros((parameters.size, at.size), dtype=np.int64)
    replay_verdicts(np.arange(parameters.size), seed, parameters, factors, verdicts)
    low, spread = (samples[name].values[:, None] for name in ("cut_lower", "rater_sd"))
    level = index(samples).values[:, at]
    below, above = ndtr((low - level) / spread), ndtr((level - low - samples["cut_gap"].values[:, None]) / spread)
    chances = (below, 1.0 - below - above, above)
    observed = panel["verdict"].to_numpy()
    return [
        make_line(
            f"dates judged {name}",
            f"of {at.size} dates",
            float((observed == k).sum()),
            (verdicts == k).sum(axis=1).astype(float),
            chance.sum(axis=1),
        )
        for k, (name, chance) in enumerate(zip(VERDICTS, chances, strict=True))
    ]
