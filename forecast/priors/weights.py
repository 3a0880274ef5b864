"""Read weights of the scenarios: dated Dirichlet distributions of wars, of wars given a design, and of designs.

A run stores those in force at its as-of date beside its forecast, which they do not change; so they are no part of its
id, and a change of them makes no run stale.
"""

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, model_validator

from forecast.array_types import Floats
from forecast.errors import PriorError, all_faults, did_you_mean, listed
from forecast.names import DESIGN, WAR
from forecast.priors.scenarios import Grid
from forecast.priors.validation import Strict, validate
from forecast.storage.toml_files import read_toml

FILE: Final = "weights.toml"
_NEXT_DAY: Final = datetime.timedelta(days=1)  # somewhere on Earth it is tomorrow already
_ROUNDING: Final = 1e-6  # by which probabilities may miss the sum 1

Text = Annotated[str, Field(pattern=r"^[^\n\r]*\S[^\n\r]*$", max_length=300, description="some text in one line")]
Day = Annotated[datetime.date, Field(strict=True, description="a day, such as 2025-12-31")]
Size = Annotated[
    float, Field(strict=True, ge=0.1, le=1e6, description="how many observations they count as, from 0.1 to 1,000,000")
]
Probability = Annotated[float, Field(strict=True, ge=0.0, le=1.0, description="a probability from 0 to 1")]


class Weighting(Strict):
    """One dated judgement: a Dirichlet distribution with the mean `probability` and the total concentration `size`."""

    of: Annotated[Literal["war", "design"], Field(description="'war' or 'design'")]
    given: Annotated[str, Field(description="a design, if the weights are of wars given this design")] = ""
    date: Day
    author: Text
    source: Text
    size: Size
    probability: Annotated[Mapping[str, Probability], Field(description="a table of probabilities by scenario")]
    note: str = ""

    @model_validator(mode="after")
    def _check(self) -> "Weighting":
        if self.date > datetime.datetime.now(datetime.UTC).date() + _NEXT_DAY:
            raise ValueError(f"date is {self.date}, which is to come, expected the day of the judgement; correct it")
        total = math.fsum(self.probability.values())
        if abs(total - 1.0) > _ROUNDING:
            raise ValueError(f"probability sums to {total:.6g}, expected 1; correct the numbers")
        if self.given and self.of != WAR:
            raise ValueError("given is set, expected only for of = 'war'; remove it")
        return self

    @property
    def title(self) -> str:
        """What the weights are of, such as `war given division_of_labour`."""
        return f"{self.of} given {self.given}" if self.given else self.of

    def means(self, labels: Sequence[str]) -> Floats:
        """Return the mean weight of each label; labels without a probability have none."""
        total = math.fsum(self.probability.values())
        return np.array([self.probability.get(label, 0.0) / total for label in labels])


class _WeightsFile(Strict):
    weights: Annotated[tuple[Weighting, ...], Field(min_length=1, description="tables [[weights]]")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenarioWeights:
    """The weights of all scenarios with their uncertainty.

    Attributes
    ----------
    entries : the judgements in force.
    wars, designs : labels of the scenarios.
    mean : mean weight of each scenario, war by war, (N,); sums to 1.
    covariance : of the weights under the Dirichlet distributions, (N, N).
    """

    entries: Sequence[Weighting]
    wars: Sequence[str]
    designs: Sequence[str]
    mean: Floats
    covariance: Floats

    @property
    def scenarios(self) -> list[tuple[str, str]]:
        """War and design of each scenario."""
        return [(war, design) for war in self.wars for design in self.designs]


def read_weights(
    path: Path, wars: Sequence[str], designs: Sequence[str], day: datetime.date | None = None
) -> ScenarioWeights:
    """Read a file of weights for the scenarios of a run.

    Parameters
    ----------
    path : TOML file with tables `[[weights]]`.
    wars, designs : scenarios of the run.
    day : only judgements dated on it or before count; of each kind the newest counts.

    Raises
    ------
    PriorError
        If the file has faults, has no weights of that day, or weights a scenario that the run does not have.
    """
    return joint_weights(str(path), parse_weights(path), wars, designs, day)


def require_scenarios(path: Path, grid: Grid) -> None:
    """Raise PriorError with all faults of a file, and with all names in it that are no scenario of the workspace."""
    known = {WAR: tuple(grid.wars), DESIGN: tuple(grid.designs)}
    faults = [
        f"{path}: weights of {entry.of} on {entry.date}: {key} names {name!r}, expected one of "
        f"{listed(list(known[axis]))}{did_you_mean(name, known[axis])}; correct the name, or add [{name}] to "
        f"scenarios/{axis}.toml"
        for entry in parse_weights(path)
        for key, axis, names in (("probability", entry.of, entry.probability), ("given", DESIGN, [entry.given]))
        for name in names
        if name and name not in known[axis]
    ]
    if faults:
        raise all_faults(PriorError, faults)


def parse_weights(path: Path) -> list[Weighting]:
    """Return the judgements of a file by date; raise PriorError with all its faults."""
    content, faults = validate(str(path), _WeightsFile, read_toml(path))
    if content is None:
        raise all_faults(PriorError, faults)
    seen: set[tuple[str, str, datetime.date]] = set()
    for entry in content.weights:
        if (key := (entry.of, entry.given, entry.date)) in seen:
            raise PriorError(f"{path}: two weights of {entry.title} on {entry.date}, expected one; remove one")
        seen.add(key)
    return sorted(content.weights, key=lambda entry: entry.date)


def joint_weights(
    where: str,
    entries: Iterable[Weighting],
    wars: Sequence[str],
    designs: Sequence[str],
    day: datetime.date | None = None,
) -> ScenarioWeights:
    """Return the weights of scenarios from judgements by date; arguments and errors as for `read_weights`."""
    in_force: dict[tuple[str, str], Weighting] = {
        (entry.of, entry.given): entry for entry in entries if day is None or entry.date <= day
    }
    return _joint(where, in_force, wars, designs, day)


def only(wars: Sequence[str], designs: Sequence[str], war: str, design: str) -> ScenarioWeights:
    """Return weights that are 1 in one scenario and 0 elsewhere, without uncertainty."""
    mean = np.array([float((w, d) == (war, design)) for w in wars for d in designs])
    return ScenarioWeights(
        entries=(), wars=wars, designs=designs, mean=mean, covariance=np.zeros((mean.size, mean.size))
    )


def _joint(
    where: str,
    in_force: Mapping[tuple[str, str], Weighting],
    wars: Sequence[str],
    designs: Sequence[str],
    day: datetime.date | None,
) -> ScenarioWeights:
    """Return the weights of pairs: independent Dirichlet distributions of designs, and of wars given the design."""
    of_designs = in_force.get((DESIGN, ""))
    if of_designs is None:
        raise PriorError(f"{where}: no weights of designs{_until(day)}, expected [[weights]] of = 'design'; add it")
    _require_known(where, of_designs, designs)
    used = [design for design in designs if of_designs.probability.get(design)]
    of_wars: dict[str, Weighting] = {}
    for design in used:
        entry = in_force.get((WAR, design)) or in_force.get((WAR, ""))
        if entry is None:
            raise PriorError(
                f"{where}: no weights of wars given {design}{_until(day)}, expected [[weights]] of = 'war'; add it"
            )
        _require_known(where, entry, wars)
        of_wars[design] = entry
    p, second_of_designs = of_designs.means(designs), _second_moments(of_designs, designs)
    shape = (len(wars), len(designs))
    mean, second = np.zeros(shape), np.zeros((*shape, *shape))
    for design, entry in of_wars.items():
        i, q = designs.index(design), entry.means(wars)
        mean[:, i] = p[i] * q
        for other, other_entry in of_wars.items():
            j = designs.index(other)
            same = other_entry is entry  # one distribution for both designs, else independent ones
            of_pair = _second_moments(entry, wars) if same else np.outer(q, other_entry.means(wars))
            second[:, i, :, j] = second_of_designs[i, j] * of_pair
    size = mean.size
    flat = mean.reshape(size)
    return ScenarioWeights(
        entries=[of_designs, *{id(entry): entry for entry in of_wars.values()}.values()],
        wars=wars,
        designs=designs,
        mean=flat,
        covariance=second.reshape(size, size) - np.outer(flat, flat),
    )


def _second_moments(entry: Weighting, labels: Sequence[str]) -> Floats:
    """Return E[p p'] of a Dirichlet distribution."""
    p = entry.means(labels)
    return np.asarray((entry.size * np.outer(p, p) + np.diag(p)) / (entry.size + 1.0))


def _require_known(where: str, entry: Weighting, labels: Sequence[str]) -> None:
    """Raise PriorError if a scenario that the run does not have has weight."""
    if absent := [name for name, p in entry.probability.items() if p > 0.0 and name not in labels]:
        raise PriorError(
            f"{where}: {entry.of} {absent[0]} has the probability {entry.probability[absent[0]]:g}, but the run has "
            f"only {', '.join(map(repr, labels))}; run a plan with this {entry.of}, "
            "or give weights of the run's scenarios"
        )


def _until(day: datetime.date | None) -> str:
    return f" dated {day} or before" if day else ""


def weight_rows(weights: ScenarioWeights) -> list[dict[str, Any]]:
    """Return one plain record for each scenario with its weight and standard deviation."""
    sd = np.sqrt(np.clip(np.diag(weights.covariance), 0.0, None))
    return [
        {WAR: war, DESIGN: design, "weight": float(mean), "sd": float(spread)}
        for (war, design), mean, spread in zip(weights.scenarios, weights.mean, sd, strict=True)
    ]
