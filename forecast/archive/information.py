"""Value of information: by how much a coming release is expected to narrow each headline.

What a release reveals is read from sampled paths. Each headline is regressed on it, with cubic polynomials of each
quantity. The share of variance that the regression explains on paths that it was not fitted to (ten folds of
parameter draws) is the expected reduction of the variance of the forecast. Where the release reveals little, the
estimate may fall below 0; it is then given as 0. A regression cannot see more than there is, so the share is too small
rather than too large. A release is taken to reveal the exact value, without error of measurement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.archive.headline_values import Kind
from forecast.archive.query_language import parse_query
from forecast.archive.weighted_paths import Sampled, ratio_error, term_on_paths
from forecast.array_types import Floats
from forecast.errors import RunError
from forecast.priors.releases import Release

_FOLDS: Final = 10
_POWERS: Final = 3
_FARTHEST: Final = 3.0  # standard deviations at which a quantity is cut, so that no cubic runs away
FEWEST: Final = 100  # paths; with fewer, a regression of several quantities explains nothing new


@dataclass(frozen=True, kw_only=True, slots=True)
class Narrowing:
    """What a release is expected to do to one headline.

    Attributes
    ----------
    kind : the headline.
    share : expected reduction of its variance, as a share from 0 to 1.
    error : standard error of the share.
    """

    kind: Kind
    share: float
    error: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Information:
    """A release with what it does to every headline, the most narrowed first.

    `missing` are its terms that the run does not have; with any of them, nothing is computed.
    """

    release: Release
    narrowings: Sequence[Narrowing]
    paths: int
    missing: Sequence[str]


def require_paths(paths: int) -> None:
    """Raise RunError if so many paths are too few."""
    if paths < FEWEST:
        raise RunError(
            f"voi: {paths} sampled paths, expected at least {FEWEST}; simulate more with --simulate, or run a plan "
            f"with joint_paths = {FEWEST} or more"
        )


def value_of_information(releases: Sequence[Release], sampled: Sampled) -> list[Information]:
    """Return the value of each release for every headline.

    Parameters
    ----------
    releases : the releases.
    sampled : headlines on paths, with the terms of those releases that the run has (`known_terms`).

    Raises
    ------
    RunError
        If there are too few paths.
    """
    require_paths(sampled.paths)
    found = []
    for release in releases:
        missing = [text for text in release.reveals if text not in sampled.terms]
        narrowings: list[Narrowing] = []
        if not missing:
            revealed = np.stack([sampled.terms[text] for text in release.reveals], axis=-1)
            shares, errors = explained_shares(revealed, sampled.targets, sampled.weights, sampled.draw)
            narrowings = [
                Narrowing(kind=kind, share=max(float(share), 0.0), error=float(error))
                for kind, share, error in zip(sampled.kinds, shares, errors, strict=True)
                if np.isfinite(share)
            ]
        ranked = sorted(narrowings, key=lambda one: -one.share)
        found.append(Information(release=release, narrowings=ranked, paths=sampled.paths, missing=missing))
    return found


def coming(releases: Sequence[Release], as_of: str) -> list[Release]:
    """Return the releases after the as-of date of a run (ISO 8601); raises RunError if there is none."""
    after = [release for release in releases if release.date.isoformat() > as_of]
    if not after:
        last = releases[-1].date
        raise RunError(f"voi: the last release of the calendar is on {last}, expected one after {as_of}; add it")
    return after


def known_terms(releases: Sequence[Release], joint: xr.Dataset) -> list[str]:
    """Return the terms of releases that a run has; a mission or year that its plan leaves out is none of them.

    Raises
    ------
    RunError
        If a term is not written as one.
    """
    known = []
    for text in dict.fromkeys(text for release in releases for text in release.reveals):
        parse_query(text)
        try:
            term_on_paths(text, joint)
        except RunError:
            continue
        known.append(text)
    return known


def explained_shares(
    revealed: Floats, targets: Floats, weights: Floats, draw: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Return the share of each target's variance that the revealed quantities explain on new paths, with its error.

    Parameters
    ----------
    revealed : (path, N, k).
    targets : (path, N, h).
    weights : of the scenarios, (N,).
    draw : number of the parameter draw of each path, (path,).

    Returns
    -------
    Shares and standard errors, (h,); NaN for a target without variance.
    """
    features = _features(revealed, weights)
    fold = draw % _FOLDS
    folds = np.unique(fold)
    products = [_products(features[fold == f], targets[fold == f], weights) for f in folds]
    square, cross = (sum(parts) for parts in zip(*products, strict=True))
    fitted, mean = np.empty_like(targets), np.empty_like(targets)
    for f, (own_square, own_cross) in zip(folds, products, strict=True):
        others, others_cross = square - own_square, cross - own_cross
        coefficients = np.linalg.lstsq(others, others_cross, rcond=1e-10)[0]
        fitted[fold == f] = features[fold == f] @ coefficients
        mean[fold == f] = others_cross[0] / others[0, 0]
    before = np.einsum("pnh,n->ph", (targets - mean) ** 2, weights)
    after = np.einsum("pnh,n->ph", (targets - fitted) ** 2, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ratio_error(before - after, before, draw)


def _products(features: Floats, targets: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weighted products of features with features, and with targets."""
    weighted = features * weights[:, None]
    return np.einsum("pnj,pnk->jk", weighted, features), np.einsum("pnj,pnh->jh", weighted, targets)


def _features(revealed: Floats, weights: Floats) -> Floats:
    """Return 1 and the powers of each quantity in standard deviations, (path, N, 1 + powers * k)."""
    mean = np.einsum("pnk,n->k", revealed, weights) / len(revealed)
    sd = np.sqrt(np.einsum("pnk,n->k", (revealed - mean) ** 2, weights) / len(revealed))
    z = np.clip((revealed - mean) / np.where(sd > 0.0, sd, 1.0), -_FARTHEST, _FARTHEST)
    return np.concatenate([np.ones((*z.shape[:2], 1)), *(z**power for power in range(1, _POWERS + 1))], axis=-1)


def information_rows(found: Sequence[Information]) -> list[dict[str, Any]]:
    """Return one plain record for each release and headline, for JSON and tables."""
    return [
        {
            "release": one.release.name,
            "date": one.release.date.isoformat(),
            "announced": one.release.announced,
            "headline": narrowing.kind.name,
            "share": narrowing.share,
            "error": narrowing.error,
            "paths": one.paths,
        }
        for one in found
        for narrowing in one.narrowings
    ]
