"""Translate priors to PyMC variables; the only module that maps distribution names to PyMC.

All models write `pt.sum(x * b, axis=-1)` instead of a matrix product, which would take a minute to compile.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import pymc as pm

from forecast.priors.prior import Prior

_AS_DATA: ContextVar[bool] = ContextVar("_AS_DATA", default=False)


@contextmanager
def priors_as_data() -> Iterator[None]:
    """Make the parameters of priors data of the models built inside, so that a compiled model can be given others.

    Published fits do without it: constants are folded in the compiled density, which changes its last digits.
    """
    token = _AS_DATA.set(True)
    try:
        yield
    finally:
        _AS_DATA.reset(token)


def parameters(prior: Prior) -> Any:
    """Return the parameters of `prior`: numbers, or data named as the prior inside `priors_as_data`."""
    if not _AS_DATA.get():
        return prior.params
    model = pm.modelcontext(None)
    return model[prior.name] if prior.name in model.named_vars else pm.Data(prior.name, np.array(prior.params))


def prior_vectors(compiled: Any, priors: Mapping[str, Prior]) -> dict[str, Any]:
    """Return the parameters of `priors`, by name, that are data of a model compiled inside `priors_as_data`."""
    data = {shared.name for shared in compiled.shared_var_keys}
    return {name: np.array(prior.params) for name, prior in priors.items() if name in data}


def variable(prior: Prior, name: str | None = None, **kwargs: Any) -> Any:
    """Return the random variable of `prior`, named by the last part of the prior's name unless `name` is given."""
    label = name or prior.name.split(".")[-1]
    p = parameters(prior)
    match prior.dist:
        case "Dirichlet":
            return pm.Dirichlet(label, a=np.array(p) if isinstance(p, tuple) else p, **kwargs)
        case "Beta":
            return pm.Beta(label, p[0], p[1], **kwargs)
        case "Gamma":
            return pm.Gamma(label, alpha=p[0], beta=p[1], **kwargs)
        case "HalfNormal":
            return pm.HalfNormal(label, p[0], **kwargs)
        case "LogNormal":
            return pm.LogNormal(label, p[0], p[1], **kwargs)
        case "Normal":
            return pm.Normal(label, p[0], p[1], **kwargs)
        case "TruncatedNormal":
            return pm.TruncatedNormal(label, mu=p[0], sigma=p[1], lower=p[2], **kwargs)
        case "Uniform":
            return pm.Uniform(label, p[0], p[1], **kwargs)
        case _:
            raise ValueError(
                f"prior {prior.name}: a model cannot sample the distribution {prior.dist!r}; use Dirichlet, Beta, "
                "Gamma, HalfNormal, LogNormal, Normal, TruncatedNormal or Uniform"
            )
