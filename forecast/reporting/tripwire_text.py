"""Text of tripwires for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from forecast.archive.headline_values import Kind
from forecast.archive.tripwires import Tripwire
from forecast.priors.weights import ScenarioWeights
from forecast.reporting.formatting import fold, number, table_lines
from forecast.reporting.headline_text import Labels
from forecast.reporting.mixture_text import title, weights_lines


def tripwire_lines(
    run: str,
    found: Sequence[Tripwire],
    needed: Mapping[Kind, int],
    weights: ScenarioWeights,
    move: float,
    labels: Labels | None = None,
) -> Iterator[str]:
    """Yield the tripwires of each headline, and the headlines without any, with the number of paths `needed`."""
    yield from fold(f"run {run}: what within a year would move a headline by {move:g} or more\n")
    yield from weights_lines(weights)
    for kind in needed:
        own = [one for one in found if one.kind == kind]
        if own:
            yield ""
            yield from fold(f"{title(kind, labels)}: {number(own[0].before)} on average")
            rows = [("  if", "chance", "moves by", "paths"), *(_row(one) for one in own)]
            yield from table_lines(rows)
    if without := [kind for kind in needed if all(one.kind != kind for one in found)]:
        yield "\nno tripwire found; one that is crossed with 25 % would show with about so many"
        yield "paths (--simulate)"
        yield from table_lines([(f"  {title(kind, labels)}", f"{needed[kind]:,}") for kind in without])
    if found:
        yield f"\nchosen on one half of the draws, measured on {found[0].paths:,} paths of the other half."
        yield "paths: independent paths beyond the threshold. What goes together need not be a"
        yield "cause."


def _row(one: Tripwire) -> tuple[str, str, str, str]:
    return (
        f"  {condition(one)}",
        f"{100 * one.chance:.0f} ± {100 * one.chance_error:.0f} %",
        f"{'+' * (one.move > 0)}{number(one.move, 3)} ± {number(one.move_error, 3)}",
        f"{one.support:.0f}",
    )


def condition(one: Tripwire) -> str:
    """Return what must be observed, such as `spending[DEU] in 2026 >= 2.61`."""
    if one.is_event:
        return one.observable if one.above else f"not {one.observable}"
    return f"{one.observable} {'>=' if one.above else '<='} {one.threshold:.3g}"
