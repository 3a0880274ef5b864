"""Say what would have been assumed in an earlier year, so that no prior of a back-test has seen its outcomes."""

from dataclasses import replace
from typing import Any, Final

from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.priors.registry import PRIOR_FILES
from forecast.storage.files import digest_of

_WIDER: Final = 2.0  # factor on the standard deviation of a prior that has seen too much
_FLAT: Final = 1.0  # least shape of a widened Beta or Dirichlet, so that it has no peak at 0 or 1


def priors_at(priors: Priors, year: int) -> Priors:
    """Return the priors without what they have seen after `year`.

    A prior that has seen later years is replaced by its `before`. If there is none, or if that too has seen later
    years, its standard deviation is doubled (see `widened`).
    """
    return replace(priors, by_name={name: _at(prior, year) for name, prior in priors.by_name.items()})


def _at(prior: Prior, year: int) -> Prior:
    if prior.seen <= year:
        return prior
    return widened(prior) if prior.before is None else _at(prior.before, year)


def widened(prior: Prior) -> Prior:
    """Return the prior with twice the standard deviation; a constant and a Uniform are returned as they are.

    A Normal, a HalfNormal and a LogNormal get twice their sigma. A Gamma keeps its mean, with a quarter of shape and
    rate. A Beta and a Dirichlet get a quarter of their weight, but no shape falls below 1 unless it is below 1 already.
    """
    p, params = prior.params, prior.params
    match prior.dist:
        case "HalfNormal":
            params = (_WIDER * p[0],)
        case "Normal" | "LogNormal":
            params = (p[0], _WIDER * p[1])
        case "TruncatedNormal":
            params = (p[0], _WIDER * p[1], p[2])
        case "Gamma":
            params = tuple(x / _WIDER**2 for x in p)
        case "Beta" | "Dirichlet":
            params = tuple(max(x / _WIDER**2, min(x, _FLAT)) for x in p)
        case _:
            pass
    return replace(prior, params=params)


def dated_digest(priors: Priors, model: str) -> str:
    """Return the digest of what the priors of a model have seen and were before; its back-tests depend on it."""
    files = PRIOR_FILES.get(model, (model,))
    return digest_of([_assumed(p) for file in files for p in priors.section(file).values()])


def _assumed(prior: Prior) -> list[Any]:
    """Return the name of a prior, the year that it has seen, and parameters and year of each earlier assumption."""
    earlier = [] if prior.before is None else [*prior.before.params, *_assumed(prior.before)]
    return [prior.name, prior.seen, *earlier]
