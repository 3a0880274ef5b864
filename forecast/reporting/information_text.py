"""Text of the value of information for the terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from forecast.archive.information import Information
from forecast.priors.weights import ScenarioWeights
from forecast.reporting.formatting import fold, printable, table_lines
from forecast.reporting.headline_text import Labels
from forecast.reporting.mixture_text import title, weights_lines

_MOST: Final = 5  # headlines shown of each release
_CLEAR: Final = 2.0  # standard errors from which a share counts as found


def information_lines(
    run: str, found: Sequence[Information], weights: ScenarioWeights, labels: Labels | None = None
) -> Iterator[str]:
    """Yield the releases by day, each with the headlines that it narrows most."""
    yield from fold(f"run {run}: expected reduction of the variance by coming releases, in percent\n")
    yield from weights_lines(weights)
    for one in found:
        expected = "" if one.release.announced else ", expected"
        yield ""
        yield from fold(printable(f"{one.release.date}{expected}  {one.release.name}"))
        if one.missing:
            yield from fold(printable(f"  the run does not have {', '.join(one.missing)}"))
            continue
        clear = [n for n in one.narrowings if n.share >= _CLEAR * n.error and n.share > 0.0][:_MOST]
        if not clear:
            yield f"  no headline is narrowed by more than the error of {one.paths:,} paths"
            continue
        rows = [(f"  {title(n.kind, labels)}", f"{100 * n.share:.0f} ± {100 * n.error:.0f}") for n in clear]
        yield from table_lines(rows)
    yield ""
    yield f"From {found[0].paths:,} paths; shares above two standard errors are shown."
    yield "A release is taken to be exact."
