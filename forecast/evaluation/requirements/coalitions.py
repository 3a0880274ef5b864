"""Requirements on alliances compared with coalitions of the willing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.models import cohesion
from forecast.names import DESIGNS, FIVE_YEARS, WARS

NO_ENEMY = slice(1992, 2013)  # years without a single common enemy
WILLING, NATO = "willing_combat", "nato_combat"  # missions of the default plan with the same contributors
AD_HOC_BAND = (0.3, 0.65)  # required share of nominal participation after five years
_CANDIDATES = ([0, 2], [1, 3])  # candidate missions: ad hoc, NATO
EARLY, LATE = 1, 11  # the second and the twelfth quarter
OFTEN = {"arrival_rate": 0.2}  # new missions begin on most paths


def j9(experiment: Experiment) -> RequirementResult:
    """Turning points have the verdicts of the literature: 1999 and 2011 Fragmented, 2001 Strong, 2003 Weak."""
    panel = indicator_panel(experiment.inputs.tables, experiment.inputs.priors.grid)
    hits = cohesion.hits(cohesion.anchor_probability(experiment.samples["cohesion"], panel), panel)
    judged = hits.sel(anchor=["1999", "2001Q4", "2003Q1", "2011"])
    text = ", ".join(f"{a} {p:.2f}" for a, p in judged.to_series().items())
    return RequirementResult(text, bool((judged >= 0.5).all()))


def j10(experiment: Experiment) -> RequirementResult:
    """Without a common enemy, threats converged less in 1992-2013 than in the last years of the Cold War."""
    threats = experiment.samples["cohesion"]["factor_state"].sel(factor="threats")
    before = threats.sel(year=slice(None, NO_ENEMY.start - 1)).mean("year")
    during = threats.sel(year=NO_ENEMY).mean("year")
    first, share = int(threats["year"][0]), float((during < before).mean())
    text = f"{float(during.mean()):+.2f} against {float(before.mean()):+.2f} from {first}, on {share:.2f} of draws"
    return RequirementResult(text, bool(during.mean() < before.mean()))


def j3(experiment: Experiment) -> RequirementResult:
    """Allies outside a NATO mission keep their veto, so more of them block more; an ad hoc mission has no veto."""
    kfor = experiment.mission("kfor")
    contingents = experiment.layout.contingents.copy()
    contingents["ally"][kfor] = 0  # as if no participant were an ally
    fewer = experiment.layout._replace(contingents=contingents)
    missions = experiment.layout.missions.copy()
    missions["veto"] = 0  # as if it were a coalition of the willing
    outside = experiment.layout._replace(missions=missions)
    blocked = [
        float(experiment.using(layout=layout).run().happened("block")[FIVE_YEARS])
        for layout in (experiment.layout, fewer, outside, outside._replace(contingents=contingents))
    ]
    text = f"blocked within five years {blocked[0]:.2f}, without allies among the participants {blocked[1]:.2f}"
    return RequirementResult(
        f"{text}; ad hoc {blocked[2]:.2f}, {blocked[3]:.2f}",
        blocked[1] > blocked[0] and blocked[2] == blocked[3],
    )


def j8(experiment: Experiment) -> RequirementResult:
    """A dispute over a mission hurts the alliance less if the mission is outside the alliance."""
    missions = experiment.layout.missions.copy()
    missions["contentious"], missions["veto"] = 0, 0
    missions[experiment.mission(WILLING)]["contentious"] = 1
    effects = []
    for veto in (1, 0):
        missions[experiment.mission(WILLING)]["veto"] = veto
        layout = experiment.layout._replace(missions=missions.copy())
        calm, split = (experiment.using(layout=layout).run(constants=c) for c in ({}, {"dispute": 4}))
        effects.append(float((split.cohesion() - calm.cohesion())[:, 4].mean()))
    text = f"cohesion {effects[0]:+.3f} under NATO, {effects[1]:+.3f} ad hoc: {effects[1] / effects[0]:.2f} of it"
    return RequirementResult(text, effects[0] < effects[1] < 0)


def _curve(experiment: Experiment, result: ExperimentResult, mission: str, curve: int) -> NDArray[Any]:
    """Return one survival curve of a mission (path, quarter) over the whole horizon; 0 before it starts.

    `curve` is 0 for nominal participation by weight, 1 for operational contribution, 2 for nominal participation by
    count.
    """
    whole = result.joint.survival[:, 0, experiment.mission(mission), curve].astype(float)
    return np.asarray(np.nan_to_num(whole))


def _joiners(result: ExperimentResult, candidates: list[int]) -> float:
    """Return the mean number of members that join a new mission."""
    tally = result.tally
    return float(tally.serving[0, candidates, 0].sum() / tally.started[0, candidates, 0].sum())


def j1(experiment: Experiment) -> RequirementResult:
    """Interests depend on the mission: the shared part is less than half of the variance of a member's interest."""
    constants = experiment.layout.constants[0]
    shared = float(constants.common_interest**2)
    share = shared / (shared + float(constants.own_interest**2))
    return RequirementResult(f"{share:.0%} of the variance of interest is shared by all allies", share < 0.5)


def j2(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing are easy to join and to leave; NATO missions are harder to join and to leave."""
    result = experiment.run(constants=OFTEN, parameters={"solidarity": 0.0})
    solid = experiment.run(constants=OFTEN)
    ad_hoc, nato = (_joiners(result, candidates) for candidates in _CANDIDATES)
    stay = experiment.draws.parameters["stay"].mean(axis=0)
    return RequirementResult(
        f"{ad_hoc:.1f} of {experiment.layout.members.size} members join ad hoc, {nato:.1f} a NATO mission without "
        "solidarity, "
        f"{_joiners(solid, _CANDIDATES[1]):.1f} with; they leave at {stay[0]:.3f} and {stay[1]:.3f} per quarter",
        ad_hoc > nato and _joiners(solid, _CANDIDATES[1]) > nato and bool(stay[0] > stay[1]),
    )


def j4(experiment: Experiment) -> RequirementResult:
    """More than half of the members can refuse a NATO mission out of area, as they did over Libya."""
    result = experiment.run(constants=OFTEN)
    candidates = _CANDIDATES[1]
    started = result.tally.started[0, candidates, 0].sum()
    share = result.tally.refused[0, candidates].sum() / started
    wait = result.tally.waited[0, candidates].sum() / started
    text = f"P(more than half refuse) = {share:.2f}, required 0.10 or more; NATO decides after {wait:.1f} quarters"
    return RequirementResult(text, bool(share >= 0.1))


def j5(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing shrink: a prior median of 0.3 to 0.65 of the members remain after five years."""
    medians = []
    for draws in (experiment.prior, experiment.draws):
        counts = _curve(experiment, experiment.using(draws=draws).run(off=("all",)), WILLING, 2)
        medians.append(float(np.median(counts[:, FIVE_YEARS])))
    all_on = float(
        np.median(_curve(experiment, experiment.using(draws=experiment.prior).run(), WILLING, 2)[:, FIVE_YEARS])
    )
    return RequirementResult(
        f"median share of members {medians[0]:.2f} a priori, {medians[1]:.2f} a posteriori; {all_on:.2f} a priori "
        "with all mechanisms on",
        AD_HOC_BAND[0] <= medians[0] <= AD_HOC_BAND[1],
    )


def j6(experiment: Experiment) -> RequirementResult:
    """A coalition of the willing starts fast and fades; a NATO mission starts slowly and lasts."""
    text, met = [], False
    for name, draws in (("a priori", experiment.prior), ("a posteriori", experiment.draws)):
        result = experiment.using(draws=draws).run(off=("all",))
        above = _curve(experiment, result, WILLING, 1) > _curve(experiment, result, NATO, 1)
        early, late = (float(above[:, t].mean()) for t in (EARLY, LATE))
        text.append(f"{early:.2f} after two quarters, {late:.2f} after twelve {name}")
        met = met or (early > 0.5 and late < 0.35)
    return RequirementResult(f"P(the willing operate more) = {'; '.join(text)}", met)


def j7(experiment: Experiment) -> RequirementResult:
    """A coalition without a lead nation can be handed over to NATO, and then lasts longer."""
    s, nominal = experiment.mission(WILLING), []
    for off in (("hand_over",), ()):
        result = experiment.using(draws=experiment.prior).run(off=off)
        nominal.append(float(_curve(experiment, result, WILLING, 0)[:, -1].mean()))
    handed = result.tally.handed[0, s, -1] / result.tally.paths.sum()
    return RequirementResult(
        f"handed over on {handed:.0%} of paths within the horizon; members left at its end {nominal[0]:.3f} without, "
        f"{nominal[1]:.3f} with the option",
        bool(handed > 0) and nominal[1] > nominal[0],
    )


def j11(experiment: Experiment) -> RequirementResult:
    """The mission determines the coalition: missions run at the same time, and states serve in several."""
    missions = experiment.roster.missions
    current = [set(m.contributors) for m in missions if not m.hypothetical]
    several = {c for members in current for c in members if sum(c in other for other in current) > 1}
    result = experiment.run()
    begun = result.tally.begun[0, -1] / result.tally.paths.sum()
    return RequirementResult(
        f"{len(missions)} missions at once, {len(several)} states in more than one current mission; {begun:.2f} new "
        "ones begin within the horizon",
        len(missions) >= 2 and len(several) > 0 and bool(begun > 0.5),
    )


def w5(experiment: Experiment) -> RequirementResult:
    """Entrapment: where the United States leads, it draws allies into more peripheral wars."""
    four = DESIGNS[1:]
    tally = experiment.run([(WARS[0], design) for design in four]).tally
    chance = dict(zip(four, tally.entrapped[:, -1] / tally.paths.sum(), strict=True))
    usual, democracy, labour = (chance[four[i]] for i in (0, 1, 3))
    text = ", ".join(f"{design} {p:.2f}" for design, p in chance.items())
    return RequirementResult(f"within the horizon: {text}", bool(min(usual, democracy) > labour))
