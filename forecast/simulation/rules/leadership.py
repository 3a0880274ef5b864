"""Rules of changes of leader: one function for each equation, with its source.

`turnover_log_odds` uses addition and multiplication alone: the PyMC model calls it on symbolic variables, the back-test
on arrays and the kernel on numbers.
"""

import numpy as np

from forecast.simulation.jit import device


@device
def turnover_log_odds(intercept, effect, offset, b_election, election, b_after, after, b_before, before, tenure):
    """Return the log odds that the leader changes in a quarter.

    logit p = intercept + effect (1 + offset (E + A)) + b_E E + b_A A + b_P P + tenure

    with E an election in the quarter, A one in the quarter before, P one in the next two quarters, and `tenure` the
    effect of the bin of quarters in office. This is the one statement of the equation.
    """
    return (
        intercept
        + effect * (1.0 + offset * (election + after))
        + b_election * election
        + b_after * after
        + b_before * before
        + tenure
    )


@device
def turnover_probability(log_odds):
    """Return the probability of a change in a quarter: 1 / (1 + exp -x)."""
    return 1.0 / (1.0 + np.exp(-log_odds))


@device
def president_turnover(inauguration, limited, p_election, p_off_cycle):
    """Return the probability that the president of the United States changes in a quarter.

    In the quarter after the vote it is 1 if the incumbent may not stand again, else `p_election`; in all other
    quarters it is `p_off_cycle`.
    """
    if not inauguration:
        return p_off_cycle
    return 1.0 if limited else p_election
