"""The priors of a stored run: restored from its file `priors.json`, and mixed with those of another run."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, TypedDict

from pydantic import TypeAdapter, ValidationError

from forecast.errors import PriorError
from forecast.priors.load import Priors
from forecast.priors.prior import Prior
from forecast.priors.scenarios import Grid

_SCENARIOS: Final = "scenarios/"  # prefix of the files of the grid in the digests


class _Stored(TypedDict):
    """What a run stores of its priors; other keys are ignored."""

    priors: list[Prior]
    grid: Grid


def restored_priors(where: str, content: Mapping[str, Any], digests: Mapping[str, str]) -> Priors:
    """Return the priors and scenarios of a run.

    Parameters
    ----------
    where : name of the file in messages.
    content : content of the run's `priors.json`.
    digests : digests of the files of priors, from the manifest.

    Raises
    ------
    PriorError
        If the file was written by another version.
    """
    try:
        stored = _adapter().validate_python(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise PriorError(f"{where}: {key}: {fault['msg']}; the run is of another version, run its plan again") from None
    by_name = {prior.name: prior for prior in stored["priors"]}
    return Priors(by_name=by_name, grid=stored["grid"], digests=dict(digests), statements={})


def stored_reference(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the reference war and design in the content of a run's `priors.json`: the first of each."""
    return next(iter(content["grid"]["wars"])), next(iter(content["grid"]["designs"]))


def mix_priors(before: Priors, after: Priors, *, priors: bool, scenarios: bool) -> Priors:
    """Return priors with the priors, and the scenario grid, of `after` where so chosen, and else of `before`."""
    by_name, grid = (after if priors else before), (after if scenarios else before)
    return Priors(
        by_name=by_name.by_name,
        grid=grid.grid,
        digests={name: digest for name, digest in by_name.digests.items() if not name.startswith(_SCENARIOS)}
        | {name: digest for name, digest in grid.digests.items() if name.startswith(_SCENARIOS)},
        statements=by_name.statements,
    )


def differing_priors(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the files of priors, and those of scenarios, whose digests differ."""
    files = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    scenarios = [name for name in files if name.startswith(_SCENARIOS)]
    return [name for name in files if name not in scenarios], scenarios


@cache
def _adapter() -> TypeAdapter[_Stored]:
    return TypeAdapter(_Stored)
