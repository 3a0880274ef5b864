"""From a belief to a PyMC variable: the only place where distribution names meet PyMC.

Matrix products are avoided in all models (`pt.sum(x * b, axis=-1)` instead): each costs a minute of compilation.
"""

from typing import Any

import numpy as np
import pymc as pm

from forecast.priors.prior import Prior


def variable(prior: Prior, name: str | None = None, **kwargs: Any) -> Any:
    """The random variable that `prior` describes, under its short name unless another is given."""
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
            raise ValueError(f"{prior.name}: {prior.dist} is no distribution a model can sample")
