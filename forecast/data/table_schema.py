"""Schema of the tables: the columns of each table, the values they may hold, and the key of a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "bool", "int", "float", "year", "month", "date"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column: how its text is read and which values it may hold.

    Parameters
    ----------
    name : name of the column in the file.
    kind : type of the values. `date` accepts YYYY-MM-DD, or YYYY-MM for the middle of that month. `month` remains the
        text YYYY-MM, and `year` is an integer.
    key : whether the column is part of the key; two rows of a table never have the same key.
    nullable : whether a cell may be blank. A blank text is "", and a blank number, date or flag is missing.
    allowed : the only texts accepted; empty if all are.
    low, high : range of a number, including both ends unless `open_range` is true.
    open_range : whether the range excludes both ends.
    refers : table whose first column must contain the value.
    precision : column that states the precision of this date; where it is `year`, YYYY-MM means 1 July.
    pattern : regular expression that the whole text must match.
    words : what `pattern` accepts, in words.
    unit : unit of a figure that is steady from year to year.
    steady : factor by which such a figure never differs from others of its series nearby; a larger one is a wrong unit.
    lone : factor by which such a figure never differs from those just before and after it, both in one direction, nor
        from another figure of the same time.
    """

    name: str
    kind: Kind = "text"
    key: bool = False
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    open_range: bool = False
    refers: str | None = None
    precision: str | None = None
    pattern: str = ""
    words: str = ""
    unit: str = ""
    steady: float | None = None
    lone: float | None = None

    @property
    def dtype(self) -> str:
        """Pandas dtype of the loaded column."""
        missing = {"bool": "boolean", "int": "Int64", "year": "Int64"}
        plain = {"bool": "bool", "int": "int64", "year": "int64", "float": "float64"}
        plain |= {"text": "str", "month": "str", "date": "datetime64[us]"}
        return missing.get(self.kind, plain[self.kind]) if self.nullable else plain[self.kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSpec:
    """One table.

    Parameters
    ----------
    columns : columns in file order.
    ordered : pairs of date columns of which the first is never the later.
    since : column with the time from which on a row is known, if that is not the time in its key.
    """

    columns: tuple[Column, ...]
    ordered: tuple[tuple[str, str], ...] = ()
    since: str | None = None

    @property
    def key(self) -> list[str]:
        """Names of the key columns."""
        return [column.name for column in self.columns if column.key]

    @property
    def names(self) -> list[str]:
        """Names of all columns, in file order."""
        return [column.name for column in self.columns]

    @property
    def time(self) -> str | None:
        """Name of the key column that orders the rows of a series by time; None if there is none."""
        return next((column.name for column in self.columns if column.key and column.kind in ("year", "date")), None)

    @property
    def known_since(self) -> Column | None:
        """Column with the time from which on a row is known; None if the rows have no time."""
        return next((column for column in self.columns if column.name == (self.since or self.time)), None)

    @property
    def series(self) -> list[str]:
        """Names of the key columns that rows of one series share."""
        kinds = {column.name: column.kind for column in self.columns}
        return [name for name in self.key if kinds[name] == "text" and name not in ("basis", "source")]


def _key(name: str, kind: Kind = "text", **more: object) -> Column:
    return Column(name=name, kind=kind, key=True, **more)  # type: ignore[arg-type]


def _blank(name: str, kind: Kind = "text", **more: object) -> Column:
    return Column(name=name, kind=kind, nullable=True, **more)  # type: ignore[arg-type]


_COUNTRY = Column(name="country", key=True, refers="countries")
_MISSION = Column(name="mission", key=True, refers="missions")
_SOURCE = Column(name="source")
_NOTE = _blank("note")
_YEAR = _key("year", "year", low=1945, high=2100)
_SHARE = Column(name="share_gdp", kind="float", low=0, high=150, unit="percent of GDP", steady=30, lone=7)
_ESTIMATE = _blank("estimate", "bool")
_EQUIPMENT = Column(name="equipment_share", kind="float", low=0, high=100, unit="percent", steady=30, lone=8)
_GDP_PPP = Column(
    name="gdp_ppp", kind="int", low=1, high=1_000_000_000, unit="millions of US dollars", steady=5, lone=5
)


def _yearly(*columns: Column, since: str | None = None) -> TableSpec:
    """Return the schema of a table with one row for each country and year."""
    return TableSpec(columns=(_COUNTRY, _YEAR, *columns, _SOURCE), since=since)


_PRECISIONS = ("day", "month", "year", "interval", "left_trunc")
_EXIT_KINDS = ("mission_end", "planned", "defection", "reduced", "unknown", "censored")
_EXIT_FACTS = "mission_over on_schedule refused replaced provoked ally_left"
_TRIGGERS = """
ally_left ally_swap attack command_quarrel cost election government_decision home_security
home_war host_expulsion host_quarrel host_war hostage lead_drawdown lead_left leader_change
mandate_end misconduct mission_downsizing mission_progress other parliament political_break
reprioritised security_handover
"""
_QUESTIONS = """
china_unfavorable nato_favorable russia_unfavorable us_favorable us_president_confidence
"""

#: Schema of each table by name. The name is the file `<name>.csv` and the attribute of `Tables`.
TABLES: Mapping[str, TableSpec] = {
    "countries": TableSpec(
        columns=(
            _key("country", pattern="[A-Z]{3}", words="a code of ISO 3166-1 alpha-3, such as DEU"),
            Column(name="name"),
            Column(name="region"),
            _SOURCE,
        )
    ),
    "members": TableSpec(
        columns=(
            _COUNTRY,
            _key("alliance", pattern="NATO|US-[A-Z]{3}", words="NATO, or US- and a country, such as US-JPN"),
            _key("joined", "date"),
            Column(name="in_force", kind="date"),
            _blank("left", "date"),
            Column(name="region"),
            Column(name="distance_moscow_km", kind="int", low=0, high=20_100),
            Column(name="borders_russia", kind="bool"),
            Column(name="frontline", kind="bool"),
            Column(name="european", kind="bool"),
            _SOURCE,
            _NOTE,
        ),
        ordered=(("joined", "in_force"), ("joined", "left"), ("in_force", "left")),
        since="in_force",
    ),
    "defence_spending": _yearly(_key("basis", allowed=("nato", "nato_old", "wdi")), _SHARE, _ESTIMATE),
    "defence_spending_vintages": _yearly(
        _key("basis", allowed=("nato",)), _key("vintage", "month"), _SHARE, _ESTIMATE, since="vintage"
    ),
    "economy": _yearly(
        _blank("gdp_growth", "float", low=-80, high=150),
        _blank("gdp_usd", "float", low=0, high=1e15, open_range=True, unit="US dollars", steady=30, lone=7),
        Column(name="population", kind="int", low=1, high=3_000_000_000, unit="persons", steady=5, lone=5),
    ),
    "leaders": TableSpec(
        columns=(
            _COUNTRY,
            Column(name="leader"),
            Column(name="office"),
            _key("start", "date"),
            _blank("end", "date"),
            _blank(
                "exit_kind",
                allowed=("election", "resignation", "term_limit", "death", "coup", "other"),
            ),
            Column(name="acting", kind="bool"),
            _SOURCE,
        ),
        ordered=(("start", "end"),),
    ),
    "elections": TableSpec(
        columns=(
            _COUNTRY,
            _key("date", "date", precision="date_precision"),
            _key("kind", allowed=("legislative", "executive")),
            _key("round", "int", low=1, high=9),
            _blank("early", "bool"),
            Column(name="selects_leader", kind="bool"),
            Column(name="scheduled", kind="bool"),
            Column(name="date_precision", allowed=("day", "month", "year", "deadline")),
            _SOURCE,
            _NOTE,
        )
    ),
    "terms": TableSpec(
        columns=(
            _COUNTRY,
            Column(name="office"),
            Column(name="system", allowed=("parliamentary", "presidential")),
            Column(name="term_years", kind="float", low=1, high=10),
            _blank("term_limit", "int", low=1, high=9),
            _blank("limit_from", "date"),
            Column(name="early_vote", kind="bool"),
            _SOURCE,
            _NOTE,
        )
    ),
    "missions": TableSpec(
        columns=(
            _key(
                "mission",
                pattern="[a-z][a-z0-9_]{0,63}",
                words="a label in lower case of at most 64 letters, such as kfor",
            ),
            Column(name="name"),
            Column(name="framework", allowed=("nato", "eu", "un", "ad_hoc")),
            Column(name="lead"),
            Column(name="region"),
            Column(name="start", kind="date"),
            _blank("end", "date"),
            Column(
                name="intensity",
                allowed=("combat", "stabilisation", "peacekeeping", "maritime_air", "training"),
            ),
            _SOURCE,
        ),
        ordered=(("start", "end"),),
        since="start",
    ),
    "deployments": TableSpec(
        columns=(
            _MISSION,
            _COUNTRY,
            _key("spell", "int", low=1, high=99),
            Column(name="residual", kind="bool"),
            Column(name="entry", kind="date", precision="entry_prec"),
            Column(name="entry_prec", allowed=_PRECISIONS),
            _blank("exit", "date", precision="exit_prec"),
            _blank("exit_prec", allowed=_PRECISIONS[:-1]),
            _blank("exit_lo", "date"),
            _blank("last_obs", "date"),
            Column(name="exit_kind", allowed=_EXIT_KINDS),
            Column(name="kind_conf", allowed=("high", "medium", "low")),
            _blank("trigger", allowed=tuple(_TRIGGERS.split())),
            _blank("peak_troops", "int", low=0, high=1_000_000),
            _SOURCE,
            _NOTE,
        ),
        ordered=(
            ("entry", "exit"),
            ("exit_lo", "exit"),
            ("entry", "exit_lo"),
            ("entry", "last_obs"),
        ),
        since="entry",
    ),
    "exit_facts": TableSpec(
        columns=(
            _MISSION,
            _COUNTRY,
            _key("spell", "int", low=1, high=99),
            *(Column(name=fact, kind="bool") for fact in _EXIT_FACTS.split()),
            _SOURCE,
            _NOTE,
        )
    ),
    "troop_levels": TableSpec(
        columns=(
            _MISSION,
            _COUNTRY,
            _key("date", "date"),
            Column(name="troops", kind="int", low=0, high=1_000_000, unit="persons", steady=300),
            _key("source"),
        )
    ),
    "mission_fatalities": TableSpec(
        columns=(
            _MISSION,
            _COUNTRY,
            _key("measure", allowed=("annual", "cumulative", "event")),
            _key("date", "date"),
            Column(name="deaths", kind="int", low=0, high=100_000),
            _key("source"),
        )
    ),
    "alliance_events": TableSpec(
        columns=(
            _key("date", "date"),
            _key("kind", allowed=("summit", "command_exit", "command_return")),
            _key("actor"),
            _SOURCE,
            _NOTE,
        )
    ),
    "alignment": _yearly(
        Column(name="ideal_point", kind="float", low=-6, high=6),
        Column(name="ideal_point_sd", kind="float", low=0, high=3, open_range=True),
    ),
    "democracy": _yearly(
        _blank("liberal_democracy", "float", low=0, high=1),
        _blank("electoral_democracy", "float", low=0, high=1),
        _blank("populist_vote_share", "float", low=0, high=100, unit="percent", steady=60),
    ),
    "public_opinion": _yearly(
        _key("indicator", allowed=tuple(_QUESTIONS.split())),
        Column(name="value", kind="float", low=0, high=100, open_range=True, unit="percent", steady=60, lone=7),
        _blank("n", "int", low=50, high=100_000),
    ),
    "threat": TableSpec(
        columns=(
            _key("region", allowed=("RUS", "WORLD")),
            _YEAR,
            _key("indicator", allowed=("gpr", "gprc")),
            Column(
                name="value", kind="float", low=0, high=10_000, open_range=True, unit="the index", steady=30, lone=7
            ),
            _SOURCE,
        )
    ),
    "equipment_share": _yearly(_EQUIPMENT, _ESTIMATE),
    "great_powers": _yearly(_GDP_PPP),
    "announcements": TableSpec(
        columns=(
            _COUNTRY,
            _key("announced", "date", precision="date_precision"),
            Column(name="date_precision", allowed=("day", "month", "year")),
            _key("target_year", "int", low=1945, high=2100),
            _key("kind", allowed=("share", "real", "nominal")),
            Column(name="value", kind="float", low=-100, high=1000),
            _blank("base", "float", low=0, high=150, open_range=True),
            _blank("base_year", "int", low=1945, high=2100),
            Column(name="conditional", kind="bool"),
            Column(name="verified", allowed=("opened", "index")),
            _SOURCE,
            _NOTE,
        )
    ),
    "cohesion_anchors": TableSpec(
        columns=(
            _YEAR,
            _blank("quarter", allowed=("Q1", "Q2", "Q3", "Q4")),
            Column(name="verdict", allowed=("Weak", "Fragmented", "Strong")),
            _SOURCE,
            _NOTE,
        )
    ),
}
