"""Draws of beliefs by name, each from its own addressed generator, so that none depends on another's use."""

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.random_streams import generator


class PriorDraws:
    """Draws of beliefs by name, each from its own addressed generator, so that none depends on another's use."""

    def __init__(self, priors: Priors, seed: int, unseen_seed: int, size: int) -> None:
        self.priors, self.size = priors, size
        self.seed, self.unseen_seed = seed, unseen_seed

    def __getitem__(self, name: str) -> Floats:
        return self.draw(self.priors[name])

    def draw(self, prior: Prior) -> Floats:
        """Draws of a belief that has no name of its own in `priors`, such as one of a design."""
        return prior.sample(generator(self.seed, prior.name), self.size)

    def noise(self, name: str, *shape: int) -> Floats:
        """Standard normals behind a belief."""
        return generator(self.seed, name).normal(size=(self.size, *shape))

    def unseen(self, name: str, *shape: int) -> Floats:
        """Standard normals behind what a fit leaves open."""
        return generator(self.unseen_seed, name).normal(size=(self.size, *shape))
