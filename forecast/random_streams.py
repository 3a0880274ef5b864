"""Addressed random generators: the same address always gives the same stream."""

import zlib

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one belief or model, addressed by its name."""
    return np.random.Generator(np.random.Philox(key=[seed, address(name)]))


def address(name: str) -> int:
    """The 32-bit address of an entity's random numbers: it depends on its name alone, not on its place in a plan."""
    return zlib.crc32(name.encode())
