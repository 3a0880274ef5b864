"""Translate priors to PyMC variables; the only module that maps distribution names to PyMC.

All models write `pt.sum(x * b, axis=-1)` instead of a matrix product, which would take a minute to compile.
"""

from typing import Any

import numpy as np
import pymc as pm

from forecast.priors.prior import Prior


def variable(prior: Prior, name: str | None = None, **kwargs: Any) -> Any:
    """Return the random variable of `prior`, named by the last part of the prior's name unless `name` is given."""
    label = name or prior.name.split(".")[-1]
    p = prior.params
    match prior.dist:
        case "Dirichlet":
            return pm.Dirichlet(label, a=np.array(p), **kwargs)
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
