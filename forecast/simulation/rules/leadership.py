"""Rules of changes of leader: one small scalar function each, with its equation and source."""

import math

from forecast.simulation.jit import device


@device
def turnover_probability(quiet, offset, vote, after, before, b_vote, b_after, b_before, tenure):
    """logit p = a + u + (b_E + d u) E + (b_A + d u) A + b_P P + w(tenure). The model of `pymc_models/leadership.py`."""
    logit = quiet + vote * (b_vote + offset) + after * (b_after + offset)
    return 1.0 / (1.0 + math.exp(-(logit + before * b_before + tenure)))


@device
def president_turnover(inauguration, limited, p_election, p_off_cycle):
    """United States: off cycle nearly never; in the quarter after the vote surely if limited, else p_election."""
    if not inauguration:
        return p_off_cycle
    return 1.0 if limited else p_election
