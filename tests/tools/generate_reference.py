"""Reference pages made from the code: what a run stores, keys of a plan, priors, tables, rules of the simulator.

`python -m tests.tools.generate_reference` writes them; `tests/test_docs.py` holds that the committed ones are current.
"""

import ast
import functools
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from forecast import names as dyad_names
from forecast.data.table_schema import TABLES, Column
from forecast.priors.load import load_priors
from forecast.priors.registry import KNOWN
from forecast.projection import output_schema
from forecast.workspace import plan

ROOT = Path(__file__).parents[2]
MADE = (
    "`tests/tools/generate_reference.py` makes this page from the code; change the code, not the page. "
    "Terms are defined in the [glossary](glossary.md)."
)
RULES = ("common", "spending", "leadership", "withdrawal", "alliance", "missions", "dyads")


def pages() -> dict[str, str]:
    """Every generated page by its name."""
    return {
        "output.md": output_page(),
        "plan.md": plan_page(),
        "priors.md": priors_page(),
        "tables.md": tables_page(),
        "rules.md": rules_page(),
    }


def table(heads: str, rows: Iterator[tuple[str, ...]]) -> list[str]:
    """A Markdown table."""
    columns = heads.split("|")
    lines = [tuple(columns), ("---",) * len(columns), *rows]
    return ["| " + " | ".join(re.sub(r"\s+", " ", c).replace("|", "\\|") for c in line) + " |" for line in lines]


def page(title: str, lead: str, *lines: str) -> str:
    return "\n".join([f"# {title}", "", lead, "", MADE, "", *lines]).rstrip() + "\n"


def output_page() -> str:
    """`projection.nc`: groups with their variables, dimensions with their labels, attributes."""
    lines = ["## Dimensions", "", *table("dimension|labels", _dimensions()), ""]
    for group in dict.fromkeys(v.group for v in output_schema.VARIABLES.values()):
        mine = [(k, v) for k, v in output_schema.VARIABLES.items() if v.group == group]
        rows = ((f"`{k}`", ", ".join(v.dims), v.units, v.long_name) for k, v in mine)
        lines += [f"## Group `{group}`", "", *table("variable|dimensions|unit|meaning", rows), ""]
    lines += [
        f"## Group `{dyad_names.MCSE}`",
        "",
        "Monte Carlo standard error of every estimate, under the same name with the dimension "
        f"`{dyad_names.SOURCE}` in front. It covers all variables of the groups above except those known in advance "
        f"({', '.join(f'`{name}`' for name in output_schema.GIVEN)}). `total` is the whole error. `draws` is the part "
        "due to the finite number of parameter draws, which more paths do not reduce; it is missing if each draw "
        "serves fewer than two paths. The error itself has a relative error of about one eighth, and `draws` a larger "
        "one.",
        "",
        f"## Records of `{dyad_names.HEADLINES}`",
        "",
        "Each headline is a record of these fields. All classes of a verdict are stored.",
        "",
        *table("field|meaning", ((f"`{k}`", v) for k, v in output_schema.HEADLINE_FIELDS.items())),
        "",
    ]
    for title, descriptions in (
        ("Mechanisms", dyad_names.MECHANISMS),
        ("Events to set", dyad_names.STRESSES),
    ):
        rows = ((f"`{k}`", v) for k, v in descriptions.items())
        lines += [f"## {title}", "", *table("name|effect", rows), ""]
    lead = (
        f"Schema {dyad_names.SCHEMA_VERSION}: the groups of `projection.nc`, an xarray tree. The names are public. "
        "A value is missing where a mission does not run or an ally has no figures. "
        "Attributes of every group give the run, its seed, versions and digests."
    )
    return page("What a run stores", lead, *lines)


def _dimensions() -> Iterator[tuple[str, str]]:
    labels = {
        dyad_names.FACTOR: dyad_names.FACTORS,
        dyad_names.VERDICT: dyad_names.VERDICTS,
        dyad_names.CURVE: dyad_names.CURVES,
        dyad_names.MODE: dyad_names.MODES,
        dyad_names.INDEX: dyad_names.INDICES,
        dyad_names.EVENT: dyad_names.EVENTS,
        dyad_names.QUANTILE: dyad_names.QUANTILES,
        dyad_names.SOURCE: dyad_names.SOURCES,
    }
    told = {
        dyad_names.WAR: "outcomes of the war, as the workspace names them; the reference is first",
        dyad_names.DESIGN: "designs of the alliance, as the workspace names them; the reference is first",
        dyad_names.QUARTER: "projected quarters, labelled 2026Q1 and so on; `quarter_start` is the first day",
        dyad_names.YEAR: "projected calendar years; `year_start` is the first day",
        dyad_names.MEMBER: "allies, ISO 3166-1 alpha-3; the coordinate `member_name` gives their names",
        dyad_names.MISSION: "missions of the plan; coordinates `mission_label`, `framework`, `kind`, `flags` (notes)",
        dyad_names.CONTRIBUTOR: "countries with troops in a mission, ISO 3166-1 alpha-3",
        dyad_names.DYAD: "pairs of the United States and a partner, e.g. USA-JPN",
        dyad_names.PATH: "sampled paths; all scenarios of a path share random numbers",
        dyad_names.HISTORY_YEAR: "observed calendar years; `history_year_start` is the first day",
    }
    used = dict.fromkeys([d for v in output_schema.VARIABLES.values() for d in v.dims] + [dyad_names.SOURCE])
    for dim in used:
        listed = ", ".join(f"`{x}`" for x in labels.get(dim, ()))
        yield f"`{dim}`", listed or told.get(dim, "histogram bins, labelled by their value")


def plan_page() -> str:
    """Keys of a plan, table by table."""
    lines = []
    for model, title in _plan_models():
        rows = (
            (f"`{name}`", field.description or "", _kind(field), _default(field))
            for name, field in model.model_fields.items()
            if (model, name) != (plan.Plan, "name")
        )
        lines += [f"## {title}", "", _sentence(model), "", *table("key|meaning|values|default", rows), ""]
    lead = (
        "A plan is a TOML file in `runs/plans/`, and its name is the name of the file. An unknown key is an error "
        "that names the closest known key."
    )
    return page("Keys of a plan", lead, *lines)


def _plan_models() -> Iterator[tuple[type[BaseModel], str]]:
    """The plan, then every model that one of its keys holds."""
    yield plan.Plan, "The plan"
    for name, field in plan.Plan.model_fields.items():
        for part in _parts(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                many = typing.get_origin(field.annotation) is tuple
                yield part, f"`[[{name}]]`" if many else f"`[{name}]`"


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in typing.get_args(annotation):
        yield from _parts(inner)


def _sentence(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _kind(field: FieldInfo) -> str:
    limits = [*_limits(field.metadata)]
    return _type(field.annotation) + (f", {', '.join(limits)}" if limits else "")


def _limits(metadata: list[Any]) -> Iterator[str]:
    for limit in metadata:
        match limit:
            case Ge(ge=x):
                yield f"≥ {x}"
            case Gt(gt=x):
                yield f"> {x}"
            case Le(le=x):
                yield f"≤ {x}"
            case Lt(lt=x):
                yield f"< {x}"
            case MinLen(min_length=x):
                yield f"at least {x}"
            case MaxLen(max_length=x):
                yield f"at most {x}"
            case AfterValidator(func=functools.partial(args=(re.Pattern(), str(expected)))):
                yield expected


def _type(annotation: Any) -> str:
    """A type in words."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        metadata = [x for part in inner[1:] for x in (part.metadata if isinstance(part, FieldInfo) else [part])]
        return ", ".join([_type(inner[0]), *_limits(metadata)])
    if origin is typing.Literal:
        return "one of " + ", ".join(f"`{x}`" for x in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(x) for x in inner if x is not type(None))
    if origin is tuple:
        return f"list: {_type(inner[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if inner[1] is Any:
            return "a table"
        return f"table: {_type(inner[0])} = {_type(inner[1])}"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table, see below"
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(needed)"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "as below"
    if value is None or value in ((), {}):
        return "none"
    return f"`{json.dumps(value)}`"


def priors_page() -> str:
    """Every default prior with its distribution and source."""
    priors = load_priors(ROOT / "priors")
    lines = []
    for part in KNOWN:
        rows = (
            (
                f"`{p.name.split('.', 1)[1]}`",
                p.describe(),
                p.unit,
                p.note,
                f"{p.evidence}: {p.source}",
                str(p.seen),
                "" if p.before is None else f"{p.before.describe()}: {p.before.source} (seen to {p.before.seen})",
            )
            for name, p in priors.by_name.items()
            if name.startswith(f"{part}.")
        )
        heads = "prior|distribution|unit|meaning|evidence: source|seen to|before"
        lines += [f"## `priors/{part}.toml`", "", *table(heads, rows), ""]
    lead = (
        "These priors come with the package. `forecast init DIR` copies them for you to change. "
        "`priors/README.md` describes the form of an entry. The scenarios of `priors/scenarios/` have "
        "[their own page](scenarios.md). *Seen to* is the latest year of the data or events that a prior has seen. A "
        "back-test from an earlier origin uses the assumption in *before*; if there is none, it doubles the standard "
        "deviation."
    )
    return page("Priors", lead, *lines)


def tables_page() -> str:
    """Columns of every table."""
    lines = []
    for name, spec in TABLES.items():
        rows = (
            (f"`{c.name}`", c.kind, ("key" if c.key else "may be blank" if c.nullable else ""), _holds(c))
            for c in spec.columns
        )
        lines += [f"## `{name}.csv`", "", *table("column|type||allowed values", rows), ""]
        lines += [f"`{first}` is not after `{then}`." for first, then in spec.ordered]
        lines += [""] if spec.ordered else []
    lead = (
        "These columns apply to the files in `forecast/data/tables/` and in the `tables/` folder of a workspace "
        "([add your own rows](own-tables.md)). No two rows have the same key. "
        "A `date` is YYYY-MM-DD, or YYYY-MM for the middle of a month."
    )
    return page("Columns of the tables", lead, *lines)


def _holds(column: Column) -> str:
    told = []
    if column.allowed:
        told.append(", ".join(f"`{x}`" for x in column.allowed))
    if column.refers:
        told.append(f"a row of `{column.refers}`")
    if column.low is not None and column.high is not None:
        told.append(f"{'above ' if column.open_range else ''}{column.low:g} to {column.high:g}")
    if column.precision:
        told.append(f"exact to `{column.precision}`")
    return "; ".join(told)


def rules_page() -> str:
    """Every rule of the simulator: its equation and source, as its function states them."""
    lines = []
    for name in RULES:
        tree = ast.parse((ROOT / "forecast" / "simulation" / "rules" / f"{name}.py").read_text(encoding="utf-8"))
        rows = (
            (f"`{node.name}`", re.sub(r"([*<\\])", r"\\\1", ast.get_docstring(node) or ""))
            for node in tree.body
            if isinstance(node, ast.FunctionDef)
        )
        lines += [
            f"## `forecast/simulation/rules/{name}.py`",
            "",
            ast.get_docstring(tree) or "",
            "",
        ]
        lines += [*table("function|equation, source", rows), ""]
    lead = "The simulator applies these functions in each quarter; [the model](model.md) shows how they fit together."
    return page("Rules of the simulator", lead, *lines)


if __name__ == "__main__":
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
