"""Requirements on the reading of the sources: two threats, an ordered verdict, and two kinds of withdrawal."""

import numpy as np

from forecast.evaluation.requirements.experiment import LOSE, STALEMATE, WIN, Experiment, RequirementResult
from forecast.names import FACTORS, VERDICTS


def zero_1(experiment: Experiment) -> RequirementResult:
    """The two threats differ: in `lose` compared with `win`, European spending grows faster and cohesion is lower.

    Fails if spending grows no faster, or cohesion is no lower, when Ukraine loses.
    """
    result = experiment.run([(WIN, None), (LOSE, None)])
    growth = {war: np.diff(np.log(result.european(war))).mean() for war in (WIN, LOSE)}
    end = {war: result.cohesion(war)[:, experiment.roster.verdict_at].mean() for war in (WIN, LOSE)}
    faster, lower = growth[LOSE] - growth[WIN], end[LOSE] - end[WIN]
    return RequirementResult(
        f"spending growth {100 * faster:+.2f} % a year, cohesion {lower:+.2f}",
        bool(faster > 0 > lower),
    )


def zero_2(experiment: Experiment) -> RequirementResult:
    """The verdict is ordinal: mean signs rise from Weak over Fragmented to Strong; Fragmented is most discordant.

    Fails if the verdicts are out of order in the mean sign, or another row than Fragmented is the most discordant.
    """
    experiment.require(WIN, LOSE, STALEMATE)
    wars = [experiment.inputs.priors.grid.wars[name] for name in (WIN, LOSE, STALEMATE)]
    signs = {war.verdict: np.array([war.signs[f] for f in FACTORS]) for war in wars}
    means = [signs[verdict].mean() for verdict in VERDICTS]
    discord = {verdict: s.std() for verdict, s in signs.items()}
    met = bool(np.all(np.diff(means) > 0)) and max(discord, key=discord.__getitem__) == "Fragmented"
    text = ", ".join(f"{v} {m:+.2f} (SD {discord[v]:.2f})" for v, m in zip(VERDICTS, means, strict=True))
    return RequirementResult(text, met)


def zero_3(experiment: Experiment) -> RequirementResult:
    """Withdrawal is not one event: a coalition loses operational contribution at least as fast as members.

    Fails if operation exceeds membership in any quarter, or never falls below it.
    """
    curves = experiment.run().joint.survival[:, 0]
    nominal, operational = curves[:, :, 0], curves[:, :, 1]
    above = float(np.nanmax(operational - nominal))
    gap = float(np.nanmean(nominal[..., -1] - operational[..., -1]))
    return RequirementResult(
        f"largest excess of operation over membership {above:.0e}, mean gap at the end {gap:.2f}",
        above <= 1e-6 < gap,
    )
