"""Mix published headlines with weights of scenarios, so that an explanation can divide the change of a mixture."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast import names
from forecast.archive.hybrids import Values, values_of
from forecast.priors.weights import ScenarioWeights
from forecast.projection.headlines import KEY, key_of

MIXED: Final = "mixture"  # stands for war and design
_FIELDS: Final = ("target", "unit_id", "horizon", "horizon_role", "statistic", "category", "unit")


def mixed_values(values: Values, weights: ScenarioWeights) -> Values:
    """Return the mixtures of headlines by key, with `MIXED` for war and design: value, and limit of its error.

    Only a probability or a mean that every scenario with weight has is mixed; a median needs the paths.
    """
    shares = dict(zip(weights.scenarios, weights.mean.tolist(), strict=True))
    parts: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for key, (value, error) in values.items():
        fields = dict(zip(KEY, key, strict=True))
        share = shares.get((fields[names.WAR], fields[names.DESIGN]), 0.0)
        if share > 0.0 and fields["statistic"] != names.MEDIAN:
            mixed = tuple((fields | {names.WAR: MIXED, names.DESIGN: MIXED}).values())
            parts.setdefault(mixed, []).append((share * value, share * error))
    wanted = sum(share > 0.0 for share in shares.values())
    return {
        key: (math.fsum(value for value, _ in terms), math.fsum(error for _, error in terms))
        for key, terms in parts.items()
        if len(terms) == wanted
    }


def mixed_records(headlines: Sequence[Mapping[str, Any]], weights: ScenarioWeights) -> list[dict[str, Any]]:
    """Return the headlines of the mixture as records, without what holds for one scenario alone."""
    records = {
        key_of(record): record
        for record in ({**{f: of[f] for f in _FIELDS}, names.WAR: MIXED, names.DESIGN: MIXED} for of in headlines)
    }
    mixed = mixed_values(values_of(headlines), weights)
    return [{**records[key], "value": value, "mcse": error} for key, (value, error) in mixed.items()]
