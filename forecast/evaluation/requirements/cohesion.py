"""Claims on alliance cohesion between war and peace: four factors, three ends of the war, what moves cohesion."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from forecast.evaluation.requirements.experiment import Found, Lab, Outcome
from forecast.names import DESIGNS, FACTORS, INDICES, VERDICTS, WARS
from forecast.priors.scenarios import PARTS, parse_grid
from forecast.progress import silent
from forecast.projection.acceptance_checks import (
    HIGHEST,
    LOWEST,
    MIN_MARGIN,
    MIN_WEIGHT_SHARE,
    reference_cells,
    verdicts,
    weight_share,
)
from forecast.projection.batches import Setting
from forecast.projection.execution import simulate_paths
from forecast.simulation.arrays import Draws, Layout
from forecast.simulation.tallies import Joint, Tally
from forecast.storage.files import read_toml

WARS_ALONE: Final = tuple((war, DESIGNS[0]) for war in WARS[1:])
YEAR: Final = 4  # quarters
SUBFACTORS: Final = 11
REPLICATES: Final = 8  # paths for a parameter draw where shares of a few hundredths matter


def _simulate(lab: Lab) -> Any:
    """As the checks of a run ask for it."""

    def simulate(layout: Layout, draws: Draws, quarters: int) -> tuple[Tally, Joint]:
        paths = REPLICATES * draws.parameters.size
        setting = Setting(
            layout=layout,
            draws=draws,
            quarters=quarters,
            joint_paths=paths,
            seed=lab.inputs.plan.seed,
        )
        return simulate_paths(setting, paths, threads=lab.threads, report=silent)

    return simulate


def _shifted(lab: Lab, **fields: Any) -> dict[str, Any]:
    """Parameters of the laboratory with something added."""
    return {name: lab.draws.parameters[name] + value for name, value in fields.items()}


def _still(lab: Lab, cells: Sequence[tuple[str, str]], parameters: Mapping[str, Any] | None = None) -> Outcome:
    """Cells whose factors do not wander and to which nothing happens: the shifts alone."""
    quiet = {"factor_innovation": 0.0}
    return lab.play(cells, paths=256, off=["all"], constants=quiet, parameters=parameters)


def k1(lab: Lab) -> Found:
    """Three ends of the war beside the neutral reference, and no cell needs weights for them."""
    wars = [war for war in lab.inputs.beliefs.grid.wars.values() if war.verdict]
    alone = lab.play([("win", "none")], paths=64).cohesion("win")
    beside = lab.play([("win", "none"), ("lose", "none")], paths=64).cohesion("win")
    same = bool((alone == beside).all())
    told = f"{', '.join(w.name for w in wars)}; a cell alone {'is' if same else 'is not'} the same"
    return Found(told, len(wars) == 3 and same)


def k2(lab: Lab) -> Found:
    """Cohesion has four factors: threats, institutions, norms and leadership, each with a weight of its own."""
    factors = tuple(lab.inputs.beliefs.grid.factors)
    weights = lab.draws.parameters["weights"]
    told = ", ".join(f"{f} {w:.2f}" for f, w in zip(factors, weights.mean(axis=0), strict=True))
    whole = bool(np.allclose(weights.sum(axis=1), 1.0)) and bool((weights > 0).all())
    return Found(f"mean weights {told}", factors == FACTORS and whole)


def k3(lab: Lab) -> Found:
    """Eleven sub-factors: one that turns changes the sign of its own factor and of no other."""
    folder = lab.inputs.home / "priors" / "scenarios"
    raw = {part: read_toml(folder / f"{part}.toml") for part in PARTS}
    grid, faults, right = lab.inputs.beliefs.grid, list[str](), 0
    for factor, subs in grid.factors.items():
        for sub in subs:
            war = {**raw["war"]["stalemate"], "subfactors": {sub: "+"}}
            turned = parse_grid(folder, {**raw, "war": {**raw["war"], "stalemate": war}}, faults)
            if turned is not None:
                signs = turned.wars["stalemate"].signs
                moved = [f for f in FACTORS if signs[f] != grid.wars["stalemate"].signs[f]]
                right += moved == [factor]
    told = ", ".join(f"{f} {len(grid.factors[f])}" for f in FACTORS)
    return Found(f"{told}; {right} move their factor alone", right == SUBFACTORS)


def k4(lab: Lab) -> Found:
    """Shifts of the wars stand in the order of the sign table, in every factor."""
    wars = lab.inputs.beliefs.grid.wars
    means = {
        war: lab.draws.cells["war_shift"][:, lab.roster.cells.index((war, "none"))].mean(axis=0)
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
    return Found(f"{kept} of 36 pairs of wars in order", kept == len(FACTORS) * 9)


def k5(lab: Lab) -> Found:
    """From the neutral state the modal verdicts are Strong, Fragmented and Weak, neither by chance nor hard-coded."""
    layout, draws = reference_cells(lab.layout, lab.draws, lab.roster)
    found = verdicts(layout, draws, lab.roster, lab.inputs.beliefs, _simulate(lab))
    told = ", ".join(
        f"{war} {cell['wanted']} {cell['probability'][cell['wanted']]:.2f}" for war, cell in found["cells"].items()
    )
    asked = f"margin of {MIN_MARGIN:.2f} or more, each in [{LOWEST:.2f}, {HIGHEST:.2f}]"
    return Found(f"{told}; asked: {asked}", bool(found["met"]))


def k6(lab: Lab) -> Found:
    """The order of the verdicts is no artefact of one choice of weights."""
    layout, draws = reference_cells(lab.layout, lab.draws, lab.roster)
    found = weight_share(layout, draws, lab.roster, lab.inputs.beliefs, lab.inputs.plan.seed, _simulate(lab))
    told = f"{found['share']:.2f} of uniform weightings keep it, {MIN_WEIGHT_SHARE:.2f} asked"
    return Found(told, bool(found["met"]))


def k7(lab: Lab) -> Found:
    """Fragmented means inconsistency: the factors disagree most when Ukraine loses, on most draws."""
    seen = _still(lab, WARS_ALONE)
    at = lab.roster.verdict_at
    discord = np.stack([seen.index("discordance", war)[:, at] for war, _ in WARS_ALONE])
    share = float((discord.argmax(axis=0) == 1).mean())
    return Found(f"highest in `lose` on {share:.2f} of draws, .33 by chance", share >= 0.5)


def k8(lab: Lab) -> Found:
    """Cohesion has a political and a military side, and neither makes the other redundant."""
    seen = lab.play()
    at = lab.roster.verdict_at
    sides = [seen.index(side)[:, at] for side in INDICES[:2]]
    r = float(np.corrcoef(sides)[0, 1])
    return Found(f"correlation {r:.2f} between paths after {at + 1} quarters", r < 0.95)


def k9(lab: Lab) -> Found:
    """A threat seen alike does not make a strong alliance by itself."""
    cells = lab.draws.cells.copy()
    cells["war_shift"] = [1.0, 0.0, 0.0, 0.0]
    seen = lab.play([("win", "none")], draws=lab.draws._replace(cells=cells), off=["all"])
    p = seen.verdicts("win")[lab.roster.verdict_at]
    told = ", ".join(f"{v} {x:.2f}" for v, x in zip(VERDICTS, p, strict=True))
    return Found(f"threats +1 alone: {told}", int(p.argmax()) != VERDICTS.index("Strong"))


def k10(lab: Lab) -> Found:
    """A crisis rallies the alliance at first and strains it later."""
    calm = lab.play()
    struck = lab.play(constants={"crisis": 0})
    response = np.median(struck.cohesion() - calm.cohesion(), axis=0)
    told = ", ".join(f"{response[t]:+.3f} in quarter {t}" for t in (0, 2, 8))
    return Found(f"median response {told}", bool((response[:3] > 0).all() and response[8] < 0))


def k11(lab: Lab) -> Found:
    """Allies feel the Russian threat unequally: as it rises they see it less alike, and the front line spends more."""
    cells = [("win", "none"), ("lose", "none")]
    seen = lab.play(cells, off=["all"])
    at = lab.roster.verdict_at
    alike = (seen.index("convergence", "lose") - seen.index("convergence", "win"))[:, at].mean()
    share = np.exp(_mean_log_share(lab, seen))
    front = lab.layout.members["front"] > 0
    rise = np.log(share[1] / share[0])
    told = f"convergence {alike:+.2f}, spending at the front {rise[front].mean():+.2f}, elsewhere"
    return Found(
        f"{told} {rise[~front].mean():+.2f} (log), `lose` against `win`",
        bool(alike < 0 and rise[front].mean() > rise[~front].mean()),
    )


def _mean_log_share(lab: Lab, seen: Outcome) -> NDArray[Any]:
    """(cells, members with spending): mean log share of GDP in the last year, from the tallies; others 0."""
    from forecast.simulation.histograms import share_values

    counted = seen.tally.share[:, :, -1]
    total = np.maximum(counted.sum(axis=-1), 1)
    return np.asarray((counted @ np.log(share_values())) / total)


def k12(lab: Lab) -> Found:
    """Decisions by consensus are blocked more often the less alike the members are."""
    base = lab.draws.parameters
    doubled = {"block_spread": 2.0 * base["block_spread"]}  # the rule sees the product with H alone
    share = [lab.play(parameters=p).happened("block")[YEAR - 1] for p in (None, doubled)]
    told = f"at least one block in a year {share[0]:.2f}, with twice the heterogeneity {share[1]:.2f}"
    return Found(told, bool(share[1] > share[0]))


def k13(lab: Lab) -> Found:
    """What spending costs the economy tells on leadership, a little."""
    cost = lab.draws.parameters["spending_cost"]
    on = lab.play(off=[m for m in _OTHERS if m != "spending_cost"])
    seen = on.cohesion()[:, -1] - lab.play(off=["all"]).cohesion()[:, -1]
    rise = on.european()[:, -1] - on.european()[:, 0]
    told = f"{cost.mean():+.3f} per point of GDP; cohesion {seen.mean():+.4f} after {rise.mean():+.2f} points"
    return Found(told, bool(cost.mean() < 0 and seen.mean() * rise.mean() < 0))


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


def k14(lab: Lab) -> Found:
    """Leaders who turn from the alliance lower its leadership, and sceptics blame it for gain at home."""
    base = lab.play()
    doubt = lab.play(parameters={"sceptic": 0.9, "sceptic_usa": 0.9})
    lower = float((doubt.cohesion() - base.cohesion())[:, -1].mean())
    blame = [o.happened("scapegoat")[-1] for o in (base, doubt)]
    told = f"cohesion {lower:+.2f} where nine in ten new leaders doubt; blamed {blame[0]:.2f}, {blame[1]:.2f}"
    return Found(told, bool(lower < 0 and blame[1] > blame[0] > 0))


def k15(lab: Lab) -> Found:
    """A wedge that China drives lowers the probability of Strong in every war."""
    at, strong = lab.roster.verdict_at, VERDICTS.index("Strong")
    calm = lab.play(WARS_ALONE)
    split = lab.play(WARS_ALONE, constants={"china_wedge": 0})
    change = [split.verdicts(w)[at, strong] - calm.verdicts(w)[at, strong] for w, _ in WARS_ALONE]
    told = ", ".join(f"{w} {c:+.3f}" for (w, _), c in zip(WARS_ALONE, change, strict=True))
    return Found(f"P(Strong) {told}", max(change) <= 0)


def k16(lab: Lab) -> Found:
    """Less confidence in Article 5 means less cohesion, and it is felt on the political side."""
    base = lab.play()
    low = lab.play(parameters=_shifted(lab, article5=-0.2))
    at = lab.roster.verdict_at
    fall = float((low.cohesion() - base.cohesion())[:, at].mean())
    side = float((low.index("political") - base.index("political"))[:, at].mean())
    return Found(f"20 points less: cohesion {fall:+.2f}, political {side:+.2f}", side < fall < 0)


def k17(lab: Lab) -> Found:
    """The alliance signals deterrence; by default the signal changes nothing, by a knob it lowers the threat."""
    knob = float(lab.layout.constants[0].deterrence_feedback)
    runs = [lab.play(constants={"deterrence_feedback": k}) for k in (0.0, 0.5)]
    threat = [float(run.tally.threat_sum[0, -1] / run.tally.paths.sum() / 2**32) for run in runs]
    signal = float(runs[0].index("deterrence")[:, -1].mean())
    told = f"signal {signal:.2f}, knob {knob:g}; threat {threat[0]:.2f}, with the knob at .5 {threat[1]:.2f}"
    return Found(told, knob == 0.0 and threat[1] < threat[0])
