"""Turn a run into the rows and sentences of its report, before any page is made.

Every number is stored in the run, except differences between its own scenarios.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.archive.kept_explanations import kept_explanation
from forecast.evaluation.calibration.certificates import certificate_lines
from forecast.evaluation.calibration.contract_store import contracts_of_run
from forecast.evaluation.score_report import pivot, worst_first, worst_lines
from forecast.evaluation.score_store import UNSCORED, find_scores, find_variants
from forecast.pipeline.changes import CLEAR
from forecast.priors.prior import Prior
from forecast.projection.headlines import Verdict, verdicts
from forecast.reporting.charts import running
from forecast.reporting.formatting import number, probability
from forecast.reporting.headline_text import (
    CURVE_NAMES,
    classes_text,
    headline_title,
    plain,
    scenario_text,
    statistic_text,
    value_text,
    verdict_sentence,
)
from forecast.storage import shapes
from forecast.storage.runs import Run

Row = dict[str, Any]
Scenario = tuple[str, str]

FRAMEWORK_NAMES: Final = {
    "ad_hoc": "Coalition of the willing",
    "nato": "NATO",
    "un": "United Nations",
    "eu": "European Union",
}
#: The priors that define when a mission is hollow, collapsed or ended, by their name in the text.
_THRESHOLDS: Final = {
    "hollow_nominal": "missions.hollow_flags",
    "hollow_operational": "missions.hollow_operation",
    "collapse_operational": "missions.collapse_operation",
}
_DESIGN_NUMBERS: Final = (
    "pledge_multiplier",
    "retrenchment",
    "credibility",
    "asia_signal",
    "china_focus",
)
_DYAD_STRESSES: Final = ("hns_demand", "dprk_reach", "us_war", "grey_zone_dyad")
_DYAD_MEANS: Final = ("abandonment", "entrapment", "base_opinion", "host_support", "us_troops")


#: The day of a scheduled election in words, by the precision of its date.
_DUE: Final = {"day": "on {}", "month": "in {:.7}", "year": "in {:.4}", "deadline": "by {}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportData:
    """A run with all that its report shows; `checks` is empty if the run stores none, `dyads` if its plan has none."""

    run: Run
    scores: Mapping[str, Any] | str  # `UNSCORED`, or the tables of `score_store.find_scores`
    variants: Mapping[str, Any]  # headlines by recoding, empty if none were made
    certificates: Mapping[str, tuple[bool, str]]  # by model: certified, and a sentence
    contracts: Mapping[str, Mapping[str, Any]]  # by model: the past as simulated beside the past as observed
    headlines: Sequence[Mapping[str, Any]]
    checks: Mapping[str, Any]
    priors: Mapping[str, Any]
    alliance: xr.Dataset
    members: xr.Dataset
    missions: xr.Dataset
    joint: xr.Dataset  # sampled paths of cohesion and of European spending
    dyads: xr.Dataset
    errors: xr.Dataset  # Monte Carlo standard error of each estimate, under the same name
    cohesion: xr.Dataset | None  # draws of the factors of cohesion and their weights, an estimate of the past
    explained: Sequence[Row]  # headlines with the contributions of the inputs to their change, the clearest first
    votes: Mapping[tuple[str, int], str] | None  # scheduled elections by ally and year, None if unknown

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the run."""
        return self.run.manifest

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan of the run."""
        plan: Mapping[str, Any] = self.manifest["plan"]
        return plan

    @property
    def wars(self) -> list[str]:
        """Outcomes of the war; the first is the reference."""
        return [str(w) for w in self.alliance[names.WAR].values]

    @property
    def designs(self) -> list[str]:
        """Designs of the alliance; the first is the reference."""
        return [str(d) for d in self.alliance[names.DESIGN].values]

    @property
    def quarters(self) -> list[str]:
        """Labels of the projected quarters."""
        return [str(q) for q in self.alliance[names.QUARTER].values]

    @property
    def verdict_quarter(self) -> int:
        """Index of the quarter at the end of the ramp, in which verdicts are read."""
        return self.quarters.index(self.alliance.attrs["verdict_quarter"])

    @property
    def labels(self) -> dict[str, str]:
        """Labels of wars, designs and missions."""
        grid = self.priors["grid"]
        scenarios = {name: entry["label"] for part in ("wars", "designs") for name, entry in grid[part].items()}
        missions = self.missions
        return scenarios | dict(zip(missions[names.MISSION].values, missions["mission_label"].values, strict=True))

    @property
    def verdicts(self) -> dict[Scenario, Verdict]:
        """The verdict of each scenario at the end of the ramp."""
        return verdicts(self.headlines)

    @property
    def skill(self) -> list[Row]:
        """The comparison with baselines, one table for each model, target and score; empty for an unscored run."""
        return [] if isinstance(self.scores, str) else worst_first(pivot(self.scores["skill"]))

    @property
    def worst_skill(self) -> list[str]:
        """One sentence for each scored model with its lowest skill, the worst model first."""
        return [] if isinstance(self.scores, str) else worst_lines(self.scores["skill"])

    @property
    def scored_models(self) -> list[str]:
        """The models that were scored on past outcomes."""
        return [] if isinstance(self.scores, str) else list(self.scores["models"])


def _stored_scores(run: Run) -> Any:
    """Return the scores that a run stored; an earlier build stored them in the manifest."""
    if names.SCORES in run.manifest["files"]:
        return run.json(names.SCORES, shapes.ScoresFile)["scores"]
    return run.manifest.get("scores", UNSCORED)


def read_report_data(run: Run, home: Path) -> ReportData:
    """Read a run and what its workspace holds on its models: scores, variants, certificates and contracts.

    Raises
    ------
    RunError
        If a file of the run is missing, damaged or in another output schema.
    """
    models = run.manifest.get("models", {})
    scores = find_scores(home, models)  # may be newer than the run
    if scores == UNSCORED:
        scores = _stored_scores(run)
    earlier = (run.manifest.get("since") or {}).get("run")
    with closing(run.projection) as tree:
        alliance, members, missions, joint = (
            tree[group].to_dataset() for group in (names.ALLIANCE, names.MEMBERS, names.MISSIONS, names.JOINT)
        )
        errors = tree[names.MCSE].to_dataset().sel({names.SOURCE: names.SOURCES[0]})
        dyads = tree[names.DYADS].to_dataset() if names.DYADS in tree else xr.Dataset()
        return ReportData(
            run=run,
            scores=scores,
            variants=find_variants(home, models, run.manifest["plan"]["name"]),
            certificates=certificate_lines(home, run.manifest.get("certificates", {})),
            contracts=contracts_of_run(home, run.manifest),
            headlines=run.headlines,
            checks=run.checks if names.CHECKS in run.manifest["files"] else {},
            priors=run.json(names.PRIORS),
            alliance=alliance.load(),
            members=members.load(),
            missions=missions.load(),
            joint=joint[["joint_cohesion", "joint_european_share"]].load(),
            dyads=dyads.load(),
            errors=errors.load(),
            cohesion=_cohesion_draws(run),
            explained=kept_explanation(home, earlier, run) if earlier else [],
            votes=_scheduled_votes(run),
        )


def _cohesion_draws(run: Run) -> xr.Dataset | None:
    """Return the stored draws of the cohesion model, or None if the run holds none."""
    if "posterior/cohesion.nc" not in run.manifest["files"]:
        return None
    with closing(run.posterior("cohesion")) as tree:
        draws = tree[names.POSTERIOR].to_dataset()
        return draws[[name for name in ("factor_state", "factor_weights") if name in draws]].load()


def _scheduled_votes(run: Run) -> dict[tuple[str, int], str] | None:
    """Return the day of each scheduled election that selects a leader; None if the run does not hold them."""
    if (listed := run.manifest.get("elections")) is None:
        return None
    return {
        (vote["country"], int(vote["date"][:4])): f"election {_DUE[vote['precision']].format(vote['date'])}"
        for vote in listed
    }


# -- summary ---------------------------------------------------------------------------------------------------------


def summary(data: ReportData) -> list[str]:
    """Return the run in a few sentences, each with its numbers."""
    sentences = [_verdict_sentence(data), _spending_sentence(data)]
    cards = [card for card in mission_cards(data) if card["starts"]]
    shown = [card for card in cards if card["kind"] == "hypothetical"] or cards
    sentences += [_mission_sentence(card) for card in shown[:2]]
    return [sentence for sentence in sentences if sentence]


def _verdict_sentence(data: ReportData) -> str:
    scenarios, design = data.verdicts, data.designs[0]
    parts = "; ".join(f"{data.labels[war]} – {verdict_sentence(scenarios[war, design])}" for war in data.wars)
    start = "a neutral starting point" if data.plan["start"] == "neutral" else "the estimated state of the alliance now"
    return (
        f"From {start}, the verdicts on cohesion in "
        f"{data.quarters[data.verdict_quarter]} under “{data.labels[design]}” are: {parts}."
    )


def _spending_sentence(data: ReportData) -> str:
    spending = spending_table(data)
    if not spending["rows"]:
        return ""
    records = spending["rows"][0]["records"]
    medians = " and ".join(
        f"{h['value']:.1f}\u00a0% of GDP in {h['horizon']} (80 % interval {h['lower']:.1f} to {h['upper']:.1f})"
        for h in records
    )
    sentence = (
        f"European defence spending was {records[0]['baseline']:.1f}\u00a0% of GDP in the last observed year. "
        f"Its median in the reference scenario is {medians}."
    )
    if spending["contrasts"] and len(data.wars) > 1:
        means = {war: spending["contrasts"][war, data.designs[0]]["mean"] for war in data.wars}
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        sentence += (
            f" With the same random numbers, spending in {records[-1]['horizon']} is {means[high] - means[low]:.2f} "
            f"percentage points higher under “{data.labels[high]}” than under “{data.labels[low]}”, the largest "
            "difference between two wars."
        )
    return sentence


def _mission_sentence(card: Row) -> str:
    reference = card["wars"][0]
    return (
        f"{card['label']}, {card['after']} ({card['horizon']}): mean nominal participation is "
        f"{reference['nominal']['mean']:.2f} and mean operational contribution {reference['operational']['mean']:.2f} "
        f"of the initial contingents. The probability of collapse by then is {probability(reference['collapse'])}."
    )


def draw_error_share(data: ReportData) -> float | None:
    """Return the share of the squared Monte Carlo errors of the main targets due to draws; None if unknown."""
    main = [h for h in data.headlines if h["target"] in names.MAIN_TARGETS]
    total = math.fsum(h["mcse"] ** 2 for h in main)
    errors = [h["mcse_draws"] for h in main]
    if total == 0.0 or None in errors:
        return None
    return math.fsum(error**2 for error in errors) / total


def since_rows(data: ReportData) -> list[Row]:
    """Return the headlines that moved since the last run, as text."""
    labels = data.labels
    return [
        {
            "title": headline_title(move, labels),
            "statistic": statistic_text(move),
            "scenario": scenario_text(move, labels),
            "horizon": _horizon_text(move),
            "before": value_text(move, move["before"]),
            "now": value_text(move, move["value"]),
            "errors": move["errors"],
        }
        for move in data.manifest.get("since", {}).get("moves", [])
    ]


def explained_rows(data: ReportData) -> list[Row]:
    """Return the clearest explained moves, at most two: one of each target, those of main targets first.

    Each has its words in `title`. A move within two Monte Carlo errors is left out.
    """
    labels, first = data.labels, dict[str, Row]()
    for row in data.explained:
        record = row["record"]
        if row["contributions"] and abs(row["after"] - row["before"]) > CLEAR * row["error"]:
            words = (headline_title(record, labels), scenario_text(record, labels), record["horizon"])
            percent = record["statistic"] == names.PROBABILITY
            title = ", ".join(words)
            first.setdefault(record["target"], {**row, "title": title[:1].upper() + title[1:], "percent": percent})
    return [first[target] for target in sorted(first, key=lambda target: target not in names.MAIN_TARGETS)][:2]


def _horizon_text(move: Mapping[str, Any]) -> str:
    """Return the horizon, and the earlier one where it differs."""
    return (
        move["horizon"]
        if move["horizon"] == move["before_horizon"]
        else f"{move['before_horizon']} → {move['horizon']}"
    )


# -- scenarios -------------------------------------------------------------------------------------------------------


def verdict_rows(data: ReportData) -> list[Row]:
    """Return the three probabilities of each scenario at the end of the ramp and at the end of the horizon."""
    p = data.alliance["verdict_probability"]
    quarters = (data.verdict_quarter, data.alliance.sizes[names.QUARTER] - 1)
    return [
        {
            "war": war,
            "design": design,
            "probabilities": [p.sel(war=war, design=design).isel(quarter=q).values.tolist() for q in quarters],
        }
        for war in data.wars
        for design in data.designs
    ]


def contrasts(data: ReportData, variable: str, dim: str, index: int) -> dict[Scenario, Row]:
    """Return the difference of each scenario from the reference, path by path.

    Each has its mean, the Monte Carlo standard error of the mean, and the 80 % interval over the sampled paths. The
    result is empty if fewer than two paths were sampled.
    """
    values = data.joint[variable].isel({dim: index})
    if values.sizes[names.PATH] < 2:
        return {}
    reference = values.isel(war=0, design=0).values
    rows = {}
    for war in data.wars:
        for design in data.designs:
            difference = (values.sel(war=war, design=design).values - reference).astype(float)
            low, high = np.quantile(difference, [0.1, 0.9])
            error = difference.std(ddof=1) / math.sqrt(difference.size)
            rows[war, design] = {"mean": difference.mean(), "mcse": error, "lower": low, "upper": high}
    return rows


def spending_table(data: ReportData) -> Row:
    """Return European spending: `horizons`, `rows` with a record for each horizon, `contrasts` and `last` observed."""
    records = [h for h in data.headlines if h["target"] == names.EUROPEAN_SPENDING]
    horizons = list(dict.fromkeys(h["horizon"] for h in records))
    by_scenario: dict[Scenario, dict[str, Mapping[str, Any]]] = {}
    for h in records:
        by_scenario.setdefault((h["war"], h["design"]), {})[h["horizon"]] = h
    rows = [
        {"war": war, "design": design, "records": [by_scenario[war, design][year] for year in horizons]}
        for war in data.wars
        for design in data.designs
        if (war, design) in by_scenario
    ]
    return {
        "horizons": horizons,
        "rows": rows,
        "contrasts": contrasts(data, "joint_european_share", names.YEAR, -1) if rows else {},
        "last": data.alliance.attrs.get("european_share_last"),
    }


# -- members ---------------------------------------------------------------------------------------------------------


def country_names(data: xr.Dataset, dim: str) -> dict[str, str]:
    """Return names by code, from the coordinate `<dim>_name` if the run has one; otherwise the codes."""
    codes = [str(c) for c in data[dim].values]
    labels = data[f"{dim}_name"].values if f"{dim}_name" in data.coords else codes
    return dict(zip(codes, (str(label) for label in labels), strict=True))


def member_years(data: ReportData) -> list[int]:
    """Return the positions of the years shown for each member: the fifth and the last."""
    size = data.members.sizes[names.YEAR]
    return sorted({min(4, size - 1), size - 1})


def member_rows(data: ReportData) -> list[Row]:
    """Return each ally by name: last observed level, and median with 80 % interval by war in two years."""
    members, labels = data.members, country_names(data.members, names.MEMBER)
    past_years = members[names.HISTORY_YEAR].values
    levels = [names.QUANTILES.index(q) for q in (0.5, 0.1, 0.9)]
    rows = []
    for code, name in sorted(labels.items(), key=lambda pair: pair[1]):
        past = members["spending_history"].sel(member=code).values
        observed = np.flatnonzero(np.isfinite(past))
        table = members["spending_share"].sel(member=code).isel(design=0).values[..., levels]
        rows.append(
            {
                "code": code,
                "name": name,
                "spends": bool(np.isfinite(table).any()),
                "last": float(past[observed[-1]]) if observed.size else None,
                "last_year": int(past_years[observed[-1]]) if observed.size else None,
                "years": [
                    dict(zip(data.wars, table[:, y].astype(float).tolist(), strict=True)) for y in member_years(data)
                ],
            }
        )
    return rows


def leader_rows(data: ReportData) -> list[Row]:
    """Return the probability of a change of chief executive by year: the mean of all allies, then each ally by name.

    Each row has `code`, `name`, and `cells`: by year the probability `p`, its `shade`, and a `vote` that is scheduled.
    """
    labels = country_names(data.members, names.MEMBER)
    p, votes = data.members["leader_change_probability"], data.votes or {}
    rows = [("all", "Mean of all", p.mean(names.MEMBER))]
    rows += [(code, name, p.sel(member=code)) for code, name in sorted(labels.items(), key=lambda pair: pair[1])]
    years = [int(year) for year in data.members[names.YEAR].values]
    return [
        {
            "code": code,
            "name": name,
            "cells": [
                {"p": x, "shade": round(70 * x) if math.isfinite(x) else 0, "vote": votes.get((code, year), "")}
                for year, x in zip(years, values.values.astype(float).tolist(), strict=True)
            ],
        }
        for code, name, values in rows
    ]


# -- missions --------------------------------------------------------------------------------------------------------


def thresholds(data: ReportData) -> dict[str, float | None]:
    """Return the shares below or above which a mission counts as hollow or collapsed, from the priors of the run."""
    by_name = {prior["name"]: prior for prior in data.priors["priors"]}
    return {key: by_name[name]["params"][0] if name in by_name else None for key, name in _THRESHOLDS.items()}


def mission_cards(data: ReportData) -> list[Row]:
    """Return each mission with its notes, and its state five years after it starts, or at its end."""
    missions = data.missions
    quarters = [str(q) for q in missions[names.QUARTER].values]
    records = {
        (h["unit_id"], h["category"], h["war"]): h for h in data.headlines if h["target"] == names.MISSION_SURVIVAL
    }
    cards = []
    for mission in (str(m) for m in missions[names.MISSION].values):
        one_mission = missions.sel(mission=mission)
        runs = np.flatnonzero(running(missions, mission))
        card: Row = {
            "name": mission,
            "label": one_mission["mission_label"].item(),
            "kind": one_mission["kind"].item(),
            "framework": FRAMEWORK_NAMES[one_mission["framework"].item()],
            "notes": str(one_mission["flags"].item()),
            "starts": None,
        }
        if runs.size:
            horizon = int(min(runs[0] + names.FIVE_YEARS, runs[-1]))
            card |= {
                "starts": quarters[runs[0]],
                "horizon": quarters[horizon],
                "after": _after(horizon - int(runs[0])),
                "ends": quarters[runs[-1]] if runs[-1] < len(quarters) - 1 else None,
                "baseline": records.get((mission, "nominal_by_count", data.wars[0])),
                "wars": [
                    row | {"record": records.get((mission, "nominal", row["war"]))}
                    for row in _mission_by_war(
                        data.wars,
                        one_mission.isel(design=0, quarter=horizon),
                        data.errors["survival_mean"].sel(mission=mission).isel(design=0, quarter=horizon),
                    )
                ],
            }
        cards.append(card)
    return cards


def _after(quarters: int) -> str:
    return "after five years" if quarters == names.FIVE_YEARS else f"in quarter {quarters + 1} of the mission"


def _mission_by_war(wars: Sequence[str], mission: xr.Dataset, error: xr.DataArray) -> Iterator[Row]:
    low, high = (names.QUANTILES.index(q) for q in (0.1, 0.9))
    order = {names.WAR: list(wars), names.CURVE: list(names.CURVES)}
    mean, mcse, levels = (
        values.sel(order).transpose(names.WAR, names.CURVE, ...).values
        for values in (mission["survival_mean"], error, mission["survival"])
    )
    hollow, collapse = (
        mission[name].sel({names.WAR: list(wars)}).values for name in ("hollow_probability", "collapse_probability")
    )
    for w, war in enumerate(wars):
        curves = {
            curve: {
                "mean": mean[w, c].item(),
                "mcse": mcse[w, c].item(),
                "lower": levels[w, c, low].item(),
                "upper": levels[w, c, high].item(),
            }
            for c, curve in enumerate(names.CURVES)
        }
        yield {"war": war, **curves, "hollow": hollow[w].item(), "collapse": collapse[w].item()}


def hypothetical(data: ReportData) -> list[str]:
    """Return the hypothetical missions that run within the horizon."""
    missions = data.missions
    return [
        str(m)
        for m, kind in zip(missions[names.MISSION].values, missions["kind"].values, strict=True)
        if kind == "hypothetical" and running(missions, str(m)).any()
    ]


def crossing_sentence(data: ReportData) -> str:
    """Return when the mean contribution of an alliance mission exceeds that of a coalition of the willing."""
    frameworks = {m: data.missions["framework"].sel(mission=m).item() for m in hypothetical(data)}
    coalitions = [m for m, f in frameworks.items() if f == "ad_hoc"]
    institutions = [m for m, f in frameworks.items() if f != "ad_hoc"]
    if not coalitions or not institutions:
        return ""
    mean = data.missions["survival_mean"].isel(war=0, design=0).sel(curve="operational")
    coalition, institution = (mean.sel(mission=m).values for m in (coalitions[0], institutions[0]))
    names_of = [data.labels[m] for m in (institutions[0], coalitions[0])]
    above = np.flatnonzero(institution >= coalition)
    if not above.size:
        return (
            f"The operational contribution of “{names_of[0]}” does not exceed that of “{names_of[1]}” within the "
            "horizon."
        )
    q, first = int(above[0]), int(np.flatnonzero(np.isfinite(institution))[0])
    when = ", its first quarter" if q == first else ""
    return (
        f"The mean operational contribution of “{names_of[0]}” exceeds that of “{names_of[1]}” from "
        f"{data.missions[names.QUARTER].values[q]}{when}: {institution[q]:.2f} against {coalition[q]:.2f} of the "
        "initial contingents."
    )


# -- dyads -----------------------------------------------------------------------------------------------------------


def dyad_rows(data: ReportData) -> list[Row]:
    """Return each dyad in the last quarter by design, in the first war; spending in the last year."""
    dyads = data.dyads
    rows = []
    for dyad in dyads[names.DYAD].values if dyads.data_vars else ():
        for design in data.designs:
            state = dyads.sel(dyad=dyad, design=design).isel(war=0, quarter=-1)
            rows.append(
                {
                    "name": str(state["dyad_label"].item()),
                    "design": design,
                    "cohesion": _fan(state["dyad_cohesion"]),
                    "intact": state["intact_probability"].item(),
                    "refused": state["refused_probability"].item(),
                    "share": _fan(state["partner_share"].isel(year=-1)),
                    **{name: state[f"{name}_mean"].item() for name in _DYAD_MEANS},
                }
            )
    return rows


def _fan(fan: xr.DataArray) -> list[float]:
    """Return the median and the ends of the 80 % interval."""
    levels = [names.QUANTILES.index(level) for level in (0.5, 0.1, 0.9)]
    return [float(x) for x in np.asarray(fan.values)[levels]]


def dyad_sentence(data: ReportData) -> str:
    """Return how the dyads compare in the reference scenario, and which events the plan sets."""
    rows = [row for row in dyad_rows(data) if row["design"] == data.designs[0]]
    if not rows:
        return ""
    last = str(data.dyads[names.QUARTER].values[-1])
    states = "; ".join(
        f"{row['name']} has a median cohesion of {number(row['cohesion'][0])} sign units "
        f"(80 % interval {number(row['cohesion'][1])} to {number(row['cohesion'][2])}), and its treaty is in force "
        f"with probability {probability(row['intact'])}"
        for row in rows
    )
    sentence = f"In {last}, under “{data.labels[data.designs[0]]}”, {states}."
    events = {name: q for name, q in data.plan.get("stress", {}).items() if name in _DYAD_STRESSES}
    if events:
        listed = "; ".join(f"{names.STRESSES[name]} ({quarter})" for name, quarter in events.items())
        sentence += f" The plan sets these events: {listed}."
    return sentence


# -- priors ----------------------------------------------------------------------------------------------------------


def prior_tables(data: ReportData) -> list[Row]:
    """Return the priors by file, in the order of the run: `file`, `rows`, and how many rest on judgement."""
    tables: dict[str, list[Row]] = {}
    for prior in data.priors["priors"]:
        file, short = prior["name"].split(".", 1)
        tables.setdefault(file, []).append({"short": short, **prior})
    return [
        {"file": file, "rows": rows, "judgement": sum(row["evidence"] == "judgement" for row in rows)}
        for file, rows in tables.items()
    ]


def sign_table(data: ReportData) -> list[Row]:
    """Return a row for each factor and each of its sub-factors, with the symbols of the source by war."""
    grid = data.priors["grid"]
    rows: list[Row] = []
    for factor in names.FACTORS:
        symbols = {war: entry["symbols"][factor] for war, entry in grid["wars"].items()}
        rows.append({"name": factor, "sub": False, "signs": symbols})
        for key, label in grid["factors"][factor].items():
            signs = {war: entry["subfactors"].get(key, symbols[war]) for war, entry in grid["wars"].items()}
            rows.append({"name": label, "sub": True, "signs": signs})
    return rows


def source_verdicts(data: ReportData) -> dict[str, str]:
    """Return for each war the verdict of the source, and all probabilities of this run in the reference design."""
    p = data.alliance["verdict_probability"].isel(design=0, quarter=data.verdict_quarter)
    texts = {}
    for war, entry in data.priors["grid"]["wars"].items():
        verdict = entry["verdict"]
        if not verdict:
            texts[war] = "none"
        elif war in data.wars:
            three = {name: p.sel(war=war, verdict=name).item() for name in names.VERDICTS}
            texts[war] = f"{verdict} ({classes_text(three)})"
        else:
            texts[war] = f"{verdict} (not in this plan)"
    return texts


def design_table(data: ReportData) -> list[Row]:
    """Return a row for each design: the shift of each factor with its half-life, and the numbers for spending."""
    rows = []
    for name, entry in data.priors["grid"]["designs"].items():
        shift = {f: (_written(p), entry["half_life"].get(f, 0.0)) for f, p in entry["shift"].items()}
        numbers = {key: _written(entry[key]) for key in _DESIGN_NUMBERS}
        rows.append({"name": name, **entry, "shift": shift, "numbers": numbers})
    return rows


def _written(prior: Mapping[str, Any]) -> str:
    """Return a distribution in statistical notation."""
    return Prior(**{**prior, "params": tuple(prior["params"])}).describe()


def exit_counts(data: ReportData) -> dict[str, int]:
    """Return the number of defections behind each effect of the withdrawal model, by its short name."""
    counted = [prior for prior in data.priors["priors"] if "exits" in prior]
    return {prior["name"].split(".")[1]: prior["exits"]["defection"] for prior in counted}


def curve_titles() -> dict[str, str]:
    """Return the survival curves with their column titles."""
    return {curve: CURVE_NAMES[curve].capitalize() for curve in names.CURVES}


def unscored_models(data: ReportData) -> str:
    """Return the models of the run that were not scored, as text."""
    models = [plain(m) for m in data.manifest.get("models", {}) if m not in data.scored_models]
    return ", ".join(models) or "none"
