"""Make the headlines beside the main targets: events, measures, missions and spending beside its pledge.

They are given for each outcome of the war in the first design. No path is added for their precision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.models.alliance_exit import Rate
from forecast.projection import output_schema
from forecast.projection.headlines import errors_of, make_record
from forecast.projection.labelled_tree import error_of_probability
from forecast.projection.spending_levels import against_level, error_ratio
from forecast.workspace.roster import Mission, Roster

#: Events that need an attack set by the plan; without one they have no headline.
_AFTER_AN_ATTACK: Final = ("three_refusals", "treaty_broken")

Records = Iterator[dict[str, Any]]
Judgement = Mapping[str, Floats]
Horizon = tuple[str, str]  # label and role
Quarters = Sequence[tuple[int, Horizon]]  # positions of quarters with their horizons

#: Variable with the probability of each landmark of a mission.
_LANDMARKS: Final = dict(
    zip(names.LANDMARKS, ("collapse_probability", "nominal_end_probability", "hand_over_probability"), strict=True)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """What the numbers are compared with.

    Attributes
    ----------
    rates : yearly rate of events of the alliance that past years or priors with data give, by event.
    levels : levels of spending to reach, percent of GDP: the pledges.
    pledge : the pledge of each projected year, percent of GDP.
    """

    rates: Mapping[str, Rate]
    levels: tuple[float, ...]
    pledge: Floats


def make_more_headlines(
    tree: xr.DataTree, judgement: Judgement, roster: Roster, references: References, paths: int
) -> list[dict[str, Any]]:
    """Return the headline records beside the main targets.

    Parameters
    ----------
    tree
        The projection, as `projection.output_schema` describes it.
    judgement
        Share of variance that priors without data explain, by output, as `judgement_shares` gives it. An output that
        the sampled paths do not hold has none.
    roster
        Labels of the projection.
    references
        Base rates and pledges.
    paths
        Number of simulated paths.
    """
    shares = {
        name: values.reshape(len(roster.wars), len(roster.designs), *values.shape[1:])[:, 0]
        for name, values in judgement.items()
    }
    quarters = [*_horizons(roster)]
    return [
        *_events(tree, quarters, shares["events"], references.rates),
        *_measures(tree, quarters, shares["measures"]),
        *_new_missions(tree, quarters),
        *_landmarks(tree, roster, shares["landmarks"]),
        *_defections(tree, roster),
        *_spending(tree, references, paths),
    ]


def _horizons(roster: Roster) -> Iterator[tuple[int, Horizon]]:
    """Yield the twentieth quarter and the last: its position, and its label and role."""
    last = len(roster.quarters) - 1
    for quarter in sorted({min(names.FIVE_YEARS, last), last}):
        role = names.AFTER_FIVE_YEARS if quarter == names.FIVE_YEARS else names.END_OF_HORIZON
        yield quarter, (roster.quarters[quarter], role)


def _by_war(tree: xr.DataTree, variable: str, **position: int) -> list[dict[str, Any]]:
    """Return the scenario, the value and the errors of an estimate for each war in the first design."""
    group = output_schema.VARIABLES[variable].group
    data = tree[group].to_dataset()[variable].isel({names.DESIGN: 0, **position})
    error = tree[names.MCSE].to_dataset()[variable].isel({names.DESIGN: 0, **position})
    return [
        {
            "scenario": (str(war), str(data[names.DESIGN].item())),
            "value": data[i].item(),
            **errors_of(error, war=i),
        }
        for i, war in enumerate(data[names.WAR].values)
    ]


def _record(target: str, horizon: Horizon, statistic: str, estimate: Mapping[str, Any], **fields: Any) -> Any:
    """Return the record of an estimate, without interval, baseline and judgement unless `fields` have them."""
    absent = {"lower": None, "upper": None, "judgement": np.nan, "baseline": None, "baseline_name": None}
    numbers = {key: value for key, value in estimate.items() if key != "scenario"}
    return make_record(target, estimate["scenario"], horizon, statistic, **{"unit": "1", **absent, **numbers, **fields})


def _events(tree: xr.DataTree, quarters: Quarters, judged: Floats, rates: Mapping[str, Rate]) -> Records:
    """Yield the probability that each event of the alliance has happened; `judged` is (W, events, Q)."""
    probability = tree[names.ALLIANCE].to_dataset()["event_probability"]
    attacked = bool((probability.sel({names.EVENT: list(_AFTER_AN_ATTACK)}) > 0.0).any())
    for quarter, horizon in quarters:
        for e, event in enumerate(names.EVENTS):
            if event in _AFTER_AN_ATTACK and not attacked:
                continue
            baseline = rates[event].chance((quarter + 1) / 4) if event in rates else None
            for i, estimate in enumerate(_by_war(tree, "event_probability", quarter=quarter, event=e)):
                yield _record(
                    names.ALLIANCE_EVENT,
                    horizon,
                    names.PROBABILITY,
                    estimate,
                    category=event,
                    judgement=judged[i, e, quarter],
                    baseline=baseline,
                    baseline_name=None if baseline is None else "base_rate",
                )


def _measures(tree: xr.DataTree, quarters: Quarters, judged: Floats) -> Records:
    """Yield the mean of each factor of cohesion and of each measure of the alliance; `judged` is (W, Q, measures)."""
    for quarter, horizon in quarters:
        for f, factor in enumerate(names.FACTORS):
            for estimate in _by_war(tree, "factor_mean", quarter=quarter, factor=f):
                yield _record(names.COHESION_FACTOR, horizon, names.MEAN, estimate, category=factor, unit="sign units")
        for k, index in enumerate(names.INDICES):
            for i, estimate in enumerate(_by_war(tree, "index_mean", quarter=quarter, index=k)):
                yield _record(
                    names.ALLIANCE_INDEX,
                    horizon,
                    names.MEAN,
                    estimate,
                    category=index,
                    judgement=judged[i, quarter, k],
                )


def _new_missions(tree: xr.DataTree, quarters: Quarters) -> Records:
    """Yield the mean number of new missions, and the probability of one that the United States leads."""
    for quarter, horizon in quarters:
        for estimate in _by_war(tree, "new_missions", quarter=quarter):
            yield _record(names.NEW_MISSIONS, horizon, names.MEAN, estimate)
        for estimate in _by_war(tree, "entrapment_probability", quarter=quarter):
            yield _record(names.ENTRAPMENT, horizon, names.PROBABILITY, estimate)


def _landmarks(tree: xr.DataTree, roster: Roster, judged: Floats) -> Records:
    """Yield the probability of collapse, end in name and hand-over five years after a mission starts.

    Only an ad hoc coalition can be handed over. `judged` is (W, S, landmarks, Q).
    """
    for s, mission in enumerate(roster.missions):
        quarter = mission.start + names.FIVE_YEARS
        if quarter >= _end(mission, roster):
            continue
        horizon = (roster.quarters[quarter], names.AFTER_FIVE_YEARS)
        for k, (landmark, variable) in enumerate(_LANDMARKS.items()):
            if landmark == "handed_over" and mission.framework != "ad_hoc":
                continue
            for i, estimate in enumerate(_by_war(tree, variable, mission=s, quarter=quarter)):
                yield _record(
                    names.MISSION_LANDMARK,
                    horizon,
                    names.PROBABILITY,
                    estimate,
                    unit_id=mission.name,
                    category=landmark,
                    judgement=judged[i, s, k, quarter],
                )


def _defections(tree: xr.DataTree, roster: Roster) -> Records:
    """Yield the mean number of defections by mode, within the horizon and while the mission runs."""
    for s, mission in enumerate(roster.missions):
        if mission.start >= len(roster.quarters):
            continue
        horizon = (roster.quarters[_end(mission, roster) - 1], names.END_OF_HORIZON)
        for k, mode in enumerate(names.MODES):
            for estimate in _by_war(tree, "defections", mission=s, mode=k):
                yield _record(names.DEFECTIONS, horizon, names.MEAN, estimate, unit_id=mission.name, category=mode)


def _end(mission: Mission, roster: Roster) -> int:
    """Return the first quarter in which a mission no longer runs, at most the length of the horizon."""
    size = len(roster.quarters)
    return size if mission.end is None else min(mission.end, size)


def _spending(tree: xr.DataTree, references: References, paths: int) -> Records:
    """Yield how often European spending reaches each level, and its mean shortfall below the pledge of the year.

    The baseline is a random walk without noise, which stays at the last observed level.
    """
    histogram = tree[names.COUNTS].to_dataset()["european_share_count"].isel(design=0)
    values = histogram[names.SHARE_BIN].values.astype(float)
    last = float(tree[names.MEMBERS].attrs["european_share_last"])
    years = histogram[names.YEAR].values
    for y in sorted({min(4, years.size - 1), years.size - 1}):
        horizon = (str(years[y]), names.AFTER_FIVE_YEARS if y == 4 else names.END_OF_HORIZON)
        for i, mean in enumerate(_by_war(tree, "european_share_mean", year=y)):
            counts = histogram.isel(war=i, year=y).values
            ratios = {key: error_ratio(counts, values, mean[key]) for key in ("mcse", "mcse_draws") if mean[key]}
            for level in dict.fromkeys(references.levels):
                found = against_level(counts, values, level)
                errors = {key: float(found.reached_sd * ratio) for key, ratio in ratios.items()}
                errors["mcse"] = float(error_of_probability(found.reached, np.asarray(errors.get("mcse", 0.0)), paths))
                yield _record(
                    names.SPENDING_AT_LEAST,
                    horizon,
                    names.PROBABILITY,
                    mean | errors | {"value": float(found.reached)},
                    category=f"{level:g}",
                    baseline=float(last >= level),
                    baseline_name="random_walk",
                )
            pledge = float(references.pledge[y])
            found = against_level(counts, values, pledge)
            yield _record(
                names.SPENDING_SHORTFALL,
                horizon,
                names.MEAN,
                mean
                | {key: float(found.shortfall_sd * ratio) for key, ratio in ratios.items()}
                | {"value": float(found.shortfall)},
                unit="percent of GDP",
                baseline=max(pledge - last, 0.0),
                baseline_name="random_walk",
            )
