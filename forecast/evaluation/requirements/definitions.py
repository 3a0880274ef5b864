"""Claims on the reading of the sources: two threats, a verdict in order, withdrawal as more than one event."""

import numpy as np

from forecast.evaluation.requirements.experiment import Experiment, RequirementResult
from forecast.names import FACTORS, VERDICTS


def zero_1(experiment: Experiment) -> RequirementResult:
    """Threat is two things: in `lose` against `win` European spending grows faster and cohesion is lower."""
    seen = experiment.run([("win", "none"), ("lose", "none")])
    growth = {war: np.diff(np.log(seen.european(war))).mean() for war in ("win", "lose")}
    end = {war: seen.cohesion(war)[:, experiment.roster.verdict_at].mean() for war in ("win", "lose")}
    faster, lower = growth["lose"] - growth["win"], end["lose"] - end["win"]
    return RequirementResult(
        f"spending growth {100 * faster:+.2f} % a year, cohesion {lower:+.2f}",
        bool(faster > 0 > lower),
    )


def zero_2(experiment: Experiment) -> RequirementResult:
    """The verdict is ordinal: mean signs order the wars Strong, Fragmented, Weak, and Fragmented is most discordant."""
    wars = [war for war in experiment.inputs.priors.grid.wars.values() if war.verdict]
    signs = {war.verdict: np.array([war.signs[f] for f in FACTORS]) for war in wars}
    means = [signs[verdict].mean() for verdict in VERDICTS]
    discord = {verdict: s.std() for verdict, s in signs.items()}
    met = bool(np.all(np.diff(means) > 0)) and max(discord, key=discord.__getitem__) == "Fragmented"
    told = ", ".join(f"{v} {m:+.2f} (SD {discord[v]:.2f})" for v, m in zip(VERDICTS, means, strict=True))
    return RequirementResult(told, met)


def zero_3(experiment: Experiment) -> RequirementResult:
    """Withdrawal is not one event: coalitions lose operation faster than flags, never the other way round."""
    curves = experiment.run().joint.survival[:, 0]
    flags, operation = curves[:, :, 0], curves[:, :, 1]
    above = float(np.nanmax(operation - flags))
    gap = float(np.nanmean(flags[..., -1] - operation[..., -1]))
    return RequirementResult(
        f"largest excess of operation {above:.0e}, mean gap at the end {gap:.2f}",
        above <= 1e-6 < gap,
    )
