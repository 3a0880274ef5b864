"""What a query can ask of the sampled paths of a run: values in time, and things that happen by a quarter."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.query_language import AllOf, AnyOf, Comparison, Event, Happening, Negated, Value
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


def value_of(value: Value, joint: xr.Dataset) -> Floats:
    """Return a value on each path of one scenario, (path,).

    Raises
    ------
    RunError
        If the run has no such quantity, label or time, or if it has no value then.
    """
    quantity = VALUES.get(value.name)
    if quantity is None:
        raise _unknown("value", value.name, VALUES)
    _require_labels(value.name, value.labels, quantity.labels)
    known = list(joint[quantity.time].values.astype(str))
    period = value.period
    if quantity.time == names.QUARTER and "Q" not in period:
        period += "Q4"
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


def _has_happened(event: Happening, joint: xr.Dataset) -> Flags:
    quantity = HAPPENINGS.get((event.name, len(event.labels)))
    if quantity is None:
        raise _unknown_happening(event)
    known = list(joint[names.QUARTER].values.astype(str))
    period = event.period if "Q" in event.period else f"{event.period}Q4"
    if period not in known:
        raise RunError(f"query: {event.name} by {event.period}, expected {known[0]} to {known[-1]}; change it")
    first = _selected(quantity, event.name, event.labels, joint)
    flags: Flags = first.to_numpy() <= known.index(period)
    return flags


def _compared(comparison: Comparison, joint: xr.Dataset) -> Flags:
    values, bound = value_of(comparison.value, joint), comparison.bound
    if isinstance(bound, str):
        if comparison.value.name != "verdict" or bound not in names.VERDICTS:
            expected = ", ".join(names.VERDICTS) if comparison.value.name == "verdict" else "a number"
            raise RunError(f"query: {comparison.value.name} {comparison.sign} {bound}, expected {expected}; correct it")
        bound = float(names.VERDICTS.index(bound))
    elif comparison.value.name == "verdict":
        raise RunError(f"query: verdict {comparison.sign} {bound:g}, expected {', '.join(names.VERDICTS)}; correct it")
    flags: Flags = _COMPARE[comparison.sign](values, bound)
    return flags


def _selected(quantity: Quantity, name: str, labels: tuple[str, ...], joint: xr.Dataset) -> xr.DataArray:
    """Return the variable of a quantity at its labels, with the dimensions of path and, for a value, time."""
    where = dict(quantity.at)
    for dimension, label in zip(quantity.labels, labels, strict=True):
        known = joint[dimension].values.astype(str).tolist()
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
