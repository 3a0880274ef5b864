"""Read the page of one fitted model from a run folder: coefficients before and after the fit, chains and checks.

ArviZ computes R-hat and ESS. PyMC is not needed.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.evaluation.calibration.contract_store import summary
from forecast.inference.arviz_functions import array_stats
from forecast.inference.diagnostics import TAILS
from forecast.inference.predictive_checks import pooled
from forecast.models.leadership import chance_by_time_in_office
from forecast.models.withdrawal import hazard_by_time_served
from forecast.priors.prior import Prior
from forecast.priors.registry import PRIOR_FILES
from forecast.reporting.charts import css_dash, forest_chart, path_chart
from forecast.reporting.fit_charts import ELAPSED_LINES, elapsed_chart, khat_chart, outside_band, pit_chart
from forecast.reporting.headline_text import plain
from forecast.reporting.model_diagrams import draw_graph
from forecast.storage.runs import Run

WIDTH, HEIGHT = 180.0, 44.0  # of a sparkline, in pixels
_HARDEST: Final = 5  # observations that are listed
_BINS: Final = 40
_TRACE_POINTS: Final = 150
_PRIOR_DRAWS: Final = 20_000
_BINS_OF: Final = {
    "duration_bin": "quarters served",
    "tenure_bin": "quarters in office",
}
#: Title, words of both axes, and caption of the picture of a hazard by elapsed time.
_ELAPSED: Final = {
    "withdrawal": (
        "Hazard of withdrawal by time served",
        ("years since the contingent entered", "% a year"),
        "Lines: medians; band: 90 % interval of either cause. The case is a contributor that does not lead, in a "
        "mission of NATO without combat, both with effects of zero: no new leader, no election ahead, no losses, no "
        "earlier cut, all partners present, and no end in sight. Other cases multiply the hazard of each cause.",
    ),
    "leadership": (
        "Chance that the leader changes in a quarter, by time in office",
        ("years since the leader took office", "% a quarter"),
        "Line: median; band: 90 % interval. The case is a country with an effect of zero, far from elections.",
    ),
}
_LEVELS: Final = {"lower": 0.1, "median": 0.5, "upper": 0.9}
_COPIES: Final = ("_z", "_hidden")
_FIELDS: Final = ("name", "dist", "params", "source", "evidence", "unit", "note")


def fitted(run: Run) -> list[str]:
    """Return the models whose posterior the run stores, in the order of `names.MODELS`."""
    return [m for m in names.MODELS if f"posterior/{m}.nc" in run.manifest["files"]]


def read_fit(
    run: Run, model: str, run_priors: Sequence[Mapping[str, Any]], labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return all that the template of a model's page needs.

    Parameters
    ----------
    run
        The run, whose posterior file is read.
    model
        Name of the model.
    run_priors
        The priors stored in the run.
    labels
        Names of countries, missions and factors in words.
    """
    with closing(run.posterior(model)) as tree:
        draws = tree[names.POSTERIOR].to_dataset().load()
        energy = tree["sample_stats"]["energy"].to_numpy()
        left_out = tree[names.LEFT_OUT].to_dataset().load() if names.LEFT_OUT in tree.children else None
        graph = json.loads(tree.attrs.get(names.GRAPH, "[]"))
    files = PRIOR_FILES.get(model, (model,))
    priors = [p for p in run_priors if p["name"].split(".")[0] in files]
    scalars = [str(n) for n, v in draws.data_vars.items() if v.ndim == 2]
    rows = []
    for prior in priors:
        name = prior["name"].split(".", 1)[1]
        if name in scalars:
            numbers = _diagnostics(draws[name].to_numpy())  # the manifest has the worst values over all elements
            rows.append({**prior, "short": plain(name), **numbers, **_pictures(prior, draws, name)})
    vectors = [
        {"name": plain(str(n)), "dims": " × ".join(f"{v.sizes[d]} {plain(str(d))}" for d in v.dims[2:])}
        for n, v in draws.data_vars.items()
        if v.ndim > 2
    ]
    facts = run.manifest["fits"].get(model, {})
    predictive = facts.get("predictive", {})
    return {
        "model": model,
        "graph": draw_graph(graph, model) if graph else "",
        "rows": rows,
        "forest": _forest(rows),
        **_left_out(left_out, labels or {}),
        **_fitted_vectors(draws, labels or {}),
        "elapsed": _by_elapsed_time(model, draws),
        "vectors": vectors,
        "worst": facts.get("diagnostics", {}),
        "data": _extent(draws),
        "predictive": predictive,
        "pit": pit_chart(predictive["pit"], "pit") if predictive.get("pit") else "",
        "outside": len(outside_band(predictive["pit"])) if predictive.get("pit") else 0,
        "chains": draws.sizes["chain"],
        "draws": draws.sizes["draw"],
        "bfmi": _bfmi(energy),
        "energy": _energy(energy),
    }


def _diagnostics(values: Floats) -> dict[str, float]:
    """Return R-hat, bulk ESS and tail ESS of one coefficient, (chain, draw)."""
    stats = array_stats()
    rhat, bulk, tail = stats.rhat(values), stats.ess(values), stats.ess(values, method="tail", prob=TAILS)
    return {"rhat": float(rhat), "bulk": float(bulk), "tail": float(tail)}


def _extent(draws: xr.Dataset) -> list[str]:
    """Return the sizes of the labelled dimensions of the fit."""
    labelled = [str(d) for d in draws.dims if d in draws.coords and d not in ("chain", "draw")]
    lines = []
    for dim in (d for d in labelled if "_dim_" not in d):  # `_dim_` marks dimensions without labels
        labels = draws[dim].values
        span = f" ({labels[0]} to {labels[-1]})" if np.issubdtype(labels.dtype, np.integer) else ""
        lines.append(f"{dim.replace('_', ' ')}: {labels.size}{span}")
    return lines


def _forest(rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw the posterior of each coefficient over its prior, in standard deviations of the prior."""
    shown = []
    for row in rows:
        mean, sd = row["prior_mean"], row["prior_sd"]
        scaled = {name: (row[name] - mean) / sd for name in ("lower", "median", "upper")}
        prior = tuple((end - mean) / sd for end in row["prior_interval"])
        shown.append({"label": row["short"], **scaled, "prior": prior})
    if not shown:
        return ""
    return forest_chart(shown, "forest", "Prior and posterior of each coefficient", "standard deviations of the prior")


def _fitted_vectors(draws: xr.Dataset, words: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Return pictures of fitted vectors: `paths` in time, `bins` by time served, and `effects` of groups.

    Effects stand in the order of their labels. Standardized copies (`..._z`) are left out.
    """
    found: dict[str, list[dict[str, str]]] = {"paths": [], "bins": [], "effects": []}
    for name, values in draws.data_vars.items():
        labels = [str(dim) for dim in values.dims[2:]]
        if not labels or str(name).endswith(_COPIES) or any("_dim_" in dim for dim in labels):
            continue
        levels = values.quantile(list(_LEVELS.values()), ("chain", "draw"), skipna=False)  # draws are never missing
        fan = {part: levels.isel(quantile=n) for n, part in enumerate(_LEVELS)}
        if "year" in labels[0]:
            found["paths"] += _paths(str(name), fan, labels, words, values)
        elif len(labels) == 1:
            rows = [
                {"label": plain(str(label), words), **{part: float(q.values[n]) for part, q in fan.items()}}
                for n, label in enumerate(values[labels[0]].values)
            ]
            what, unit = _meaning(name, values)
            title = f"{what}, by {_BINS_OF.get(labels[0], plain(labels[0]))}"
            picture = forest_chart(rows, f"effect-{name}", title, unit)
            found["bins" if labels[0].endswith("_bin") else "effects"].append({"title": title, "svg": picture})
    return found


def _by_elapsed_time(model: str, draws: xr.Dataset) -> dict[str, Any]:
    """Return the picture of a hazard by elapsed time in a reference case, its caption and legend; none if not used."""
    if model not in _ELAPSED:
        return {}
    pooled_draws = {str(name): pooled(values) for name, values in draws.data_vars.items()}
    if model == "leadership":
        curves = {"chance of a change": chance_by_time_in_office(pooled_draws)}
    else:
        defection, planned = hazard_by_time_served(pooled_draws)
        curves = {"either cause": defection + planned, "defection": defection, "planned": planned}
    title, axes, caption = _ELAPSED[model]
    styles = [f"--c: var(--{colour}); --s: {css_dash(dash)}" for colour, dash in ELAPSED_LINES[: len(curves)]]
    keys = [("line", style, name) for style, name in zip(styles, curves, strict=True)]
    return {"svg": elapsed_chart(curves, "elapsed", title, axes), "caption": f"{title}. {caption}", "keys": keys}


def _meaning(name: Any, values: xr.DataArray) -> tuple[str, str]:
    """Return what a variable is, and the text of an axis with its unit."""
    what = str(values.attrs.get("long_name", plain(str(name)))).split(";")[0]
    unit = str(values.attrs.get("units", ""))
    return what[:1].upper() + what[1:], plain(str(name)) + (f" ({unit})" if unit not in ("", "1") else "")


def _paths(
    name: str,
    fan: Mapping[str, xr.DataArray],
    labels: Sequence[str],
    words: Mapping[str, str],
    values: xr.DataArray,
) -> list[dict[str, str]]:
    """Return one picture of a vector by year, or one for each label of its second dimension."""
    years = fan["median"][labels[0]].values.astype(float)
    what, axis = _meaning(name, values)
    title = f"{what}: {axis}"
    if len(labels) == 1:
        return [{"title": title, "svg": path_chart(years, _values(fan), f"path-{name}", plain(name).capitalize())}]
    return [
        {
            "title": title,
            "svg": path_chart(
                years,
                _values({part: q.sel({labels[1]: label}) for part, q in fan.items()}),
                f"path-{name}-{label}",
                words.get(str(label), plain(str(label)).capitalize()),
            ),
        }
        for label in fan["median"][labels[1]].values
    ]


def _values(fan: Mapping[str, xr.DataArray]) -> dict[str, Floats]:
    return {part: q.values.astype(float) for part, q in fan.items()}


def _pictures(prior: Mapping[str, Any], draws: xr.Dataset, name: str) -> dict[str, Any]:
    """Return the 80 % interval, densities, trace and ranks of one coefficient."""
    values = draws[name].to_numpy()
    distribution = Prior(**{k: prior[k] for k in _FIELDS} | {"params": tuple(prior["params"])})
    prior_draws = np.asarray(distribution.sample(np.random.default_rng(0), _PRIOR_DRAWS), float)
    ranges = [np.quantile(x, (0.005, 0.995)) for x in (prior_draws, values)]
    low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
    heights = [np.histogram(x, _BINS, (low, high), density=True)[0] for x in (prior_draws, values)]
    top = max(h.max() for h in heights)
    lower, median, upper = np.quantile(values, (0.1, 0.5, 0.9))
    return {
        "median": float(median),
        "prior_mean": float(prior_draws.mean()),
        "prior_sd": float(prior_draws.std()) or 1.0,
        "prior_interval": np.quantile(prior_draws, (0.1, 0.9)).tolist(),
        "lower": float(lower),
        "upper": float(upper),
        "mean": float(values.mean()),
        "range": (float(low), float(high)),
        "density": [line(np.append(0, np.append(h, 0)), 0, top) for h in heights],
        "span": (float(values.min()), float(values.max())),
        "trace": [line(c[:: max(1, c.size // _TRACE_POINTS)], values.min(), values.max()) for c in values],
        "ranks": _ranks(values),
    }


def _ranks(values: Floats) -> list[str]:
    """Return the number of each chain's draws in each twentieth of all draws, as polylines; level if chains agree."""
    order = values.ravel().argsort().argsort().reshape(values.shape)
    counts = [np.histogram(chain, 20, (0, values.size))[0] for chain in order]
    return [line(c.astype(float), 0, 2 * values.shape[1] / 20) for c in counts]


def _bfmi(energy: Floats) -> list[float]:
    """Return the Bayesian fraction of missing information of each chain; below 0.3, the tails were not explored."""
    return [float(np.square(np.diff(c)).mean() / c.var()) for c in energy]


def _energy(energy: Floats) -> list[str]:
    """Return the densities of the centred energy and of its changes; they should be about equally wide."""
    centred = (energy - energy.mean(axis=1, keepdims=True)).ravel()
    samples = (centred, np.diff(energy, axis=1).ravel())
    reach = max(np.abs(x).max() for x in samples)
    heights = [np.histogram(x, _BINS, (-reach, reach), density=True)[0] for x in samples]
    return [line(h, 0, max(h.max() for h in heights)) for h in heights]


def _left_out(left_out: xr.Dataset | None, words: Mapping[str, str]) -> dict[str, Any]:
    """Return the number of observations, the picture of their Pareto k, and those hardest to leave out."""
    if left_out is None:
        return {"observations": 0, "khat": "", "hardest": []}
    k = left_out["pareto_k"].to_numpy().astype(float)
    order = np.argsort(-k, kind="stable")[:_HARDEST]
    labels = [name for name, values in left_out.coords.items() if str(name) not in left_out.dims and values.size]
    hardest = [
        {
            "about": ", ".join(plain(str(left_out[name].values[n]), words) for name in labels) or f"number {n + 1}",
            "k": float(k[n]),
            "elpd": float(left_out["elpd"].values[n]),
        }
        for n in order
    ]
    return {"observations": k.size, "khat": khat_chart(k, "khat"), "hardest": hardest}


def contract_panel(contract: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the contract of a model with a picture of each line: the simulated interval and mean, and the data."""
    if contract is None:
        return None
    rows = [{**row, "picture": _interval(row)} for row in contract["lines"]]
    return {"summary": summary(contract), "rows": rows, "paths": contract["paths"]}


def _interval(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the positions of the interval, of the simulated mean and of the observed number, in pixels."""
    marks = [row[name] for name in ("lower", "upper", "simulated", "observed") if row[name] is not None]
    low, high = min(0.0, *marks), max(0.0, *marks)
    unit = (WIDTH - 8) / ((high - low) or 1.0)
    names_of = ("lower", "upper", "simulated", "observed")
    return {n: None if row[n] is None else round(4 + (row[n] - low) * unit, 1) for n in names_of}


def line(values: Floats, low: float, high: float) -> str:
    """Return the points of a sparkline from left to right, scaled from `low` (bottom) to `high` (top)."""
    x = np.linspace(2, WIDTH - 2, len(values))
    y = HEIGHT - 2 - (HEIGHT - 4) * np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    return " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True))
