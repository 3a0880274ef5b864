"""Requirements on withdrawal and defection, and on the data: how exits are coded, screened and weighted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data import exit_coding
from forecast.data.deployments import mission_spells
from forecast.evaluation.requirements.dyads import m14 as m14
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.names import FIVE_YEARS, MODES
from forecast.simulation.rules import missions as rule

WILLING, NATO = "willing_combat", "nato_combat"  # missions of the default plan with the same contributors
RARE = -2.0  # added to log hazards; exits are then so rare that counts are proportional to hazards
_NO_CONTAGION = {
    "contagion": 0.0,
    "lead_gone": 0.0,
    "cohesion_effect": 0.0,
    "backfill": 0.0,
}  # exits do not affect others


def _curves(experiment: Experiment, result: ExperimentResult, mission: str) -> NDArray[Any]:
    """Return the survival curves (path, curve, quarter) of the first five years of a mission, in the first cell."""
    s = experiment.mission(mission)
    start = experiment.roster.missions[s].start
    return np.asarray(result.joint.survival[:, 0, s, :, start : start + FIVE_YEARS + 1], dtype=float)


def _modes(experiment: Experiment, result: ExperimentResult, mission: str) -> NDArray[Any]:
    """Return the mean number of defections from a mission per path, by mode."""
    return np.asarray(result.tally.modes[0, experiment.mission(mission)] / result.tally.paths.sum())


def _left(experiment: Experiment, result: ExperimentResult, mission: str) -> float:
    """Return the mean share of contingents that remain after five years."""
    return float(_curves(experiment, result, mission)[:, 2, -1].mean())


def _risk(experiment: Experiment, rise: float) -> Any:
    """Return parameter draws with `rise` added to all log hazards of defection."""
    contingents = experiment.draws.contingents.copy()
    contingents["defection"] += rise
    return experiment.draws._replace(contingents=contingents)


def _with_effect(experiment: Experiment, name: str, effect: float) -> tuple[str, bool]:
    """Return the shares left after five years without and with an effect, and whether the effect lowers the share."""
    none, some = (_left(experiment, experiment.run(parameters={name: b}), WILLING) for b in (0.0, effect))
    return f"share left after five years {none:.3f} at 0, {some:.3f} at {effect:.2f}", some < none


def _with_circumstance(experiment: Experiment, name: str) -> tuple[float, float]:
    """Return the shares after five years as planned, and with a circumstance at its prior mean for all contingents."""
    contingents = experiment.draws.contingents.copy()
    mean = experiment.inputs.priors[f"missions.{name}"].params[0]
    contingents["circumstances"][:, experiment.mission(WILLING)] += mean
    changed = experiment.draws._replace(contingents=contingents)
    return _left(experiment, experiment.run(), WILLING), _left(
        experiment, experiment.using(draws=changed).run(), WILLING
    )


def _sign(experiment: Experiment, field: str, sign: int, least: float) -> RequirementResult:
    """Test that a parameter has the `sign` with prior probability `least` or more."""
    share = float((sign * experiment.prior.parameters[field] > 0).mean())
    return RequirementResult(f"P(sign) = {share:.2f} a priori, required {least} or more", share >= least)


def m1(experiment: Experiment) -> RequirementResult:
    """Planned withdrawal is not defection: exits are coded by rules; a mission's end raises only planned exits."""
    coded = exit_coding.classified_exits(experiment.inputs.tables, experiment.inputs.priors)
    complete = coded[["code", "rule", "source"]].notna().all(axis=None)
    complete &= coded["p_defect"][coded["rule"] > 1].between(0, 1).all()
    s = experiment.mission("unifil")
    results = [experiment.run(parameters=_NO_CONTAGION | {"ending": b}) for b in (0.0, 2.0)]
    gone = [result.tally.exits[0, s].sum() / result.paths for result in results]
    defected = [result.tally.modes[0, s, 0] / result.paths for result in results]
    return RequirementResult(
        f"{len(coded)} exits coded by rule and source; near the end of UNIFIL, without contagion, exits rise from "
        f"{gone[0]:.2f} to {gone[1]:.2f} per path, full defections from {defected[0]:.2f} to {defected[1]:.2f}",
        bool(complete and gone[1] > 1.5 * gone[0] and defected[1] <= defected[0]),
    )


def m2(experiment: Experiment) -> RequirementResult:
    """Full exit is the rarer form of defection from NATO missions."""
    count = _modes(experiment, experiment.run(), NATO)
    text = ", ".join(f"{m} {x:.0%}" for m, x in zip(MODES, count / count.sum(), strict=True))
    return RequirementResult(text, bool(count[0] < 0.5 * count.sum() and (count > 0).all()))


def m3(experiment: Experiment) -> RequirementResult:
    """Operational contribution only falls, except at a hand-over; a mission without members contributes nothing."""
    steady = experiment.run(off=("hand_over",)).joint.survival[:, 0, :, :2]
    surging = experiment.run().joint.survival[:, 0, :, 1]
    rises = float((np.diff(surging) > 1e-6).any(axis=(1, 2)).mean())
    falls = bool(np.nanmax(np.diff(steady)) <= 1e-6)
    empty = steady[:, :, 0] < 1e-9
    return RequirementResult(
        f"monotone without hand-over: {falls}; with it some mission surges on {rises:.0%} of paths",
        falls and rises > 0 and bool((steady[:, :, 1][empty] < 1e-6).all()),
    )


def m4(experiment: Experiment) -> RequirementResult:
    """A coalition can lose its contribution while its members are present; ad hoc coalitions do so more often."""
    result, share = experiment.using(draws=experiment.prior).run(), []
    for name in (WILLING, NATO):
        nominal, operational, _ = np.moveaxis(_curves(experiment, result, name), 1, 0)
        hollow = (nominal >= 0.6) & (operational < 0.5)
        share.append(float(hollow.any(axis=1).mean()))
    curves = result.joint.survival
    below = float(np.nanmax(curves[:, :, :, 1] - curves[:, :, :, 0])) <= 1e-6
    ended = result.tally.ended[0, experiment.mission(WILLING), -1] / result.paths
    return RequirementResult(
        f"P(contribution is lost first): ad hoc {share[0]:.2f}, NATO {share[1]:.2f} a priori; the ad hoc one ends "
        f"nominally within the horizon on {ended:.0%} of paths",
        share[0] > share[1] > 0 and below,
    )


def m6(experiment: Experiment) -> RequirementResult:
    """Caveats at entry are no defection; caveats added later are defection, and few of them are observed."""
    s = experiment.mission(NATO)
    none = int(experiment.using(draws=_risk(experiment, -np.inf)).run().tally.modes.sum())
    result = experiment.run()
    tally = result.tally
    observed = tally.seen[0].sum() / tally.modes[0, :, 3].sum()
    return RequirementResult(
        f"without hazard {none} defections; of {tally.modes[0, s, 3] / result.paths:.2f} new caveats per path in a "
        f"NATO mission {observed:.0%} are observed",
        none == 0 and 0.15 < observed < 0.35,
    )


def m9(experiment: Experiment) -> RequirementResult:
    """Contingents stay longer in NATO missions than in coalitions of the willing."""
    result = experiment.using(draws=experiment.prior).run(off=("all",))
    stays = [_curves(experiment, result, name)[:, 2, 11].mean() for name in (WILLING, NATO)]
    rows = [experiment.prior.contingents["defection"][:, experiment.mission(m), 1] for m in (WILLING, NATO)]
    share = float((rows[1] < rows[0]).mean())
    return RequirementResult(
        f"share left after 36 months: NATO {stays[1]:.2f}, ad hoc {stays[0]:.2f}; S(NATO) > S(ad hoc) in "
        f"{share:.2f} of prior draws",
        share >= 0.9 and bool(stays[1] > stays[0]),
    )


def m10(experiment: Experiment) -> RequirementResult:
    """The reason to join affects staying: side payments and prestige make contingents stay longer."""
    s, shares, met = experiment.mission(WILLING), [], True
    base = _left(experiment, experiment.run(), WILLING)
    for reason in ("side_payment", "prestige"):
        mean = experiment.inputs.priors[f"missions.{reason}"].params[0]
        contingents = experiment.draws.contingents.copy()
        contingents["circumstances"][:, s] += mean
        more = _left(
            experiment, experiment.using(draws=experiment.draws._replace(contingents=contingents)).run(), WILLING
        )
        shares.append(f"{reason} {more:.3f}")
        met = met and more > base
    return RequirementResult(f"share left after five years {base:.3f}; if all joined for {', '.join(shares)}", met)


def m11(experiment: Experiment) -> RequirementResult:
    """Risk drives defection; dependence on the alliance changes the mix of modes, not the hazard."""
    s, layout = experiment.mission(NATO), experiment.layout
    tied = layout.contingents.copy()
    tied["relative_dependence"][s] += 1.0
    modes = [
        _modes(experiment, experiment.using(draws=_risk(experiment, RARE)).run(paths=512), NATO),
        _modes(experiment, experiment.using(draws=_risk(experiment, RARE + 0.5)).run(paths=512), NATO),
        _modes(
            experiment,
            experiment.using(draws=_risk(experiment, RARE), layout=layout._replace(contingents=tied)).run(paths=512),
            NATO,
        ),
    ]
    total = [float(p.sum()) for p in modes]
    full = [float(p[0] / p.sum()) for p in modes]
    return RequirementResult(
        f"defections {total[0]:.2f}, with more risk {total[1]:.2f}, with more dependence {total[2]:.2f}; of these full "
        f"exits {full[0]:.2f}, {full[1]:.2f}, {full[2]:.2f}",
        total[1] > 1.3 * total[0]
        and abs(full[1] - full[0]) < 0.05
        and full[2] < full[0] - 0.05
        and abs(total[2] / total[0] - 1) < 0.1,
    )


def m12(experiment: Experiment) -> RequirementResult:
    """Losses count more than gains, and combat losses shorten a coalition."""
    aversion = experiment.prior.parameters["loss_aversion"]
    up, down = (np.array([abs(rule.felt_losses(z, a)) for a in aversion]) for z in (1.0, -1.0))
    share = float((up > 1.5 * down).mean())
    without, with_losses = (_left(experiment, experiment.run(off=off), WILLING) for off in (("losses",), ()))
    return RequirementResult(
        f"response to +1 SD above 1.5 times that to -1 SD in {share:.2f} of draws; share left after five years "
        f"{without:.2f} without losses, {with_losses:.2f} with",
        share >= 0.8 and with_losses < without,
    )


def m13(experiment: Experiment) -> RequirementResult:
    """Dependence prevents full exits: allies who depend on the alliance exit less and cut more."""
    s, gone = experiment.mission(NATO), []
    tied = experiment.layout.contingents["relative_dependence"][s] > 0
    for off in (("tether",), ()):
        result = experiment.run(off=off, paths=1024)
        gone.append(result.tally.exits[0, s, : tied.size].sum(-1)[tied].mean() / result.paths)
    share = float((experiment.prior.parameters["tether"] < 0).mean())
    return RequirementResult(
        f"P(front-line ally has left NATO's combat mission) {gone[0]:.3f} without dependence, {gone[1]:.3f} with it; "
        f"P(slope < 0) = {share:.2f} a priori",
        gone[1] < gone[0] and share > 0.9,
    )


def m15(experiment: Experiment) -> RequirementResult:
    """Governments that depend on a parliament have more caveats."""
    share = []
    for parliamentary in (0, 1):
        countries = experiment.layout.countries.copy()
        countries["parliamentary"] = parliamentary
        layout = experiment.layout._replace(countries=countries)
        result = experiment.using(layout=layout).run(constants={"early_vote": 0.0})
        modes = result.tally.modes[0].sum(axis=0)
        share.append(float(modes[3] / modes[1:].sum()))
    return RequirementResult(
        f"caveats among partial defections: {share[0]:.2f} if none depends on a parliament, {share[1]:.2f} if all do",
        share[1] > share[0],
    )


def m16(experiment: Experiment) -> RequirementResult:
    """An election ahead raises the hazard of exit."""
    effect = experiment.inputs.priors["withdrawal.election_ahead"].sample(_rng(), 20000)
    ratio, positive = float(np.median(np.exp(effect))), float((effect > 0).mean())
    text, fewer = _with_effect(experiment, "election_ahead", float(np.median(effect)))
    return RequirementResult(
        f"hazard ratio: median {ratio:.2f}, P(> 1) = {positive:.2f} a priori; {text}",
        abs(ratio - 1.57) < 0.05 and abs(positive - 0.93) < 0.02 and fewer,
    )


def m17(experiment: Experiment) -> RequirementResult:
    """A change of leader probably raises the hazard of exit; a turn to the left raises it further."""
    priors = experiment.inputs.priors
    change = float((priors["withdrawal.leader_change"].sample(_rng(), 20000) > 0).mean())
    left = float((priors["missions.left_turn"].sample(_rng(), 20000) > 0).mean())
    new, fewer = _with_effect(experiment, "leader_change", priors["withdrawal.leader_change"].params[0])
    turned, fewest = _with_effect(experiment, "left_turn", priors["missions.left_turn"].params[0])
    return RequirementResult(
        f"P(HR > 1) = {change:.2f}, of the turn to the left {left:.2f} a priori; {new}, {turned}",
        0.85 <= change <= 0.95 and left > 0.5 and fewer and fewest,
    )


def m18(experiment: Experiment) -> RequirementResult:
    """Public opinion matters little in NATO missions, because elites agree."""
    open_ = [1 - experiment.prior.missions["consensus"][:, experiment.mission(m)] for m in (WILLING, NATO)]
    ratio = float(np.median(open_[1] / open_[0]))
    share = _sign(experiment, "opposition", 1, 0.85)
    return RequirementResult(
        f"effect in NATO missions {ratio:.2f} of the effect in ad hoc ones (median draw); {share.value}",
        ratio <= 0.5 and share.met,
    )


def m19(experiment: Experiment) -> RequirementResult:
    """A mission that goes badly, and a separate sector, raise the hazard of exit."""
    trend = _sign(experiment, "trend", -1, 0.85)
    apart = float((experiment.inputs.priors["missions.separate_sector"].sample(_rng(), 20000) > 0).mean())
    worse, better = (rule.campaign_hazard_ratio(0.0, 0.0, 0.0, 0.0, z, -0.3) for z in (-1.0, 1.0))
    together, alone = _with_circumstance(experiment, "separate_sector")
    return RequirementResult(
        f"battlefield: {trend.value}; the hazard of a bad quarter is {worse / better:.2f} times that of a good one; "
        f"P(separate sector > 0) = {apart:.2f}; share left after five years {together:.3f}, {alone:.3f} if separate",
        trend.met and apart > 0.8 and worse > better and alone < together,
    )


def m20(experiment: Experiment) -> RequirementResult:
    """A country can leave a mission and stay engaged: troops are swapped to another mission."""
    result = experiment.run()
    count = result.tally.modes[0, :, MODES.index("swap")].sum() / result.paths
    return RequirementResult(f"{count:.2f} swaps per path over all missions", bool(count > 0))


def m22(experiment: Experiment) -> RequirementResult:
    """A mission whose aims grow loses members faster."""
    base, grown = _with_circumstance(experiment, "mission_creep")
    return RequirementResult(f"share left after five years {base:.3f}, with grown aims {grown:.3f}", grown < base)


def m23(experiment: Experiment) -> RequirementResult:
    """After a large defection the remaining contingents carry more and leave sooner."""
    none, all_ = (_left(experiment, experiment.run(parameters={"backfill": b}), WILLING) for b in (0.0, 1.0))
    ratio = rule.backfill_hazard_ratio(0.8, 0.2, 1.0)
    return RequirementResult(
        f"when a fifth leaves, the exposure of the others rises by {ratio - 1:.0%}; share left after five years "
        f"{none:.3f} without backfill, {all_:.3f} with all of it",
        all_ < none and ratio > 1.2,
    )


def _rng() -> np.random.Generator:
    """Return the generator of the draws from priors."""
    return np.random.Generator(np.random.Philox(key=1))


def m5(experiment: Experiment) -> RequirementResult:
    """Small withdrawals cannot be coded: the share of exits of unknown cause is reported and can be recoded."""
    screened = exit_coding.screened(experiment.inputs.tables)
    unknown = float((screened["exit_kind"] == "unknown").mean())
    spells = mission_spells(experiment.inputs.tables, experiment.inputs.priors)
    open_ = spells["exit_kind"].to_numpy() == "unknown"
    recoded = all((exit_coding.recoded(spells, unknown=p)[open_] == p).all() for p in (0.2, 0.8))
    return RequirementResult(
        f"{unknown:.0%} of {len(screened)} exits unknown, {screened['large'].mean():.0%} large enough to be coded; "
        f"recoded as 0.2 and 0.8: {recoded}",
        recoded and 0 < unknown < 1,
    )


def m7(experiment: Experiment) -> RequirementResult:
    """A contingent that falls to zero troops while the mission continues has left."""
    zero = exit_coding.gone_by_level(experiment.inputs.tables)
    return RequirementResult(
        f"{len(zero)} contingents fell to zero, {int(zero['recorded'].sum())} of them recorded as exits by then",
        len(zero) > 0 and bool(zero["recorded"].any()),
    )


def m8(experiment: Experiment) -> RequirementResult:
    """The fit can be restricted to the best documented spells."""
    keep = exit_coding.high_quality(mission_spells(experiment.inputs.tables, experiment.inputs.priors))
    return RequirementResult(
        f"{int(keep.sum())} of {keep.size} spells are coded with high confidence; `keep` leaves the others out",
        bool(0 < keep.sum() < keep.size and set(np.unique(keep)) == {0.0, 1.0}),
    )


def m21(experiment: Experiment) -> RequirementResult:
    """The coding rules classify the named cases as historians do."""
    coded = exit_coding.classified_exits(experiment.inputs.tables, experiment.inputs.priors)
    codes = {
        (m, c): (code, channel)
        for m, c, code, channel in coded[["mission", "country", "code", "channel"]].itertuples(index=False)
    }
    expected = {
        ("mnf_iraq", "ESP"): ("defection", "own"),
        ("mnf_iraq", "ITA"): ("defection", "own"),
        ("mnf_iraq", "JPN"): ("planned", "term"),
        ("mnf_iraq", "KOR"): ("planned", "end"),
        **{("unosom_ii", c): ("defection", "contagion") for c in ("DEU", "ITA", "FRA")},
    }
    text = ", ".join(f"{m}/{c} {' '.join(codes[m, c])}" for m, c in expected)
    return RequirementResult(text, all(codes[key] == value for key, value in expected.items()))
