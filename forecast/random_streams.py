"""Addressed random generators: the same seed and name always give the same stream."""

import zlib

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the random generator of one prior, model or entity, addressed by its name."""
    return np.random.Generator(np.random.Philox(key=[seed, address(name)]))


def address(name: str) -> int:
    """Return the 32-bit address of an entity, which depends on its name and not on its place in a plan."""
    return zlib.crc32(name.encode())


def second_seed(seed: int) -> int:
    """Return the seed of the second run, which is compared with the run of `seed` to find the share of judgement."""
    return (seed + 1) % 2**32
