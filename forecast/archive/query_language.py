"""The query language: parse a text such as `P(collapsed[kfor] by 2029Q4 | exited[USA, kfor] by 2028Q1, war=win)`.

`parse_query` returns frozen objects. Nothing in a query is executed, and no name in it is looked up here.

A query is `P(event)`, `E(value)` or `Q(p, value)`, each with an optional condition after `|` and optional scenarios
(`war=…`, `design=…`) after a comma, or the difference of two such terms. An event compares a value with a number or
says that something happened by a quarter; events are joined by `and`, `or`, `not`. `count(event)` is the number of
labels for which an event with `*` in their place holds, as in `count(spending[*] in 2026 >= 2)`. A condition with a
probability, `| event : 0.3`, is soft: the event has this probability instead of the simulated one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from forecast.errors import RunError

EVERY: Final = "*"  # stands for every label, inside `count(…)`
EXAMPLE: Final = "P(collapsed[kfor] by 2029Q4 | exited[USA, kfor] by 2028Q1, war=stalemate)"
_LONGEST: Final = 1000  # characters of a query
_BRACKETS: Final = 50  # opening brackets of a query; each adds to the depth of the recursion
_GRAMMAR: Final = r"""
    ?start: difference
    difference: term ["-" term]
    term: "P" "(" event [condition] ("," scenario)* ")"            -> probability
        | "E" "(" value [condition] ("," scenario)* ")"            -> mean
        | "Q" "(" NUMBER "," value [condition] ("," scenario)* ")" -> quantile
    condition: "|" event [":" NUMBER]
    scenario: NAME "=" NAME
    ?event: conjunction ("or" conjunction)*                        -> any_of
    ?conjunction: negation ("and" negation)*                       -> all_of
    ?negation: "not" negation                                      -> negated
        | "(" event ")"
        | happening
        | comparison
    happening: NAME [labels] "by" PERIOD
    comparison: value COMPARE (NUMBER | NAME)
    value: NAME [labels] "in" PERIOD
        | "count" "(" event ")"                                    -> count
    labels: "[" label ("," label)* "]"
    label: NAME | EVERY
    EVERY: "*"
    COMPARE: "<=" | ">=" | "<" | ">" | "="
    PERIOD: /(19|20|21)[0-9]{2}(Q[1-4])?/
    NAME: /[A-Za-z][A-Za-z0-9_]*/
    NUMBER: /-?[0-9]+(\.[0-9]+)?/
    %import common.WS
    %ignore WS
"""


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a quantity, of these labels, in a quarter or year: `operational[kfor] in 2030Q4`."""

    name: str
    labels: tuple[str, ...]
    period: str


@dataclass(frozen=True, slots=True)
class Count:
    """For how many labels an event holds that has `*` in their place: `count(notice[*] by 2030)`."""

    event: "Event"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that has happened by the end of a quarter or year: `exited[USA, kfor] by 2028Q1`."""

    name: str
    labels: tuple[str, ...]
    period: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value compared with a number or a class: `cohesion in 2030Q4 < 0`, `verdict in 2030Q4 = Weak`."""

    value: Value | Count
    sign: str
    bound: float | str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Events that all hold."""

    events: tuple["Event", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Alternatives: at least one of these events holds."""

    events: tuple["Event", ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """An event that does not hold."""

    event: "Event"


Event = Happening | Comparison | AllOf | AnyOf | Negated


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; with a probability it is soft."""

    event: Event
    probability: float | None


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a query: probability, mean or quantile; event or value; condition; scenarios."""

    asked: Literal["probability", "mean", "quantile"]
    of: Event | Value | Count
    level: float | None  # of a quantile
    condition: Condition | None
    scenario: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: a term, or the difference of two."""

    text: str
    term: Term
    minus: Term | None


def parse_query(text: str) -> Query:
    """Return the parsed query; raise RunError with place, what was found, what is expected, and an example."""
    if len(text) > _LONGEST:
        raise RunError(f"query: {len(text)} characters, expected at most {_LONGEST}; ask for less at once")
    if (brackets := text.count("(")) > _BRACKETS:
        raise RunError(f"query: {brackets} opening brackets, expected at most {_BRACKETS}; ask for less at once")
    try:
        term, minus = _ToObjects().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise _unexpected(text, error) from None
    except VisitError as error:
        raise error.orig_exc from None
    return Query(text, term, minus)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual")


#: What a reader calls each terminal of the grammar.
_WORDS: Final = {
    "NAME": "a name",
    "NUMBER": "a number",
    "PERIOD": "a quarter or year, such as 2029Q4",
    "COMPARE": "a comparison (<, <=, =, >=, >)",
    "LPAR": "(", "RPAR": ")", "LSQB": "[", "RSQB": "]", "COMMA": "a comma", "VBAR": "|", "COLON": ":",
    "EQUAL": "=", "MINUS": "-", "P": "P(", "E": "E(", "Q": "Q(", "$END": "the end",
    "EVERY": "*", "COUNT": "count(", "BY": "by", "IN": "in", "AND": "and", "OR": "or", "NOT": "not",
}  # fmt: skip


def _unexpected(text: str, error: UnexpectedInput) -> RunError:
    at_end = getattr(getattr(error, "token", None), "type", "") == "$END"
    place = len(text) if at_end or error.pos_in_stream is None else error.pos_in_stream
    expected = getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None)
    words = sorted({_WORDS.get(name, name.lower()) for name in expected or ()})
    found = repr(text[place : place + 20]) if place < len(text) else "the end"
    return RunError(
        f"query: at character {place + 1}, found {found}, expected {', '.join(words) or 'something else'}; "
        f"write it as in {EXAMPLE}"
    )


@v_args(inline=True)
class _ToObjects(Transformer[Any, Any]):
    """Make the frozen objects from the tree of the parser."""

    def NAME(self, token: Token) -> str:
        return str(token)

    PERIOD = COMPARE = EVERY = NAME

    def label(self, name: str) -> str:
        return name

    def count(self, event: Event) -> Count:
        return Count(event)

    def NUMBER(self, token: Token) -> float:
        return float(token)

    def labels(self, *names: str) -> tuple[str, ...]:
        return names

    def value(self, name: str, labels: tuple[str, ...] | None, period: str) -> Value:
        return Value(name, labels or (), period)

    def happening(self, name: str, labels: tuple[str, ...] | None, period: str) -> Happening:
        return Happening(name, labels or (), period)

    def comparison(self, value: Value | Count, sign: str, bound: float | str) -> Comparison:
        return Comparison(value, sign, bound)

    def all_of(self, *events: Event) -> Event:
        return events[0] if len(events) == 1 else AllOf(events)

    def any_of(self, *events: Event) -> Event:
        return events[0] if len(events) == 1 else AnyOf(events)

    def negated(self, event: Event) -> Negated:
        return Negated(event)

    def condition(self, event: Event, probability: float | None) -> Condition:
        if probability is not None and not 0.0 <= probability <= 1.0:
            raise RunError(f"query: the probability of the condition is {probability:g}, expected 0 to 1; correct it")
        if probability == 0.0:  # the event is certain not to hold
            return Condition(Negated(event), None)
        return Condition(event, None if probability == 1.0 else probability)

    def scenario(self, dimension: str, label: str) -> tuple[str, str]:
        return dimension, label

    def probability(self, event: Event, condition: Condition | None, *scenario: tuple[str, str]) -> Term:
        return Term("probability", event, None, condition, _scenario(scenario))

    def mean(self, value: Value | Count, condition: Condition | None, *scenario: tuple[str, str]) -> Term:
        return Term("mean", value, None, condition, _scenario(scenario))

    def quantile(
        self, level: float, value: Value | Count, condition: Condition | None, *scenario: tuple[str, str]
    ) -> Term:
        if not 0.0 < level < 1.0:
            raise RunError(f"query: the quantile is {level:g}, expected a number between 0 and 1; correct it")
        return Term("quantile", value, level, condition, _scenario(scenario))

    def difference(self, term: Term, minus: Term | None) -> tuple[Term, Term | None]:
        if minus and (term.asked == "probability") != (minus.asked == "probability"):
            raise RunError("query: a probability minus a value, expected two probabilities or two values; change one")
        return term, minus


def _scenario(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    names = [dimension for dimension, _ in pairs]
    if strange := [name for name in names if name not in ("war", "design")]:
        raise RunError(f"query: {strange[0]!r} is no scenario, expected war=… or design=…; correct it")
    if len(set(names)) < len(names):
        raise RunError("query: war or design is given twice, expected at most once each; remove one")
    return dict(pairs)
