"""Make the groups of a posterior file that ArviZ reads beside the posterior, and describe its variables.

| group | content |
|---|---|
| `observed_data` | the observations of the model, one variable |
| `constant_data` | what else the tables say of each observation |
| `log_likelihood` | pointwise log-likelihood of about a thousand draws, as 4-byte numbers |
| `posterior_predictive` | one replicated data set for each of these draws |
| `prior` | draws of every coefficient from its prior |
| `prior_predictive` | one replicated data set for each of some draws from the joint prior |
| `leave_one_out` | each observation left out: log density, Pareto k and, for continuous data, PIT value |

Observations have labels, such as country and year, as coordinates. A fit keeps the groups in a file of its own, so that
a projection does not read them.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.inference.datasets import data_of
from forecast.inference.digests import fit_name
from forecast.inference.predictive_checks import STREAM, AgainstData, against_data, replicate, summary, thinned
from forecast.names import GRAPH, LEFT_OUT, POSTERIOR
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.priors.registry import PRIOR_FILES
from forecast.quarters import quarter_label
from forecast.workspace.inputs import Inputs

PRIOR_DRAWS: Final = 2000
PREDICTIVE_DRAWS: Final = 200  # of the joint prior, each with a replicated data set
_SAMPLE: Final = ("chain", "draw")
_DRAWS_IN_CHUNK: Final = 50
_LABEL_TEXT: Final = {
    "country": "country, ISO 3166-1 alpha-3",
    "year": "calendar year",
    "quarter": "calendar quarter",
    "mission": "mission of the table missions",
    "indicator": "indicator of cohesion",
    "entered": "quarter of the entry",
}
_LEFT_OUT_TEXT: Final = {
    "elpd": {"long_name": "log predictive density of the observation, left out", "units": "1"},
    "pareto_k": {"long_name": "Pareto k of the observation; its density is reliable up to 0.7", "units": "1"},
    "pit": {"long_name": "predictive distribution function at the observation, left out", "units": "1"},
}


class Observed(NamedTuple):
    """The observed variable of a model: name, dimension of the observations, long name, unit, and labels.

    `labels` gives, for each label of an observation, the variable of the data set with its position along the
    dimension of that name.
    """

    name: str
    dim: str
    long_name: str
    units: str
    labels: Mapping[str, str]
    kind: str = "float64"


OBSERVED: Final[Mapping[str, Observed]] = {
    "spending": Observed(
        "change", "obs", "yearly change of the log share of GDP spent on defence", "log points",
        {"country": "country_of", "year": "year_of"},
    ),
    "leadership": Observed(
        "change", "row", "whether the chief executive changes in the quarter", "1", {"country": "country_of"}, "int8"
    ),
    "withdrawal": Observed(
        "stay", "spell", "stay of a contingent up to its exit or the end of its record", "years",
        {"mission": "mission_of", "country": "country_of"},
    ),
    "cohesion": Observed(
        "value", "obs", "value of an indicator of cohesion", "standard deviations of the indicator",
        {"indicator": "indicator_of", "year": "year_of"},
    ),
}  # fmt: skip

#: Meaning and unit of what the tables say of each observation. Text has no unit. xarray takes a unit with the word
#: `since` for a date.
CONSTANT: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "spending": {
        "level": ("log share of GDP of the year before", "log of percent of GDP"),
        "gap": ("gap of the year before below the pledge, of allies; 0 before the pledge", "log points"),
        "gap_others": ("gap of the year before below the pledge, of other countries", "log points"),
        "front_gap": ("gap of the year before below the mark of the front line, of states there", "log points"),
        "growth": ("growth of real GDP, less 2 %", "1/year"),
        "growth_before": ("growth of real GDP in the year before, less 2 %; 0 if unknown", "1/year"),
        "election": ("whether an election is held in the year", "1"),
        "estimate_variance": ("variance of the change because its levels are estimates", "log points squared"),
        "basis": ("definition of the figures: nato or wdi", ""),
    },
    "leadership": {
        "in_office": ("whole quarters that the leader has been in office", "quarters"),
        "election": ("whether an election is held in the quarter", "1"),
        "after": ("whether an election was held in the quarter before", "1"),
        "after_new": ("whether the leader took office in the quarter of that election", "1"),
        "limited": ("whether the leader could not stand in that election", "1"),
        "before": ("whether the term ends in one of the next two quarters", "1"),
    },
    "withdrawal": {
        "event_row": ("position of the part of the stay in which it ends exactly; -1 if in none", "1"),
        "no_leaders": ("whether the leaders of the country are unknown at the entry", "1"),
        "no_elections": ("whether the elections of the country are unknown at the entry", "1"),
        "left_truncated": ("whether the contingent was there before the record begins", "1"),
        "rough_entry": ("whether the entry is known to an interval or a year alone", "1"),
        "kind": ("how the stay ended: 0 not at all, 1 defection, 2 planned withdrawal, 3 open cause", "1"),
        "exit_kind": ("how deployments.csv codes the exit", ""),
        "confidence": ("confidence in the coding of the exit", ""),
        "p_defect": ("probability that the exit was a defection, given its coding", "1"),
        "spell_number": ("number of the stay of the country in the mission", "1"),
        "reduced_from": (
            "quarter after the first reduction, since the year 0; NaN if none",
            "quarters",
        ),
        "cuts": ("number of reductions", "1"),
        "watched": ("quarters with known numbers of troops", "quarters"),
        "exact": ("whether the day or the month of the exit is known", "1"),
        "entry": ("time of the entry, since the year 0", "quarters"),
        "end": ("time of the exit or of the end of the record, since the year 0", "quarters"),
    },
    "cohesion": {"error": ("standard error of the value; 0 if unknown", "standard deviations of the indicator")},
}

#: Meaning and unit of the quantities of a posterior that have no prior of their own.
DERIVED: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "spending": {
        "target": ("target of each country", "log of percent of GDP"),
        "loading": ("response of each country to the common factor", "1"),
        "factor": ("common factor of yearly changes", "log points"),
        "factor_with_drift": ("common factor and the pull towards the mean target", "log points"),
        "log_response": ("log of the part of a gap to the pledge that is closed in a year", "1"),
        "pull": ("speed at which each country returns to its target", "1/year"),
        "log_scale": ("log of the scale of each country's noise", "log of log points"),
        "scale": ("scale of each country's noise", "log points"),
        "tails": ("degrees of freedom of each country's noise", "1"),
        "volatility": ("log of the volatility common to all countries", "1"),
        "revision": ("error of a last level that is an estimate", "scales of the country's noise"),
    },
    "leadership": {
        "country_effect": ("effect of each country on the log odds of a change", "log odds"),
        "tenure": ("effect of quarters in office on the log odds of a change", "log odds"),
    },
    "withdrawal": {
        "mission_effect": ("effect of each mission on the log rates of leaving", "log rate"),
        "country_effect": ("effect of each contributor on the log rates of leaving", "log rate"),
        "duration_defection": ("effect of time served on the log rate of defection", "log rate"),
        "duration_planned": ("effect of time served on the log rate of planned withdrawal", "log rate"),
        "reduction": ("log ratio of the rate of reductions to the rate of defections", "1"),
    },
    "cohesion": {
        "subfactor_state": ("state of each sub-factor", "sign units"),
        "factor_state": ("state of each factor of cohesion", "sign units"),
        "us_path": ("position of the United States in the General Assembly", "units of the gap"),
    },
}


def against_its_data(inputs: Inputs, model: str, tree: xr.DataTree) -> tuple[dict[str, Any], xr.DataTree]:
    """Return the `summary` of a fit against its data, and the groups of its file beside the posterior."""
    from forecast.inference.pymc_models.graph import graph_of
    from forecast.inference.pymc_models.sampling import build, draw_from_prior

    data, rng = data_of(model, inputs.tables, inputs.priors), np.random.default_rng((inputs.plan.seed, STREAM))
    draws = thinned(tree)
    found = against_data(model, draws, data, inputs.priors, rng)
    groups = _groups(model, found, draws, data) | {"prior": _prior(model, tree, inputs.priors, rng)}
    built = build(model, data, inputs.priors)
    from_prior = draw_from_prior(model, built, draws, PREDICTIVE_DRAWS, inputs.plan.seed)
    replicated = replicate(model, from_prior, data, rng)
    groups["prior_predictive"] = _drawn(OBSERVED[model], replicated, from_prior, _labels(OBSERVED[model], data))
    described = xr.DataTree.from_dict(groups)
    described.attrs = {
        "model": model,
        "fit": fit_name(inputs, model),
        "as_of": str(inputs.plan.as_of),
        "seed": inputs.plan.seed,
        "description": f"fit of the {model} model; log_likelihood and posterior_predictive have "
        f"{draws.sizes['chain']} x {draws.sizes['draw']} evenly spaced draws of the posterior",
        GRAPH: json.dumps(graph_of(built)),
    }
    return summary(found), described


def with_groups(tree: xr.DataTree, groups: xr.DataTree, priors: Priors) -> xr.DataTree:
    """Return a fit with the groups of its file, and the meaning and unit of each variable as attributes.

    Variables that are in files are not read; closing the result closes both.
    """
    parts = {name: part.to_dataset() for name, part in (*tree.children.items(), *groups.children.items())}
    texts = _texts(str(groups.attrs["model"]), parts[POSTERIOR], priors)
    for group in (POSTERIOR, "prior"):
        for name, values in parts[group].data_vars.items():
            values.attrs |= dict(zip(("long_name", "units"), texts[str(name)], strict=True))
    whole = xr.DataTree.from_dict(parts)
    whole.attrs = {**tree.attrs, **groups.attrs}

    def close() -> None:
        tree.close()
        groups.close()

    whole.set_close(close)
    return whole


def _groups(model: str, found: AgainstData, draws: xr.Dataset, data: xr.Dataset) -> dict[str, xr.Dataset]:
    """Return the groups about the observations."""
    of = OBSERVED[model]
    coords, text = _labels(of, data), {"long_name": of.long_name, "units": of.units}
    left_out = {"elpd": found.elpd, "pareto_k": found.pareto_k, "pit": found.pit}
    return {
        "observed_data": xr.Dataset({of.name: (of.dim, found.observed.astype(of.kind), text)}, coords=coords),
        "constant_data": _constant(of, data, coords, CONSTANT[model]),
        "log_likelihood": _drawn(of, found.log_likelihood, draws, coords, log_likelihood=True),
        "posterior_predictive": _drawn(of, found.replicated, draws, coords),
        LEFT_OUT: xr.Dataset(
            {n: (of.dim, x.astype(np.float32), _LEFT_OUT_TEXT[n]) for n, x in left_out.items() if x is not None},
            coords=coords,
        ),
    }


def _drawn(
    of: Observed, values: Floats, draws: xr.Dataset, labels: Mapping[str, Any], *, log_likelihood: bool = False
) -> xr.Dataset:
    """Return values of each draw and observation, (draw, observation), as a packed variable with labels."""
    sample = {name: draws[name].to_numpy() for name in _SAMPLE}
    kind = np.int8 if of.kind == "int8" and not log_likelihood else np.float32
    array = values.reshape(len(sample["chain"]), len(sample["draw"]), -1).astype(kind)
    text = {"long_name": of.long_name, "units": of.units}
    if log_likelihood:
        text = {"long_name": f"log-likelihood: {of.long_name}", "units": "1"}
    # without shuffle, equal neighbours (quarters of one leader) are packed together
    chunks = (1, min(_DRAWS_IN_CHUNK, array.shape[1]), array.shape[2])
    packed = {"zlib": True, "complevel": 4, "shuffle": False, "chunksizes": chunks}
    return xr.Dataset({of.name: xr.Variable((*_SAMPLE, of.dim), array, text, packed)}, coords={**sample, **labels})


def _labels(of: Observed, data: xr.Dataset) -> dict[str, Any]:
    """Return the coordinates of the observations: their number, and what each is about."""
    coords: dict[str, Any] = {
        of.dim: (of.dim, np.arange(data.sizes[of.dim]), {"long_name": "number of the observation"})
    }
    about = {label: data[label].to_numpy()[data[position].to_numpy()] for label, position in of.labels.items()}
    if "quarter" in data and data["quarter"].dims == (of.dim,):
        about["quarter"] = data["quarter"].to_numpy().astype(str)
    if "entry" in data:
        entry = np.floor(data["entry"].to_numpy()).astype(int)
        about["entered"] = np.array([quarter_label(number) for number in entry])
    for label, values in about.items():
        kept = values.astype(str) if values.dtype.kind in "OU" else values
        coords[label] = (of.dim, kept, {"long_name": _LABEL_TEXT[label]})
    return coords


def _constant(
    of: Observed, data: xr.Dataset, labels: Mapping[str, Any], texts: Mapping[str, tuple[str, str]]
) -> xr.Dataset:
    """Return what else the data set says of each observation, but for positions of labels."""
    positions = [*of.labels.values(), of.name, *labels]
    kept = [
        name
        for name, values in data.data_vars.items()
        if values.dims == (of.dim,) and name not in positions and not str(name).endswith("_of")
    ]
    variables = {name: (of.dim, data[name].to_numpy(), _text(*texts[str(name)])) for name in kept}
    return xr.Dataset(variables, coords=labels)


def _text(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name} | ({"units": units} if units else {})


def priors_of(model: str, posterior: xr.Dataset, priors: Priors) -> dict[str, Prior]:
    """Return the priors of the variables of a posterior, by the name of the variable."""
    found = {}
    for file in PRIOR_FILES.get(model, (model,)):
        for name, prior in priors.section(file).items():
            if name in posterior and prior.dist != "Constant":
                found[name] = prior
    return found


def _prior(model: str, tree: xr.DataTree, priors: Priors, rng: np.random.Generator) -> xr.Dataset:
    """Return independent draws from the prior of every variable that has one, in one chain."""
    posterior = tree[POSTERIOR].to_dataset()
    variables = {}
    for name, prior in priors_of(model, posterior, priors).items():
        values = posterior[name]
        size = int(np.prod(values.shape[2:]))
        shape = (1, PRIOR_DRAWS, *values.shape[2:])
        draws = prior.sample(rng, PRIOR_DRAWS if prior.dist == "Dirichlet" else PRIOR_DRAWS * size)
        variables[name] = (values.dims, draws.reshape(shape).astype(np.float32))
    coords = {name: posterior[name] for name in posterior.coords if name not in _SAMPLE}
    needed = {dim for dims, _ in variables.values() for dim in dims}
    coords = {name: values for name, values in coords.items() if name in needed}
    return xr.Dataset(variables, coords={"chain": [0], "draw": np.arange(PRIOR_DRAWS), **coords})


def _texts(model: str, posterior: xr.Dataset, priors: Priors) -> dict[str, tuple[str, str]]:
    """Return the meaning and the unit of each variable of a posterior."""
    texts = dict(DERIVED[model])
    for name in map(str, posterior.data_vars):
        if name not in texts:
            of = name.removesuffix("_z").replace("_", " ")
            texts[name] = (f"standard normals from which {of} is computed" if name.endswith("_z") else of, "1")
    of_priors = priors_of(model, posterior, priors)
    return texts | {
        name: (prior.note or name.replace("_", " "), prior.unit or "1") for name, prior in of_priors.items()
    }
