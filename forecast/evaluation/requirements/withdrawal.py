"""Requirements on withdrawal and defection, and on the data: how exits are coded, screened and weighted."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data import exit_coding
from forecast.data.deployments import mission_spells
from forecast.evaluation.requirements.dyads import m14 as m14
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult, refitted
from forecast.names import FIVE_YEARS, MODES
from forecast.simulation.arrays import Draws
from forecast.simulation.rules import missions as rule

WILLING, NATO = "willing_combat", "nato_combat"  # missions of the default plan with the same contributors
_REPLICATES = 16  # paths for each draw where draws are compared
AS_CODED = "as it is"  # the variant that recodes nothing
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
    """Planned withdrawal is not defection: rules code exits as their coders did; an end raises planned exits alone.

    Fails if the rules differ from the coders in more than a fifth of cases, or an end raises defections or no
    exits.
    """
    tables = experiment.inputs.tables
    coded = exit_coding.classified_exits(tables, experiment.inputs.priors)
    complete = coded[["code", "rule", "source"]].notna().all(axis=None)
    complete &= coded["p_defect"][coded["rule"] > 1].between(0, 1).all()
    kinds = tables.main_contingents().set_index(["mission", "country", "spell"])["exit_kind"]
    facts = coded[coded["from_facts"] & coded["code"].isin(["planned", "defection"]) & (coded["rule"] > 1)]
    kind = kinds.reindex(pd.MultiIndex.from_frame(facts[["mission", "country", "spell"]])).to_numpy()
    decided = np.isin(kind, ["planned", "defection"])
    agree = float((facts["code"].to_numpy() == kind)[decided].mean())
    s = experiment.mission("unifil")
    results = [experiment.run(parameters=_NO_CONTAGION | {"ending": b}) for b in (0.0, 2.0)]
    gone = [result.tally.exits[0, s].sum() / result.paths for result in results]
    defected = [result.tally.modes[0, s, 0] / result.paths for result in results]
    return RequirementResult(
        f"{len(coded)} exits coded by rule and source; of {decided.sum()} with recorded facts and a kind the rules "
        f"give that kind to {agree:.0%}, required 80 %; near the end of UNIFIL, without contagion, exits rise from "
        f"{gone[0]:.2f} to {gone[1]:.2f} per path, full defections from {defected[0]:.2f} to {defected[1]:.2f}",
        bool(complete and agree >= 0.8 and gone[1] > 1.5 * gone[0] and defected[1] <= defected[0]),
    )


def m2(experiment: Experiment) -> RequirementResult:
    """Full exit is the rarer form of defection from NATO missions.

    Fails if half or more of the defections are full exits, or a mode never occurs.
    """
    count = _modes(experiment, experiment.run(), NATO)
    text = ", ".join(f"{m} {x:.0%}" for m, x in zip(MODES, count / count.sum(), strict=True))
    return RequirementResult(text, bool(count[0] < 0.5 * count.sum() and (count > 0).all()))


def m3(experiment: Experiment) -> RequirementResult:
    """Operational contribution only falls, except at a hand-over; a mission without members contributes nothing.

    Fails if the contribution rises without a hand-over, never rises with one, or outlasts the members.
    """
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
    """A coalition can lose its contribution while its members are present; ad hoc coalitions do so more often.

    Fails if NATO missions hollow out as often as ad hoc ones, or never.
    """
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
    """A caveat added in a mission is a defection: it lowers the contribution, ends no stay, and few notice it.

    Fails if a caveat ends a stay, costs nothing, or is noticed at another rate than is usual.
    """
    shares = {"caveats": [0.0, 0.0, 1.0, 0.0], "no caveats": [0.0, 0.0, 0.0, 1.0]}
    tight, none = (
        experiment.run(off=("collapse", "hand_over"), parameters={"mode_shares": share, "ever_reduced": 0.0})
        for share in shares.values()
    )
    s = experiment.mission(NATO)
    present, working = (tight.joint.survival[:, 0, s, curve].astype(float) for curve in (0, 1))
    flags = bool(np.array_equal(np.nan_to_num(present), np.nan_to_num(none.joint.survival[:, 0, s, 0].astype(float))))
    added = tight.tally.modes[0, s, 3] / tight.paths
    gap = float(np.nanmean((present - working)[:, -1]))
    seen = [
        float(result.tally.seen[0].sum() / max(result.tally.modes[0, :, 3].sum(), 1))
        for result in (experiment.run(parameters={"caveat_detection": x}) for x in (0.0, 1.0))
    ]
    base = experiment.run().tally
    noticed = float(base.seen[0].sum() / base.modes[0, :, 3].sum())
    return RequirementResult(
        f"{added:.2f} new caveats a path in a NATO mission leave the flags {'as' if flags else 'not as'} they are "
        f"and cost {gap:.2f} of the contribution; {noticed:.0%} are noticed ({seen[0]:.0%} and {seen[1]:.0%} if none "
        "or all can be); the tables record no caveats at entry",
        flags and added > 0 and gap > 0 and seen == [0.0, 1.0] and 0.15 < noticed < 0.35,
    )


def m9(experiment: Experiment) -> RequirementResult:
    """Contingents stay longer in NATO missions than in coalitions of the willing.

    Fails if contingents stay longer in NATO missions in fewer than 90 % of prior draws.
    """
    draws = experiment.prior.parameters.size
    result = experiment.using(draws=experiment.prior).run(off=("all",), paths=_REPLICATES * draws)
    stays = [
        _curves(experiment, result, name)[:, 2, 11].reshape(_REPLICATES, draws).mean(axis=0) for name in (WILLING, NATO)
    ]
    longer = float((stays[1] > stays[0]).mean() + 0.5 * (stays[1] == stays[0]).mean())
    return RequirementResult(
        f"share left after 36 months: NATO {stays[1].mean():.2f}, ad hoc {stays[0].mean():.2f}; S(NATO) > S(ad hoc) in "
        f"{longer:.2f} of prior draws, required 0.90",
        longer >= 0.9,
    )


def m10(experiment: Experiment) -> RequirementResult:
    """The reason to join affects staying: side payments and prestige make contingents stay longer.

    Fails if side payments or prestige shorten stays.
    """
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
    """Risk drives defection; dependence on the alliance changes the mix of modes, not the hazard.

    Fails if risk does not raise defections, changes their mix, or if dependence changes their number or not their
    mix.
    """
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
    """Losses count more than gains, and combat losses shorten a coalition.

    Fails if losses do not outweigh gains in 80 % of draws, lower the hazard in the fit, or do not shorten stays.
    """
    up, down = _responses(experiment.prior)
    share = float((np.abs(up) > 1.5 * np.abs(down)).mean())
    rise = float(np.median(_responses(experiment.draws)[0]))
    without, with_losses = (_left(experiment, experiment.run(off=off), WILLING) for off in (("losses",), ()))
    return RequirementResult(
        f"response to +1 SD above 1.5 times that to -1 SD in {share:.2f} of draws, {rise:+.2f} in the median of "
        f"the fit (log hazard); share left after five years "
        f"{without:.2f} without losses, {with_losses:.2f} with",
        share >= 0.8 and rise > 0.0 and with_losses < without,
    )


def _responses(draws: Draws) -> NDArray[Any]:
    """Return the changes of the log hazard with losses one SD above and below their reference, (2, draw)."""
    p = draws.parameters
    ratios = [
        [
            rule.campaign_hazard_ratio(rule.felt_losses(z, a), b, 0.0, 0.0, 0.0, 0.0)
            for a, b in zip(p["loss_aversion"], p["casualties"], strict=True)
        ]
        for z in (1.0, -1.0)
    ]
    return np.log(ratios)


def m13(experiment: Experiment) -> RequirementResult:
    """Dependence prevents full exits: allies who depend on the alliance exit less and cut more.

    Fails if dependent allies leave as often.
    """
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
    """Governments that depend on a parliament have more caveats.

    Fails if caveats are no more frequent with parliaments.
    """
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
    """An election ahead probably raises the hazard of exit, a priori and in the fit.

    Fails if the rule, its prior or the fit turns the effect round, or the simulation does not show it.
    """
    prior, fitted = (draws.parameters["election_ahead"] for draws in (experiment.prior, experiment.draws))
    ratio = np.array([rule.leader_hazard_ratio(0, 1, 0.0, b) / rule.leader_hazard_ratio(0, 0, 0.0, b) for b in prior])
    median, positive = float(np.median(ratio)), float((ratio > 1).mean())
    text, fewer = _with_effect(experiment, "election_ahead", float(np.median(prior)))
    return RequirementResult(
        f"hazard ratio: median {median:.2f}, P(> 1) = {positive:.2f} a priori, {float((fitted > 0).mean()):.2f} in the "
        f"fit; {text}",
        abs(median - 1.57) < 0.1 and abs(positive - 0.93) < 0.04 and float((fitted > 0).mean()) > 0.5 and fewer,
    )


def m17(experiment: Experiment) -> RequirementResult:
    """A change of leader probably raises the hazard of exit; a turn to the left raises it further.

    Fails if the prior is too sure or unsure, the fit or the rule turns the effect round, or the simulation does not
    show it.
    """
    prior = experiment.prior.parameters
    change = np.array([rule.leader_hazard_ratio(1, 0, b, 0.0) for b in prior["leader_change"]])
    turn = np.array([rule.public_hazard_ratio(0.0, 1.0, 0.0, 0, 0.0, 1, b) for b in prior["left_turn"]])
    up, left = float((change > 1).mean()), float((turn > 1).mean())
    fitted = float((experiment.draws.parameters["leader_change"] > 0).mean())
    new, fewer = _with_effect(experiment, "leader_change", 1.0)
    turned, fewest = _with_effect(experiment, "left_turn", 1.0)
    return RequirementResult(
        f"P(HR > 1) = {up:.2f} a priori, {fitted:.2f} in the fit, of the turn to the left {left:.2f} a priori; {new}, "
        f"{turned}",
        0.85 <= up <= 0.95 and left > 0.5 and fitted > 0.5 and fewer and fewest,
    )


def m18(experiment: Experiment) -> RequirementResult:
    """Public opinion matters little in NATO missions, because elites agree.

    Fails if opposition has no effect ad hoc, or more than half of that effect in NATO missions.
    """
    rare = experiment.using(draws=_risk(experiment, RARE))
    calm, opposed = (rare.run(parameters=_NO_CONTAGION | {"opposition": b}, paths=1024) for b in (0.0, 1.0))
    effect = [
        float(np.log(_modes(experiment, opposed, name).sum() / _modes(experiment, calm, name).sum()))
        for name in (WILLING, NATO)
    ]
    share = _sign(experiment, "opposition", 1, 0.85)
    return RequirementResult(
        f"a unit of opposition raises defections by {effect[0]:.3f} ad hoc and by {effect[1]:.3f} in a NATO mission "
        f"(log); {share.value}",
        bool(effect[0] > 0.01 and effect[1] <= 0.5 * effect[0] and share.met),
    )


def m19(experiment: Experiment) -> RequirementResult:
    """A mission that goes badly, and a separate sector, raise the hazard of exit.

    Fails if a bad battlefield lowers the hazard in more than 15 % of prior draws, or the simulation does not show
    either effect.
    """
    prior = experiment.prior.parameters["trend"]
    bad, good = (np.array([rule.campaign_hazard_ratio(0.0, 0.0, 0.0, 0.0, z, b) for b in prior]) for z in (-1.0, 1.0))
    worse = float((bad > good).mean())
    steady, swayed = (
        _left(experiment, experiment.run(parameters=_NO_CONTAGION | {"trend": b}), WILLING) for b in (0.0, -1.0)
    )
    together, alone = _with_circumstance(experiment, "separate_sector")
    return RequirementResult(
        f"a bad quarter raises the hazard in {worse:.2f} of prior draws, required 0.85, by {np.median(bad / good):.2f} "
        f"in the median; share left after five years {steady:.3f} without and {swayed:.3f} with a battlefield that "
        f"matters, {together:.3f} together and {alone:.3f} in separate sectors",
        worse >= 0.85 and swayed < steady and alone < together,
    )


def m20(experiment: Experiment) -> RequirementResult:
    """Troops are swapped to another mission; a government can fall over a mission.

    Fails if nobody swaps, or if leaders do not fall more often when missions are riskier.
    """
    result = experiment.run()
    count = result.tally.modes[0, :, MODES.index("swap")].sum() / result.paths
    risky = experiment.using(draws=_risk(experiment, 1.0)).run()
    falls = [int(r.tally.turnover.sum()) for r in (result, risky)]
    return RequirementResult(
        f"{count:.2f} swaps per path over all missions; years with a new leader {falls[0] / result.paths:.2f} a path, "
        f"{falls[1] / result.paths:.2f} if missions are riskier",
        bool(count > 0 and falls[1] > falls[0]),
    )


def m22(experiment: Experiment) -> RequirementResult:
    """A mission whose aims grow loses members faster.

    Fails if grown aims do not shorten stays.
    """
    base, grown = _with_circumstance(experiment, "mission_creep")
    return RequirementResult(f"share left after five years {base:.3f}, with grown aims {grown:.3f}", grown < base)


def m23(experiment: Experiment) -> RequirementResult:
    """After a large defection the remaining contingents carry more and leave sooner.

    Fails if backfilling does not shorten stays.
    """
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
    """Small withdrawals cannot be coded: the share of unknown cause is reported, and recoded fits exist.

    Fails if no exit or every exit is unknown, or if no refit with other probabilities is stored.
    """
    screened = exit_coding.screened(experiment.inputs.tables)
    unknown = float((screened["exit_kind"] == "unknown").mean())
    refits = [refitted(experiment, f"unknown .{p}") for p in (2, 8)]
    moved = [abs(x - refitted(experiment, AS_CODED)[name]) for refit in refits for name, x in refit.items()]
    apart = ", ".join(f"{a:.2f} and {b:.2f} ({name})" for name, a, b in _survivals(*refits))
    return RequirementResult(
        f"{unknown:.0%} of {len(screened)} exits unknown, {screened['large'].mean():.0%} large enough to be coded; "
        f"refitted with 0.2 and 0.8 as probability of defection: {apart or 'not done, `forecast variants` does it'}",
        0 < unknown < 1 and all(refits) and max(moved, default=0.0) > 0.0,
    )


def _survivals(first: dict[str, float], second: dict[str, float]) -> list[tuple[str, float, float]]:
    """Return the survival of missions in two refits."""
    names = [name for name in first if name in second and name.startswith("nominal")]
    return [(name.split(", ")[-1], first[name], second[name]) for name in names]


def m7(experiment: Experiment) -> RequirementResult:
    """A contingent that falls to zero troops while the mission continues has left.

    Fails if a contingent that fell to zero is recorded as present.
    """
    tables = experiment.inputs.tables
    zero = exit_coding.gone_by_level(tables)
    entered = tables.main_contingents().groupby(["mission", "country"])["entry"].min()
    began = entered.reindex(pd.MultiIndex.from_frame(zero[["mission", "country"]])).to_numpy()
    fallen = zero[zero["date"].to_numpy() > began]
    names = ", ".join(f"{r.country} in {r.mission} {r.date:%Y-%m}" for r in fallen[~fallen["recorded"]].itertuples())
    return RequirementResult(
        f"{len(fallen)} contingent fell to zero in a running mission, {int(fallen['recorded'].sum())} of them are "
        f"recorded as exits by then; not recorded: {names or 'none'}",
        len(fallen) > 0 and bool(fallen["recorded"].all()),
    )


def m8(experiment: Experiment) -> RequirementResult:
    """The fit can be made from the best documented spells alone.

    Fails if no fit to the spells of high confidence is stored.
    """
    keep = exit_coding.high_quality(mission_spells(experiment.inputs.tables, experiment.inputs.priors))
    refit = refitted(experiment, "high confidence")
    pairs = ", ".join(f"{a:.2f} and {b:.2f} ({n})" for n, a, b in _survivals(refitted(experiment, AS_CODED), refit))
    return RequirementResult(
        f"{int(keep.sum())} of {keep.size} spells are coded with high confidence; survival after five years in the fit "
        f"to all and to these: {pairs or 'not done, `forecast variants` does it'}",
        bool(refit and pairs and 0 < keep.sum() < keep.size),
    )


def m21(experiment: Experiment) -> RequirementResult:
    """The coding rules classify the named cases as historians do.

    Fails if a case is classified otherwise.
    """
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
