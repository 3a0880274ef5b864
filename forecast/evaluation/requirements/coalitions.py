"""Claims on alliance against coalition of the willing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.models import cohesion
from forecast.names import DESIGNS, FIVE_YEARS, WARS

NO_ENEMY = slice(1992, 2013)  # no single common enemy


WILLING, NATO = "willing_combat", "nato_combat"  # the same contributors twice, in the default plan


WILLING = "willing_combat"  # in the default plan


AD_HOC_BAND = (0.3, 0.65)
_SLOTS = ([0, 2], [1, 3])  # of new missions: ad hoc, NATO
EARLY, LATE = 1, 11  # the second and the twelfth quarter
OFTEN = {"arrival_rate": 0.2}  # so that new missions begin on most paths


def j9(experiment: Experiment) -> RequirementResult:
    """The great turns are judged as the literature does: 1999 and 2011 Fragmented, 2001 Strong, 2003 Weak."""
    panel = indicator_panel(experiment.inputs.tables, experiment.inputs.priors.grid)
    own = cohesion.hits(cohesion.anchor_probability(experiment.samples["cohesion"], panel), panel)
    wanted = own.sel(anchor=["1999", "2001Q4", "2003Q1", "2011"])
    told = ", ".join(f"{a} {p:.2f}" for a, p in wanted.to_series().items())
    return RequirementResult(told, bool((wanted >= 0.5).all()))


def j10(experiment: Experiment) -> RequirementResult:
    """No single common enemy: threats converged less from 1992 to 2013 than in the last years of the Cold War."""
    threats = experiment.samples["cohesion"]["factor_state"].sel(factor="threats")
    before = threats.sel(year=slice(None, NO_ENEMY.start - 1)).mean("year")
    during = threats.sel(year=NO_ENEMY).mean("year")
    first, share = int(threats["year"][0]), float((during < before).mean())
    told = f"{float(during.mean()):+.2f} against {float(before.mean()):+.2f} from {first}, on {share:.2f} of draws"
    return RequirementResult(told, bool(during.mean() < before.mean()))


def j3(experiment: Experiment) -> RequirementResult:
    """Allies who stay out of a NATO mission keep their veto: more of them, more blocks; not so in an ad hoc one."""
    kfor = experiment.mission("kfor")
    there = experiment.layout.contingents.copy()
    there["ally"][kfor] = 0  # as if none of those who take part were an ally
    fewer = experiment.layout._replace(contingents=there)
    missions = experiment.layout.missions.copy()
    missions["veto"] = 0  # as if it were a coalition of the willing
    outside = experiment.layout._replace(missions=missions)
    blocked = [
        float(experiment.run(layout=layout).happened("block")[FIVE_YEARS])
        for layout in (experiment.layout, fewer, outside, outside._replace(contingents=there))
    ]
    told = f"blocked within five years {blocked[0]:.2f}, with all allies out {blocked[1]:.2f}"
    return RequirementResult(
        f"{told}; ad hoc {blocked[2]:.2f}, {blocked[3]:.2f}",
        blocked[1] > blocked[0] and blocked[2] == blocked[3],
    )


def j8(experiment: Experiment) -> RequirementResult:
    """Safety valve: a dispute over a mission hurts the alliance less where the mission is run outside it."""
    missions = experiment.layout.missions.copy()
    missions["contentious"], missions["veto"] = 0, 0
    missions[experiment.mission(WILLING)]["contentious"] = 1
    hits = []
    for veto in (1, 0):
        missions[experiment.mission(WILLING)]["veto"] = veto
        layout = experiment.layout._replace(missions=missions.copy())
        calm, split = (experiment.run(layout=layout, constants=c) for c in ({}, {"dispute": 4}))
        hits.append(float((split.cohesion() - calm.cohesion())[:, 4].mean()))
    told = f"cohesion {hits[0]:+.3f} under NATO, {hits[1]:+.3f} ad hoc: {hits[1] / hits[0]:.2f} of it"
    return RequirementResult(told, hits[0] < hits[1] < 0)


def _curve(experiment: Experiment, out: ExperimentResult, mission: str, curve: int) -> NDArray[Any]:
    """(paths, quarters): one curve of a mission over the whole horizon, 0 before it starts."""
    whole = out.joint.survival[:, 0, experiment.mission(mission), curve].astype(float)
    return np.asarray(np.nan_to_num(whole))


def _joiners(out: ExperimentResult, slots: list[int]) -> float:
    """Mean number of members that join a new mission."""
    first = out.tally.serving[0, slots, 0].sum() / out.tally.started[0, slots, 0].sum()
    return float(first)


def _members(experiment: Experiment) -> int:
    return int(experiment.layout.members.size)


def j1(experiment: Experiment) -> RequirementResult:
    """Interests are situational: being allies explains less than half of a member's interest in a mission."""
    constants = experiment.layout.constants[0]
    shared = float(constants.common_interest**2)
    share = shared / (shared + float(constants.own_interest**2))
    return RequirementResult(f"{share:.0%} of the variance of interest is shared by all allies", share < 0.5)


def j2(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing are easily joined and easily left; NATO's bar is higher and holds."""
    out = experiment.run(constants=OFTEN, parameters={"solidarity": 0.0})
    solid = experiment.run(constants=OFTEN)
    ad_hoc, nato = (_joiners(out, slots) for slots in _SLOTS)
    stay = experiment.draws.parameters["stay"].mean(axis=0)
    return RequirementResult(
        f"{ad_hoc:.1f} of {experiment.layout.members.size} members join ad hoc, {nato:.1f} a NATO mission without "
        "solidarity, "
        f"{_joiners(solid, _SLOTS[1]):.1f} with; they leave at {stay[0]:.3f} and {stay[1]:.3f} a quarter",
        ad_hoc > nato and _joiners(solid, _SLOTS[1]) > nato and bool(stay[0] > stay[1]),
    )


def j4(experiment: Experiment) -> RequirementResult:
    """More than half of the members may refuse a NATO mission out of area, as over Libya."""
    out = experiment.run(constants=OFTEN)
    slots = _SLOTS[1]
    share = out.tally.refused[0, slots].sum() / out.tally.started[0, slots, 0].sum()
    wait = out.tally.waited[0, slots].sum() / out.tally.started[0, slots, 0].sum()
    told = f"P(more than half refuse) = {share:.2f}, wanted .10 or more; NATO decides after {wait:.1f} quarters"
    return RequirementResult(told, bool(share >= 0.1))


def j5(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing shrink: a prior median of .3 to .65 of the flags is left after five years."""
    medians = []
    for draws in (experiment.prior, experiment.draws):
        counts = _curve(experiment, experiment.run(off=("all",), draws=draws), WILLING, 2)
        medians.append(float(np.median(counts[:, FIVE_YEARS])))
    on = float(np.median(_curve(experiment, experiment.run(draws=experiment.prior), WILLING, 2)[:, FIVE_YEARS]))
    return RequirementResult(
        f"median share of flags by count {medians[0]:.2f} a priori, {medians[1]:.2f} a posteriori; {on:.2f} a priori "
        "with all mechanisms on",
        AD_HOC_BAND[0] <= medians[0] <= AD_HOC_BAND[1],
    )


def j6(experiment: Experiment) -> RequirementResult:
    """The willing are quick and fade; the alliance is slow and lasts."""
    told, met = [], False
    for name, draws in (("a priori", experiment.prior), ("a posteriori", experiment.draws)):
        out = experiment.run(off=("all",), draws=draws)
        above = _curve(experiment, out, WILLING, 1) > _curve(experiment, out, NATO, 1)
        early, late = (float(above[:, t].mean()) for t in (EARLY, LATE))
        told.append(f"{early:.2f} after two quarters, {late:.2f} after twelve {name}")
        met = met or (early > 0.5 and late < 0.35)
    return RequirementResult(f"P(the willing operate more) = {'; '.join(told)}", met)


def j7(experiment: Experiment) -> RequirementResult:
    """A coalition that nobody leads may be handed to NATO, and lasts longer for it."""
    s, flags = experiment.mission(WILLING), []
    for off in (("hand_over",), ()):
        out = experiment.run(off=off, draws=experiment.prior)
        flags.append(float(_curve(experiment, out, WILLING, 0)[:, -1].mean()))
    handed = out.tally.handed[0, s, -1] / out.tally.paths.sum()
    return RequirementResult(
        f"handed over on {handed:.0%} of paths within the horizon; flags left at its end {flags[0]:.3f} without, "
        f"{flags[1]:.3f} with the way out",
        bool(handed > 0) and flags[1] > flags[0],
    )


def j11(experiment: Experiment) -> RequirementResult:
    """The mission determines the coalition: missions run side by side, and states serve in several."""
    missions = experiment.roster.missions
    here = [set(m.contributors) for m in missions if not m.hypothetical]
    several = {c for one in here for c in one if sum(c in other for other in here) > 1}
    out = experiment.run()
    begun = out.tally.begun[0, -1] / out.tally.paths.sum()
    return RequirementResult(
        f"{len(missions)} missions at once, {len(several)} states in more than one of those of today; {begun:.2f} new "
        "ones begin within the horizon",
        len(missions) >= 2 and len(several) > 0 and bool(begun > 0.5),
    )


def w5(experiment: Experiment) -> RequirementResult:
    """Entrapment: a United States that comes first draws allies into peripheral wars."""
    four = DESIGNS[1:]
    seen = experiment.run([(WARS[0], design) for design in four]).tally
    chance = dict(zip(four, seen.entrapped[:, -1] / seen.paths.sum(), strict=True))
    usual, democracy, labour = (chance[four[i]] for i in (0, 1, 3))
    told = ", ".join(f"{design} {p:.2f}" for design, p in chance.items())
    return RequirementResult(f"within the horizon: {told}", bool(min(usual, democracy) > labour))
