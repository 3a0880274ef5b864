"""Write a tiny run folder with random numbers in the structure of a real one, for tests of reports and exports."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from forecast import names
from forecast.models.alliance_exit import Rate
from forecast.priors.prior import Prior
from forecast.projection import output_schema
from forecast.projection.headlines import make_headlines
from forecast.projection.labelled_tree import with_dates_and_labels
from forecast.projection.more_headlines import References, make_more_headlines
from forecast.quarters import quarter_label, quarter_number
from forecast.storage.files import write_json, write_tree
from forecast.storage.runs import Run, open_run, write_manifest
from forecast.workspace.roster import Mission, Roster
from tests.support.bundled_scenarios import DESIGNS, WARS

SEED = 11
MEMBERS = ("FRA", "ISL", "USA")
CONTRIBUTORS = ("CHL", "FRA", "USA")
MISSIONS = ("kfor", "unifil", "willing", "alliance")
DYADS = {"USA-JPN": "United States–Japan", "USA-KOR": "United States–South <&> Korea"}
HYPOTHETICAL = {"willing": "ad_hoc", "alliance": "nato"}
FIRST = "2026Q1"
ID = "2025-12-31-specimen-00000000"
_FAIR = dict.fromkeys(names.FACTORS, "=")


def make_run(
    home: Path,
    *,
    wars: Sequence[str] = WARS,
    designs: Sequence[str] = DESIGNS,
    missions: Sequence[str] = MISSIONS,
    quarters: int = 24,
    checks: dict[str, Any] | None = None,
    named: bool = False,
) -> Run:
    """Write one complete run under `home` and open it; `named` adds the names of countries."""
    roster = _roster(tuple(wars), tuple(designs), tuple(missions), quarters)
    tree = _tree(roster, named)
    scenarios = len(wars) * len(designs)
    judgement = {
        "european": np.full((scenarios, len(roster.years)), 0.14),
        "survival": np.full((scenarios, len(missions), 3, quarters), 0.06),
        "measures": np.full((scenarios, quarters, len(names.INDICES)), 0.31),
        "events": np.full((scenarios, len(names.EVENTS), quarters), 0.22),
        "landmarks": np.full((scenarios, len(missions), len(names.LANDMARKS), quarters), np.nan),
    }
    judgement |= {f"{name}_error": values / 3 for name, values in judgement.items()}
    folder = home / "runs" / ID
    folder.mkdir(parents=True)
    write_tree(folder / names.PROJECTION, tree, fixed_labels=True)
    headlines = make_headlines(tree, judgement, roster, {"nato": 0.91, "ad_hoc": 0.55})
    references = References(
        rates={"notice": Rate(shape=2.0, years=1000.0, units=30)},
        levels=(2.0, 3.5),
        pledge=np.linspace(2.0, 3.5, len(roster.years)),
    )
    headlines += make_more_headlines(tree, judgement, roster, references, 64)
    write_json(folder / names.HEADLINES, {"headlines": headlines})
    write_json(folder / names.PRIORS, _priors(roster))
    if checks is not None:
        write_json(folder / names.CHECKS, checks)
    write_manifest(folder, _manifest(roster))
    return open_run(ID, home)


def all_checks() -> dict[str, Any]:
    """Return every test that a run may store, one of them not met."""
    band = {"lower": [0.7, 0.4, 0.2], "median": [0.9, 0.7, 0.5], "upper": [1.0, 0.9, 0.8]}
    cell = {
        "wanted": "Strong",
        "margin": 0.5,
        "met": True,
        "probability": {"Weak": 0.05, "Fragmented": 0.2, "Strong": 0.75},
    }
    now = {"mean": 0.1, "lower": -0.4, "upper": 0.6}
    share = {"median": 0.5, "hollow_and_alive": 3, "paths": 100}
    mean = {"mean": 0.004, "mcse": 0.001}
    return {
        "operation_below_flags": {"largest_excess": 0.0, "met": True},
        "verdicts": {"cells": {"win": cell}, "met": True},
        "from_now": {"win": cell["probability"]},
        "cohesion": {
            "start": dict.fromkeys(names.FACTORS, now),
            "verdict": cell["probability"],
            "anchors": {"2003Q1": 0.8},
            "halves": {"draws": 0.4, "years": 0.6},
            "met": True,
        },
        "weights": {"share": 0.84, "wanted": 0.8, "met": True},
        "permuted_signs": {"verdicts_met": False, "met": True},
        "threat_twice": {"growth_difference": mean, "cohesion_difference": mean, "met": True},
        "coalitions": {"prior": {"willing": share}, "posterior": {"willing": share}, "met": True},
        "withdrawal_curves": {
            "missions": {
                "isaf": {
                    "years": [1, 3, 5],
                    "kaplan_meier": [1.0, 0.98, 0.9],
                    "fitted": band,
                    "left_out": band,
                    "met": False,
                }
            },
            "met": False,
        },
    }


def _roster(wars: tuple[str, ...], designs: tuple[str, ...], missions: tuple[str, ...], quarters: int) -> Roster:
    first = quarter_number(FIRST)
    calendar = tuple(quarter_label(first + i) for i in range(quarters))
    resolved = []
    for name in missions:
        resolved.append(
            Mission(
                name=name,
                label=f"Mission {name} <&>",
                framework=HYPOTHETICAL.get(name, "nato"),
                combat=True,
                hypothetical=name in HYPOTHETICAL,
                lead="USA",
                start=2 if name == "alliance" else 0,
                end=4 if name == "unifil" else None,
                ever=3,
                contributors=CONTRIBUTORS,
                troops=(100.0, 300.0, 600.0),
                served=(0, 4, 8),
                flags=("not seen lately, counted as present: CHL",) if name == "kfor" else (),
            )
        )
    return Roster(
        members=MEMBERS,
        countries=MEMBERS,
        missions=tuple(resolved),
        wars=wars,
        designs=designs,
        quarters=calendar,
        years=tuple(int(q[:4]) for q in calendar if q.endswith("Q4")),
        quarter_of_year=0,
        verdict_at=min(8, quarters) - 1,
        reference=(wars[0], designs[0]) if wars[0] not in WARS else (WARS[0], DESIGNS[0]),
    )


def _tree(roster: Roster, named: bool) -> xr.DataTree:
    """Return random numbers of the right shapes: probabilities sum to one, quantiles rise, unused quarters are NaN."""
    rng = np.random.default_rng(SEED)
    coords: dict[str, Any] = {
        names.WAR: list(roster.wars),
        names.DESIGN: list(roster.designs),
        names.QUARTER: list(roster.quarters),
        names.YEAR: list(roster.years),
        names.FACTOR: list(names.FACTORS),
        names.VERDICT: list(names.VERDICTS),
        names.MEMBER: list(roster.members),
        names.MISSION: [m.name for m in roster.missions],
        names.CONTRIBUTOR: list(CONTRIBUTORS),
        names.CURVE: list(names.CURVES),
        names.INDEX: list(names.INDICES),
        names.EVENT: list(names.EVENTS),
        names.LANDMARK: list(names.LANDMARKS),
        names.MEMBERSHIP: list(names.STEPS_OUT),
        names.DYAD: list(DYADS),
        names.MODE: list(names.MODES),
        names.QUANTILE: list(names.QUANTILES),
        names.SOURCE: list(names.SOURCES),
        names.PATH: np.arange(6),
        names.HISTORY_YEAR: np.arange(2010, 2026),
        names.COHESION_BIN: np.linspace(-1, 1, 4),
        names.SHARE_BIN: np.linspace(1, 4, 4),
        names.SURVIVAL_BIN: np.linspace(0, 1, 4),
    }
    t = np.arange(len(roster.quarters))
    runs = np.array([(t >= m.start) & (t < (m.end or t.size)) for m in roster.missions])
    attributes = {
        "run_id": ID,
        "european_share_last": 2.4,
        "announced_budgets": "FRA",
        "verdict_quarter": roster.quarters[roster.verdict_at],
    }
    groups: dict[str, Any] = {"/": xr.Dataset(attrs=attributes)}
    errors = [(name, output_schema.error_of(name)) for name in output_schema.ESTIMATES]
    for name, v in [*output_schema.VARIABLES.items(), *errors]:
        shape = [len(coords[d]) for d in v.dims]
        x = xr.DataArray(_values(rng, name, v.dims, shape), dims=v.dims).astype("float32")
        if v.group == names.MISSIONS and names.QUARTER in v.dims:
            x = x.where(xr.DataArray(runs, dims=(names.MISSION, names.QUARTER))).transpose(*v.dims)
        if name.startswith("spending") and names.MEMBER in v.dims:
            x = x.where(xr.DataArray(np.array(roster.members) != "ISL", dims=names.MEMBER))
        groups.setdefault(v.group, {})[name] = x.transpose(*v.dims)
    for group, variables in groups.items():
        if group != "/":
            used = {d for x in variables.values() for d in x.dims}
            groups[group] = xr.Dataset(variables, {d: coords[d] for d in used}, attributes)
    groups[names.MISSIONS] = groups[names.MISSIONS].assign_coords(
        mission_label=(names.MISSION, [m.label for m in roster.missions]),
        framework=(names.MISSION, [m.framework for m in roster.missions]),
        kind=(
            names.MISSION,
            ["hypothetical" if m.hypothetical else "real" for m in roster.missions],
        ),
        flags=(names.MISSION, ["; ".join(m.flags) for m in roster.missions]),
    )
    groups[names.DYADS] = groups[names.DYADS].assign_coords(dyad_label=(names.DYAD, list(DYADS.values())))
    if named:
        member_names = (names.MEMBER, ["France", "Iceland", "United States"])
        groups[names.MEMBERS] = groups[names.MEMBERS].assign_coords(member_name=member_names)
    return xr.DataTree.from_dict({name: with_dates_and_labels(group, {}) for name, group in groups.items()})


def _values(rng: np.random.Generator, name: str, dims: Sequence[str], shape: Sequence[int]) -> np.ndarray[Any, Any]:
    x = rng.uniform(0.02, 0.98, shape)
    if dims[0] == names.SOURCE:
        return x / 100
    if name == "verdict_probability":
        return x / x.sum(axis=-1, keepdims=True)
    if "contingent_weight" in name:
        return x / x.sum(axis=-1, keepdims=True)
    if "share" in name or name == "spending_history":
        x = 1.0 + 2.0 * x
    if dims[-1] == names.QUANTILE:
        x = np.sort(x, axis=-1)
    return x


def _prior(name: str, evidence: str = "judgement") -> dict[str, Any]:
    prior = Prior(
        name=name, dist="Normal", params=(0.1, 0.2), source=f"{evidence} of <{name}>", evidence=evidence, note="a note"
    )
    return {**asdict(prior), "text": prior.describe()}


def _threshold(name: str, value: float) -> dict[str, Any]:
    return _constant(name) | {"params": (value,), "text": f"{value:g}"}


def _constant(name: str) -> dict[str, Any]:
    return asdict(Prior(name=name, dist="Constant", params=(1.0,), source="judgement", evidence="judgement"))


def _priors(roster: Roster) -> dict[str, Any]:
    shift = {k: v for k, v in _prior("design.threats").items() if k != "text"}
    estimated = {"posterior_mean": 0.1234, "posterior_sd": 0.05, "contraction": 0.9375}
    verdicts = {"neutral": "", "win": "Strong", "lose": "Fragmented", "stalemate": "Weak"}
    if not {*roster.wars} <= {*verdicts}:
        verdicts = {war: names.VERDICTS[n % 3] if n else "" for n, war in enumerate(roster.wars)}
    symbols = {**_FAIR, "threats": "=/–"}
    return {
        "priors": [
            _prior("spending.kappa", "data") | estimated,
            _prior("leadership.offset", "literature"),
            _prior("alliance.sign_scale"),
            _prior("withdrawal.casualties", "literature") | estimated,
            _prior("missions.trend", "literature"),
            _threshold("missions.hollow_flags", 0.6),
            _threshold("missions.hollow_operation", 0.5),
            _threshold("missions.collapse_operation", 0.25),
        ],
        "sensitivity": {
            "means": {"probability of Strong, win": 0.75},
            "groups": {
                "alliance": {
                    "pareto_k": 0.3,
                    "headlines": {"probability of Strong, win": {"doubling": -0.04, "mcse": 0.01, "diagnostic": 0.07}},
                }
            },
        },
        "grid": {
            "factors": {f: {f"{f}_sub": f"Sub-factor of {f}"} for f in names.FACTORS},
            "wars": {
                w: {
                    "name": w,
                    "label": f"War {w}",
                    "source": "a book",
                    "note": "why",
                    "ramp": 8,
                    "verdict": v,
                    "symbols": symbols if v else _FAIR,
                    "subfactors": {"norms_sub": "+"} if w == "win" else {},
                    "threat_target": _constant("war.threat_target"),
                }
                for w, v in verdicts.items()
            },
            "designs": {
                d: {
                    "name": d,
                    "label": f"Design {d}",
                    "source": "a book",
                    "note": "why",
                    "ramp": 8,
                    "shift": {"threats": shift},
                    "half_life": {"threats": 12.0},
                    **{
                        k: _constant(k)
                        for k in (
                            "pledge_multiplier",
                            "retrenchment",
                            "credibility",
                            "first_responder",
                            "out_of_area",
                            "entrapment",
                            "us_drawdown",
                            "china_focus",
                            "asia_signal",
                        )
                    },
                    "alignment": {},
                    "promise": {},
                    "mode": "negotiated",
                }
                for d in (DESIGNS if {*roster.designs} <= {*DESIGNS} else roster.designs)
            },
        },
    }


def _manifest(roster: Roster) -> dict[str, Any]:
    diagnostics = {
        "rhat": 1.004,
        "rhat_worst": "x",
        "ess_bulk": 800.0,
        "ess_bulk_worst": "y",
        "ess_tail": 700.0,
        "ess_tail_worst": "z",
        "divergences": 0,
        "chains": 4,
        "draws": 1000,
        "passed": True,
    }
    return {
        "id": ID,
        "status": "complete",
        "scores": "unscored",
        "overlaid": [],
        "provenance": {
            "run_id": ID,
            "seed": SEED,
            "paths": 64,
            "forecast_version": "0.1.0",
            "schema_version": names.SCHEMA_VERSION,
        },
        "plan": {
            "name": "specimen",
            "title": "A specimen",
            "as_of": "2025-12-31",
            "off": ["battlefield", "hand_over"],
            "paths": 64,
            "draws": 32,
            "start": "neutral",
            "quarters": len(roster.quarters),
        },
        "tables": {"members": "ab" * 32},
        "priors": {"spending": "cd" * 32},
        "fits": {
            model: {"attempts": 1, "diagnostics": diagnostics, "seconds": {"compile": 20.0, "sample": 40.0}}
            for model in names.MODELS
        },
        "host": {"threads": 1, "seconds": {"fits": 1.0}},
    }
