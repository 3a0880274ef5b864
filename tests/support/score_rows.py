"""Invented rows of forecasts, and stages that report nothing."""

from contextlib import contextmanager

import numpy as np
import pandas as pd

from forecast.progress import silent

SEED = 3


@contextmanager
def stages(title: str):
    """Open a stage that reports nothing."""
    yield silent


def forecasts(seed: int = SEED, units: int = 6) -> pd.DataFrame:
    """Return rows of a model and a worse baseline, which has no forecast of the last unit."""
    rng = np.random.default_rng(seed)
    rows = []
    for forecaster, error in (("model", 0.1), ("naive", 1.0)):
        for origin in ("2001", "2002", "2003"):
            for unit in range(units if forecaster == "model" else units - 1):
                for horizon in (1.0, 2.0):
                    place = float(rng.random())
                    rows.append(
                        {
                            "model": "spending",
                            "forecaster": forecaster,
                            "origin": origin,
                            "horizon": horizon,
                            "unit": f"U{unit}",
                            "observed": 2.0,
                            "crps": error * (1.0 + 0.1 * rng.random()),
                            "pit": place,
                            "in50": abs(place - 0.5) < 0.25,
                            "in80": abs(place - 0.5) < 0.4,
                            "in95": abs(place - 0.5) < 0.475,
                        }
                    )
    return pd.DataFrame(rows)
