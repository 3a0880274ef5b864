"""What a query can ask of the sampled paths of a run: values in time, and things that happen by a quarter."""

import operator
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.query_language import (
    EVERY,
    AllOf,
    AnyOf,
    Comparison,
    Count,
    Event,
    Happening,
    Negated,
    Query,
    Value,
)
from forecast.array_types import Floats
from forecast.errors import RunError, did_you_mean

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """Where a quantity lies: its variable, the position it always has, the dimensions of its labels, and its time."""

    variable: str
    at: Mapping[str, str]
    labels: tuple[str, ...]
    time: str = names.QUARTER


_COMPARE: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
#: Values by name. The labels stand in brackets after the name, as in `spending[DEU]`.
VALUES: Final = {
    "cohesion": Quantity(variable="joint_cohesion", at={}, labels=()),
    "verdict": Quantity(variable="joint_verdict", at={}, labels=()),
    "european_spending": Quantity(variable="joint_european_share", at={}, labels=(), time=names.YEAR),
    "spending": Quantity(variable="joint_spending_share", at={}, labels=(names.MEMBER,), time=names.YEAR),
    **{
        curve: Quantity(variable="joint_survival", at={names.CURVE: curve}, labels=(names.MISSION,))
        for curve in names.CURVES
    },
    **{index: Quantity(variable="joint_index", at={names.INDEX: index}, labels=()) for index in names.INDICES},
}
#: Things that happen, by name and number of labels: `notice` of any member, `notice[USA]` of one.
HAPPENINGS: Final = {
    **{
        (landmark, 1): Quantity(
            variable="joint_landmark_quarter", at={names.LANDMARK: landmark}, labels=(names.MISSION,)
        )
        for landmark in names.LANDMARKS
    },
    **{
        (step, 1): Quantity(variable="joint_membership_quarter", at={names.MEMBERSHIP: step}, labels=(names.MEMBER,))
        for step in names.STEPS_OUT
    },
    ("exited", 2): Quantity(variable="joint_exit_quarter", at={}, labels=(names.CONTRIBUTOR, names.MISSION)),
    **{
        (event, 0): Quantity(variable="joint_event_quarter", at={names.EVENT: event}, labels=())
        for event in names.EVENTS
    },
}


def value_of(value: Value | Count, joint: xr.Dataset) -> Floats:
    """Return a value on each path of one scenario, (path,).

    Raises
    ------
    RunError
        If the run has no such quantity, label or time, or if it has no value then.
    """
    if isinstance(value, Count):
        holds = [event_holds(_at(value.event, label), joint) for label in _counted(value.event, joint)]
        if not holds:
            raise RunError("query: count(…) has nothing to count then; choose a label or a time that has something")
        return np.sum(holds, axis=0).astype(float)
    quantity = VALUES.get(value.name)
    if quantity is None:
        raise _unknown("value", value.name, VALUES)
    _require_labels(value.name, value.labels, quantity.labels)
    known = list(joint[quantity.time].values.astype(str))
    period = _quarter(value.period) if quantity.time == names.QUARTER else value.period
    if quantity.time == names.YEAR:
        if "Q" in period and not period.endswith("Q4"):
            raise RunError(
                f"query: {value.name} in {period}, but it has one value a year, expected {period[:4]}; change it"
            )
        period = period[:4]
    if period not in known:
        raise RunError(f"query: {value.name} in {value.period}, expected {known[0]} to {known[-1]}; change it")
    values = _selected(quantity, value.name, value.labels, joint).isel({quantity.time: known.index(period)})
    result = values.to_numpy().astype(float)
    if np.isnan(result).any():
        where = f"{value.name}[{', '.join(value.labels)}]" if value.labels else value.name
        raise RunError(f"query: {where} has no value in {value.period}; choose a time at which it is defined")
    return result


def event_holds(event: Event, joint: xr.Dataset) -> Flags:
    """Return whether an event holds on each path of one scenario, (path,); raises as `value_of`."""
    match event:
        case Happening():
            return _has_happened(event, joint)
        case Comparison():
            return _compared(event, joint)
        case AllOf():
            return np.stack([event_holds(part, joint) for part in event.events]).all(axis=0)
        case AnyOf():
            return np.stack([event_holds(part, joint) for part in event.events]).any(axis=0)
        case Negated():
            return ~event_holds(event.event, joint)


def planned_ends(query: Query, joint: xr.Dataset) -> list[str]:
    """Return a sentence for each mission that the plan ends before the quarter by which an answered query asks."""
    quarters = joint[names.QUARTER].values.astype(str).tolist()
    sentences = []
    for term in [query.term, *([query.minus] if query.minus else [])]:
        for part in [term.of, *([term.condition.event] if term.condition else [])]:
            for happening in _happenings(part):
                for mission in _missions(happening, joint):
                    last = _time_of(mission, joint)[-1]
                    if last < quarters.index(_quarter(happening.period)):
                        sentences.append(
                            f"{mission} ends by plan in {quarters[last + 1]}. The answer has what happens until "
                            f"{quarters[last]}, without that end."
                        )
    return list(dict.fromkeys(sentences))


def _happenings(of: Event | Value | Count) -> Iterator[Happening]:
    """Yield all happenings of an event or value, with those that are counted."""
    match of:
        case Happening():
            yield of
        case Comparison():
            yield from _happenings(of.value)
        case Count() | Negated():
            yield from _happenings(of.event)
        case AllOf() | AnyOf():
            for part in of.events:
                yield from _happenings(part)


def _missions(happening: Happening, joint: xr.Dataset) -> list[str]:
    """Return the missions that a happening speaks of; `*` stands for all."""
    labels = dict(zip(HAPPENINGS[happening.name, len(happening.labels)].labels, happening.labels, strict=True))
    mission = labels.get(names.MISSION)
    return joint[names.MISSION].values.astype(str).tolist() if mission == EVERY else [mission] if mission else []


def _quarter(period: str) -> str:
    """Return the quarter of a time; a year stands for its last quarter."""
    return period if "Q" in period else f"{period}Q4"


def _time_of(mission: str, joint: xr.Dataset) -> list[int]:
    """Return the positions of the quarters in which the plan has a mission; one beyond all if there is none."""
    there = joint["joint_survival"].sel({names.MISSION: mission}).isel({names.PATH: 0}).notnull()
    present = there.any([d for d in there.dims if d != names.QUARTER]).to_numpy()
    positions: list[int] = np.flatnonzero(present).tolist()
    return positions or [present.size]


def _leaves(event: Event) -> list[Value | Happening]:
    """Return the values and happenings that an event is made of."""
    match event:
        case Happening():
            return [event]
        case Comparison():
            return [event.value] if isinstance(event.value, Value) else []  # the `*` of an inner count is its own
        case Negated():
            return _leaves(event.event)
        case AllOf() | AnyOf():
            return [leaf for part in event.events for leaf in _leaves(part)]


def _at(event: Event, label: str) -> Event:
    """Return an event with a label in the place of `*`."""
    match event:
        case Happening():
            return replace(event, labels=tuple(label if name == EVERY else name for name in event.labels))
        case Comparison():
            value = event.value
            if isinstance(value, Value):
                value = replace(value, labels=tuple(label if name == EVERY else name for name in value.labels))
            return replace(event, value=value)
        case Negated():
            return Negated(_at(event.event, label))
        case AllOf() | AnyOf():
            return replace(event, events=tuple(_at(part, label) for part in event.events))


def _counted(event: Event, joint: xr.Dataset) -> list[str]:
    """Return the labels that `*` stands for: those that have a value, or a contingent at the start."""
    labels: list[set[str]] = []
    dimensions: list[str] = []
    for leaf in _leaves(event):
        for place in [place for place, name in enumerate(leaf.labels) if name == EVERY]:
            dimension, among = _range(leaf, place, joint)
            dimensions.append(dimension)
            labels.append(among)
    if len(set(dimensions)) != 1:
        found = f"a * for each of {', '.join(sorted(set(dimensions)))}" if dimensions else "no *"
        raise RunError(
            f"query: count(…) has {found}, expected * in the place of one kind of label, as in "
            "count(spending[*] in 2026 >= 2); correct it"
        )
    among = set.intersection(*labels)
    return [label for label in joint[dimensions[0]].values.astype(str).tolist() if label in among]


def _range(leaf: Value | Happening, place: int, joint: xr.Dataset) -> tuple[str, set[str]]:
    """Return the dimension of one `*` and the labels that can stand there."""
    if isinstance(leaf, Value):
        quantity = VALUES.get(leaf.name)
        if quantity is None:
            raise _unknown("value", leaf.name, VALUES)
    else:
        quantity = HAPPENINGS.get((leaf.name, len(leaf.labels)))
        if quantity is None:
            raise _unknown_happening(leaf)
    _require_labels(leaf.name, leaf.labels, quantity.labels)
    dimension = quantity.labels[place]
    there = joint[quantity.variable].sel(quantity.at).notnull()
    if isinstance(leaf, Value):
        known = joint[quantity.time].values.astype(str)
        period = _quarter(leaf.period) if quantity.time == names.QUARTER else leaf.period[:4]
        there = there.isel({quantity.time: known == period}) if period in known else there  # else `value_of` refuses
    elif quantity.variable == "joint_exit_quarter":
        there = joint["serves"]
    else:  # NaN means that it does not happen
        there = xr.ones_like(joint[dimension], dtype=bool)
    if isinstance(leaf, Happening) and dimension == names.MISSION:
        there = there & _begun(_quarter(leaf.period), joint)
    fixed = {d: name for d, name in zip(quantity.labels, leaf.labels, strict=True) if name != EVERY and d in there.dims}
    if all(label in there[d].values for d, label in fixed.items()):  # an unknown label is reported by `_selected`
        there = there.sel(fixed)
    kept = there.any([d for d in there.dims if d != dimension])
    return dimension, set(kept[dimension].values[kept.to_numpy()].astype(str).tolist())


def _begun(quarter: str, joint: xr.Dataset) -> xr.DataArray:
    """Return the missions that the plan has begun by a quarter, (mission,)."""
    missions, quarters = joint[names.MISSION], joint[names.QUARTER].values.astype(str).tolist()
    position = quarters.index(quarter) if quarter in quarters else len(quarters)  # `_has_happened` refuses others
    return xr.zeros_like(missions, dtype=bool) | [_time_of(str(name), joint)[0] <= position for name in missions.values]


def _has_happened(event: Happening, joint: xr.Dataset) -> Flags:
    quantity = HAPPENINGS.get((event.name, len(event.labels)))
    if quantity is None:
        raise _unknown_happening(event)
    known = list(joint[names.QUARTER].values.astype(str))
    period = _quarter(event.period)
    if period not in known:
        raise RunError(f"query: {event.name} by {event.period}, expected {known[0]} to {known[-1]}; change it")
    first = _selected(quantity, event.name, event.labels, joint)
    for mission in _missions(event, joint):
        begin = _time_of(mission, joint)[0]
        if begin > known.index(period):
            begins = f"begins in {known[begin]}" if begin < len(known) else "is not in the quarters of the run"
            raise RunError(
                f"query: {event.name} by {event.period}, but {mission} {begins}, expected a time after its beginning; "
                "change it"
            )
    flags: Flags = first.to_numpy() <= known.index(period)
    return flags


def _compared(comparison: Comparison, joint: xr.Dataset) -> Flags:
    values, bound = value_of(comparison.value, joint), comparison.bound
    name = comparison.value.name if isinstance(comparison.value, Value) else "count(…)"
    if isinstance(bound, str):
        if name != "verdict" or bound not in names.VERDICTS:
            expected = ", ".join(names.VERDICTS) if name == "verdict" else "a number"
            raise RunError(f"query: {name} {comparison.sign} {bound}, expected {expected}; correct it")
        bound = float(names.VERDICTS.index(bound))
    elif name == "verdict":
        raise RunError(f"query: verdict {comparison.sign} {bound:g}, expected {', '.join(names.VERDICTS)}; correct it")
    flags: Flags = _COMPARE[comparison.sign](values, bound)
    return flags


def _selected(quantity: Quantity, name: str, labels: tuple[str, ...], joint: xr.Dataset) -> xr.DataArray:
    """Return the variable of a quantity at its labels, with the dimensions of path and, for a value, time."""
    where = dict(quantity.at)
    for dimension, label in zip(quantity.labels, labels, strict=True):
        known = joint[dimension].values.astype(str).tolist()
        if label == EVERY:
            raise RunError(f"query: {name}[*] outside count(…), expected one {dimension}; write it inside count(…)")
        if label not in known:
            raise RunError(
                f"query: {name} of {label!r}, but the run has no {dimension} of that name, expected one of "
                f"{', '.join(known)}; correct it{did_you_mean(label, known)}"
            )
        where[dimension] = label
    if quantity.variable == "joint_exit_quarter" and not bool(joint["serves"].sel(where)):
        serving = joint["serves"].sel({names.MISSION: where[names.MISSION]})
        there = ", ".join(serving[names.CONTRIBUTOR].values[serving.values].astype(str))
        raise RunError(
            f"query: {labels[0]} has no contingent in {labels[1]} at the start, expected one of {there}; correct it"
        )
    return joint[quantity.variable].sel(where)


def _require_labels(name: str, labels: tuple[str, ...], dimensions: tuple[str, ...]) -> None:
    if len(labels) != len(dimensions):
        expected = f"{name}[{', '.join(dimensions)}]" if dimensions else name
        raise RunError(f"query: {name} has {len(labels)} labels, expected {expected}; correct it")


def _unknown(kind: str, name: str, known: Mapping[str, object]) -> RunError:
    hint = did_you_mean(name, known)
    return RunError(f"query: no {kind} is called {name!r}, expected one of {', '.join(known)}; correct it{hint}")


def _unknown_happening(event: Happening) -> RunError:
    forms = {key: f"{key[0]}[{', '.join(q.labels)}]" if q.labels else key[0] for key, q in HAPPENINGS.items()}
    if same := [form for (name, _), form in forms.items() if name == event.name]:
        expected = " or ".join(same)
        return RunError(f"query: {event.name} has {len(event.labels)} labels, expected {expected}; correct it")
    hint = did_you_mean(event.name, {name: None for name, _ in forms})
    expected = ", ".join(forms.values())
    return RunError(f"query: nothing called {event.name!r} happens, expected one of {expected}; correct it{hint}")
