"""Rules of changes of leader: one function for each equation, with its source.

`turnover_log_odds` uses addition and multiplication alone: the PyMC model calls it on symbolic variables, the back-test
on arrays and the kernel on numbers.
"""

from forecast.simulation.elementary import exp
from forecast.simulation.jit import device
from forecast.simulation.lanes import where


@device
def turnover_log_odds(
    intercept,
    effect,
    offset,
    b_election,
    election,
    b_after,
    after,
    b_after_new,
    after_new,
    b_limited,
    limited,
    b_before,
    before,
    tenure,
):
    """Return the log odds that the leader changes in a quarter.

    logit p = intercept + effect (1 + offset (E + A)) + b_E E + b_A A + b_N N + b_L L + b_P P + tenure

    with E an election in the quarter, A one in the quarter before, N the same if the leader took office in the quarter
    of that election, L the same if the leader was in office before it and could not stand in it, P the last two
    quarters before the term ends, and `tenure` the effect of the bin of quarters in office. N and L imply A. This is
    the one statement of the equation.
    """
    return (
        intercept
        + effect * (1.0 + offset * (election + after))
        + b_election * election
        + b_after * after
        + b_after_new * after_new
        + b_limited * limited
        + b_before * before
        + tenure
    )


@device
def turnover_probability(log_odds):
    """Return the probability of a change in a quarter: 1 / (1 + exp -x)."""
    return 1.0 / (1.0 + exp(-log_odds))


@device
def mandates_won(mandates, changed, vote, after, after_new):
    """Return how many elections the leader at the end of a quarter has won, given the number at its start.

    The winner of an election is the leader at the end of the quarter after it. So a vote of the quarter before counts
    at the end of this quarter. A leader who comes to office in the quarter of a vote or in the one after has won it.
    """
    return where(changed == 1, vote + after, mandates + after - after_new)


@device
def early_vote_hazard(hazards, left, fixed):
    """Return the probability of an early vote in a quarter, `left` quarters before the last one possible.

    It is `hazards[left - 1]`; the last of `hazards` is for all larger numbers. If the day of the vote is set, it is 0
    in the last two quarters before it.
    """
    hazard = hazards[len(hazards) - 1]
    for i in range(len(hazards) - 1):
        hazard = where(left == i + 1, where(fixed == 1, 0.0, hazards[i]), hazard)
    return where(left <= 0, 0.0, hazard)


@device
def president_turnover(inauguration, limited, p_election, p_off_cycle):
    """Return the probability that the president of the United States changes in a quarter.

    In the quarter after the vote it is 1 if the incumbent may not stand again, else `p_election`; in all other
    quarters it is `p_off_cycle`.
    """
    return where(inauguration == 1, where(limited == 1, 1.0, p_election), p_off_cycle)
