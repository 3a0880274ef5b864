"""Pydantic models of the TOML tables that state a prior: one model for each distribution, chosen by the key `dist`."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from forecast.priors.prior import Prior
from forecast.priors.statements import Author, Day
from forecast.priors.validation import Strict, Whole

EVIDENCE: Final = ("data", "literature", "judgement")
#: What a fault says is expected where the table of a prior is missing or is no table.
A_PRIOR: Final = "a table with dist, its parameters, source, evidence and seen"

Source = Annotated[str, Field(pattern=r"\S", description="the work that the numbers come from, or 'judgement'")]
Evidence = Annotated[
    Literal["data", "literature", "judgement"], Field(description="'data', 'literature' or 'judgement'")
]
#: A prior older than the oldest source, or later than any data, is a slip of the keyboard.
LAST: Final = 2100
A_YEAR: Final = f"the latest year that the prior has seen, a whole number from 1900 to {LAST}"
Year = Annotated[Whole, Field(ge=1900, le=LAST, description=A_YEAR)]
Number = Annotated[
    float, Field(strict=True, ge=-1e6, le=1e6, description="a finite number from -1,000,000 to 1,000,000")
]
Positive = Annotated[
    float, Field(strict=True, ge=1e-6, le=1e6, description="a finite number above 0, from 0.000001 to 1,000,000")
]
#: With a smaller shape than 0.5, draws are so close to 0 and 1 that they round to them.
Shape = Annotated[
    float, Field(strict=True, ge=0.5, le=1e6, description="a finite number above 0, from 0.5 to 1,000,000")
]
Shapes = Annotated[
    tuple[Shape, ...],
    Field(min_length=1, max_length=100, description="a list of finite numbers above 0, from 0.5 to 1,000,000"),
]
LogMean = Annotated[
    float, Field(strict=True, ge=-20, le=20, description="the mean of a logarithm, a number from -20 to 20")
]
LogSD = Annotated[
    float, Field(strict=True, ge=1e-6, le=5, description="the SD of a logarithm, a number from 0.000001 to 5")
]
#: Lower ends of truncated Normals may be this many SDs above `mu`; above, hardly any draw of the Normal is left.
_FARTHEST_CUT: Final = 6.0


class PriorTable(Strict):
    """The table of one prior; each distribution adds its parameters, in the order of `Prior.params`."""

    dist: str
    source: Source
    evidence: Evidence
    unit: str = ""
    note: str = ""
    seen: Year | None = None
    author: Author = ""
    date: Day | None = None
    expires: Day | None = None
    before: Self | None = Field(default=None, description="a table of the same distribution that has seen less")

    @model_validator(mode="after")
    def _check_before(self) -> Self:
        if self.before is not None and not (self.before.seen or LAST) < (self.seen or LAST):
            raise ValueError(
                f"before.seen is {self.before.seen or 'missing'}, expected a year before seen "
                f"({self.seen or 'missing'}); "
                "correct one of them or remove the table [before]"
            )
        return self

    def to_prior(self, name: str) -> Prior:
        """Return the prior with its dotted name."""
        values = [getattr(self, parameter) for parameter in DISTRIBUTIONS[self.dist]]
        return Prior(
            name=name,
            dist=self.dist,
            params=tuple(float(x) for value in values for x in (value if isinstance(value, tuple) else (value,))),
            source=self.source,
            evidence=self.evidence,
            seen=self.seen or 0,
            unit=self.unit,
            note=self.note,
            before=None if self.before is None else self.before.to_prior(name),
        )


class Beta(PriorTable):
    """Beta distribution."""

    dist: Literal["Beta"]
    alpha: Shape
    beta: Shape


class Constant(PriorTable):
    """A fixed number."""

    dist: Literal["Constant"]
    value: Number


class Dirichlet(PriorTable):
    """Dirichlet distribution with one concentration for each component."""

    dist: Literal["Dirichlet"]
    concentration: Shapes


class Gamma(PriorTable):
    """Gamma distribution of shape alpha and rate beta."""

    dist: Literal["Gamma"]
    alpha: Positive
    beta: Positive


class HalfNormal(PriorTable):
    """Absolute value of a Normal with mean 0."""

    dist: Literal["HalfNormal"]
    sigma: Positive


class LogNormal(PriorTable):
    """LogNormal distribution by the mean and SD of the logarithm."""

    dist: Literal["LogNormal"]
    mu: LogMean
    sigma: LogSD


class Normal(PriorTable):
    """Normal distribution."""

    dist: Literal["Normal"]
    mu: Number
    sigma: Positive


class TruncatedNormal(PriorTable):
    """Normal distribution above `lower`."""

    dist: Literal["TruncatedNormal"]
    mu: Number
    sigma: Positive
    lower: Number

    @model_validator(mode="after")
    def _check_cut(self) -> Self:
        highest = self.mu + _FARTHEST_CUT * self.sigma
        if self.lower > highest:
            raise ValueError(
                f"lower is {self.lower:g}, expected at most mu + 6 sigma ({highest:g}); correct one of them"
            )
        return self


class Uniform(PriorTable):
    """Uniform distribution."""

    dist: Literal["Uniform"]
    lower: Number
    upper: Number

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.lower >= self.upper:
            raise ValueError(f"lower is {self.lower}, expected a number below upper ({self.upper})")
        return self


_MODELS: Final = (Beta, Constant, Dirichlet, Gamma, HalfNormal, LogNormal, Normal, TruncatedNormal, Uniform)
#: Distribution -> its parameters, in order.
DISTRIBUTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    model.__name__: tuple(key for key in model.model_fields if key not in PriorTable.model_fields) for model in _MODELS
}


class UnknownDistribution(PriorTable, extra="ignore"):
    """A table without a known distribution: it is refused, and its source and evidence are checked all the same."""

    dist: Literal[
        "Beta", "Constant", "Dirichlet", "Gamma", "HalfNormal", "LogNormal", "Normal", "TruncatedNormal", "Uniform"
    ] = Field(description=f"one of {', '.join(DISTRIBUTIONS)}")


def distribution_of(content: Any) -> str:
    """Return the tag of the model that checks the table of a prior."""
    dist = content.get("dist") if isinstance(content, dict) else getattr(content, "dist", None)
    return dist if isinstance(dist, str) and dist in DISTRIBUTIONS else "UnknownDistribution"


AnyPrior = Annotated[
    Annotated[Beta, Tag("Beta")]
    | Annotated[Constant, Tag("Constant")]
    | Annotated[Dirichlet, Tag("Dirichlet")]
    | Annotated[Gamma, Tag("Gamma")]
    | Annotated[HalfNormal, Tag("HalfNormal")]
    | Annotated[LogNormal, Tag("LogNormal")]
    | Annotated[Normal, Tag("Normal")]
    | Annotated[TruncatedNormal, Tag("TruncatedNormal")]
    | Annotated[Uniform, Tag("Uniform")]
    | Annotated[UnknownDistribution, Tag("UnknownDistribution")],
    Discriminator(distribution_of),
]
