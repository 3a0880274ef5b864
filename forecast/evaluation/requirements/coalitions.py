"""Claims on alliance against coalition of the willing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation.requirements.experiment import Found, Lab, Outcome
from forecast.models import cohesion
from forecast.names import DESIGNS, FIVE_YEARS, WARS

NO_ENEMY = slice(1992, 2013)  # no single common enemy


WILLING, NATO = "willing_combat", "nato_combat"  # the same contributors twice, in the default plan


WILLING = "willing_combat"  # in the default plan


AD_HOC_BAND = (0.3, 0.65)
_SLOTS = ([0, 2], [1, 3])  # of new missions: ad hoc, NATO
EARLY, LATE = 1, 11  # the second and the twelfth quarter
OFTEN = {"arrival_rate": 0.2}  # so that new missions begin on most paths


def j9(lab: Lab) -> Found:
    """The great turns are judged as the literature does: 1999 and 2011 Fragmented, 2001 Strong, 2003 Weak."""
    panel = indicator_panel(lab.inputs.tables, lab.inputs.beliefs.grid)
    own = cohesion.hits(cohesion.anchor_probability(lab.samples["cohesion"], panel), panel)
    wanted = own.sel(anchor=["1999", "2001Q4", "2003Q1", "2011"])
    told = ", ".join(f"{a} {p:.2f}" for a, p in wanted.to_series().items())
    return Found(told, bool((wanted >= 0.5).all()))


def j10(lab: Lab) -> Found:
    """No single common enemy: threats converged less from 1992 to 2013 than in the last years of the Cold War."""
    threats = lab.samples["cohesion"]["factor_state"].sel(factor="threats")
    before = threats.sel(year=slice(None, NO_ENEMY.start - 1)).mean("year")
    during = threats.sel(year=NO_ENEMY).mean("year")
    first, share = int(threats["year"][0]), float((during < before).mean())
    told = f"{float(during.mean()):+.2f} against {float(before.mean()):+.2f} from {first}, on {share:.2f} of draws"
    return Found(told, bool(during.mean() < before.mean()))


def j3(lab: Lab) -> Found:
    """Allies who stay out of a NATO mission keep their veto: more of them, more blocks; not so in an ad hoc one."""
    kfor = lab.mission("kfor")
    there = lab.layout.contingents.copy()
    there["ally"][kfor] = 0  # as if none of those who take part were an ally
    fewer = lab.layout._replace(contingents=there)
    missions = lab.layout.missions.copy()
    missions["veto"] = 0  # as if it were a coalition of the willing
    outside = lab.layout._replace(missions=missions)
    blocked = [
        float(lab.play(layout=layout).happened("block")[FIVE_YEARS])
        for layout in (lab.layout, fewer, outside, outside._replace(contingents=there))
    ]
    told = f"blocked within five years {blocked[0]:.2f}, with all allies out {blocked[1]:.2f}"
    return Found(
        f"{told}; ad hoc {blocked[2]:.2f}, {blocked[3]:.2f}",
        blocked[1] > blocked[0] and blocked[2] == blocked[3],
    )


def j8(lab: Lab) -> Found:
    """Safety valve: a dispute over a mission hurts the alliance less where the mission is run outside it."""
    missions = lab.layout.missions.copy()
    missions["contentious"], missions["veto"] = 0, 0
    missions[lab.mission(WILLING)]["contentious"] = 1
    hits = []
    for veto in (1, 0):
        missions[lab.mission(WILLING)]["veto"] = veto
        layout = lab.layout._replace(missions=missions.copy())
        calm, split = (lab.play(layout=layout, constants=c) for c in ({}, {"dispute": 4}))
        hits.append(float((split.cohesion() - calm.cohesion())[:, 4].mean()))
    told = f"cohesion {hits[0]:+.3f} under NATO, {hits[1]:+.3f} ad hoc: {hits[1] / hits[0]:.2f} of it"
    return Found(told, hits[0] < hits[1] < 0)


def _curve(lab: Lab, out: Outcome, mission: str, curve: int) -> NDArray[Any]:
    """(paths, quarters): one curve of a mission over the whole horizon, 0 before it starts."""
    whole = out.joint.survival[:, 0, lab.mission(mission), curve].astype(float)
    return np.asarray(np.nan_to_num(whole))


def _joiners(out: Outcome, slots: list[int]) -> float:
    """Mean number of members that join a new mission."""
    first = out.tally.serving[0, slots, 0].sum() / out.tally.started[0, slots, 0].sum()
    return float(first)


def _members(lab: Lab) -> int:
    return int(lab.layout.members.size)


def j1(lab: Lab) -> Found:
    """Interests are situational: being allies explains less than half of a member's interest in a mission."""
    constants = lab.layout.constants[0]
    shared = float(constants.common_interest**2)
    share = shared / (shared + float(constants.own_interest**2))
    return Found(f"{share:.0%} of the variance of interest is shared by all allies", share < 0.5)


def j2(lab: Lab) -> Found:
    """Coalitions of the willing are easily joined and easily left; NATO's bar is higher and holds."""
    out = lab.play(constants=OFTEN, parameters={"solidarity": 0.0})
    solid = lab.play(constants=OFTEN)
    ad_hoc, nato = (_joiners(out, slots) for slots in _SLOTS)
    stay = lab.draws.parameters["stay"].mean(axis=0)
    return Found(
        f"{ad_hoc:.1f} of {lab.layout.members.size} members join ad hoc, {nato:.1f} a NATO mission without solidarity, "
        f"{_joiners(solid, _SLOTS[1]):.1f} with; they leave at {stay[0]:.3f} and {stay[1]:.3f} a quarter",
        ad_hoc > nato and _joiners(solid, _SLOTS[1]) > nato and bool(stay[0] > stay[1]),
    )


def j4(lab: Lab) -> Found:
    """More than half of the members may refuse a NATO mission out of area, as over Libya."""
    out = lab.play(constants=OFTEN)
    slots = _SLOTS[1]
    share = out.tally.refused[0, slots].sum() / out.tally.started[0, slots, 0].sum()
    wait = out.tally.waited[0, slots].sum() / out.tally.started[0, slots, 0].sum()
    told = f"P(more than half refuse) = {share:.2f}, wanted .10 or more; NATO decides after {wait:.1f} quarters"
    return Found(told, bool(share >= 0.1))


def j5(lab: Lab) -> Found:
    """Coalitions of the willing shrink: a prior median of .3 to .65 of the flags is left after five years."""
    medians = []
    for draws in (lab.prior, lab.draws):
        counts = _curve(lab, lab.play(off=("all",), draws=draws), WILLING, 2)
        medians.append(float(np.median(counts[:, FIVE_YEARS])))
    on = float(np.median(_curve(lab, lab.play(draws=lab.prior), WILLING, 2)[:, FIVE_YEARS]))
    return Found(
        f"median share of flags by count {medians[0]:.2f} a priori, {medians[1]:.2f} a posteriori; {on:.2f} a priori "
        "with all mechanisms on",
        AD_HOC_BAND[0] <= medians[0] <= AD_HOC_BAND[1],
    )


def j6(lab: Lab) -> Found:
    """The willing are quick and fade; the alliance is slow and lasts."""
    told, met = [], False
    for name, draws in (("a priori", lab.prior), ("a posteriori", lab.draws)):
        out = lab.play(off=("all",), draws=draws)
        above = _curve(lab, out, WILLING, 1) > _curve(lab, out, NATO, 1)
        early, late = (float(above[:, t].mean()) for t in (EARLY, LATE))
        told.append(f"{early:.2f} after two quarters, {late:.2f} after twelve {name}")
        met = met or (early > 0.5 and late < 0.35)
    return Found(f"P(the willing operate more) = {'; '.join(told)}", met)


def j7(lab: Lab) -> Found:
    """A coalition that nobody leads may be handed to NATO, and lasts longer for it."""
    s, flags = lab.mission(WILLING), []
    for off in (("hand_over",), ()):
        out = lab.play(off=off, draws=lab.prior)
        flags.append(float(_curve(lab, out, WILLING, 0)[:, -1].mean()))
    handed = out.tally.handed[0, s, -1] / out.tally.paths.sum()
    return Found(
        f"handed over on {handed:.0%} of paths within the horizon; flags left at its end {flags[0]:.3f} without, "
        f"{flags[1]:.3f} with the way out",
        bool(handed > 0) and flags[1] > flags[0],
    )


def j11(lab: Lab) -> Found:
    """The mission determines the coalition: missions run side by side, and states serve in several."""
    missions = lab.roster.missions
    here = [set(m.contributors) for m in missions if not m.hypothetical]
    several = {c for one in here for c in one if sum(c in other for other in here) > 1}
    out = lab.play()
    begun = out.tally.begun[0, -1] / out.tally.paths.sum()
    return Found(
        f"{len(missions)} missions at once, {len(several)} states in more than one of those of today; {begun:.2f} new "
        "ones begin within the horizon",
        len(missions) >= 2 and len(several) > 0 and bool(begun > 0.5),
    )


def w5(lab: Lab) -> Found:
    """Entrapment: a United States that comes first draws allies into peripheral wars."""
    four = DESIGNS[1:]
    seen = lab.play([(WARS[0], design) for design in four]).tally
    chance = dict(zip(four, seen.entrapped[:, -1] / seen.paths.sum(), strict=True))
    usual, democracy, labour = (chance[four[i]] for i in (0, 1, 3))
    told = ", ".join(f"{design} {p:.2f}" for design, p in chance.items())
    return Found(f"within the horizon: {told}", bool(min(usual, democracy) > labour))
