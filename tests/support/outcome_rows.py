"""Write files of outcomes."""

from pathlib import Path

from forecast.evaluation.resolution.outcomes import SPEC

HEADER = ",".join(SPEC.names)


def written(folder: Path, *rows: str) -> Path:
    """Write the rows below the header into `outcomes.csv` of a folder."""
    path = folder / "outcomes.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path
