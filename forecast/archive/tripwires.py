"""Tripwires: what, observed within a year, would move a headline, from which threshold on, and how likely that is.

A tripwire is an observable and a threshold. The move is the mean of the headline on the paths beyond the threshold,
minus its mean on all paths. One half of the parameter draws chooses the threshold: the one nearest to the middle beyond
which the move is large and clear. The other half then measures chance and move, so that the choice does not flatter
them. A tripwire describes what goes together, not what causes what.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast import names
from forecast.archive.headline_values import Kind
from forecast.archive.weighted_paths import Sampled, clustered_sums
from forecast.array_types import Floats
from forecast.errors import RunError

Flags = NDArray[np.bool_]

YEAR: Final = 4  # quarters
#: Shares of the paths beyond a threshold that are tried, from the middle outwards.
_SHARES: Final = (0.5, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.075, 0.05)
_TYPICAL: Final = 0.25  # chance of crossing for which the number of paths needed is given
_LARGEST: Final = 0.5  # chance of a tripwire; what is likelier is the rule and no surprise
_CHOSEN: Final = 4.0  # standard errors of a move that is chosen, since thousands of thresholds are tried ...
_CONFIRMED: Final = 2.0  # ... and of one that the other half confirms
FEWEST: Final = 30  # independent paths beyond a threshold in each half


@dataclass(frozen=True, kw_only=True, slots=True)
class Tripwire:
    """A tripwire of one headline, measured on the half of the draws that did not choose it.

    Attributes
    ----------
    kind : the headline.
    observable : value or event, as in the query language.
    is_event : whether it happens or not; a value is compared with the threshold.
    above : whether the paths beyond the threshold lie above it, or on which the event happens.
    threshold : of a value; the paths beyond it include those that reach it.
    chance, chance_error : probability of crossing within a year, and its standard error.
    before : the headline on all paths: a probability or a mean.
    move, move_error : by how much crossing moves it, and its standard error.
    support : number of independent paths beyond the threshold that this rests on.
    paths : number of paths of the measuring half.
    """

    kind: Kind
    observable: str
    is_event: bool
    above: bool
    threshold: float
    chance: float
    chance_error: float
    before: float
    move: float
    move_error: float
    support: float
    paths: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossing:
    """Chance of crossing a threshold, and what it does to each headline, (h,).

    `support` is the number of independent paths beyond the threshold that would give the same error of the chance.
    """

    chance: float
    chance_error: float
    before: Floats
    moves: Floats
    errors: Floats
    support: float


def observables(joint: xr.Dataset) -> list[str]:
    """Return what can be observed within a year after the start, as terms of the query language.

    These are European spending and the members' spending, participation in running missions, exits of contingents, and
    events of the alliance. Indices that nobody measures are left out.
    """
    quarters = joint[names.QUARTER].values.astype(str)
    last = str(quarters[: min(YEAR, quarters.size)][-1])
    years = [int(year) for year in joint[names.YEAR].values if f"{year}Q4" <= last]
    first = joint.isel({names.PATH: 0, names.WAR: 0, names.DESIGN: 0})
    terms = [f"E(european_spending in {year})" for year in years[-1:]]
    for year in years[-1:]:
        share = first["joint_spending_share"].sel({names.YEAR: year})
        terms += [f"E(spending[{member}] in {year})" for member in share[names.MEMBER].values[share.notnull().values]]
    nominal = first["joint_survival"].sel({names.CURVE: names.CURVES[0], names.QUARTER: last})
    running = nominal[names.MISSION].values[nominal.notnull().values].astype(str)
    terms += [f"E(nominal[{mission}] in {last})" for mission in running]
    serves = joint["serves"]
    for mission in running:
        there = serves[names.CONTRIBUTOR].values[serves.sel({names.MISSION: mission}).values].astype(str)
        terms += [f"P(exited[{country}, {mission}] by {last})" for country in there]
    return terms + [f"P({event} by {last})" for event in names.EVENTS]


def require_sense(draw: NDArray[np.int64], move: float) -> None:
    """Raise RunError if the move is none, or paths with these draws are too few for any threshold."""
    if not move > 0.0:
        raise RunError(f"tripwires: the move is {move:g}, expected a number above 0; change --move")
    chosen = int((draw % 2 == 0).sum())
    if min(chosen, draw.size - chosen) * _LARGEST < FEWEST:
        needed = round(2 * FEWEST / _LARGEST)
        raise RunError(
            f"tripwires: {draw.size} paths, expected at least {needed}, and about {round(2 * FEWEST / 0.05):,} for "
            "thresholds that are crossed with 5 %; simulate more with --simulate"
        )


def find_tripwires(sampled: Sampled, move: float, most: int = 3) -> list[Tripwire]:
    """Return up to `most` tripwires of each headline, the likeliest first.

    Parameters
    ----------
    sampled : headlines and observables on paths.
    move : smallest move that a tripwire announces, in the unit of the headline; 0.05 is five points.
    most : number of tripwires for each headline.

    Raises
    ------
    RunError
        As `require_sense`.
    """
    require_sense(sampled.draw, move)
    choosing = sampled.draw % 2 == 0
    first, second = sampled.where(choosing), sampled.where(~choosing)
    found = [
        tripwire
        for text in sampled.terms
        for above in (True, False)
        for tripwire in _of_observable(first, second, text, move, above=above)
    ]
    by_kind = [sorted((t for t in found if t.kind == kind), key=lambda t: -t.chance)[:most] for kind in sampled.kinds]
    return [tripwire for tripwires in by_kind for tripwire in tripwires]


def paths_needed(sampled: Sampled, move: float) -> dict[Kind, int]:
    """Return for each headline about how many paths show such a move beyond a threshold that is crossed with 25 %."""
    mean = np.einsum("pnh,n->h", sampled.targets, sampled.weights) / sampled.paths
    variance = np.einsum("pnh,n->h", (sampled.targets - mean) ** 2, sampled.weights) / sampled.paths
    needed = np.ceil(2.0 * _CHOSEN**2 * variance / (_TYPICAL * move**2)).astype(int)
    return dict(zip(sampled.kinds, needed.tolist(), strict=True))


def _of_observable(first: Sampled, second: Sampled, text: str, move: float, *, above: bool) -> Iterator[Tripwire]:
    """Yield the tripwires of one observable in one direction, with one threshold for each headline at most."""
    chosen: set[int] = set()
    for threshold in _candidates(first.terms[text], first.weights, above=above):
        found = crossing(first, beyond(first.terms[text], threshold, above=above))
        if found is None or found.chance > _LARGEST or found.support < FEWEST:
            continue
        clear = np.abs(found.moves) >= np.maximum(move, _CHOSEN * found.errors)
        new = [h for h in np.flatnonzero(clear).tolist() if h not in chosen]
        measured = crossing(second, beyond(second.terms[text], threshold, above=above)) if new else None
        chosen.update(new)
        if measured is not None and measured.support >= FEWEST:
            for h in new:
                if np.sign(found.moves[h]) * measured.moves[h] >= _CONFIRMED * measured.errors[h]:
                    yield _tripwire(second, text, threshold, measured, h, above=above)


def crossing(sampled: Sampled, reached: Flags) -> Crossing | None:
    """Measure what it means to be beyond a threshold, for paths (path, N) that are or are not; None if none is."""
    weights, targets, draw = sampled.weights, sampled.targets, sampled.draw
    weighted = reached * weights
    inside = clustered_sums(np.einsum("pn,pnh->ph", weighted, targets), draw)
    every = clustered_sums(np.einsum("n,pnh->ph", weights, targets), draw)
    share = clustered_sums(np.stack([weighted.sum(axis=1), np.full(len(reached), weights.sum())], axis=-1), draw)
    (met, whole), groups = share.sum(axis=0), len(share)
    if met == 0.0:
        return None
    chance, after, before = met / whole, inside.sum(axis=0) / met, every.sum(axis=0) / whole
    influence = (inside - after * share[:, :1]) / met - (every - before * share[:, 1:]) / whole
    correction = groups / max(groups - 1, 1)
    variance = np.sum((share[:, 0] - chance * share[:, 1]) ** 2) * correction / whole**2  # of the chance
    return Crossing(
        chance=float(chance),
        chance_error=float(np.sqrt(variance)),
        before=before,
        moves=after - before,
        errors=np.sqrt((influence**2).sum(axis=0) * correction),
        support=float(chance**2 * (1.0 - chance) / variance) if variance > 0.0 else 0.0,
    )


def beyond(values: Floats, threshold: float, *, above: bool) -> Flags:
    """Return whether each value reaches a threshold from below, or from above."""
    return values >= threshold if above else values <= threshold


def _candidates(values: Floats, weights: Floats, *, above: bool) -> Iterator[float]:
    """Yield the values beyond which the shares `_SHARES` of the paths lie, each once, from the middle outwards."""
    flat, weight = values.ravel(), np.broadcast_to(weights, values.shape).ravel()
    order = np.argsort(-flat if above else flat, kind="stable")
    cumulated = np.cumsum(weight[order]) / weight.sum()
    places = np.minimum(np.searchsorted(cumulated, np.array(_SHARES)), flat.size - 1)
    yield from dict.fromkeys(float(flat[order[place]]) for place in places)


def _tripwire(
    sampled: Sampled, text: str, threshold: float, measured: Crossing, headline: int, *, above: bool
) -> Tripwire:
    return Tripwire(
        kind=sampled.kinds[headline],
        observable=text[2:-1],
        is_event=text.startswith("P"),
        above=above,
        threshold=threshold,
        chance=measured.chance,
        chance_error=measured.chance_error,
        before=float(measured.before[headline]),
        move=float(measured.moves[headline]),
        move_error=float(measured.errors[headline]),
        support=measured.support,
        paths=sampled.paths,
    )


def tripwire_rows(found: Sequence[Tripwire]) -> list[dict[str, Any]]:
    """Return one plain record for each tripwire, for JSON and tables."""
    fields = [name for name in Tripwire.__dataclass_fields__ if name != "kind"]
    return [{"headline": one.kind.name, **{name: getattr(one, name) for name in fields}} for one in found]
