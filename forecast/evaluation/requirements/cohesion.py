"""Claims on alliance cohesion between war and peace: four factors, three ends of the war, what moves cohesion."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.names import DESIGNS, FACTORS, INDICES, VERDICTS, WARS
from forecast.priors.scenarios import PARTS, parse_grid
from forecast.projection.acceptance_checks import (
    HIGHEST,
    LOWEST,
    MIN_MARGIN,
    MIN_WEIGHT_SHARE,
    check_verdicts,
    check_weightings,
    reference_cells,
)
from forecast.projection.batches import SimulationSpec
from forecast.projection.execution import Executor
from forecast.projection.projection import Projection
from forecast.storage.files import read_toml

WARS_ALONE: Final = tuple((war, DESIGNS[0]) for war in WARS[1:])
YEAR: Final = 4  # quarters
SUBFACTORS: Final = 11
REPLICATES: Final = 8  # paths for a parameter draw where shares of a few hundredths matter


def _projection(experiment: Experiment) -> Projection:
    """Return the projection of the experiment, as the acceptance checks of a run need it."""
    plan = experiment.inputs.plan
    return Projection(
        spec=SimulationSpec(
            static=experiment.layout,
            draws=experiment.draws,
            quarters=plan.quarters,
            joint_paths=plan.joint_paths,
            seed=plan.seed,
        ),
        neutral_draws=experiment.draws,
        start="neutral",
        samples=experiment.samples,
        roster=experiment.roster,
        priors=experiment.inputs.priors,
        executor=Executor(experiment.threads),
        paths_per_draw=REPLICATES,
    )


def _shifted(experiment: Experiment, **fields: Any) -> dict[str, Any]:
    """Parameters of the laboratory with something added."""
    return {name: experiment.draws.parameters[name] + value for name, value in fields.items()}


def _still(
    experiment: Experiment, cells: Sequence[tuple[str, str]], parameters: Mapping[str, Any] | None = None
) -> ExperimentResult:
    """Cells whose factors do not wander and to which nothing happens: the shifts alone."""
    quiet = {"factor_innovation": 0.0}
    return experiment.run(cells, paths=256, off=["all"], constants=quiet, parameters=parameters)


def k1(experiment: Experiment) -> RequirementResult:
    """Three ends of the war beside the neutral reference, and no cell needs weights for them."""
    wars = [war for war in experiment.inputs.priors.grid.wars.values() if war.verdict]
    alone = experiment.run([("win", "none")], paths=64).cohesion("win")
    beside = experiment.run([("win", "none"), ("lose", "none")], paths=64).cohesion("win")
    same = bool((alone == beside).all())
    told = f"{', '.join(w.name for w in wars)}; a cell alone {'is' if same else 'is not'} the same"
    return RequirementResult(told, len(wars) == 3 and same)


def k2(experiment: Experiment) -> RequirementResult:
    """Cohesion has four factors: threats, institutions, norms and leadership, each with a weight of its own."""
    factors = tuple(experiment.inputs.priors.grid.factors)
    weights = experiment.draws.parameters["weights"]
    told = ", ".join(f"{f} {w:.2f}" for f, w in zip(factors, weights.mean(axis=0), strict=True))
    whole = bool(np.allclose(weights.sum(axis=1), 1.0)) and bool((weights > 0).all())
    return RequirementResult(f"mean weights {told}", factors == FACTORS and whole)


def k3(experiment: Experiment) -> RequirementResult:
    """Eleven sub-factors: one that turns changes the sign of its own factor and of no other."""
    folder = experiment.inputs.home / "priors" / "scenarios"
    raw = {part: read_toml(folder / f"{part}.toml") for part in PARTS}
    grid, right = experiment.inputs.priors.grid, 0
    for factor, subs in grid.factors.items():
        for sub in subs:
            war = {**raw["war"]["stalemate"], "subfactors": {sub: "+"}}
            turned, _ = parse_grid(folder, {**raw, "war": {**raw["war"], "stalemate": war}})
            if turned is not None:
                signs = turned.wars["stalemate"].signs
                moved = [f for f in FACTORS if signs[f] != grid.wars["stalemate"].signs[f]]
                right += moved == [factor]
    told = ", ".join(f"{f} {len(grid.factors[f])}" for f in FACTORS)
    return RequirementResult(f"{told}; {right} move their factor alone", right == SUBFACTORS)


def k4(experiment: Experiment) -> RequirementResult:
    """Shifts of the wars stand in the order of the sign table, in every factor."""
    wars = experiment.inputs.priors.grid.wars
    means = {
        war: experiment.draws.cells["war_shift"][:, experiment.roster.cells.index((war, "none"))].mean(axis=0)
        for war, _ in WARS_ALONE
    }
    kept = 0
    for f, factor in enumerate(FACTORS):
        for a, _ in WARS_ALONE:
            for b, _ in WARS_ALONE:
                sign, found = (
                    wars[a].signs[factor] - wars[b].signs[factor],
                    means[a][f] - means[b][f],
                )
                kept += int(sign * found > 0 or (sign == 0 and abs(found) < 0.1))
    return RequirementResult(f"{kept} of 36 pairs of wars in order", kept == len(FACTORS) * 9)


def k5(experiment: Experiment) -> RequirementResult:
    """From the neutral state the modal verdicts are Strong, Fragmented and Weak, neither by chance nor hard-coded."""
    layout, draws = reference_cells(experiment.layout, experiment.draws, experiment.roster)
    found = check_verdicts(_projection(experiment), layout, draws)
    told = ", ".join(
        f"{war} {cell['wanted']} {cell['probability'][cell['wanted']]:.2f}" for war, cell in found["cells"].items()
    )
    asked = f"margin of {MIN_MARGIN:.2f} or more, each in [{LOWEST:.2f}, {HIGHEST:.2f}]"
    return RequirementResult(f"{told}; asked: {asked}", bool(found["met"]))


def k6(experiment: Experiment) -> RequirementResult:
    """The order of the verdicts is no artefact of one choice of weights."""
    layout, draws = reference_cells(experiment.layout, experiment.draws, experiment.roster)
    found = check_weightings(_projection(experiment), layout, draws)
    told = f"{found['share']:.2f} of uniform weightings keep it, {MIN_WEIGHT_SHARE:.2f} asked"
    return RequirementResult(told, bool(found["met"]))


def k7(experiment: Experiment) -> RequirementResult:
    """Fragmented means inconsistency: the factors disagree most when Ukraine loses, on most draws."""
    seen = _still(experiment, WARS_ALONE)
    at = experiment.roster.verdict_at
    discord = np.stack([seen.index("discordance", war)[:, at] for war, _ in WARS_ALONE])
    share = float((discord.argmax(axis=0) == 1).mean())
    return RequirementResult(f"highest in `lose` on {share:.2f} of draws, .33 by chance", share >= 0.5)


def k8(experiment: Experiment) -> RequirementResult:
    """Cohesion has a political and a military side, and neither makes the other redundant."""
    seen = experiment.run()
    at = experiment.roster.verdict_at
    sides = [seen.index(side)[:, at] for side in INDICES[:2]]
    r = float(np.corrcoef(sides)[0, 1])
    return RequirementResult(f"correlation {r:.2f} between paths after {at + 1} quarters", r < 0.95)


def k9(experiment: Experiment) -> RequirementResult:
    """A threat seen alike does not make a strong alliance by itself."""
    cells = experiment.draws.cells.copy()
    cells["war_shift"] = [1.0, 0.0, 0.0, 0.0]
    seen = experiment.run([("win", "none")], draws=experiment.draws._replace(cells=cells), off=["all"])
    p = seen.verdicts("win")[experiment.roster.verdict_at]
    told = ", ".join(f"{v} {x:.2f}" for v, x in zip(VERDICTS, p, strict=True))
    return RequirementResult(f"threats +1 alone: {told}", int(p.argmax()) != VERDICTS.index("Strong"))


def k10(experiment: Experiment) -> RequirementResult:
    """A crisis rallies the alliance at first and strains it later."""
    calm = experiment.run()
    struck = experiment.run(constants={"crisis": 0})
    response = np.median(struck.cohesion() - calm.cohesion(), axis=0)
    told = ", ".join(f"{response[t]:+.3f} in quarter {t}" for t in (0, 2, 8))
    return RequirementResult(f"median response {told}", bool((response[:3] > 0).all() and response[8] < 0))


def k11(experiment: Experiment) -> RequirementResult:
    """Allies feel the Russian threat unequally: as it rises they see it less alike, and the front line spends more."""
    cells = [("win", "none"), ("lose", "none")]
    seen = experiment.run(cells, off=["all"])
    at = experiment.roster.verdict_at
    alike = (seen.index("convergence", "lose") - seen.index("convergence", "win"))[:, at].mean()
    share = np.exp(_mean_log_share(experiment, seen))
    front = experiment.layout.members["front"] > 0
    rise = np.log(share[1] / share[0])
    told = f"convergence {alike:+.2f}, spending at the front {rise[front].mean():+.2f}, elsewhere"
    return RequirementResult(
        f"{told} {rise[~front].mean():+.2f} (log), `lose` against `win`",
        bool(alike < 0 and rise[front].mean() > rise[~front].mean()),
    )


def _mean_log_share(experiment: Experiment, seen: ExperimentResult) -> NDArray[Any]:
    """(cells, members with spending): mean log share of GDP in the last year, from the tallies; others 0."""
    from forecast.simulation.histograms import share_values

    counted = seen.tally.share[:, :, -1]
    total = np.maximum(counted.sum(axis=-1), 1)
    return np.asarray((counted @ np.log(share_values())) / total)


def k12(experiment: Experiment) -> RequirementResult:
    """Decisions by consensus are blocked more often the less alike the members are."""
    base = experiment.draws.parameters
    doubled = {"block_spread": 2.0 * base["block_spread"]}  # the rule sees the product with H alone
    share = [experiment.run(parameters=p).happened("block")[YEAR - 1] for p in (None, doubled)]
    told = f"at least one block in a year {share[0]:.2f}, with twice the heterogeneity {share[1]:.2f}"
    return RequirementResult(told, bool(share[1] > share[0]))


def k13(experiment: Experiment) -> RequirementResult:
    """What spending costs the economy tells on leadership, a little."""
    cost = experiment.draws.parameters["spending_cost"]
    on = experiment.run(off=[m for m in _OTHERS if m != "spending_cost"])
    seen = on.cohesion()[:, -1] - experiment.run(off=["all"]).cohesion()[:, -1]
    rise = on.european()[:, -1] - on.european()[:, 0]
    told = f"{cost.mean():+.3f} per point of GDP; cohesion {seen.mean():+.4f} after {rise.mean():+.2f} points"
    return RequirementResult(told, bool(cost.mean() < 0 and seen.mean() * rise.mean() < 0))


_OTHERS: Final = (
    "collapse",
    "crises",
    "wedges",
    "orientation",
    "scapegoating",
    "burden",
    "spending_cost",
    "vetoes",
    "disputes",
    "article5",
    "alliance_exits",
    "us_posture",
    "backsliding",
    "balancing",
)


def k14(experiment: Experiment) -> RequirementResult:
    """Leaders who turn from the alliance lower its leadership, and sceptics blame it for gain at home."""
    base = experiment.run()
    doubt = experiment.run(parameters={"sceptic": 0.9, "sceptic_usa": 0.9})
    lower = float((doubt.cohesion() - base.cohesion())[:, -1].mean())
    blame = [o.happened("scapegoat")[-1] for o in (base, doubt)]
    told = f"cohesion {lower:+.2f} where nine in ten new leaders doubt; blamed {blame[0]:.2f}, {blame[1]:.2f}"
    return RequirementResult(told, bool(lower < 0 and blame[1] > blame[0] > 0))


def k15(experiment: Experiment) -> RequirementResult:
    """A wedge that China drives lowers the probability of Strong in every war."""
    at, strong = experiment.roster.verdict_at, VERDICTS.index("Strong")
    calm = experiment.run(WARS_ALONE)
    split = experiment.run(WARS_ALONE, constants={"china_wedge": 0})
    change = [split.verdicts(w)[at, strong] - calm.verdicts(w)[at, strong] for w, _ in WARS_ALONE]
    told = ", ".join(f"{w} {c:+.3f}" for (w, _), c in zip(WARS_ALONE, change, strict=True))
    return RequirementResult(f"P(Strong) {told}", max(change) <= 0)


def k16(experiment: Experiment) -> RequirementResult:
    """Less confidence in Article 5 means less cohesion, and it is felt on the political side."""
    base = experiment.run()
    low = experiment.run(parameters=_shifted(experiment, article5=-0.2))
    at = experiment.roster.verdict_at
    fall = float((low.cohesion() - base.cohesion())[:, at].mean())
    side = float((low.index("political") - base.index("political"))[:, at].mean())
    return RequirementResult(f"20 points less: cohesion {fall:+.2f}, political {side:+.2f}", side < fall < 0)


def k17(experiment: Experiment) -> RequirementResult:
    """The alliance signals deterrence; by default the signal changes nothing, by a knob it lowers the threat."""
    knob = float(experiment.layout.constants[0].deterrence_feedback)
    runs = [experiment.run(constants={"deterrence_feedback": k}) for k in (0.0, 0.5)]
    threat = [float(run.tally.threat_sum[0, -1] / run.tally.paths.sum() / 2**32) for run in runs]
    signal = float(runs[0].index("deterrence")[:, -1].mean())
    told = f"signal {signal:.2f}, knob {knob:g}; threat {threat[0]:.2f}, with the knob at .5 {threat[1]:.2f}"
    return RequirementResult(told, knob == 0.0 and threat[1] < threat[0])
