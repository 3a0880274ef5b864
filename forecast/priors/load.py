"""Read the folder `priors/` strictly: every prior must be known, complete and sourced.

`load_priors` returns one frozen `Priors`: priors and constants by name (`spending.kappa`) and the scenario grid.
A `PriorError` lists all faults of all files at once, each with file, key, value found and value expected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, create_model

from forecast.errors import PriorError, all_faults, did_you_mean
from forecast.names import FACTORS, MODELS
from forecast.priors.domains import domain_fault
from forecast.priors.joint_conditions import joint_faults
from forecast.priors.prior import Prior
from forecast.priors.registry import DRAWN, DYAD_NAME, KNOWN, KNOWN_OF_A_DYAD, Place
from forecast.priors.scenarios import PARTS, Grid, parse_grid
from forecast.priors.statements import Statement, split_statement, statements_of, without_statements
from forecast.priors.tables import A_PRIOR, A_YEAR, AnyPrior, Dirichlet, PriorTable
from forecast.priors.validation import Strict, validate
from forecast.storage.files import digest_of
from forecast.storage.listing import list_files
from forecast.storage.toml_files import read_toml


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Priors:
    """All priors by dotted name, the scenario grid, the digest of each file, and who stated each entry and when.

    A digest leaves out what a prior has seen and was before, and who stated it, because no number depends on it.
    """

    by_name: Mapping[str, Prior]
    grid: Grid
    digests: Mapping[str, str]
    statements: Mapping[str, Statement]

    def __getitem__(self, name: str) -> Prior:
        if name not in self.by_name:
            raise PriorError(f"no prior is called {name!r}{did_you_mean(name, self.by_name)}")
        return self.by_name[name]

    def value(self, name: str) -> float:
        """Return the number of the constant `name`."""
        return self[name].value

    @property
    def dyads(self) -> tuple[str, ...]:
        """Names of the dyads that have priors, e.g. `USA-JPN`."""
        ending = ".renewal_year"
        names = (name.removeprefix("dyads.") for name in self.by_name if name.endswith(ending))
        return tuple(name.removesuffix(ending) for name in names)

    def section(self, file: str) -> dict[str, Prior]:
        """Return the priors of one file by their names within it."""
        prefix = file + "."
        return {name.removeprefix(prefix): p for name, p in self.by_name.items() if name.startswith(prefix)}


def load_priors(folder: Path) -> Priors:
    """Read every file of `priors/`; raise PriorError with all faults of all files."""
    faults: list[str] = []
    priors: dict[str, Prior] = {}
    statements: dict[str, Statement] = {}
    digests: dict[str, str] = {}
    scenarios: dict[str, Mapping[str, Any]] = {}
    for section in KNOWN:
        try:
            of_section, of_statements, section_faults = read_section(folder / f"{section}.toml")
        except PriorError as error:
            of_section, of_statements, section_faults = {}, {}, [str(error)]
        faults += section_faults
        priors |= of_section
        statements |= of_statements
        digests[section] = digest_of([[p.name, p.dist, list(p.params)] for p in of_section.values()])
    for part in PARTS:
        try:
            path = folder / "scenarios" / f"{part}.toml"
            own, scenarios[part], of_statement = split_statement(str(path), read_toml(path))
            faults += of_statement
            statements |= statements_of(f"scenarios/{part}", own, scenarios[part])
            digests[f"scenarios/{part}"] = digest_of(without_statements(scenarios[part]))
        except PriorError as error:
            faults.append(str(error))
    faults += joint_faults(priors, folder)
    faults += _unread_files(folder)
    grid = None
    if len(scenarios) == len(PARTS):
        grid, grid_faults = parse_grid(folder / "scenarios", scenarios)
        faults += grid_faults
    if faults or grid is None:
        raise all_faults(PriorError, faults)
    return Priors(by_name=priors, grid=grid, digests=digests, statements=statements)


def read_section(path: Path) -> tuple[dict[str, Prior], dict[str, Statement], list[str]]:
    """Return the priors of one file by dotted name in the order of the registry, their statements, and all faults.

    Raises
    ------
    PriorError
        If the file is not valid TOML.
    """
    section = path.stem
    own, content, of_statement = split_statement(str(path), read_toml(path))
    dyads = tuple(name for name in content if DYAD_NAME.fullmatch(name)) if section == "dyads" else ()
    tables, faults = validate(str(path), _section_model(section, dyads), content, tables=True)
    if tables is None or of_statement:
        return {}, {}, of_statement + faults
    priors = [getattr(tables, key).to_prior(f"{section}.{key}") for key in KNOWN[section]]
    for name in dyads:
        dyad = getattr(tables, name)
        priors += [getattr(dyad, key).to_prior(f"{section}.{name}.{key}") for key in KNOWN_OF_A_DYAD]
    return {prior.name: prior for prior in priors}, dict(statements_of(section, own, content)), faults


@lru_cache(maxsize=64)
def _section_model(section: str, dyads: tuple[str, ...]) -> type[Strict]:
    """Return the model of a file, with a table for each of these dyads."""
    fields: dict[str, Any] = _prior_fields(section, KNOWN[section])
    fields |= {name: (_dyad_model(name), Field(description="a table of the dyad's priors")) for name in dyads}
    return create_model(section, __base__=Strict, **fields)


def _dyad_model(name: str) -> type[Strict]:
    """Return the model of the tables of one dyad."""
    return create_model(name, __base__=Strict, **_prior_fields(f"dyads.{name}", KNOWN_OF_A_DYAD))


def _prior_fields(prefix: str, places: Mapping[str, Place]) -> dict[str, Any]:
    """Return one required field for each prior, with the check of what its place needs."""
    return {
        key: (
            Annotated[AnyPrior, AfterValidator(partial(_check_place, f"{prefix}.{key}", place))],
            Field(description=A_PRIOR),
        )
        for key, place in places.items()
    }


def _check_place(name: str, place: Place, table: PriorTable) -> PriorTable:
    """Refuse a prior that the models or the projection cannot use."""
    fitted = name.split(".")[0] in MODELS and name not in DRAWN
    if place.dist and table.dist != place.dist:
        raise ValueError(f"dist is {table.dist!r}, expected {place.dist!r}")
    if not place.dist and (table.dist == "Dirichlet" or (fitted and table.dist == "Constant")):
        raise ValueError(f"dist is {table.dist!r}, expected a distribution of one number")
    if isinstance(table, Dirichlet) and (size := len(table.concentration)) != len(FACTORS):
        raise ValueError(f"concentration has {size} numbers, expected {len(FACTORS)}")
    if table.seen is None:
        raise ValueError(f"seen is missing, expected {A_YEAR}")
    for entry, where in ((table, ""), (table.before, "before: ")):
        if entry is not None and (fault := domain_fault(place.domain, entry.to_prior(name))):
            raise ValueError(where + fault)
    return table


def _unread_files(folder: Path) -> list[str]:
    """Return a fault for every TOML file below `folder` that no model reads, except side files of editors."""
    faults = []
    try:
        files = list_files(folder, ".toml", recursive=True)
    except OSError as error:
        return [f"{folder}: cannot be read ({error.strerror}); correct the permissions of its folders"]
    for path in files:
        known = {folder: tuple(KNOWN), folder / "scenarios": PARTS}.get(path.parent, ())
        if path.name not in {f"{name}.toml" for name in known}:
            hint = did_you_mean(path.stem.lower(), known)
            faults.append(f"{path}: no model reads this file; remove it or rename it{hint}")
    return faults
