"""Text of a mixture of scenarios for the terminal, and the lines on weights that other commands share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from forecast.archive.headline_values import Kind
from forecast.archive.mixture import Mixed, Tilt
from forecast.priors.weights import ScenarioWeights
from forecast.reporting.formatting import fold, number, printable, table_lines
from forecast.reporting.headline_text import Labels, headline_title, value_text


def title(kind: Kind, labels: Labels | None = None) -> str:
    """Return the title of a headline with its horizon."""
    return f"{headline_title(asdict(kind), labels)}, {kind.horizon}"


def weights_lines(weights: ScenarioWeights) -> Iterator[str]:
    """Yield the judgements that the weights rest on, or the single scenario."""
    if not weights.entries:
        war, design = weights.scenarios[int(weights.mean.argmax())]
        yield f"in the scenario {war} × {design}"
        return
    for entry in weights.entries:
        shares = ", ".join(f"{name} {100 * p:.4g}\u00a0%" for name, p in entry.probability.items())
        yield from fold(printable(f"{entry.title}, {entry.date}: {shares} (worth {entry.size:g} observations)"))
        yield from fold(printable(f"  {entry.author}; {entry.source}"))


def mixture_lines(
    run: str, mixed: Sequence[Mixed], weights: ScenarioWeights, labels: Labels | None = None
) -> Iterator[str]:
    """Yield the weights and one line for each headline."""
    yield f"run {run}, scenarios mixed with dated weights\n"
    yield from weights_lines(weights)
    yield ""
    rows = [("headline", "mixture", "80 % interval", "MC error", "weights, 95 %")]
    for one in mixed:
        interval = "" if one.lower is None else f"{number(one.lower)} to {number(one.upper)}"
        error = f"±{number(one.monte_carlo.sd, 3)}"
        of_weights = f"{number(one.weights.lower)} to {number(one.weights.upper)}"
        rows.append((title(one.kind, labels), value_text(asdict(one.kind), one.value), interval, error, of_weights))
    yield from table_lines(rows)
    yield ""
    yield "MC error: limit of the Monte Carlo standard error. weights: where the number"
    yield "lies with 95 %, as the weights are uncertain."


def tilt_lines(run: str, tilt: Tilt, weights: ScenarioWeights, labels: Labels | None = None) -> Iterator[str]:
    """Yield the weights that a number needs, beside those given, by war and by design."""
    record = asdict(tilt.kind)
    before, target = value_text(record, tilt.before), value_text(record, tilt.target)
    yield f"run {run}"
    yield from fold(f"{title(tilt.kind, labels)}: {before} with the weights given, {target} with those needed\n")
    shape = (len(weights.wars), len(weights.designs))
    given, needed = weights.mean.reshape(shape), tilt.weights.reshape(shape)
    rows = [("scenario", "given", "needed")]
    for scenarios, axis in ((weights.wars, 1), (weights.designs, 0)):
        sums: Mapping[str, tuple[float, float]] = dict(
            zip(scenarios, zip(given.sum(axis=axis), needed.sum(axis=axis), strict=True), strict=True)
        )
        rows += [(label, f"{100 * a:.1f} %", f"{100 * b:.1f} %") for label, (a, b) in sums.items() if a > 0.0]
    yield from table_lines(rows)
    yield ""
    yield "Of all weights that give this number, those needed are the nearest to those"
    yield f"given: the relative entropy is {tilt.relative_entropy:.3f} nats."
