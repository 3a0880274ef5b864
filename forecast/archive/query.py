"""Answer a query from the sampled paths of a run, for every scenario that it leaves open.

Every answer states on how many paths it rests. If too few paths meet the condition, more paths of the same plan are
simulated on request (`more_paths`); without that, the query is refused with the number of paths that it needs.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.estimates import Estimate, Sample, estimate, estimate_difference
from forecast.archive.quantities import event_holds, value_of
from forecast.archive.query_language import Count, Query, Term, Value
from forecast.errors import RunError
from forecast.storage.runs import Run

_BEYOND: Final = 5  # paths expected beyond a quantile; with fewer, its error is not known
_IN_VAIN: Final = 20_000  # further paths without a hit after which no more are simulated
FEWEST: Final = 30  # paths that meet a condition; with fewer, the error itself is not known
_CELL: Final = (names.WAR, names.DESIGN)

Scenario = Mapping[str, str]
Numbers = NDArray[np.int64]
#: Gives further sampled paths for each of these scenarios, from a number on, and the numbers of the paths.
MorePaths = Callable[[list[Scenario], int], tuple[list[xr.Dataset], Numbers]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to a query in one scenario; `minus` is the scenario of the second term of a difference."""

    scenario: Scenario
    minus: Scenario | None
    estimate: Estimate


def sampled_paths(run: Run) -> xr.Dataset:
    """Return the sampled paths of a run in memory, with `serves`: whether a contributor has a contingent at the start.

    Raises
    ------
    RunError
        If the run is damaged or in another output schema.
    """
    with run.projection as tree:
        return paths_of(tree)


def paths_of(tree: xr.DataTree) -> xr.Dataset:
    """Return the sampled paths of a projection, as `sampled_paths` does of a run."""
    serves = tree[names.MISSIONS]["contingent_weight"].load() > 0.0
    return tree[names.JOINT].to_dataset().assign(serves=serves).load()


def answer_query(
    query: Query,
    joint: xr.Dataset,
    draws: int,
    error: float | None = None,
    more: MorePaths | None = None,
) -> list[Answer]:
    """Return the answer in every scenario that the query leaves open, in the order of the run.

    Parameters
    ----------
    query : parsed query.
    joint : sampled paths of `sampled_paths`.
    draws : number of parameter draws of the run; path p has the draw p modulo this number.
    error : largest Monte Carlo standard error of an answer; more paths are simulated until it is met.
    more : gives more paths.

    Raises
    ------
    RunError
        If a name or time is unknown, or too few paths meet a condition and no more are simulated.
    """
    if error is not None and not error > 0.0:
        raise RunError(f"query: the error is {error:g}, expected a number above 0; choose a larger --error")
    terms = [query.term] if query.minus is None else [query.term, query.minus]
    serves = joint["serves"]
    answers = []
    for scenario in _scenarios(query.term, joint):
        scenarios = [scenario, *(_scenarios(term, joint, scenario)[0] for term in terms[1:])]
        cells, numbers = [joint.sel(place) for place in scenarios], np.arange(joint.sizes[names.PATH])
        samples = stored = _samples(terms, cells, numbers % draws)
        while not _enough(samples, error):
            if more is None:
                raise _too_few(query, samples, error)
            _require_hits(query, stored, samples)
            cells, numbers = more(scenarios, samples[0].values.size)
            extra = _samples(terms, [cell.assign(serves=serves) for cell in cells], numbers % draws)
            samples = [old.joined(new) for old, new in zip(samples, extra, strict=True)]
        minus = scenarios[1] if query.minus else None
        answers.append(Answer(scenario=scenario, minus=minus, estimate=_estimate(samples)))
    return answers


def _scenarios(term: Term, joint: xr.Dataset, given: Scenario | None = None) -> list[Scenario]:
    """Return the scenarios of a term. `given` fills in what the term leaves open; without it, all scenarios count."""
    choices: list[list[str]] = []
    for dimension in _CELL:
        known = joint[dimension].values.astype(str).tolist()
        chosen = term.scenario.get(dimension) or (given or {}).get(dimension)
        if chosen is not None and chosen not in known:
            raise RunError(f"query: {dimension}={chosen}, expected one of {', '.join(known)}; correct it")
        choices.append([chosen] if chosen else known)
    return [{names.WAR: war, names.DESIGN: design} for war in choices[0] for design in choices[1]]


def _samples(terms: list[Term], cells: list[xr.Dataset], draw: Numbers) -> list[Sample]:
    return [_sample(term, cell, draw) for term, cell in zip(terms, cells, strict=True)]


def _sample(term: Term, cell: xr.Dataset, draw: Numbers) -> Sample:
    """Return the values and the condition of a term on each path of one scenario."""
    of = term.of
    if isinstance(of, Value) and of.name == "verdict":
        raise RunError("query: a verdict is no number; ask for the probability, as in P(verdict in 2030Q4 = Weak)")
    values = value_of(of, cell) if isinstance(of, Value | Count) else event_holds(of, cell).astype(float)
    condition = term.condition
    return Sample(
        values=values,
        holds=event_holds(condition.event, cell) if condition else np.ones(values.size, dtype=bool),
        soft=condition.probability if condition else None,
        level=term.level,
        draw=draw,
    )


def _enough(samples: list[Sample], error: float | None) -> bool:
    if _shortage(samples):
        return False
    return error is None or _estimate(samples).error <= error


def _shortage(samples: list[Sample]) -> tuple[float, int, str] | None:
    """Return of what there are too few paths: the number, the number expected, and in words what is counted."""
    for sample in samples:
        if sample.support < FEWEST:
            where = "meet the condition" if sample.soft is None else "lie on one side of the condition"
            return sample.support, FEWEST, where
        if sample.level is not None:
            beyond = sample.support * min(sample.level, 1.0 - sample.level)
            if beyond < _BEYOND:
                return beyond, _BEYOND, "lie beyond the quantile"
    return None


def _require_hits(query: Query, stored: list[Sample], samples: list[Sample]) -> None:
    """Raise RunError if many further paths brought none of the paths that are too few."""
    for before, now in zip(stored, samples, strict=True):
        further = now.values.size - before.values.size
        if now.support < FEWEST and now.support == before.support and further >= _IN_VAIN:
            where = "meets the condition" if now.soft is None else "lies on the rarer side of the condition"
            raise RunError(
                f"query: {query.text}: none of {further:,} further paths {where}, so its probability is below about "
                f"{3.0 / further:.1g} (rule of three); ask for a condition that occurs"
            )


def _estimate(samples: list[Sample]) -> Estimate:
    return estimate(samples[0]) if len(samples) == 1 else estimate_difference(*samples)


def _too_few(query: Query, samples: list[Sample], error: float | None) -> RunError:
    """Return the refusal, with the number of paths that would probably be enough."""
    paths = samples[0].values.size
    if shortage := _shortage(samples):
        count, fewest, where = shortage
        needed = math.ceil(paths * fewest / (count or 1) * 1.2)
        reason = f"{count:.3g} of {paths} paths {where}, expected at least {fewest}"
        needs = f"about {needed:,} paths" if count else f"more than {needed:,} paths"
    else:
        found = _estimate(samples).error
        reason = f"the Monte Carlo error is {found:.2g}, expected at most {error:g}"
        needs = f"about {math.ceil(paths * (found / (error or found)) ** 2):,} paths"
    return RunError(f"query: {query.text}: {reason}; simulate more with --simulate ({needs}), or ask for less")


def answer_rows(answers: list[Answer]) -> Iterator[dict[str, str | float]]:
    """Yield one plain record for each answer, for JSON and tables."""
    for answer in answers:
        found = answer.estimate
        yield {
            **answer.scenario,
            **{f"minus_{name}": label for name, label in (answer.minus or {}).items()},
            "value": found.value,
            "error": found.error,
            "lower": found.lower,
            "upper": found.upper,
            "support": found.support,
            "paths": found.paths,
            "effective": found.effective,
        }
