"""Queries are parsed to objects; every other text is refused in one sentence with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.archive.query_language import (
    EXAMPLE,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Happening,
    Negated,
    Value,
    parse_query,
)
from forecast.errors import RunError

EXIT = Happening("exited", ("USA", "kfor"), "2028Q1")


def test_example_of_the_docs() -> None:
    query = parse_query(EXAMPLE)
    assert query.term.of == Happening("collapsed", ("kfor",), "2029Q4")
    assert query.term.condition == Condition(EXIT, None)
    assert query.term.scenario == {"war": "stalemate"}
    assert query.minus is None


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Happening(name, (), "2030") for name in "abc")
    assert parse_query("P(a by 2030 or b by 2030 and not c by 2030)").term.of == AnyOf((a, AllOf((b, Negated(c)))))
    assert parse_query("P((a by 2030 or b by 2030) and c by 2030)").term.of == AllOf((AnyOf((a, b)), c))


def test_values_quantiles_soft_conditions_and_differences() -> None:
    share = Value("spending", ("DEU",), "2030")
    query = parse_query("Q(0.9, spending[DEU] in 2030 | exited[USA, kfor] by 2028Q1 : 0.3) - E(spending[DEU] in 2030)")
    assert (query.term.asked, query.term.level, query.term.of) == ("quantile", 0.9, share)
    assert query.term.condition == Condition(EXIT, 0.3)
    assert query.minus is not None
    assert (query.minus.asked, query.minus.of) == ("mean", share)
    below = parse_query("P(cohesion in 2030Q4 <= -0.5)").term.of
    assert below == Comparison(Value("cohesion", (), "2030Q4"), "<=", -0.5)


def test_certain_condition_is_hard() -> None:
    event = parse_query("P(crisis by 2030)").term.of
    assert isinstance(event, Happening)
    one, none = (parse_query(f"P(wedge by 2030 | crisis by 2030 : {p})").term.condition for p in (1, 0))
    assert one == Condition(event, None)
    assert none == Condition(Negated(event), None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"character 1, found the end, expected E\(, P\(, Q\("),
        ("P(crisis by 30)", "character 13, found '30.*expected a quarter or year"),
        ("P(crisis by 2030", "character 17, found the end, expected .*a comma"),
        ("P(crisis by 2030) - E(cohesion in 2030)", "a probability minus a value, expected two"),
        ("E(cohesion in 2030Q4) - ", "expected E"),
        ("P(crisis by 2030, weather=fair)", "'weather' is no scenario, expected war=… or design=…"),
        ("P(crisis by 2030, war=win, war=lose)", "given twice"),
        ("Q(1.5, cohesion in 2030)", "the quantile is 1.5, expected a number between 0 and 1"),
        ("P(crisis by 2030 | wedge by 2029 : 2)", "the probability of the condition is 2, expected 0 to 1"),
        ("P(crisis by 2030) P(crisis by 2030)", "expected -, the end"),
        ("__import__('os').system('true')", "character 1"),
        ("P(" + " " * 3000, "3002 characters, expected at most 1000"),
        ("P(" + "(" * 50, "51 opening brackets, expected at most 50"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        parse_query(text)


WORDS = "P( E( Q( ) ( [ ] , | : - and or not by in 2030 2030Q4 0.5 -1 < <= = war design win kfor exited cohesion ; é \0"
PIECES = st.sampled_from(WORDS.split(" "))


@given(st.lists(PIECES, max_size=25).map(" ".join))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        assert parse_query(text).text == text
    except RunError as error:
        assert str(error).startswith("query: ")


def test_deep_nesting_is_refused_or_parsed() -> None:
    deep = "P(" + "(" * 49 + "crisis by 2030" + ")" * 50
    assert parse_query(deep).term.of == Happening("crisis", (), "2030")
    assert parse_query("P(" + "not " * 240 + "crisis by 2030)").term.of
