"""Name the posteriors that the requirements are tested with."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
POSTERIORS = ROOT / "tests" / "data" / "posteriors"
DRAWS = 256  # of each model in tests/data/posteriors
