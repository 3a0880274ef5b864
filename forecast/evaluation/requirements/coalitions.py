"""Requirements on alliances compared with coalitions of the willing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.cohesion_indicators import indicator_panel
from forecast.evaluation.requirements.experiment import (
    CHINA,
    DEMOCRACY,
    LABOUR,
    USUAL,
    Experiment,
    ExperimentResult,
    RequirementResult,
)
from forecast.models import cohesion
from forecast.names import FIVE_YEARS
from forecast.simulation.arrays import StaticInputs
from forecast.simulation.rules import missions as rule

NO_ENEMY = slice(1992, 2013)  # years without a single common enemy
WILLING, NATO = "willing_combat", "nato_combat"  # missions of the default plan with the same contributors
AD_HOC_BAND = (0.3, 0.65)  # required share of nominal participation after five years
_CANDIDATES = ([0, 2], [1, 3])  # candidate missions: ad hoc, NATO
EARLY, LATE = 1, 11  # the second and the twelfth quarter
OFTEN = {"arrival_rate": 0.2}  # new missions begin on most paths


def j9(experiment: Experiment) -> RequirementResult:
    """Turning points have the verdicts of the literature: 1999 and 2011 Fragmented, 2001 Strong, 2003 Weak.

    Fails if a verdict of the literature has a probability below one half.
    """
    panel = indicator_panel(experiment.inputs.tables, experiment.inputs.priors.grid)
    hits = cohesion.hits(cohesion.anchor_probability(experiment.samples["cohesion"], panel), panel)
    judged = hits.sel(anchor=["1999", "2001Q4", "2003Q1", "2011"])
    text = ", ".join(f"{a} {p:.2f}" for a, p in judged.to_series().items())
    return RequirementResult(text, bool((judged >= 0.5).all()))


def j10(experiment: Experiment) -> RequirementResult:
    """Without a common enemy, threats converged less in 1992-2013 than in the last years of the Cold War.

    Fails if threats converged more without a common enemy.
    """
    threats = experiment.samples["cohesion"]["factor_state"].sel(factor="threats")
    before = threats.sel(year=slice(None, NO_ENEMY.start - 1)).mean("year")
    during = threats.sel(year=NO_ENEMY).mean("year")
    first, share = int(threats["year"][0]), float((during < before).mean())
    text = f"{float(during.mean()):+.2f} against {float(before.mean()):+.2f} from {first}, on {share:.2f} of draws"
    return RequirementResult(text, bool(during.mean() < before.mean()))


def j3(experiment: Experiment) -> RequirementResult:
    """Allies outside a NATO mission keep their veto, so more of them block more; an ad hoc mission has no veto.

    Fails if allies outside a mission do not block, or block an ad hoc one.
    """
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
    """A dispute over a mission hurts the alliance less if the mission is outside the alliance.

    Fails if a dispute does not lower cohesion, or lowers it as much outside the alliance.
    """
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
    """Interests depend on the mission: most of the variance of a member's interest is its own, and it decides.

    Fails if interests are equal, are mostly shared, or do not decide who joins.
    """
    constants = experiment.layout.constants[0]
    rng = np.random.default_rng(experiment.inputs.plan.seed)
    members, missions = experiment.layout.members.size, 2000
    shared, own = rng.normal(size=missions), rng.normal(size=(missions, members))
    interest = np.array(
        [
            [rule.interest(c, constants.common_interest, z, constants.own_interest) for z in row]
            for c, row in zip(shared, own, strict=True)
        ]
    )
    within = float(interest.var(axis=1, ddof=1).mean())
    between = float(interest.mean(axis=1).var(ddof=1)) - within / members
    share = between / max(between + within, 1e-12)
    alike = {"common_interest": 0.0, "own_interest": 0.0}
    refused = [_refusals(experiment.run(constants=OFTEN | flat, paths=1024)) for flat in ({}, alike)]
    return RequirementResult(
        f"{share:.0%} of the variance of interest is shared by all allies; more than half refuse {refused[0]:.2f} of "
        f"NATO missions, {refused[1]:.2f} if all interests are equal",
        within > 0.0 and share < 0.5 and abs(refused[0] - refused[1]) > 0.01,
    )


def _refusals(result: ExperimentResult) -> float:
    """Return the share of new NATO missions that more than half of the members refuse."""
    candidates = _CANDIDATES[1]
    return float(result.tally.refused[0, candidates].sum() / result.tally.started[0, candidates, 0].sum())


def j2(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing are easy to join and to leave; NATO missions are harder to join and to leave.

    Fails if NATO missions are joined or left more easily, or solidarity makes no difference.
    """
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
    """More than half of the members can refuse a NATO mission out of area, as they did over Libya, and NATO waits.

    Fails if refusal by half is rare, certain, or does not depend on solidarity, or if NATO decides at once or very
    late.
    """
    usual = experiment.run(constants=OFTEN)
    keen = experiment.run(constants=OFTEN, parameters=_raised(experiment, "solidarity", 3.0))
    candidates = _CANDIDATES[1]
    started = usual.tally.started[0, candidates, 0].sum()
    share, unlikely = _refusals(usual), _refusals(keen)
    wait = float(usual.tally.waited[0, candidates].sum() / started)
    return RequirementResult(
        f"P(more than half refuse) = {share:.2f}, required 0.10 to 0.90, {unlikely:.2f} if solidarity is stronger; "
        f"NATO decides after {wait:.1f} quarters, required 1 to 3",
        0.1 <= share <= 0.9 and unlikely < share and 1.0 <= wait <= 3.0,
    )


def _raised(experiment: Experiment, name: str, by: float) -> dict[str, Any]:
    """Return a parameter of the experiment with a value added."""
    return {name: experiment.draws.parameters[name] + by}


def j5(experiment: Experiment) -> RequirementResult:
    """Coalitions of the willing shrink: in the median, 0.3 to 0.65 of the members remain after five years.

    Fails if the median is outside the range, a priori or in the fit.
    """
    medians = []
    for draws in (experiment.prior, experiment.draws):
        counts = _curve(experiment, experiment.using(draws=draws).run(off=("all",)), WILLING, 2)
        medians.append(float(np.median(counts[:, FIVE_YEARS])))
    return RequirementResult(
        f"median share of members {medians[0]:.2f} a priori, {medians[1]:.2f} in the fit",
        all(AD_HOC_BAND[0] <= median <= AD_HOC_BAND[1] for median in medians),
    )


def j6(experiment: Experiment) -> RequirementResult:
    """A coalition of the willing starts fast and fades; a NATO mission starts slowly and lasts.

    Fails if the coalition starts no earlier or does not fade, a priori or in the fit.
    """
    text, met = [], True
    for name, draws in (("a priori", experiment.prior), ("in the fit", experiment.draws)):
        late_start = _nato_is_late(experiment.using(draws=draws))
        result = experiment.using(draws=draws, layout=_together(experiment)).run(off=("all",))
        above = _curve(experiment, result, WILLING, 1) > _curve(experiment, result, NATO, 1)
        early = late_start + (1.0 - late_start) * float(above[:, EARLY].mean())
        late = float(above[:, LATE].mean())
        text.append(f"{early:.2f} after two quarters, {late:.2f} after twelve {name}")
        met = met and early > 0.5 and late < 0.35
    return RequirementResult(f"P(the willing operate more) = {'; '.join(text)}", met)


def _nato_is_late(experiment: Experiment) -> float:
    """Return the probability that NATO decides on a new mission after the second quarter, from the mean absence."""
    result = experiment.run(constants=OFTEN)
    absent = 1.0 - _joiners(result, _CANDIDATES[1]) / experiment.layout.members.size
    lags = [rule.decision_lag(1, absent, quarters) for quarters in experiment.draws.parameters["decision_lag"]]
    return float((np.array(lags) > EARLY).mean())


def _together(experiment: Experiment) -> StaticInputs:
    """Return the static inputs of the plan with both missions starting in the same quarter."""
    missions = experiment.layout.missions.copy()
    missions["start"][experiment.mission(NATO)] = missions["start"][experiment.mission(WILLING)]
    return experiment.layout._replace(missions=missions)


def j7(experiment: Experiment) -> RequirementResult:
    """A coalition without a lead nation can be handed over to NATO, and then lasts longer.

    Fails if NATO takes nothing over, or stays are no longer for it.
    """
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
    """The mission determines the coalition: missions are separate, and states serve in several at once.

    Fails if risk in one mission changes another, or states serve in one at a time.
    """
    missions = experiment.roster.missions
    current = [set(m.contributors) for m in missions if not m.hypothetical]
    several = {c for members in current for c in members if sum(c in other for other in current) > 1}
    base, s = experiment.run(), experiment.mission("kfor")
    contingents = experiment.draws.contingents.copy()
    contingents["defection"][:, s] += 2.0
    risky = experiment.using(draws=experiment.draws._replace(contingents=contingents))
    calm, shaken = (case.run(parameters={"cohesion_effect": 0.0}) for case in (experiment, risky))
    left = [np.nan_to_num(result.joint.survival[:, 0].astype(float)) for result in (calm, shaken)]
    changed = {missions[i].name for i in range(len(missions)) if not np.array_equal(left[0][:, i], left[1][:, i])}
    begun = base.tally.begun[0, -1] / base.tally.paths.sum()
    return RequirementResult(
        f"{len(missions)} missions at once, {len(several)} states in more than one current mission; apart from "
        f"cohesion, more risk in KFOR changes {', '.join(sorted(changed)) or 'no mission'}; {begun:.2f} new ones begin "
        "within the horizon",
        len(missions) >= 2 and len(several) > 0 and changed == {"kfor"} and bool(begun > 0.5),
    )


def w5(experiment: Experiment) -> RequirementResult:
    """Entrapment: where the United States leads, it draws allies into more peripheral wars.

    Fails if fewer allies are drawn into wars where the United States leads.
    """
    four = (USUAL, DEMOCRACY, CHINA, LABOUR)
    tally = experiment.run([(None, design) for design in four]).tally
    chance = dict(zip(four, tally.entrapped[:, -1] / tally.paths.sum(), strict=True))
    text = ", ".join(f"{design} {p:.2f}" for design, p in chance.items())
    return RequirementResult(f"within the horizon: {text}", min(chance[USUAL], chance[DEMOCRACY]) > chance[LABOUR])
