"""Read the scenario grid: outcomes of the war in Ukraine and designs of the alliance, as shifts of four factors.

The tables of `war.toml` and `design.toml` name them. One of each is the reference, which shifts nothing.
The sign table of the source is kept as printed. `+` counts 1, `=` 0, `–` -1, `=/+` 0.5 and `=/–` -0.5. The sign of a
factor is the mean of the signs of its sub-factors. A sub-factor has the sign of its factor unless the scenario sets
another one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, create_model, model_validator

from forecast.errors import did_you_mean, listed, shown, shown_key
from forecast.names import DESIGN, FACTORS, NEUTRAL, NO_DESIGN, WAR
from forecast.priors import domains
from forecast.priors.domains import Domain, domain_fault
from forecast.priors.prior import Prior
from forecast.priors.statements import KEYS, Author, Day, split_statement, without_statements
from forecast.priors.tables import A_PRIOR, AnyPrior, Constant, Evidence, Normal, PriorTable, Source
from forecast.priors.validation import A_NAME, NAME, Strict, validate

PARTS: Final = ("factors", WAR, DESIGN)
MOST: Final = 20  # wars, and designs, of a workspace
_REFERENCE: Final = "reference"  # the key of a file that names its reference
_USUAL: Final = {WAR: NEUTRAL, DESIGN: NO_DESIGN}
SIGNS: Final[Mapping[str, float]] = {"+": 1.0, "=/+": 0.5, "=": 0.0, "=/–": -0.5, "–": -1.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class War:
    """One outcome of the war in Ukraine.

    Attributes
    ----------
    verdict : str
        The verdict of the source on cohesion; empty for the reference.
    symbols, subfactors : mapping
        Signs as printed, by factor, and those that differ, by sub-factor.
    signs : mapping
        Sign of each factor as a number from -1 to 1.
    composite : mapping
        Whether the printed sign of a factor is composite, such as `=/+`.
    ramp : int
        Quarters until the shift is complete.
    threat_target : Prior
        Long-run level of the Russian threat; 2023 = 1.
    """

    name: str
    label: str
    source: str
    note: str
    ramp: int
    verdict: str
    symbols: Mapping[str, str]
    subfactors: Mapping[str, str]
    signs: Mapping[str, float]
    composite: Mapping[str, bool]
    threat_target: Prior

    @property
    def is_reference(self) -> bool:
        """True for the war without a verdict, which shifts no factor in any draw."""
        return not self.verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Design:
    """One design of the alliance: shifts of factors, effects on spending and posture.

    Attributes
    ----------
    ramp : int
        Quarters until the design is complete.
    shift, half_life : mapping
        Shift of a factor in sign units, and its half-life in quarters (0 = permanent).
    alignment : mapping
        Shifts of members' alignment by democracy (`firm`, `frail`), or empty.
    promise : mapping
        Share of US troops that leave (`troop_cut`) and spending if Europe doubts it (`backsliding`), or empty.
    mode : str
        How US troops leave: `negotiated` or `abrupt`.
    """

    name: str
    label: str
    source: str
    note: str
    ramp: int
    shift: Mapping[str, Prior]
    half_life: Mapping[str, float]
    pledge_multiplier: Prior
    retrenchment: Prior
    credibility: Prior
    first_responder: Prior
    out_of_area: Prior
    entrapment: Prior
    us_drawdown: Prior
    china_focus: Prior
    asia_signal: Prior
    alignment: Mapping[str, Prior]
    promise: Mapping[str, Prior]
    mode: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The factors with their sub-factors and the two axes of scenarios: the reference, then the order of the file."""

    factors: Mapping[str, Mapping[str, str]]
    wars: Mapping[str, War]
    designs: Mapping[str, Design]

    @property
    def reference(self) -> tuple[str, str]:
        """The war and the design against which the others are read."""
        return next(iter(self.wars)), next(iter(self.designs))


#: Factor -> its sub-factors. The indicators of the cohesion model measure them, so their names are fixed.
SUBFACTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "threats": ("russia", "mena", "china"),
    "institutions": ("political_adaptation", "military_adaptation", "burden_sharing", "nato_eu"),
    "norms": ("populism", "backsliding"),
    "leadership": ("alliance_wide", "national"),
}
#: What keyboards write for the en dash of the source.
_DASHES: Final = str.maketrans("-\u2212", "\u2013\u2013")

Factor = Literal["threats", "institutions", "norms", "leadership"]
Text = Annotated[str, Field(pattern=r"^[^\n\r]*\S[^\n\r]*$", max_length=300, description="some text in one line")]
Ramp = Annotated[int, Field(strict=True, ge=1, le=400, description="a whole number of quarters from 1 to 400")]


def _permanent_or_lasting(quarters: float) -> float:
    if quarters and not domains.HALF_LIFE.low <= quarters <= domains.HALF_LIFE.high:
        raise ValueError(f"expected 0 (= permanent) or {domains.HALF_LIFE.meaning}")
    return quarters


HalfLife = Annotated[
    float,
    Field(strict=True, description=f"0 (= permanent) or {domains.HALF_LIFE.meaning}"),
    AfterValidator(_permanent_or_lasting),
]


def _with_en_dash(sign: Any) -> Any:
    return sign.translate(_DASHES) if isinstance(sign, str) else sign


Sign = Annotated[
    Literal["+", "=/+", "=", "=/–", "–"],
    BeforeValidator(_with_en_dash),
    Field(description=f"one of {', '.join(SIGNS)} (the minus sign of a keyboard will do)"),
]


def _within(domain: Domain) -> AfterValidator:
    """Return a validator of a prior that must lie in a domain."""

    def check(table: PriorTable) -> PriorTable:
        if table.dist == "Dirichlet":
            raise ValueError("dist is 'Dirichlet', expected a distribution of one number")
        if fault := domain_fault(domain, table.to_prior("")):
            raise ValueError(fault)
        return table

    return AfterValidator(check)


def _only_constant(table: PriorTable) -> PriorTable:
    if table.dist != "Constant":
        raise ValueError(f"dist is {table.dist!r}, expected 'Constant'")
    return table


_FIXED: Final = (AfterValidator(_only_constant), Field(description=A_PRIOR))
FixedFactor = Annotated[AnyPrior, *_FIXED, _within(domains.FACTOR)]
FixedThreat = Annotated[AnyPrior, *_FIXED, _within(domains.THREAT)]
FixedShare = Annotated[AnyPrior, *_FIXED, _within(domains.SHARE)]
Change = Annotated[AnyPrior, _within(domains.YEARLY_CHANGE), Field(description=A_PRIOR)]
Signal = Annotated[AnyPrior, _within(domains.SIGNAL), Field(description=A_PRIOR)]
Alignment = Annotated[AnyPrior, _within(domains.REAL), Field(description=A_PRIOR)]
TroopCut = Annotated[AnyPrior, _within(domains.SHARE_WITH_TAIL), Field(description=A_PRIOR)]
Multiplier = Annotated[AnyPrior, _within(domains.MULTIPLIER), Field(description=A_PRIOR)]


def _factor_model(name: str) -> type[Strict]:
    """Return the model of the table of one factor: its label and a label for each of its sub-factors."""
    subfactors = create_model(f"{name}.subfactors", __base__=Strict, **dict.fromkeys(SUBFACTORS[name], (Text, ...)))  # type: ignore[call-overload]
    fields = {"label": (Text, ...), "subfactors": (subfactors, Field(description="a table of its sub-factors"))}
    return create_model(name, __base__=Strict, **fields)  # type: ignore[call-overload,no-any-return]


class _Scenario(Strict):
    """What the table of a war and the table of a design have in common."""

    label: Text
    source: Source
    evidence: Evidence
    note: str = ""
    ramp: Ramp
    author: Author = ""
    date: Day | None = None
    expires: Day | None = None


class _Signs(Strict):
    """The signs of a war by factor."""

    threats: Sign
    institutions: Sign
    norms: Sign
    leadership: Sign


class _NoSigns(Strict):
    """The signs of the reference."""

    threats: Literal["="]
    institutions: Literal["="]
    norms: Literal["="]
    leadership: Literal["="]


def _signs_of_subfactors(name: str, sign: Any) -> Any:
    """Return the model of a table that may give any sub-factor a sign of its own."""
    subfactors = [subfactor for names in SUBFACTORS.values() for subfactor in names]
    return create_model(name, __base__=Strict, **dict.fromkeys(subfactors, (sign, "")))  # type: ignore[call-overload]


_OwnSigns: Any = _signs_of_subfactors("subfactors", Sign)
_NoOwnSigns: Any = _signs_of_subfactors("subfactors", Literal["="])


class _ReferenceWar(_Scenario):
    """The reference war: no verdict and no sign but `=`."""

    verdict: None = Field(default=None, description="no verdict, because this war is the reference")
    signs: _NoSigns = Field(description="a table of four signs")
    subfactors: _NoOwnSigns = Field(default=_NoOwnSigns(), description="a table of signs")
    threat_target: FixedThreat


class _JudgedWar(_Scenario):
    """A war for which the source states signs and a verdict."""

    verdict: Literal["Weak", "Fragmented", "Strong"]
    signs: _Signs = Field(description="a table of four signs")
    subfactors: _OwnSigns = Field(default=_OwnSigns(), description="a table of signs")
    threat_target: FixedThreat


class _NormalShift(Normal):
    """A Normal shift of a factor."""

    half_life: HalfLife = 0.0


class _ConstantShift(Constant):
    """A fixed shift of a factor."""

    half_life: HalfLife = 0.0


class _UnknownShift(PriorTable, extra="ignore"):
    """A shift without a distribution that shifts may have: it is refused."""

    dist: Literal["Normal", "Constant"]
    half_life: HalfLife = 0.0


def _shift_kind(content: Any) -> str:
    dist = content.get("dist") if isinstance(content, dict) else getattr(content, "dist", None)
    return dist if isinstance(dist, str) and dist in ("Normal", "Constant") else "unknown"


_AnyShift = Annotated[
    Annotated[_NormalShift, Tag("Normal")]
    | Annotated[_ConstantShift, Tag("Constant")]
    | Annotated[_UnknownShift, Tag("unknown")],
    Discriminator(_shift_kind),
]
Shift = Annotated[_AnyShift, _within(domains.REAL), Field(description=A_PRIOR)]


class _Alignment(Strict):
    """Shifts of the alignment of members."""

    firm: Alignment
    frail: Alignment


class _Promise(Strict):
    """What a design promises of US troops."""

    mode: Literal["negotiated", "abrupt"] = "negotiated"
    troop_cut: TroopCut
    backsliding: Multiplier


class _DesignTable(_Scenario):
    """The table of a design."""

    shift: Annotated[Mapping[Factor, Shift], Field(description="a table of shifts by factor")] = {}
    pledge_multiplier: FixedFactor
    retrenchment: Change
    credibility: FixedShare
    first_responder: FixedShare
    out_of_area: FixedFactor
    entrapment: FixedFactor
    us_drawdown: FixedFactor
    china_focus: FixedShare
    asia_signal: Signal
    alignment: _Alignment | None = None
    promise: _Promise | None = None


class _ReferenceDesign(_DesignTable):
    """The reference design: no shift, no alignment and no promise."""

    @model_validator(mode="after")
    def _shifts_nothing(self) -> "_ReferenceDesign":
        if used := [key for key in ("shift", "alignment", "promise") if getattr(self, key)]:
            raise ValueError(f"{used[0]} is set, expected none, because this design is the reference; remove it")
        return self


#: Numbers of a design beside its shifts.
NUMBERS_OF_A_DESIGN: Final = (
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
#: The tables of the reference and of the other scenarios.
_TABLES: Final[Mapping[str, tuple[type[Strict], type[Strict]]]] = {
    WAR: (_ReferenceWar, _JudgedWar),
    DESIGN: (_ReferenceDesign, _DesignTable),
}
_FACTORS: Final[type[Strict]] = create_model(
    "factors",
    __base__=Strict,
    **{name: (_factor_model(name), ...) for name in FACTORS},  # type: ignore[call-overload]
)


def parse_grid(folder: Path, content: Mapping[str, Mapping[str, Any]]) -> tuple[Grid | None, list[str]]:
    """Return the grid and the faults of its three files; the grid is None if there is a fault.

    Parameters
    ----------
    folder : Path
        The folder of the files, for the messages.
    content : mapping
        The parsed files, by the names in `PARTS`.
    """
    faults: list[str] = []
    files: dict[str, Any] = {}
    for part in PARTS:
        path = str(folder / f"{part}.toml")
        _, entries, _ = split_statement(path, content[part])
        files[part], of_part = _scenarios(path, part, entries) if part in _TABLES else _factors(path, entries)
        faults += of_part
    faults = faults or [f"{folder / fault}" for fault in _joint_faults(files)]
    if faults:
        return None, faults
    factors = {name: table.subfactors.model_dump() for name, table in files["factors"].items()}
    grid = Grid(
        factors=factors,
        wars={name: _war(name, table, factors) for name, table in files[WAR].items()},
        designs={name: _design(name, table) for name, table in files[DESIGN].items()},
    )
    return grid, []


def with_own(grid: Grid, own: Mapping[str, Mapping[str, Mapping[str, Any]]], where: str) -> tuple[Grid, list[str]]:
    """Return a grid with the scenarios of one plan after its own, and the faults of their tables.

    Parameters
    ----------
    grid : Grid
        The grid of the workspace.
    own : mapping
        Parsed tables by part (war, design) and name, each as in the file of the part.
    where : str
        The file of the plan, for the messages.
    """
    known: dict[str, dict[str, Any]] = {WAR: {**grid.wars}, DESIGN: {**grid.designs}}
    faults = []
    for part, entries in own.items():
        for name, entry in entries.items():
            place = f"{where} [own_{part}.{name}]"
            table: Any
            table, of_table = validate(place, _TABLES[part][1], without_statements(entry))
            faults += of_table or [f"{place}: {fault}" for fault in _clashes(name, table, part, known)]
            if table:
                known[part][name] = _war(name, table, grid.factors) if part == WAR else _design(name, table)
        if len(known[part]) > MOST:
            faults.append(f"{where}: {len(known[part])} entries with own_{part}, expected at most {MOST}; remove some")
    return Grid(factors=grid.factors, wars=known[WAR], designs=known[DESIGN]), faults


def _clashes(name: str, table: Any, part: str, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what a scenario of a plan has in common with a known one, though each has it alone."""
    faults = [
        f"is the name of a {other} too, expected a name of its own; rename one"
        for other, scenarios in known.items()
        if name in scenarios
    ]
    label = table.label.casefold().strip()
    return faults + [
        f"label is {shown(table.label)}, expected another text than [{other}] has; change one"
        for other, scenario in known[part].items()
        if other != name and scenario.label.casefold().strip() == label
    ]


def _factors(path: str, entries: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the valid tables of the factors by name, and the faults of their file."""
    content, faults = validate(path, _FACTORS, entries, tables=True)
    return {name: getattr(content, name) for name in FACTORS} if content else {}, faults


def _scenarios(path: str, part: str, entries: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the valid tables of wars or designs by name, the reference first, and the faults of their file."""
    named = {name: entry for name, entry in entries.items() if isinstance(entry, Mapping)}
    reference = entries.get(_REFERENCE, _USUAL[part]) if _REFERENCE not in named else _USUAL[part]
    faults = [
        f"{path}: {shown_key(key)} is {shown(entry)}, expected a table of a {part}"
        f"{did_you_mean(key, [*KEYS, _REFERENCE])}"
        for key, entry in entries.items()
        if key not in named and key != _REFERENCE
    ]
    faults += [
        f"{path}: [{shown_key(name)}] is no name of a {part}, expected {A_NAME}; rename the table"
        for name in named
        if not re.fullmatch(NAME, name)
    ]
    if len(named) > MOST:
        faults.append(f"{path}: {len(named)} tables, expected at most {MOST}; remove some")
    if not isinstance(reference, str) or reference not in named:
        faults.append(
            f"{path}: the reference is {shown(reference)}, expected one of the tables, {listed(list(named)) or 'none'}"
            f'{did_you_mean(str(reference), named)}; add it, or write reference = "NAME" above all tables'
        )
    tables: dict[str, Any] = {}
    for name in sorted(named, key=lambda name: name != reference):
        model = _TABLES[part][name != reference]
        tables[name], of_table = validate(f"{path} [{shown_key(name)}]", model, named[name])
        faults += of_table
    return tables, faults


def _joint_faults(files: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the faults of valid files: labels that two entries share, and names that a war and a design share."""
    labels = [(part, f"[{name}] label", table.label) for part in PARTS for name, table in files[part].items()]
    for factor, table in files["factors"].items():
        subfactors = table.subfactors.model_dump().items()
        labels += [("factors", f"[{factor}] subfactors.{name}", label) for name, label in subfactors]
    faults, first = [], dict[tuple[str, str], str]()
    for part, place, label in labels:
        other = first.setdefault((part, label.casefold().strip()), place)
        if other != place:
            faults.append(f"{part}.toml {place} is {shown(label)}, expected another text than {other} has; change one")
    return faults + [
        f"design.toml: [{name}] is the name of a war in war.toml too, expected a name of its own; rename one"
        for name in files[DESIGN]
        if name in files[WAR]
    ]


def _war(name: str, table: _ReferenceWar | _JudgedWar, factors: Mapping[str, Mapping[str, str]]) -> War:
    symbols: dict[str, str] = {factor: getattr(table.signs, factor) for factor in factors}
    own = table.subfactors.model_dump(exclude_unset=True)
    signs = {}
    for factor, subfactors in factors.items():
        numbers = [SIGNS[own.get(sub, symbols[factor])] for sub in subfactors]
        signs[factor] = sum(numbers) / len(numbers)
    return War(
        name=name,
        label=table.label,
        source=table.source,
        note=table.note,
        ramp=table.ramp,
        verdict=table.verdict or "",
        symbols=symbols,
        subfactors=own,
        signs=signs,
        composite={factor: "/" in symbol for factor, symbol in symbols.items()},
        threat_target=table.threat_target.to_prior(f"war.{name}.threat_target"),
    )


def _design(name: str, table: _DesignTable) -> Design:
    alignment, promise = table.alignment, table.promise
    priors = {key: getattr(table, key).to_prior(f"design.{name}.{key}") for key in NUMBERS_OF_A_DESIGN}
    return Design(
        name=name,
        label=table.label,
        source=table.source,
        note=table.note,
        ramp=table.ramp,
        shift={factor: shift.to_prior(f"design.{name}.{factor}") for factor, shift in table.shift.items()},
        half_life={factor: shift.half_life for factor, shift in table.shift.items()},
        alignment=_group(name, alignment, ("firm", "frail")),
        promise=_group(name, promise, ("troop_cut", "backsliding")),
        mode=promise.mode if promise else "negotiated",
        **priors,
    )


def _group(design: str, table: Strict | None, keys: tuple[str, ...]) -> dict[str, Prior]:
    """Return the priors of a table that a design may leave out."""
    return {key: getattr(table, key).to_prior(f"design.{design}.{key}") for key in keys} if table else {}
