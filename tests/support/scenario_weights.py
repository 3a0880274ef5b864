"""Weights for the scenarios of the small run of `pipeline_run.py`, and sampled values with a known law."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from forecast.archive.headline_values import Kind
from forecast.archive.weighted_paths import Sampled
from forecast.array_types import Floats

WEIGHTS = """
[[weights]]
of = "war"
date = 2025-06-01
author = "a panel"
source = "a survey"
size = 20.0
probability = { win = 0.1, stalemate = 0.4, lose = 0.5 }
[[weights]]
of = "design"
date = 2025-06-01
author = "a panel"
source = "a survey"
size = 6.0
probability = { none = 0.7, division_of_labour = 0.3 }
"""


def weights_file(folder: Path) -> Path:
    """Write the weights into a folder and return the path."""
    path = folder / "weights.toml"
    path.write_text(WEIGHTS)
    return path


def kind(category: str = "nominal", unit: str = "1") -> Kind:
    """Return a headline on a mission."""
    return Kind(
        target="mission_survival", unit_id="kfor", horizon="2030Q4", statistic="mean", category=category, unit=unit
    )


def sampled(targets: Floats, terms: Mapping[str, Floats], draws: int | None = None) -> Sampled:
    """Return sampled values of one headline in one scenario; all arrays are (path,)."""
    return Sampled(
        kinds=[kind()],
        targets=targets[:, None, None],
        terms={text: values[:, None] for text, values in terms.items()},
        weights=np.ones(1),
        draw=np.arange(targets.size) % (draws or targets.size),
    )
