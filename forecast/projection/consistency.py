"""Check before publication that the numbers of a projection agree with each other, and the headlines with it.

Each check states the same number in two ways that come from different parts of the simulation's tallies: a curve and
the contingents that it counts, a mean and its histogram, an event of the alliance and the members that make it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.priors.pledges import pledge_between
from forecast.projection.labelled_tree import error_of_probability
from forecast.projection.more_headlines import LANDMARK_VARIABLES
from forecast.projection.spending_levels import against_level, error_ratio

Record = Mapping[str, Any]
Labels = Mapping[str, list[Any]]  # by dimension

_SINGLE: Final = 2e-6  # by which sums of numbers of 32 bits may miss
_ROUNDED: Final = 1.1e-5  # headlines have five decimals
#: Shares that only fall, and probabilities that an event has happened by a quarter, which only rise; and their group.
_RISING: Final = {
    "collapse_probability": names.MISSIONS,
    "nominal_end_probability": names.MISSIONS,
    "hand_over_probability": names.MISSIONS,
    "exit_probability": names.MISSIONS,
    "event_probability": names.ALLIANCE,
    "entrapment_probability": names.ALLIANCE,
}
#: Means by the histogram that has them: the group, and the dimension of the bins.
_HISTOGRAMS: Final = {
    "cohesion_count": ("cohesion_mean", names.ALLIANCE, names.COHESION_BIN),
    "european_share_count": ("european_share_mean", names.ALLIANCE, names.SHARE_BIN),
    "survival_count": ("survival_mean", names.MISSIONS, names.SURVIVAL_BIN),
}
_UNITED_STATES: Final = "USA"


def inconsistencies(tree: xr.DataTree, headlines: Sequence[Record]) -> list[str]:
    """Return one sentence for each number that contradicts another; empty if all agree.

    Parameters
    ----------
    tree : projection of `output_schema`.
    headlines : headline records.
    """
    groups = {name: node.to_dataset() for name, node in tree.children.items()}
    return [
        *_ranges(groups),
        *_orders(groups),
        *_sums(groups),
        *_histograms(groups),
        *_members(groups),
        *headline_faults(tree, headlines),
    ]


def headline_faults(tree: xr.DataTree, headlines: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence for each headline whose number is not the one in the projection."""
    groups = {name: node.to_dataset() for name, node in tree.children.items()}
    labels = {str(dim): data[dim].to_numpy().tolist() for data in groups.values() for dim in data.dims}
    pledged = [float(record["category"]) for record in headlines if record["target"] == names.SPENDING_AT_LEAST]
    for number, record in enumerate(headlines):
        if record["target"] in _DERIVED:
            found = _derived(groups, labels, record, pledged)
        else:
            found = _stored(groups, labels, record)
        for key, stored in found.items():
            value = record[key]
            if not _same(value, stored):
                name = " ".join(str(record[k]) for k in ("target", "unit_id", "war", "design", "horizon"))
                category = f" {record['category']}" if record["category"] else ""
                yield f"headlines.json: headline {number} ({name}{category}): {key} is {value}, stored {stored:.6g}"


def compared(headlines: Sequence[Record]) -> int:
    """Return the number of headlines that `headline_faults` compares."""
    return sum(record["target"] in (*_PLACES, *_DERIVED) for record in headlines)


def _same(value: float | None, stored: float) -> bool:
    return np.isnan(stored) if value is None else abs(value - stored) <= _ROUNDED + 1e-6 * abs(stored)


_QUARTER, _MISSION = (names.QUARTER, "horizon"), (names.MISSION, "unit_id")
#: The variable of a target, or of each category of it, and which field of a headline names which label.
_PLACES: Final[Mapping[str, tuple[str, str | Mapping[str, str], tuple[tuple[str, str], ...]]]] = {
    names.COHESION_VERDICT: (names.ALLIANCE, "verdict_probability", (_QUARTER, (names.VERDICT, "category"))),
    names.EUROPEAN_SPENDING: (names.ALLIANCE, "european_share", ((names.YEAR, "horizon"),)),
    names.MISSION_SURVIVAL: (names.MISSIONS, "survival_mean", (_MISSION, (names.CURVE, "category"), _QUARTER)),
    names.ALLIANCE_EVENT: (names.ALLIANCE, "event_probability", (_QUARTER, (names.EVENT, "category"))),
    names.COHESION_FACTOR: (names.ALLIANCE, "factor_mean", (_QUARTER, (names.FACTOR, "category"))),
    names.ALLIANCE_INDEX: (names.ALLIANCE, "index_mean", (_QUARTER, (names.INDEX, "category"))),
    names.NEW_MISSIONS: (names.ALLIANCE, "new_missions", (_QUARTER,)),
    names.ENTRAPMENT: (names.ALLIANCE, "entrapment_probability", (_QUARTER,)),
    names.MISSION_LANDMARK: (names.MISSIONS, LANDMARK_VARIABLES, (_MISSION, _QUARTER)),
    names.DEFECTIONS: (names.MISSIONS, "defections", (_MISSION, (names.MODE, "category"))),
}
#: Targets that are computed from the histogram of European spending.
_DERIVED: Final = (names.SPENDING_AT_LEAST, names.SPENDING_SHORTFALL)
_WITH_INTERVAL: Final = (names.EUROPEAN_SPENDING, names.MISSION_SURVIVAL)


def _stored(groups: Mapping[str, xr.Dataset], labels: Labels, record: Record) -> dict[str, float]:
    """Return the numbers of a headline as the projection has them, by field; empty for another target."""
    if record["target"] not in _PLACES:
        return {}
    group, of_target, fields = _PLACES[record["target"]]
    variable = of_target if isinstance(of_target, str) else of_target[record["category"]]
    place = {dim: record[key] for dim, key in fields} | {names.WAR: record["war"], names.DESIGN: record["design"]}
    if names.YEAR in place:
        place |= {names.YEAR: int(record["horizon"]), names.QUANTILE: 0.5}
    found = {"value": _number(groups[group][variable], labels, place)}
    found["mcse"] = _number(groups[names.MCSE][variable], labels, place | {names.SOURCE: names.SOURCES[0]})
    if record["target"] in _WITH_INTERVAL:
        quantiles = groups[group][variable.removesuffix("_mean")]
        for key, level in (("lower", 0.1), ("upper", 0.9)):
            found[key] = _number(quantiles, labels, place | {names.QUANTILE: level})
    return found


def _derived(
    groups: Mapping[str, xr.Dataset], labels: Labels, record: Record, pledged: Sequence[float]
) -> dict[str, float]:
    """Return the numbers of a headline on a level of European spending; `pledged` are the levels of all headlines."""
    year = int(record["horizon"])
    place = {names.WAR: record["war"], names.DESIGN: record["design"], names.YEAR: year}
    counts = groups[names.COUNTS]["european_share_count"].sel(place)
    values = counts[names.SHARE_BIN].to_numpy()
    source = {names.SOURCE: names.SOURCES[0]}
    error = np.array(_number(groups[names.MCSE]["european_share_mean"], labels, place | source))
    ratio = float(error_ratio(counts.to_numpy(), values, error))
    if record["target"] == names.SPENDING_SHORTFALL:
        (level,) = pledge_between((pledged[0], pledged[-1]), [year]).tolist()
        found = against_level(counts.to_numpy(), values, level)
        return {"value": float(found.shortfall), "mcse": float(found.shortfall_sd) * ratio}
    found = against_level(counts.to_numpy(), values, float(record["category"]))
    error = error_of_probability(found.reached, found.reached_sd * ratio, int(counts.sum()))
    return {"value": float(found.reached), "mcse": float(error)}


def _number(values: xr.DataArray, labels: Labels, place: Mapping[str, Any]) -> float:
    """Return one number of a variable by its labels; many single numbers are read, for which xarray is slow."""
    at = tuple(labels[str(dim)].index(place[str(dim)]) for dim in values.dims)
    return float(values.to_numpy()[at])


def _ranges(groups: Mapping[str, xr.Dataset]) -> Iterator[str]:
    """Check that probabilities and shares of contingents lie between 0 and 1."""
    for group, data in groups.items():
        for name, values in data.data_vars.items():
            is_share = str(name).endswith("_probability") or str(name).startswith(("survival", "joint_survival"))
            if group not in (names.MCSE, names.COUNTS) and is_share:
                yield from _first(f"{group}/{name}", "expected 0 to 1", values, (values < 0) | (values > 1 + _SINGLE))


def _orders(groups: Mapping[str, xr.Dataset]) -> Iterator[str]:
    """Check that quantiles rise, and that what has happened stays so."""
    for group, data in groups.items():
        for name, values in data.data_vars.items():
            if group != names.MCSE and names.QUANTILE in values.dims:
                step = values.diff(names.QUANTILE)
                yield from _first(f"{group}/{name}", "expected quantiles that rise", step, step < 0)
    for name, group in _RISING.items():
        step = groups[group][name].diff(names.QUARTER)
        yield from _first(f"{group}/{name}", "expected no fall in time", step, step < -_SINGLE)
    step = groups[names.MISSIONS]["survival_mean"].diff(names.QUARTER)
    yield from _first(f"{names.MISSIONS}/survival_mean", "expected no rise in time", step, step > _SINGLE)


def _sums(groups: Mapping[str, xr.Dataset]) -> Iterator[str]:
    """Check that the verdicts sum to one, and that each survival curve is what its contingents leave."""
    alliance, missions = groups[names.ALLIANCE], groups[names.MISSIONS]
    gap = alliance["verdict_probability"].sum(names.VERDICT) - 1.0
    yield from _first("alliance/verdict_probability", "expected a sum of 1", gap, abs(gap) > _SINGLE)
    weight, stays = missions["contingent_weight"], 1.0 - missions["exit_probability"]
    stays = stays.where(weight > 0)
    by_weight = (weight * stays).sum(names.CONTRIBUTOR, min_count=1)
    by_count = stays.mean(names.CONTRIBUTOR)
    survival = missions["survival_mean"]
    for curve, expected in (("nominal", by_weight), ("nominal_by_count", by_count)):
        gap = survival.sel({names.CURVE: curve}) - expected
        what = f"missions/survival_mean {curve}", "expected what the exits of its contributors leave"
        yield from _first(*what, gap, abs(gap) > _SINGLE)
    gap = survival.sel({names.CURVE: "operational"}) - survival.sel({names.CURVE: "nominal"})
    yield from _first("missions/survival_mean operational", "expected at most nominal", gap, gap > _SINGLE)


def _histograms(groups: Mapping[str, xr.Dataset]) -> Iterator[str]:
    """Check that each histogram counts every path once, and has the mean that is stored beside it."""
    counts = groups[names.COUNTS]
    for name, (mean, group, dim) in _HISTOGRAMS.items():
        count, stored = counts[name], groups[group][mean]
        paths, bins = count.sum(dim), counts[dim].to_numpy()
        usual = int(paths.where(paths > 0).median())
        odd = (paths != usual) & (paths != 0)
        yield from _first(f"counts/{name}", f"expected {usual} paths", paths, odd)
        gap = (count * bins).sum(dim) / paths.where(paths > 0) - stored
        width = np.interp(stored, bins[1:], np.diff(bins))  # of the bin around the mean
        yield from _first(f"{group}/{mean}", "expected the mean of its histogram", gap, abs(gap) > width)


def _members(groups: Mapping[str, xr.Dataset]) -> Iterator[str]:
    """Check on the sampled paths that Europe spends within the range of its members, and that events have members."""
    joint = groups[names.JOINT]
    shares = joint["joint_spending_share"]
    europe = shares.sel({names.MEMBER: [m for m in joint[names.MEMBER].values if m not in (_UNITED_STATES, "CAN")]})
    whole = joint["joint_european_share"]
    low, high = europe.min(names.MEMBER) - _SINGLE * 100, europe.max(names.MEMBER) + _SINGLE * 100
    outside = (whole < low) | (whole > high)
    yield from _first("joint/joint_european_share", "expected the range of the European members", whole, outside)
    others = [m for m in joint[names.MEMBER].values if m != _UNITED_STATES]
    for step in names.STEPS_OUT:
        quarter = joint["joint_membership_quarter"].sel({names.MEMBERSHIP: step})
        event = joint["joint_event_quarter"].sel({names.EVENT: step})
        first = quarter.sel({names.MEMBER: others}).min(names.MEMBER)
        odd = first.fillna(-1.0) != event.fillna(-1.0)
        yield from _first(f"joint/joint_event_quarter {step}", "expected the first member's", event, odd)


def _first(name: str, expected: str, values: xr.DataArray, wrong: xr.DataArray) -> Iterator[str]:
    """Yield one sentence with the first wrong place and the number of others; nothing if none is wrong."""
    flags = wrong.transpose(*values.dims).to_numpy()
    places = np.argwhere(flags)
    if not places.size:
        return
    at = dict(zip(map(str, values.dims), places[0].tolist(), strict=True))
    labels = [str(values[d].values[i]) if d in values.coords else str(i) for d, i in at.items()]
    found = float(values.isel(at).item())
    more = f" and in {len(places) - 1} more places" if len(places) > 1 else ""
    yield f"{name} at {', '.join(labels)}{more}: {found:.6g}, {expected}"
