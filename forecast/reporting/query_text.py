"""Text of the answers to a query for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from forecast.archive.query import Answer
from forecast.archive.query_language import Query
from forecast.reporting.formatting import fold, number, printable, probability, table_lines

_HEADER = ("scenario", "answer", "error", "95 % interval", "paths")


def answer_lines(run: str, query: Query, answers: Sequence[Answer], notes: Sequence[str] = ()) -> Iterator[str]:
    """Yield a table with one line for each scenario, what its columns mean, and notes on what the answers hold."""
    yield from fold(printable(query.text))
    yield f"run {run}\n"
    yield from table_lines([_HEADER, *(_row(query, answer) for answer in answers)])
    yield ""
    yield "error: Monte Carlo standard error. interval: holds the exact value of the"
    yield "simulation in 95 % of samples; it says nothing about the model."
    yield "paths: those that meet the condition."
    for note in notes:
        yield from fold(f"note: {printable(note)}")


def _row(query: Query, answer: Answer) -> tuple[str, ...]:
    found = answer.estimate
    is_probability = query.term.asked == "probability"
    scenario = _scenario(answer.scenario, answer.minus or answer.scenario)
    if is_probability and not answer.minus:
        value, error = probability(found.value), f"{100 * found.error:.1f}"
        interval = f"{100 * found.lower:.1f} to {100 * found.upper:.1f} %"
    else:
        scale, unit = (100.0, " pp") if is_probability else (1.0, "")
        digits = 1 if is_probability else 2
        value, error = f"{number(scale * found.value, digits)}{unit}", number(scale * found.error, digits)
        interval = f"{number(scale * found.lower, digits)} to {number(scale * found.upper, digits)}"
    return scenario, value, error, interval, f"{found.support:,} of {found.paths:,}"


def _scenario(scenario: Mapping[str, str], minus: Mapping[str, str]) -> str:
    """Return the labels of a scenario, or of both scenarios of a difference: `(win − lose) × none`."""
    pairs = [(label, minus[dimension]) for dimension, label in scenario.items()]
    if all(label != other for label, other in pairs):
        first, second = (" × ".join(labels) for labels in zip(*pairs, strict=True))
        return f"({first}) − ({second})"
    return " × ".join(label if label == other else f"({label} − {other})" for label, other in pairs)
