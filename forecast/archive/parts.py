"""The parts in which two runs can differ, and inputs that have some parts of one run and the others of another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from forecast import names
from forecast.data.mixed_tables import differing_tables, mix_tables
from forecast.data.tables import Tables
from forecast.priors.load import Priors
from forecast.priors.stored import differing_priors, mix_priors
from forecast.storage.files import digest_of
from forecast.workspace.inputs import Inputs, joined_inputs, plan_of
from forecast.workspace.provenance import MODEL_VERSION, SAMPLER_STACK, SIMULATION_VERSION, sampler_versions

NEW: Final = "new data"
REVISED: Final = "revised data"
HORIZON: Final = "horizon roll"
SCENARIOS: Final = "scenario definition"
PRIORS: Final = "priors"
NOISE: Final = "Monte Carlo noise"
WEIGHTS: Final = "scenario weights"  # they change mixtures alone, so no hybrid run has them
#: Parts of hybrid runs in the order of an answer. Neighbours are joined where they cannot be swapped alone.
PARTS: Final = (NEW, REVISED, HORIZON, SCENARIOS, PRIORS, NOISE)
_HORIZON: Final = ("as_of", "quarters")
_NOISE: Final = ("seed", "draws", "paths", "precision", "fit")
#: Settings of a plan that change no headline; of the others, those not named above define the scenarios.
_IDLE: Final = ("name", "title", "schedule", "joint_paths")
_FEWEST_WHOLE: Final = 32  # whole paths, which no headline needs


def differing_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what differs in each part but the data, by manifest: settings of the plan and files of priors."""
    settings = _settings(before["plan"]), _settings(after["plan"])
    differing = [key for key in settings[1] if settings[0].get(key) != settings[1][key]]
    priors, scenarios = differing_priors(before["priors"], after["priors"])
    found = {
        HORIZON: [key for key in differing if key in _HORIZON],
        SCENARIOS: [key for key in differing if key not in (*_HORIZON, *_NOISE)] + scenarios,
        PRIORS: priors,
        NOISE: [key for key in differing if key in _NOISE],
    }
    return {part: what for part, what in found.items() if what}


def code_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the versions of the code that made a run, as far as they can change a number."""
    provenance = manifest["provenance"]
    libraries = dict(pair.partition("=")[::2] for pair in str(provenance.get("libraries", "")).split())
    return {
        "models": provenance.get("model_versions"),
        "simulation": provenance.get("simulation_version"),
        "sampler": {name: libraries.get(name, "").split(".")[:2] for name in SAMPLER_STACK},
    }


def differing_data(before: Inputs, after: Inputs) -> dict[str, list[str]]:
    """Return the tables with new rows and those with revised rows, by part, where there are any."""
    found = differing_tables(before.tables, after.tables)
    return {part: tables for part, tables in zip((NEW, REVISED), found, strict=True) if tables}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixer:
    """Mixes the inputs of two runs; tables and priors of one mixture are one object, so that digests are reused."""

    before: Inputs
    after: Inputs
    _tables: dict[Any, Tables] = field(default_factory=dict)
    _priors: dict[Any, Priors] = field(default_factory=dict)

    def inputs(self, swapped: frozenset[str]) -> Inputs:
        """Return inputs with these parts of the later run and the others of the earlier one.

        Raises
        ------
        ForecastError
            If the parts contradict each other.
        """
        where = f"{self.before.run_id} with {' and '.join(sorted(swapped)) or 'nothing'} of {self.after.run_id}"
        old, now = (_settings(inputs.plan.model_dump(mode="json")) for inputs in (self.before, self.after))
        sources = {key: now if _part_of(key) in swapped else old for key in {**old, **now}}
        mixed = {key: settings[key] for key, settings in sources.items() if key in settings}
        plan = plan_of({**mixed, "name": "hybrid", "title": where[:300], "joint_paths": _FEWEST_WHOLE}, where)
        of_tables = (NEW in swapped, REVISED in swapped, plan.as_of)
        if of_tables not in self._tables:
            new, revised, as_of = of_tables
            self._tables[of_tables] = mix_tables(
                self.before.tables, self.after.tables, new=new, revised=revised, as_of=as_of
            )
        of_priors = (PRIORS in swapped, SCENARIOS in swapped)
        if of_priors not in self._priors:
            self._priors[of_priors] = mix_priors(
                self.before.priors, self.after.priors, priors=of_priors[0], scenarios=of_priors[1]
            )
        return joined_inputs(self.before.home, plan, self._tables[of_tables], self._priors[of_priors], where)


def key_of_inputs(inputs: Inputs) -> str:
    """Return the digest of everything that can change a headline, so that equal inputs are simulated once."""
    return digest_of(
        {
            "plan": _settings(inputs.plan.model_dump(mode="json")),
            "tables": dict(inputs.tables.digests),
            "priors": dict(inputs.priors.digests),
            "versions": [dict(MODEL_VERSION), SIMULATION_VERSION, names.SCHEMA_VERSION, sampler_versions()],
        }
    )


def _part_of(setting: str) -> str:
    return HORIZON if setting in _HORIZON else NOISE if setting in _NOISE else SCENARIOS


def _settings(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a plan that can change a headline; fits without a mission only enter a check."""
    kept = {key: value for key, value in plan.items() if key not in _IDLE}
    return {**kept, "fit": {**kept["fit"], "leave_out": []}}
