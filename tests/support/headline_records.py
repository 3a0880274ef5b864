"""Headline records as a run stores them, for tests of what is read from them."""

from typing import Any

from forecast import names


def headline(value: float, **other: Any) -> dict[str, Any]:
    """Return the record of European spending in 2030 with this value; `other` replaces or adds fields."""
    return {
        "target": names.EUROPEAN_SPENDING,
        "unit_id": "alliance",
        "war": "win",
        "design": "none",
        "horizon": "2030",
        "horizon_role": names.AFTER_FIVE_YEARS,
        "statistic": names.MEDIAN,
        "category": None,
        "unit": "percent of GDP",
        "value": value,
        "mcse": 0.03,
    } | other


def verdict(weak: float, fragmented: float, strong: float, **other: Any) -> list[dict[str, Any]]:
    """Return the three records of one scenario's verdict on cohesion; `other` replaces or adds fields."""
    fields = {"target": names.COHESION_VERDICT, "horizon": "2027Q4", "horizon_role": names.END_OF_RAMP}
    fields |= {"statistic": names.PROBABILITY, "unit": "1", "mcse": 0.001}
    probabilities = zip(names.VERDICTS, (weak, fragmented, strong), strict=True)
    return [headline(p, **fields | {"category": name} | other) for name, p in probabilities]
