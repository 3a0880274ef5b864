"""Explain why the headlines moved between two stored runs, by hybrid runs with parts of both.

Each part that differs is swapped from the earlier run to the later one, and its effect is averaged over the orders of
swapping (`shapley`). The runs themselves are stored, so one differing part needs no simulation at all.

Where both runs have weights of scenarios, the headlines of their mixtures are divided too. A mixture is a weighted sum
of headlines, so swapping the weights needs no simulation.

The code of another version is not available. Runs of other versions are made again by this version as hybrids, and what
that cannot explain is the effect of the version: the whole change minus the effects of the parts.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from forecast.archive.hybrids import Values, kept_values, make_hybrid, missing_fits, values_of
from forecast.archive.mixed_headlines import mixed_records, mixed_values
from forecast.archive.parts import NOISE, PARTS, WEIGHTS, Mixer, code_of, differing_data, differing_parts, key_of_inputs
from forecast.archive.run_mixture import stored_weights, weight_texts
from forecast.archive.shapley import MOST_EXACT, Effect, Order, Swapped, effects, orders_of, sets_of, with_part
from forecast.array_types import Floats
from forecast.data.library_options import default_options
from forecast.errors import ForecastError, RunError
from forecast.pipeline.changes import changed_versions, headline_moves
from forecast.pipeline.restore import inputs_of_run
from forecast.priors.weights import ScenarioWeights
from forecast.progress import Report, Stages
from forecast.projection.execution import Executor
from forecast.projection.headlines import KEY, key_of
from forecast.storage.runs import COMPLETE, Run
from forecast.workspace.inputs import Inputs

VERSION: Final = "version"
_PROJECTION: Final = "projection and checks"  # entry of the times in a manifest
_ROUNDING: Final = 1e-12  # by which the contributions may miss the change


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What an explanation has to compute.

    Attributes
    ----------
    projections : hybrid runs to simulate.
    kept : hybrid runs that are simulated already.
    refits : number of fits to make, by model.
    seconds : estimate from the times of the two runs.
    """

    projections: int
    kept: int
    refits: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Contribution:
    """What one part contributes to the change of a headline, in its unit.

    Attributes
    ----------
    part : name of the part.
    value : average over the orders of swapping.
    error : Monte Carlo standard error.
    lowest, highest : over the orders.
    """

    part: str
    value: float
    error: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainedHeadline:
    """A headline of the later run with its earlier value, and the contributions, which add up to the change."""

    record: Mapping[str, Any]
    before: float
    change: float
    error: float
    contributions: Sequence[Contribution]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why the headlines moved between two runs.

    Attributes
    ----------
    before, after : ids of the runs.
    parts : what differs in each part, by its name.
    versions : versions that differ, each with both values.
    orders : number of orders of swapping.
    exact : whether these are all orders.
    cost : what was computed.
    notes : sentences on parts that were joined and on runs that were made again.
    mixtures : headlines of the mixtures, if both runs have weights; with `mixture` for war and design.
    headlines : headlines that both runs have; those that moved by most Monte Carlo standard errors first.
    only_before, only_after : headlines that only one run has.
    unexplained : headlines of both runs that a hybrid run does not have.
    """

    before: str
    after: str
    parts: Mapping[str, Sequence[str]]
    versions: Sequence[str]
    orders: int
    exact: bool
    cost: Cost
    notes: Sequence[str]
    mixtures: Sequence[ExplainedHeadline]
    headlines: Sequence[ExplainedHeadline]
    only_before: Sequence[Mapping[str, Any]]
    only_after: Sequence[Mapping[str, Any]]
    unexplained: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """Two runs, what differs between them, and what an explanation has to simulate; nothing is simulated yet.

    Attributes
    ----------
    home : folder of the workspace.
    before, after : the runs.
    parts : what differs in each part, by its name.
    groups : parts that are swapped together, in the order of their numbers.
    versions : versions that differ; the effect of the version is what the parts leave over.
    weights : weights of the scenarios of both runs; None if a run has none.
    keys : key of the inputs of each set of swapped groups.
    known : headlines of stored and of kept inputs, by key.
    inputs : inputs to simulate, by key.
    cost : what has to be computed.
    notes : sentences on parts that were joined and on runs that are made again.
    """

    home: Path
    before: Run
    after: Run
    parts: Mapping[str, Sequence[str]]
    groups: Sequence[tuple[str, ...]]
    versions: Sequence[str]
    weights: tuple[ScenarioWeights, ScenarioWeights] | None
    keys: Mapping[Swapped, str]
    known: Mapping[str, Values]
    inputs: Mapping[str, Inputs]
    cost: Cost
    notes: Sequence[str]


@default_options()
def prepare_explanation(home: Path, before: Run, after: Run) -> Prepared:
    """Return what an explanation of the change from one run to another needs, with its cost.

    Raises
    ------
    ForecastError
        If a run is damaged, not complete or in another output schema, or its inputs are needed and cannot be restored.
    """
    for run in (before, after):
        _require_complete(run)
    old, new = before.manifest, after.manifest
    parts = differing_parts(old, new)
    versions = changed_versions(old, new) if code_of(old) != code_of(new) else []
    mixer = None
    if old["tables"] != new["tables"] or (parts and len(parts) + bool(versions) > 1):
        mixer = Mixer(before=inputs_of_run(home, before), after=inputs_of_run(home, after))
        parts |= differing_data(mixer.before, mixer.after)
    groups: list[tuple[str, ...]] = [(part,) for part in PARTS if part in parts]
    notes: list[str] = []
    hybrids = None
    while mixer and groups and len(groups) + bool(versions) > 1 and hybrids is None:
        try:
            hybrids = _mixed(mixer, groups, (before, after))
            notes += _made_again(mixer, (before, after))
        except ForecastError as error:  # parts contradict each other: join the first ones
            if len(groups) == 1:
                raise
            groups, note = _joined(groups, error)
            notes.append(note)
    if hybrids is None:
        hybrids = _stored(before, after, len(groups))
    stored = [stored_weights(run) for run in (before, after)]
    if all(stored):
        texts = weight_texts(before), weight_texts(after)
        if moved := [of for of in {**texts[0], **texts[1]} if texts[0].get(of) != texts[1].get(of)]:
            parts[WEIGHTS] = moved
    return Prepared(
        home=home,
        before=before,
        after=after,
        parts={part: parts[part] for part in (*PARTS, WEIGHTS) if part in parts},
        groups=groups,
        versions=versions,
        weights=(stored[0], stored[1]) if stored[0] and stored[1] else None,
        keys=hybrids.keys,
        known=hybrids.known,
        inputs=hybrids.inputs,
        cost=_cost(hybrids, (before, after)),
        notes=notes,
    )


class _Hybrids(NamedTuple):
    """Key of each set of swapped groups, headlines known by key, inputs to simulate by key, and the number kept."""

    keys: Mapping[Swapped, str]
    known: Mapping[str, Values]
    inputs: Mapping[str, Inputs]
    kept: int


def _require_complete(run: Run) -> None:
    run.require_whole()
    if run.status != COMPLETE:
        raise RunError(
            f"{run.path}: the run is {run.status}, expected complete; it has posteriors of an earlier run, which "
            "cannot be swapped, so choose a complete run"
        )


def _joined(groups: Sequence[tuple[str, ...]], error: ForecastError) -> tuple[list[tuple[str, ...]], str]:
    """Return the groups with the first two joined, and a note that says why."""
    joined = (*groups[0], *groups[1])
    note = f"{' and '.join(joined)} are swapped together, because apart they fail: {str(error).splitlines()[0]}"
    return [joined, *groups[2:]], note


def _stored(before: Run, after: Run, groups: int) -> _Hybrids:
    """Return the two runs, where they are all that is needed: at most one group differs."""
    ends = [(frozenset(range(number)), run) for number, run in zip(range(groups + 1), (before, after), strict=False)]
    keys = {swapped: run.id for swapped, run in ends}
    return _Hybrids(keys, {run.id: values_of(run.headlines) for _, run in ends}, {}, 0)


def _mixed(mixer: Mixer, groups: Sequence[tuple[str, ...]], runs: tuple[Run, Run]) -> _Hybrids:
    """Return the hybrids that the orders of swapping pass through."""
    home = mixer.before.home
    known = {
        key_of_inputs(inputs): values_of(run.headlines)
        for inputs, run in zip((mixer.before, mixer.after), runs, strict=True)
        if inputs.run_id == run.id
    }
    keys: dict[Swapped, str] = {}
    to_make: dict[str, Inputs] = {}
    kept = 0
    for swapped in sets_of(orders_of(len(groups))):
        inputs = mixer.inputs(frozenset(part for number in swapped for part in groups[number]))
        key = keys[swapped] = key_of_inputs(inputs)
        if key in known or key in to_make:
            continue
        if (found := kept_values(home, key)) is not None:
            known[key] = found
            kept += 1
        else:
            to_make[key] = inputs
    return _Hybrids(keys, known, to_make, kept)


def _made_again(mixer: Mixer, runs: tuple[Run, Run]) -> list[str]:
    return [
        f"{run.id} is of other versions than this code, so it is made again for the comparison"
        for inputs, run in zip((mixer.before, mixer.after), runs, strict=True)
        if inputs.run_id != run.id
    ]


def _cost(hybrids: _Hybrids, runs: tuple[Run, Run]) -> Cost:
    """Return the cost of simulating hybrids, from the times of the two runs."""
    refits: dict[str, str] = {}
    for inputs in hybrids.inputs.values():
        refits |= missing_fits(inputs, runs)
    one = max(run.manifest["host"]["seconds"].get(_PROJECTION, 0.0) for run in runs)
    fits = (max(sum(run.manifest["fits"][model]["seconds"].values()) for run in runs) for model in refits.values())
    return Cost(
        projections=len(hybrids.inputs),
        kept=hybrids.kept,
        refits=dict(Counter(refits.values())),
        seconds=len(hybrids.inputs) * one + sum(fits),
    )


@default_options()
def explain(prepared: Prepared, stages: Stages, executor: Executor) -> Explanation:
    """Simulate what a prepared explanation needs, and return the explanation.

    Each hybrid is kept as soon as it is simulated, so after an interruption the others remain to be done.
    """
    values, runs = dict(prepared.known), (prepared.before, prepared.after)
    for number, (key, inputs) in enumerate(prepared.inputs.items(), start=1):
        numbered = partial(_numbered, stages, f"{number} of {len(prepared.inputs)}: ")
        values[key] = make_hybrid(key, inputs, runs, numbered, executor)
    return _explanation(prepared, values)


def explain_runs(home: Path, before: Run, after: Run, stages: Stages, executor: Executor) -> Explanation:
    """Explain the change from one run to another; raises as `prepare_explanation`."""
    return explain(prepare_explanation(home, before, after), stages, executor)


def _numbered(stages: Stages, number: str, title: str) -> AbstractContextManager[Report]:
    return stages(f"{number}{title}")


def _explanation(prepared: Prepared, values: Mapping[str, Values]) -> Explanation:
    """Divide the change of every headline among the parts."""
    before, after = prepared.before.headlines, prepared.after.headlines
    orders = orders_of(len(prepared.groups))
    parts = [" + ".join(group) for group in prepared.groups]
    at = {swapped: values[key] for swapped, key in prepared.keys.items()}
    plain = _Game(before, after, orders, parts, at)
    headlines, unexplained = _divided(prepared, plain)
    earlier, later = ({key_of(record) for record in records} for records in (before, after))
    return Explanation(
        before=prepared.before.id,
        after=prepared.after.id,
        parts=prepared.parts,
        versions=prepared.versions,
        orders=len(orders),
        exact=len(prepared.groups) <= MOST_EXACT,
        cost=prepared.cost,
        notes=prepared.notes,
        mixtures=_divided(prepared, _mixture(prepared, plain, prepared.weights))[0] if prepared.weights else [],
        headlines=headlines,
        only_before=[record for record in before if key_of(record) not in later],
        only_after=[record for record in after if key_of(record) not in earlier],
        unexplained=unexplained,
    )


class _Game(NamedTuple):
    """Headlines of both runs, the orders in which numbered parts are swapped, and the values of each set of them."""

    before: Sequence[Mapping[str, Any]]
    after: Sequence[Mapping[str, Any]]
    orders: Sequence[Order]
    parts: Sequence[str]
    at: Mapping[Swapped, Values]


def _mixture(prepared: Prepared, plain: _Game, weights: tuple[ScenarioWeights, ScenarioWeights]) -> _Game:
    """Return the game of the mixtures: one part more if the weights differ, and no further simulation."""
    before, after = (mixed_records(of, mean) for of, mean in zip(plain[:2], weights, strict=True))
    if WEIGHTS not in prepared.parts:
        at = {swapped: mixed_values(values, weights[0]) for swapped, values in plain.at.items()}
        return plain._replace(before=before, after=after, at=at)
    number = len(plain.parts)
    at = {
        swapped | also: mixed_values(values, mean)
        for swapped, values in plain.at.items()
        for also, mean in zip((frozenset[int](), frozenset({number})), weights, strict=True)
    }
    return _Game(before, after, with_part(plain.orders, number), [*plain.parts, WEIGHTS], at)


def _divided(prepared: Prepared, game: _Game) -> tuple[list[ExplainedHeadline], list[Mapping[str, Any]]]:
    """Return the headlines that both runs have with their contributions, and those that a hybrid does not have."""
    earlier, later = ({key_of(record): record for record in records} for records in (game.before, game.after))
    moves = headline_moves(game.before, game.after)
    explained = [move for move in moves if all(key_of(move) in values for values in game.at.values())]
    same = not prepared.parts and not prepared.versions
    headlines = [
        ExplainedHeadline(
            record=later[key_of(move)],
            before=move["before"],
            change=move["value"] - move["before"],
            error=_error_of_change(earlier[key_of(move)], move, same=same),
            contributions=contributions,
        )
        for move, contributions in zip(explained, _contributions(prepared, game, explained), strict=True)
    ]
    return headlines, [move for move in moves if move not in explained]


def _contributions(prepared: Prepared, game: _Game, moves: Sequence[Mapping[str, Any]]) -> list[list[Contribution]]:
    """Return the contributions to each of these headlines, in the order of the parts; the version comes last."""
    keys = [key_of(move) for move in moves]
    numbers = {swapped: np.array([values[key] for key in keys]).T for swapped, values in game.at.items()}
    if not moves:
        return []
    noise = next((number for number, group in enumerate(prepared.groups) if NOISE in group), None)
    found = effects(game.orders, lambda swapped: numbers[swapped][0], lambda swapped: numbers[swapped][1], noise)
    named = dict(zip(game.parts, found, strict=True))
    change = np.array([move["value"] - move["before"] for move in moves])
    left = change - sum((effect.mean for effect in found), np.zeros(len(moves)))
    if prepared.versions or np.abs(left).max(initial=0.0) > _ROUNDING:
        named[VERSION] = Effect(mean=left, lowest=left, highest=left, error=_error_of_version(prepared, game, keys))
    return [
        [
            Contribution(
                part=part,
                value=float(effect.mean[at]),
                error=float(effect.error[at]),
                lowest=float(effect.lowest[at]),
                highest=float(effect.highest[at]),
            )
            for part, effect in named.items()
        ]
        for at in range(len(moves))
    ]


def _error_of_version(prepared: Prepared, game: _Game, keys: Sequence[tuple[str, ...]]) -> Floats:
    """Return the error of the effect of the version: that of both runs, and of those that were made again."""
    ends = (game.before, frozenset[int]()), (game.after, frozenset(range(len(game.parts))))
    variance = np.zeros(len(keys))
    for records, swapped in ends:
        stored, again = values_of(records), game.at[swapped]
        if not prepared.groups or stored != again:
            for source in (stored, again) if prepared.groups else (stored,):
                variance += [source[key][1] ** 2 for key in keys]
    return np.sqrt(variance)


def _error_of_change(before: Mapping[str, Any], now: Mapping[str, Any], *, same: bool) -> float:
    """Return the error of a change. If nothing differs, equal numbers are the same one, so they have none."""
    if same and now["value"] == now["before"]:
        return 0.0
    return math.hypot(before["mcse"] or 0.0, now["mcse"] or 0.0)


def explanation_rows(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain records, for JSON."""
    return {
        "before": explanation.before,
        "after": explanation.after,
        "parts": {part: list(what) for part, what in explanation.parts.items()},
        "versions": list(explanation.versions),
        "orders": explanation.orders,
        "exact": explanation.exact,
        "notes": list(explanation.notes),
        "cost": asdict(explanation.cost),
        "mixtures": [_row(headline) for headline in explanation.mixtures],
        "headlines": [_row(headline) for headline in explanation.headlines],
        **{
            name: [dict(zip(KEY, key_of(record), strict=True)) for record in getattr(explanation, name)]
            for name in ("only_before", "only_after", "unexplained")
        },
    }


def _row(headline: ExplainedHeadline) -> dict[str, Any]:
    return {
        **dict(zip(KEY, key_of(headline.record), strict=True)),
        "horizon": headline.record["horizon"],
        "unit": headline.record["unit"],
        "before": headline.before,
        "after": headline.record["value"],
        "change": headline.change,
        "error": headline.error,
        "contributions": [asdict(contribution) for contribution in headline.contributions],
    }
