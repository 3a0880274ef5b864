"""Add paths to a projection until the Monte Carlo error of the headlines meets a requested precision.

The error has two parts. The part due to paths falls with their number; the part due to parameter draws stays.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forecast.errors import RunError
from forecast.progress import Stages
from forecast.projection.monte_carlo_error import GROUPS, Projected, merge_projected
from forecast.projection.projection import Projection
from forecast.workspace.plan import MOST_PATHS, Plan

Headline = Mapping[str, Any]


class Rounds:
    """Iterate over the results of a growing number of paths, as long as more paths are requested.

    The first round yields the result it was given. Each later round simulates the paths that `request` asked for
    since the last round and yields the result of all paths so far. Sampled paths stay those of the first round.
    """

    def __init__(self, projection: Projection, first: Projected, stages: Stages) -> None:
        self.projection, self.projected, self.stages = projection, first, stages
        self.requested = 0

    def request(self, paths: int) -> None:
        """Ask for so many more paths; with 0 the iteration ends."""
        self.requested = paths

    def __iter__(self) -> Iterator[Projected]:
        yield self.projected
        while self.requested:
            begin = self.projected.paths
            end, self.requested = begin + self.requested, 0
            with self.stages(f"project to {end:,}") as report:
                added = self.projection.project(range(begin, end), report, joint_paths=0)
            self.projected = merge_projected(self.projected, added)
            yield self.projected


def additional_paths(headlines: Sequence[Headline], paths: int, plan: Plan) -> int:
    """Return how many paths to add to `paths` until no headline's standard error is above `plan.precision`.

    Rounded up to a multiple of two full passes over the draws. The fraction of variance due to draws is pooled over
    all headlines because a single headline's estimate is noisy.

    Raises
    ------
    RunError
        The draws alone leave a larger error, or more paths are needed than a plan may have.
    """
    if plan.precision is None:
        return 0
    worst = max(headlines, key=lambda h: h["mcse"])
    if worst["mcse"] <= plan.precision:
        return 0
    two_passes = 2 * plan.draws
    if any(h["mcse_draws"] is None for h in headlines):  # too few paths to separate the two parts
        return two_passes
    variance = math.fsum(h["mcse"] ** 2 for h in headlines)
    draws_share = math.fsum(h["mcse_draws"] ** 2 for h in headlines) / variance
    from_draws, from_paths = draws_share * worst["mcse"] ** 2, (1.0 - draws_share) * worst["mcse"] ** 2
    allowed = plan.precision**2 - from_draws
    if allowed <= 0.0:
        enough_draws = plan.draws * 2.0 * from_draws / plan.precision**2
        raise RunError(_unreachable_precision(worst, plan, math.sqrt(from_draws), enough_draws))
    needed: float = paths * from_paths / allowed
    if needed > MOST_PATHS:
        raise RunError(
            f"precision {plan.precision:g} would take {needed:,.0f} paths, more than the {MOST_PATHS:,} a plan may "
            "have: set a larger precision, or raise draws in the plan"
        )
    return max(two_passes, math.ceil((needed - paths) / two_passes) * two_passes)


def _unreachable_precision(worst: Headline, plan: Plan, from_draws: float, enough_draws: float) -> str:
    """Return the message for a precision below the standard error `from_draws` that the draws alone leave."""
    draws = math.ceil(enough_draws / GROUPS) * GROUPS
    return (
        f"precision {plan.precision:g} is out of reach with {plan.draws:,} parameter draws, which leave a standard "
        f"error of about {from_draws:.2g} in '{worst['target']}' ({worst['unit_id']}, "
        f"{worst['category'] or worst['statistic']}, {worst['war']}, {worst['design']}, "
        f"{worst['horizon']}) for any number of paths; set draws = {draws} in the plan, or a precision above "
        f"{from_draws:.2g}"
    )
