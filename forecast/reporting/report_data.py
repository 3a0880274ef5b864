"""What a report says: the numbers of a run as rows and sentences, before any page is made of them.

Nothing is computed here that the run does not hold, but for differences between
its own cells. `Story` is a run, opened.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.priors.prior import Prior
from forecast.reporting.figures import running
from forecast.reporting.formatting import number, probability

Row = dict[str, Any]
_SPENDING: Final = "European defence spending"
_VERDICT: Final = "probability that cohesion is "
_LEAVERS: Final = 8  # how many contributors a list of the first to leave holds


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportData:
    """The parts of a run that a report tells; `checks` is empty if none were stored."""

    manifest: Mapping[str, Any]
    headlines: Sequence[Mapping[str, Any]]
    checks: Mapping[str, Any]
    priors: Mapping[str, Any]
    alliance: xr.Dataset
    members: xr.Dataset
    missions: xr.Dataset
    joint: xr.Dataset
    dyads: xr.Dataset  # empty if the plan has none
    errors: xr.Dataset  # Monte Carlo error of every estimate, by its name

    @property
    def wars(self) -> list[str]:
        """Ends of the war; the first is the reference."""
        return [str(w) for w in self.alliance[names.WAR].values]

    @property
    def designs(self) -> list[str]:
        """Designs of the alliance; the first is the reference."""
        return [str(d) for d in self.alliance[names.DESIGN].values]

    @property
    def labels(self) -> dict[str, str]:
        """Plain words for wars, designs and missions."""
        grid = self.priors["grid"]
        known = {name: one["label"] for part in ("wars", "designs") for name, one in grid[part].items()}
        missions = self.missions
        return known | dict(zip(missions[names.MISSION].values, missions["mission_label"].values, strict=True))


def owed_to_draws(story: ReportData) -> float | None:
    """The part of all squared Monte Carlo errors of headlines that more paths do not lower; None if too few tell it."""
    whole = math.fsum(h["mcse"] ** 2 for h in story.headlines)
    owed = [h["mcse_draws"] for h in story.headlines]
    if whole == 0.0 or None in owed:
        return None
    return math.fsum(draws**2 for draws in owed) / whole


def country_names(data: xr.Dataset, dim: str) -> dict[str, str]:
    """Code -> name, from the coordinate `<dim>_name` if the run has one, else the code itself."""
    codes = [str(c) for c in data[dim].values]
    told = data[f"{dim}_name"].values if f"{dim}_name" in data.coords else codes
    return dict(zip(codes, (str(t) for t in told), strict=True))


def ramp_end(story: ReportData) -> int:
    """Index of the quarter in which verdicts are read."""
    quarters = story.alliance[names.QUARTER].values.tolist()
    return int(quarters.index(story.alliance.attrs["verdict_quarter"]))


def verdict_cells(story: ReportData) -> dict[tuple[str, str], Row]:
    """The likeliest verdict of each cell: the headline, with its bare `verdict`."""
    return {
        (h["war"], h["design"]): {**h, "verdict": h["quantity"].removeprefix(_VERDICT)}
        for h in story.headlines
        if h["quantity"].startswith(_VERDICT)
    }


def verdict_rows(story: ReportData) -> list[Row]:
    """All three probabilities of each cell, at the end of the ramp and of the horizon."""
    p = story.alliance["verdict_probability"]
    last = story.alliance.sizes[names.QUARTER] - 1
    return [
        {
            "war": war,
            "design": design,
            "at": [p.sel(war=war, design=design).isel(quarter=q).values.tolist() for q in (ramp_end(story), last)],
        }
        for war in story.wars
        for design in story.designs
    ]


def contrasts(story: ReportData, variable: str, dim: str, at: int) -> dict[tuple[str, str], Row]:
    """Each cell less the reference cell, same luck: mean, Monte Carlo error, 80 % interval over whole paths."""
    data = story.joint[variable].isel({dim: at})
    if data.sizes[names.PATH] < 2:
        return {}
    reference = data.isel(war=0, design=0).values
    found = {}
    for war in story.wars:
        for design in story.designs:
            less = (data.sel(war=war, design=design).values - reference).astype(float)
            low, high = np.quantile(less, [0.1, 0.9])
            error = less.std(ddof=1) / math.sqrt(less.size)
            found[war, design] = {"mean": less.mean(), "mcse": error, "lower": low, "upper": high}
    return found


def spending_rows(story: ReportData) -> tuple[list[str], list[Row]]:
    """Horizons, and for each cell its headline at every horizon."""
    mine = [h for h in story.headlines if h["quantity"] == _SPENDING]
    horizons = list(dict.fromkeys(h["horizon"] for h in mine))
    found = {(h["war"], h["design"], h["horizon"]): h for h in mine}
    return horizons, [
        {"war": w, "design": d, "at": [found[w, d, year] for year in horizons]}
        for w in story.wars
        for d in story.designs
        if (w, d, horizons[0]) in found
    ]


def member_years(story: ReportData) -> list[int]:
    """Positions of the years told of each member: the fifth and the last."""
    size = story.members.sizes[names.YEAR]
    return sorted({min(4, size - 1), size - 1})


def member_rows(story: ReportData) -> list[Row]:
    """Each ally by name: last observed level, and median with 80 % interval by war at two years, first design."""
    data, named = story.members, country_names(story.members, names.MEMBER)
    past_years = data[names.HISTORY_YEAR].values
    at = [names.QUANTILES.index(q) for q in (0.5, 0.1, 0.9)]
    rows = []
    for code, name in sorted(named.items(), key=lambda pair: pair[1]):
        past = data["spending_history"].sel(member=code).values
        seen = np.flatnonzero(np.isfinite(past))
        table = data["spending_share"].sel(member=code).isel(design=0).values[..., at]
        rows.append(
            {
                "code": code,
                "name": name,
                "spends": bool(np.isfinite(table).any()),
                "last": float(past[seen[-1]]) if seen.size else None,
                "last_year": int(past_years[seen[-1]]) if seen.size else None,
                "at": [
                    dict(zip(story.wars, table[:, y].astype(float).tolist(), strict=True)) for y in member_years(story)
                ],
            }
        )
    return rows


def leader_rows(story: ReportData) -> list[Row]:
    """Each ally by name with the probability of a change of chief executive in each year."""
    named = country_names(story.members, names.MEMBER)
    data = story.members["leader_change_probability"]
    return [
        {"name": name, "p": data.sel(member=code).values.astype(float).tolist()}
        for code, name in sorted(named.items(), key=lambda pair: pair[1])
    ]


def mission_cards(story: ReportData) -> list[Row]:
    """Each mission: what it is, its notes, and where it stands five years after its first quarter (or at its end)."""
    data, named = story.missions, country_names(story.missions, names.CONTRIBUTOR)
    quarters = [str(q) for q in data[names.QUARTER].values]
    cards = []
    for mission in (str(m) for m in data[names.MISSION].values):
        here = data.sel(mission=mission)
        runs = np.flatnonzero(running(data, mission))
        card: Row = {
            "name": mission,
            "label": here["mission_label"].item(),
            "kind": here["kind"].item(),
            "framework": here["framework"].item(),
            "notes": str(here["flags"].item()),
            "starts": None,
        }
        if runs.size:
            at = int(min(runs[0] + names.FIVE_YEARS, runs[-1]))
            card |= {
                "starts": quarters[runs[0]],
                "horizon": quarters[at],
                "after": _after(at - int(runs[0])),
                "ends": quarters[runs[-1]] if runs[-1] < len(quarters) - 1 else None,
                "wars": list(
                    _mission_by_war(
                        story.wars,
                        here.isel(design=0, quarter=at),
                        story.errors["survival_mean"].sel(mission=mission).isel(design=0, quarter=at),
                    )
                ),
                "gone": 1 - here["survival_mean"].isel(war=0, design=0, curve=2, quarter=at).item(),
                "leavers": _leavers(here.isel(war=0, design=0, quarter=at), named),
            }
        cards.append(card)
    return cards


def _after(quarters: int) -> str:
    return "five years on" if quarters == names.FIVE_YEARS else f"in its quarter {quarters + 1}"


def _mission_by_war(wars: Sequence[str], here: xr.Dataset, error: xr.DataArray) -> Iterator[Row]:
    low, high = (names.QUANTILES.index(q) for q in (0.1, 0.9))
    for war in wars:
        mine = here.sel(war=war)
        curves = {
            curve: {
                "mean": mine["survival_mean"].sel(curve=curve).item(),
                "mcse": error.sel(war=war, curve=curve).item(),
                "lower": mine["survival"].sel(curve=curve).values[low].item(),
                "upper": mine["survival"].sel(curve=curve).values[high].item(),
            }
            for curve in names.CURVES
        }
        yield {
            "war": war,
            **curves,
            "hollow": mine["hollow_probability"].item(),
            "collapse": mine["collapse_probability"].item(),
        }


def _leavers(here: xr.Dataset, named: Mapping[str, str]) -> list[Row]:
    weight = here["contingent_weight"].values
    rows: list[Row] = [
        {"code": str(c), "name": named[str(c)], "weight": float(w), "p": float(p)}
        for c, w, p in zip(here[names.CONTRIBUTOR].values, weight, here["exit_probability"].values, strict=True)
        if w > 0 and np.isfinite(p)
    ]
    return sorted(rows, key=lambda row: (-row["p"], row["code"]))[:_LEAVERS]


def hypothetical(story: ReportData) -> list[str]:
    """Hypothetical missions that run within the horizon."""
    data = story.missions
    return [
        str(m)
        for m, kind in zip(data[names.MISSION].values, data["kind"].values, strict=True)
        if kind == "hypothetical" and running(data, str(m)).any()
    ]


def crossing_sentence(story: ReportData) -> str:
    """When the operation of an alliance mission passes that of a coalition of the willing, in the mean."""
    frameworks = {m: story.missions["framework"].sel(mission=m).item() for m in hypothetical(story)}
    loose = [m for m, f in frameworks.items() if f == "ad_hoc"]
    firm = [m for m, f in frameworks.items() if f != "ad_hoc"]
    if not loose or not firm:
        return ""
    mean = story.missions["survival_mean"].isel(war=0, design=0).sel(curve="operation")
    a, b = (mean.sel(mission=m).values for m in (loose[0], firm[0]))
    quarters = [str(q) for q in story.missions[names.QUARTER].values]
    label = story.labels
    above = np.flatnonzero(b >= a)
    if not above.size:
        return f"“{label[firm[0]]}” does not pass “{label[loose[0]]}” in operation within the horizon."
    q, first = int(above[0]), int(np.flatnonzero(np.isfinite(b))[0])
    when = ", its first quarter" if q == first else ""
    return (
        f"In the mean, “{label[firm[0]]}” stands above “{label[loose[0]]}” in operation from "
        f"{quarters[q]} on ({b[q]:.2f} against {a[q]:.2f} of the first contingent{when})."
    )


_DESIGN_NUMBERS: Final = (
    "pledge_multiplier",
    "retrenchment",
    "credibility",
    "asia_signal",
    "china_focus",
)


def prior_tables(story: ReportData) -> list[tuple[str, list[Row]]]:
    """Priors by the file they come from, in their order."""
    tables: dict[str, list[Row]] = {}
    for prior in story.priors["priors"]:
        file, short = prior["name"].split(".", 1)
        tables.setdefault(file, []).append({"short": short, **prior})
    return list(tables.items())


def sign_table(story: ReportData) -> list[Row]:
    """One row a factor, then one for each of its sub-factors, with the symbols of the source by war."""
    grid = story.priors["grid"]
    rows: list[Row] = []
    for factor in names.FACTORS:
        symbols = {war: one["symbols"][factor] for war, one in grid["wars"].items()}
        rows.append({"name": factor, "sub": False, "signs": symbols})
        for key, label in grid["factors"][factor].items():
            own = {w: one["subfactors"].get(key, symbols[w]) for w, one in grid["wars"].items()}
            rows.append({"name": label, "sub": True, "signs": own})
    return rows


def design_table(story: ReportData) -> list[Row]:
    """One row a design: the shift of each factor with its half-life, and the numbers for spending."""
    rows = []
    for name, one in story.priors["grid"]["designs"].items():
        shift = {f: (_written(p), one["half_life"].get(f, 0.0)) for f, p in one["shift"].items()}
        numbers = {key: _written(one[key]) for key in _DESIGN_NUMBERS}
        rows.append({"name": name, **one, "shift": shift, "numbers": numbers})
    return sorted(rows, key=lambda row: names.DESIGNS.index(row["name"]))


def _written(prior: Mapping[str, Any]) -> str:
    """A distribution as statistics writes it."""
    return Prior(**{**prior, "params": tuple(prior["params"])}).describe()


_MEANS = ("abandonment", "entrapment", "base_opinion", "host_support", "us_troops")


def dyad_rows(story: ReportData) -> list[Row]:
    """Where each dyad stands in the last quarter, in the first war, by design; spending in the last year."""
    data = story.dyads
    rows = []
    for dyad in data[names.DYAD].values if data.data_vars else ():
        for design in story.designs:
            here = data.sel(dyad=dyad, design=design).isel(war=0, quarter=-1)
            rows.append(
                {
                    "name": str(here["dyad_label"].item()),
                    "design": design,
                    "cohesion": _fan(here["dyad_cohesion"]),
                    "intact": here["intact_probability"].item(),
                    "refused": here["refused_probability"].item(),
                    "share": _fan(here["partner_share"].isel(year=-1)),
                    **{name: here[f"{name}_mean"].item() for name in _MEANS},
                }
            )
    return rows


def _fan(fan: xr.DataArray) -> list[float]:
    """Median and the ends of the 80 % interval."""
    at = [names.QUANTILES.index(level) for level in (0.5, 0.1, 0.9)]
    return [float(x) for x in np.asarray(fan.values)[at]]


def dyad_sentence(story: ReportData, plan: Mapping[str, Any]) -> str:
    """How the dyads compare in the reference cell, and which events the plan sets."""
    rows = [row for row in dyad_rows(story) if row["design"] == story.designs[0]]
    if not rows:
        return ""
    last = str(story.dyads[names.QUARTER].values[-1])
    told = "; ".join(
        f"{row['name']} has a median cohesion of {number(row['cohesion'][0])} "
        f"(80 % interval {number(row['cohesion'][1])} to {number(row['cohesion'][2])}) and its "
        f"treaty still stands with a probability of {probability(row['intact'])}"
        for row in rows
    )
    sentence = f"In {last}, with “{story.labels[story.designs[0]]}”, {told}."
    events = {name: q for name, q in plan.get("stress", {}).items() if name in _EVENTS}
    if events:
        sentence += " The plan sets " + ", ".join(f"{_EVENTS[k]} in {q}" for k, q in events.items())
        sentence += "."
    return sentence


_EVENTS = {
    "hns_demand": "a demand for several times the host-nation support",
    "dprk_reach": "the sure reach of North Korea to the United States",
    "us_war": "a war of the United States elsewhere",
    "grey_zone_dyad": "an attack in the grey zone on each partner",
}
