"""Requirements on the cohesion of the alliance: four factors, three war outcomes, and what changes cohesion."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.requirements.experiment import (
    LOSE,
    STALEMATE,
    WIN,
    Cell,
    Experiment,
    ExperimentResult,
    RequirementResult,
    mean_log_share,
)
from forecast.names import FACTORS, INDICES, VERDICTS
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
from forecast.projection.parameter_draws.assemble import start_from_posterior
from forecast.projection.projection import Projection
from forecast.simulation.arrays import Draws
from forecast.simulation.tallies import UNIT

#: The sign table as the source prints it: threats, institutions, norms, leadership (Kunertova and Schmitt 2023).
SIGN_TABLE: Final[Mapping[str, tuple[str, ...]]] = {
    WIN: ("+", "=", "+", "+"),
    LOSE: ("–", "+", "=/+", "=/–"),
    STALEMATE: ("=/–", "=/+", "–", "–"),
}
WARS_ALONE: Final = tuple((war, None) for war in SIGN_TABLE)
_VALUES: Final = {"+": 1.0, "=/+": 0.5, "=": 0.0, "=/–": -0.5, "–": -1.0}
YEAR: Final = 4  # quarters
SUBFACTORS: Final = 11
REPLICATES: Final = 8  # paths per parameter draw; a check compares probabilities to a few hundredths


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
    """Return parameters of the experiment with a value added to each named field."""
    return {name: experiment.draws.parameters[name] + value for name, value in fields.items()}


def _without_innovations(
    experiment: Experiment, cells: Sequence[Cell], parameters: Mapping[str, Any] | None = None
) -> ExperimentResult:
    """Simulate cells without factor innovations and events, so that only the shifts of the wars act."""
    no_innovation = {"factor_innovation": 0.0}
    return experiment.run(cells, paths=256, off=["all"], constants=no_innovation, parameters=parameters)


def k1(experiment: Experiment) -> RequirementResult:
    """There are three war outcomes, won, lost and stalemate; each is projected by itself, whatever else is projected.

    Fails if a war is simulated otherwise beside other wars.
    """
    wars = [war.name for war in experiment.inputs.priors.grid.wars.values() if war.verdict]
    together = experiment.run(WARS_ALONE[::-1], paths=64)
    same = 0
    for war, design in WARS_ALONE:
        alone = experiment.run([(war, design)], paths=64)
        same += bool((alone.cohesion(war) == together.cohesion(war)).all())
        same += bool((alone.tally.verdict[0] == together.tally.verdict[together.cells.index((war, design))]).all())
    text = f"{', '.join(wars)}; {same} of 6 comparisons of a war alone and beside the others are equal"
    return RequirementResult(text, same == 6)


def k2(experiment: Experiment) -> RequirementResult:
    """Cohesion has four factors: threats, institutions, norms and leadership, and each counts by its own weight.

    Fails if the fit has other factors, or a factor raises cohesion by more or less than its weight.
    """
    labels = tuple(map(str, experiment.samples["cohesion"]["factor_state"]["factor"].values))
    weights = experiment.draws.parameters["weights"].mean(axis=0)
    base = _without_innovations(experiment, [(WIN, None)]).cohesion(WIN)[:, -1]
    rises = []
    for f in range(len(FACTORS)):
        cells = experiment.draws.cells.copy()
        cells["war_shift"][..., f] += 1.0
        raised = experiment.using(draws=experiment.draws._replace(cells=cells))
        rises.append(float((_without_innovations(raised, [(WIN, None)]).cohesion(WIN)[:, -1] - base).mean()))
    text = ", ".join(f"{f} {x:.2f} (weight {w:.2f})" for f, x, w in zip(FACTORS, rises, weights, strict=True))
    close = bool(np.allclose(rises, weights, atol=0.02)) and min(rises) > 0.0
    return RequirementResult(f"one unit of a factor raises cohesion by: {text}", labels == FACTORS and close)


def k3(experiment: Experiment) -> RequirementResult:
    """There are eleven sub-factors; without one, its factor starts elsewhere by its part, and no other factor moves.

    Fails if a sub-factor is missing, moves no factor or another one, or explains less than half of its factor with
    the others.
    """
    samples, grid = experiment.samples["cohesion"], experiment.inputs.priors.grid
    start = start_from_posterior(experiment.draws, samples)
    base = _factors_at_start(experiment, start)
    state = samples["subfactor_state"].isel(year=-1)
    share, moved = [], 0
    for f, factor in enumerate(FACTORS):
        own = samples["subfactor_state"].sel(subfactor=list(grid.factors[factor])).mean("subfactor")
        whole = samples["factor_state"].sel(factor=factor)
        share.append(1.0 - float((whole - own).var() / whole.var()))
        for subfactor in grid.factors[factor]:
            part = state.sel(subfactor=subfactor).values / len(grid.factors[factor])
            parameters = start.parameters.copy()
            parameters["factor_start"][:, f] -= part
            change = _factors_at_start(experiment, start._replace(parameters=parameters)) - base
            expected = np.zeros(len(FACTORS))
            expected[f] = -part.mean() * experiment.layout.constants[0].factor_phi
            moved += bool(np.allclose(change, expected, atol=1e-6)) and abs(expected[f]) > 1e-4
    text = ", ".join(f"{f} {len(grid.factors[f])} ({x:.2f})" for f, x in zip(FACTORS, share, strict=True))
    return RequirementResult(
        f"sub-factors, and the share of the factor's variance in their mean: {text}; {moved} move their factor alone",
        moved == SUBFACTORS and min(share) > 0.5,
    )


def _factors_at_start(experiment: Experiment, draws: Draws) -> NDArray[Any]:
    """Return the mean of each factor in the first quarter, (factor,), with one path for each draw."""
    result = experiment.using(draws=draws).run(off=["all"], paths=draws.parameters.size)
    return np.asarray(result.tally.factor_sum[0, 0] / result.paths / UNIT)


def k4(experiment: Experiment) -> RequirementResult:
    """The signs are those printed in the source, and the shifts of the wars have their order in every factor.

    Fails if a sign differs from the source, or the shifts of two wars are out of order.
    """
    experiment.require(*SIGN_TABLE)
    wars = experiment.inputs.priors.grid.wars
    printed = sum(
        wars[war].symbols[factor] == sign
        for war, signs in SIGN_TABLE.items()
        for factor, sign in zip(FACTORS, signs, strict=True)
    )
    means = {war: experiment.draws.cells["war_shift"][:, experiment.position(war)].mean(axis=0) for war in SIGN_TABLE}
    in_order = 0
    for f in range(len(FACTORS)):
        for a, first in SIGN_TABLE.items():
            for b, second in SIGN_TABLE.items():
                sign, difference = _VALUES[first[f]] - _VALUES[second[f]], means[a][f] - means[b][f]
                in_order += int(sign * difference > 0 or (sign == 0 and abs(difference) < 0.1))
    text = f"{printed} of 12 signs as printed, {in_order} of 36 pairs of wars in order"
    return RequirementResult(text, printed == 12 and in_order == 36)


def k5(experiment: Experiment) -> RequirementResult:
    """From the neutral state the modal verdicts are Strong, Fragmented and Weak, with a margin but not certain.

    Fails if another class is the most probable, leads by less than the margin, or is too sure or unsure.
    """
    experiment.require(*SIGN_TABLE)
    layout, draws = reference_cells(experiment.layout, experiment.draws, experiment.roster)
    check = check_verdicts(_projection(experiment), layout, draws)
    text = ", ".join(
        f"{war} {cell['wanted']} {cell['probability'][cell['wanted']]:.2f}" for war, cell in check["cells"].items()
    )
    required = f"margin of {MIN_MARGIN:.2f} or more, each in [{LOWEST:.2f}, {HIGHEST:.2f}]"
    return RequirementResult(f"{text}; required: {required}", bool(check["met"]))


def k6(experiment: Experiment) -> RequirementResult:
    """The order of the verdicts does not depend on one choice of weights.

    Fails if fewer than 80 % of weightings keep the order.
    """
    experiment.require(*SIGN_TABLE)
    layout, draws = reference_cells(experiment.layout, experiment.draws, experiment.roster)
    check = check_weightings(_projection(experiment), layout, draws)
    text = f"{check['share']:.2f} of uniform weightings keep it, {MIN_WEIGHT_SHARE:.2f} required"
    return RequirementResult(text, bool(check["met"]))


def k7(experiment: Experiment) -> RequirementResult:
    """Fragmented means inconsistency: the factors disagree most when Ukraine loses, in most draws.

    Fails if the factors disagree most in `lose` on less than half of the draws.
    """
    result = _without_innovations(experiment, WARS_ALONE)
    quarter = experiment.roster.verdict_at
    discord = np.stack([result.index("discordance", war)[:, quarter] for war, _ in WARS_ALONE])
    share = float((discord.argmax(axis=0) == 1).mean())
    return RequirementResult(f"highest in `lose` on {share:.2f} of draws, 0.33 by chance", share >= 0.5)


def k8(experiment: Experiment) -> RequirementResult:
    """Cohesion has a political and a military side, and neither is redundant.

    Fails if the two sides move together (0.95 or more).
    """
    result = experiment.run()
    quarter = experiment.roster.verdict_at
    sides = [result.index(side)[:, quarter] for side in INDICES[:2]]
    r = float(np.corrcoef(sides)[0, 1])
    return RequirementResult(f"correlation {r:.2f} between paths after {quarter + 1} quarters", r < 0.95)


def k9(experiment: Experiment) -> RequirementResult:
    """A shared perception of threat does not make a strong alliance by itself.

    Fails if a threat seen alike makes Strong the most probable class.
    """
    cells = experiment.draws.cells.copy()
    cells["war_shift"] = [1.0, 0.0, 0.0, 0.0]
    result = experiment.using(draws=experiment.draws._replace(cells=cells)).run([(WIN, None)], off=["all"])
    p = result.verdicts(WIN)[experiment.roster.verdict_at]
    text = ", ".join(f"{v} {x:.2f}" for v, x in zip(VERDICTS, p, strict=True))
    return RequirementResult(f"threats +1 alone: {text}", int(p.argmax()) != VERDICTS.index("Strong"))


def k10(experiment: Experiment) -> RequirementResult:
    """A crisis raises cohesion at first and lowers it later.

    Fails if cohesion falls in the first three quarters of a crisis, or is not lower two years on.
    """
    calm = experiment.run()
    struck = experiment.run(constants={"crisis": 0})
    response = np.median(struck.cohesion() - calm.cohesion(), axis=0)
    text = ", ".join(f"{response[t]:+.3f} in quarter {t}" for t in (0, 2, 8))
    return RequirementResult(f"median response {text}", bool((response[:3] > 0).all() and response[8] < 0))


def k11(experiment: Experiment) -> RequirementResult:
    """The Russian threat is felt unequally: as it rises, perceptions diverge and front-line states spend more.

    Fails if perceptions do not diverge, or the front line spends no more than the rest.
    """
    cells = [(WIN, None), (LOSE, None)]
    result = experiment.run(cells, off=["all"])
    quarter = experiment.roster.verdict_at
    alike = (result.index("convergence", LOSE) - result.index("convergence", WIN))[:, quarter].mean()
    share = np.exp(mean_log_share(result))
    front = experiment.layout.members["front"] > 0
    rise = np.log(share[1] / share[0])
    text = f"convergence {alike:+.2f}, spending at the front {rise[front].mean():+.2f}, elsewhere"
    return RequirementResult(
        f"{text} {rise[~front].mean():+.2f} (log), `lose` against `win`",
        bool(alike < 0 and rise[front].mean() > rise[~front].mean()),
    )


def k12(experiment: Experiment) -> RequirementResult:
    """Consensus decisions are blocked more often if the members are more heterogeneous.

    Fails if blocks are no more frequent with twice the heterogeneity.
    """
    base = experiment.draws.parameters
    doubled = {
        "block_spread": 2.0 * base["block_spread"]
    }  # the rule uses only the product of this spread and the heterogeneity
    share = [experiment.run(parameters=p).happened("block")[YEAR - 1] for p in (None, doubled)]
    text = f"at least one block in a year {share[0]:.2f}, with twice the heterogeneity {share[1]:.2f}"
    return RequirementResult(text, bool(share[1] > share[0]))


def k13(experiment: Experiment) -> RequirementResult:
    """The economic cost of spending lowers leadership a little.

    Fails if the cost is not negative, or cohesion does not move against spending.
    """
    cost = experiment.draws.parameters["spending_cost"]
    on = experiment.run(off=[m for m in _OTHERS if m != "spending_cost"])
    change = on.cohesion()[:, -1] - experiment.run(off=["all"]).cohesion()[:, -1]
    rise = on.european()[:, -1] - on.european()[:, 0]
    text = f"{cost.mean():+.3f} per point of GDP; cohesion {change.mean():+.4f} after {rise.mean():+.2f} points"
    return RequirementResult(text, bool(cost.mean() < 0 and change.mean() * rise.mean() < 0))


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
    """Leaders who are sceptical of the alliance lower cohesion and use it as a scapegoat.

    Fails if sceptical leaders do not lower cohesion or do not blame the alliance more.
    """
    base = experiment.run()
    doubt = experiment.run(parameters={"sceptic": 0.9, "sceptic_usa": 0.9})
    lower = float((doubt.cohesion() - base.cohesion())[:, -1].mean())
    blame = [o.happened("scapegoat")[-1] for o in (base, doubt)]
    text = (
        f"cohesion {lower:+.2f} if nine in ten new leaders are sceptical; P(scapegoat) {blame[0]:.2f}, {blame[1]:.2f}"
    )
    return RequirementResult(text, bool(lower < 0 and blame[1] > blame[0] > 0))


def k15(experiment: Experiment) -> RequirementResult:
    """A wedge driven by China lowers the probability of Strong in every war.

    Fails if a wedge raises P(Strong) in any war.
    """
    quarter, strong = experiment.roster.verdict_at, VERDICTS.index("Strong")
    calm = experiment.run(WARS_ALONE)
    split = experiment.run(WARS_ALONE, constants={"china_wedge": 0})
    change = [split.verdicts(w)[quarter, strong] - calm.verdicts(w)[quarter, strong] for w, _ in WARS_ALONE]
    text = ", ".join(f"{w} {c:+.3f}" for (w, _), c in zip(WARS_ALONE, change, strict=True))
    return RequirementResult(f"P(Strong) {text}", max(change) <= 0)


def k16(experiment: Experiment) -> RequirementResult:
    """Less confidence in Article 5 lowers cohesion, most on the political side.

    Fails if cohesion does not fall, or the political side falls less than the whole.
    """
    base = experiment.run()
    low = experiment.run(parameters=_shifted(experiment, article5=-0.2))
    quarter = experiment.roster.verdict_at
    fall = float((low.cohesion() - base.cohesion())[:, quarter].mean())
    side = float((low.index("political") - base.index("political"))[:, quarter].mean())
    return RequirementResult(f"20 points less: cohesion {fall:+.2f}, political {side:+.2f}", side < fall < 0)


def k17(experiment: Experiment) -> RequirementResult:
    """The deterrence signal changes nothing by default; with its feedback parameter set, it lowers the threat.

    Fails if the default has a feedback, or the feedback does not lower the threat.
    """
    feedback = float(experiment.layout.constants[0].deterrence_feedback)
    runs = [experiment.run(constants={"deterrence_feedback": k}) for k in (0.0, 0.5)]
    threat = [float(run.tally.threat_sum[0, -1] / run.tally.paths.sum() / UNIT) for run in runs]
    signal = float(runs[0].index("deterrence")[:, -1].mean())
    text = (
        f"signal {signal:.2f}, default feedback {feedback:g}; threat {threat[0]:.2f}, with feedback 0.5 {threat[1]:.2f}"
    )
    return RequirementResult(text, feedback == 0.0 and threat[1] < threat[0])
