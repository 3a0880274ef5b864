"""Each headline of a run as a number in every scenario, as a histogram over all paths, and as a value on each path.

A `Kind` is a headline without its scenario. Scenarios stand on one axis of length N, war by war.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.errors import RunError, listed
from forecast.simulation.histograms import SHARE_STEP
from forecast.storage.runs import Run

#: Variable of the sampled paths that holds each headline.
_ON_PATHS: Final = {
    names.COHESION_VERDICT: "joint_verdict",
    names.EUROPEAN_SPENDING: "joint_european_share",
    names.MISSION_SURVIVAL: "joint_survival",
}
_FIELDS: Final = ("target", "unit_id", "horizon", "statistic", "category", "unit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A headline without its scenario, with fields of the records of `headlines.json`."""

    target: str
    unit_id: str
    horizon: str
    statistic: str
    category: str | None
    unit: str

    @property
    def name(self) -> str:
        """The words that identify it, such as `cohesion_verdict Weak 2027Q4`."""
        unit = "" if self.unit_id == names.ALLIANCE else self.unit_id
        return " ".join(word for word in (self.target, unit, self.category, self.horizon) if word)

    @property
    def words(self) -> set[str]:
        """Every word that a user may write for it: its fields, and the parts of what is forecast."""
        fields = (self.target, self.unit_id, self.horizon, self.category or "", *self.target.split("_"))
        return {word.lower() for word in fields if word}

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self.unit == "1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimates:
    """The estimates of one kind of headline from all paths.

    Attributes
    ----------
    kind : the headline.
    values, errors : number and Monte Carlo standard error in each scenario, (N,).
    counts : number of paths in each bin, (N, bins); None for a probability.
    bins : value of each bin, of spending its logarithm, (bins,).
    step : width of a bin within which a quantile is placed; 0 keeps the value of the bin.
    mean_errors : Monte Carlo standard error of the mean in each scenario, (N,); of spending in percent of GDP.
    """

    kind: Kind
    values: Floats
    errors: Floats
    counts: Floats | None = None
    bins: Floats | None = None
    step: float = 0.0
    mean_errors: Floats | None = None


def kinds_of(headlines: Iterable[Mapping[str, Any]]) -> list[Kind]:
    """Return the kinds of the headlines on verdicts, spending and missions, in their order."""
    records = [record for record in headlines if record["target"] in _ON_PATHS]
    return list(dict.fromkeys(Kind(**{field: record[field] for field in _FIELDS}) for record in records))


def scenarios_of(run: Run) -> tuple[list[str], list[str]]:
    """Return the wars and the designs of a run, in its order; raises RunError if it is damaged."""
    with run.projection as tree:
        return scenarios_in(tree)


def scenarios_in(tree: xr.DataTree) -> tuple[list[str], list[str]]:
    """Return the wars and the designs of a projection, in its order."""
    data = tree[names.ALLIANCE].to_dataset()
    return data[names.WAR].values.astype(str).tolist(), data[names.DESIGN].values.astype(str).tolist()


def find_kind(kinds: Sequence[Kind], text: str) -> Kind:
    """Return the headline that has every word of a text; raises RunError if none or several have."""
    words = text.lower().split()
    found = [kind for kind in kinds if words and kind.words.issuperset(words)]
    if len(found) == 1:
        return found[0]
    reason = "several headlines have" if found else "no headline has"
    known = listed((kind.name for kind in found or kinds), 40)
    raise RunError(f"headline {text!r}: {reason} these words, expected one of: {known}; write the words of one")


def estimates_of(run: Run) -> list[Estimates]:
    """Return the estimates of every headline of a whole run; raises RunError if it is damaged."""
    with run.projection as tree:
        return estimates_in(tree, run.headlines)


def estimates_in(tree: xr.DataTree, headlines: Iterable[Mapping[str, Any]]) -> list[Estimates]:
    """Return the estimates of every headline from a projection."""
    groups = (names.ALLIANCE, names.MISSIONS, names.MCSE, names.COUNTS)
    data = {group: tree[group].to_dataset() for group in groups}
    return [_estimates(kind, data) for kind in kinds_of(headlines)]


def _estimates(kind: Kind, data: Mapping[str, xr.Dataset]) -> Estimates:
    alliance, missions, errors = data[names.ALLIANCE], data[names.MISSIONS], data[names.MCSE].sel(source="total")
    place = place_of(kind)
    if kind.target == names.COHESION_VERDICT:
        place[names.VERDICT] = str(kind.category)
        variable = "verdict_probability"
        return Estimates(
            kind=kind, values=_flat(alliance[variable].sel(place)), errors=_flat(errors[variable].sel(place))
        )
    if kind.target == names.EUROPEAN_SPENDING:
        median = {**place, names.QUANTILE: 0.5}
        histogram = data[names.COUNTS]["european_share_count"].sel(place)
        return Estimates(
            kind=kind,
            values=_flat(alliance["european_share"].sel(median)),
            errors=_flat(errors["european_share"].sel(median)),
            counts=_flat(histogram),
            bins=np.log(histogram[names.SHARE_BIN].to_numpy()),
            step=SHARE_STEP,
            mean_errors=_flat(errors["european_share_mean"].sel(place)),
        )
    histogram, mean_errors = data[names.COUNTS]["survival_count"].sel(place), _flat(errors["survival_mean"].sel(place))
    return Estimates(
        kind=kind,
        values=_flat(missions["survival_mean"].sel(place)),
        errors=mean_errors,
        counts=_flat(histogram),
        bins=histogram[names.SURVIVAL_BIN].to_numpy(),
        mean_errors=mean_errors,
    )


def place_of(kind: Kind) -> dict[str, str | int]:
    """Return where a headline lies in the variables of the run, without its scenario and its class."""
    if kind.target == names.COHESION_VERDICT:
        return {names.QUARTER: kind.horizon}
    if kind.target == names.EUROPEAN_SPENDING:
        return {names.YEAR: int(kind.horizon)}
    return {names.MISSION: kind.unit_id, names.CURVE: str(kind.category), names.QUARTER: kind.horizon}


def _flat(values: xr.DataArray) -> Floats:
    """Return values with the scenarios on the first axis."""
    array = values.transpose(names.WAR, names.DESIGN, ...).to_numpy().astype(float)
    return array.reshape(-1, *array.shape[2:])


def on_paths(kind: Kind, joint: xr.Dataset) -> Floats:
    """Return the value of a headline on each sampled path, (path, N): of a verdict 1 if it is this class, else 0."""
    values = joint[_ON_PATHS[kind.target]].sel(place_of(kind))
    if kind.target == names.COHESION_VERDICT:
        values = values == names.VERDICTS.index(str(kind.category))
    array = values.transpose(names.PATH, names.WAR, names.DESIGN).to_numpy().astype(float)
    return array.reshape(len(array), -1)
