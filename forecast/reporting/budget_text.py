"""Text of uncertainty budgets for the terminal."""

from collections.abc import Iterator, Sequence

import numpy as np

from forecast.archive.budget import SOURCES, Budget
from forecast.priors.weights import ScenarioWeights
from forecast.reporting.formatting import MISSING, fold, number, table_lines
from forecast.reporting.headline_text import Labels
from forecast.reporting.mixture_text import title, weights_lines


def budget_lines(
    run: str, found: Sequence[Budget], weights: ScenarioWeights, labels: Labels | None = None
) -> Iterator[str]:
    """Yield one line for each headline: its standard deviation and its shares in percent with their errors."""
    yield from fold(f"run {run}: shares of variance in percent, ± standard error\n")
    yield from weights_lines(weights)
    yield ""
    rows: list[Sequence[str]] = [("headline", "sd", *SOURCES)]
    for one in found:
        shares = [_share(share, error) for share, error in zip(one.shares, one.errors, strict=True)]
        rows.append((title(one.kind, labels), number(one.sd), *shares))
    yield from table_lines(rows)
    yield ""
    yield f"{found[0].draws:,} parameter draws, three paths of each in each scenario."
    yield "judgement: priors without data. parameters: what the fits leave open. chance:"
    yield "what no knowledge of parameters removes."


def _share(share: float, error: float) -> str:
    return f"{100 * share:.0f} ± {100 * error:.0f}" if np.isfinite(share) else MISSING
