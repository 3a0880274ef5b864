"""Draw priors by name. Each has its own random generator, so no draw depends on which others are taken."""

from forecast.array_types import Floats
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.random_streams import generator


class PriorDraws:
    """Draw priors by name, each from a generator seeded by the seed and the name.

    Parameters
    ----------
    priors : Priors
        All priors of the workspace.
    seed : int
        Seed of the draws of priors.
    unseen_seed : int
        Seed of the draws of quantities that no fit estimates.
    size : int
        Number of draws.
    """

    def __init__(self, priors: Priors, seed: int, unseen_seed: int, size: int) -> None:
        self.priors, self.size = priors, size
        self.seed, self.unseen_seed = seed, unseen_seed

    def __getitem__(self, name: str) -> Floats:
        return self.draw(self.priors[name])

    def draw(self, prior: Prior) -> Floats:
        """Return draws of a prior that `priors` does not hold by name, such as one of a design; shape (size,)."""
        return prior.sample(generator(self.seed, prior.name), self.size)

    def noise(self, name: str, *shape: int) -> Floats:
        """Return standard normal draws for the prior `name`, of shape (size, *shape)."""
        return generator(self.seed, name).normal(size=(self.size, *shape))

    def unseen(self, name: str, *shape: int) -> Floats:
        """Return standard normal draws for a quantity that no fit estimates, of shape (size, *shape)."""
        return generator(self.unseen_seed, name).normal(size=(self.size, *shape))
