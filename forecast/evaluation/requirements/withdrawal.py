"""Requirements on defection from coalitions, and on the record: how exits are coded, screened and weighed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data import exit_coding
from forecast.data.deployments import mission_spells
from forecast.evaluation.requirements.dyads import m14 as m14
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.names import FIVE_YEARS, MODES
from forecast.simulation.rules import missions as rule

WILLING, NATO = "willing_combat", "nato_combat"  # the same contributors twice, in the default plan
RARE = -2.0  # on log hazards: so rare that counts are in proportion to hazards
_STILL = {"contagion": 0.0, "lead_gone": 0.0, "cohesion_effect": 0.0, "backfill": 0.0}  # no spread


def _curves(experiment: Experiment, out: ExperimentResult, mission: str) -> NDArray[Any]:
    """(paths, curve, quarters): the first five years of a mission in the first cell of an experiment."""
    s = experiment.mission(mission)
    start = experiment.roster.missions[s].start
    return np.asarray(out.joint.survival[:, 0, s, :, start : start + FIVE_YEARS + 1], dtype=float)


def _modes(experiment: Experiment, out: ExperimentResult, mission: str) -> NDArray[Any]:
    """Defections of a mission a path, by mode."""
    return np.asarray(out.tally.modes[0, experiment.mission(mission)] / out.tally.paths.sum())


def _left(experiment: Experiment, out: ExperimentResult, mission: str) -> float:
    """Mean share of flags by count at five years."""
    return float(_curves(experiment, out, mission)[:, 2, -1].mean())


def _risk(experiment: Experiment, rise: float) -> Any:
    """Parameter draws with all log hazards of defection moved."""
    contingents = experiment.draws.contingents.copy()
    contingents["defection"] += rise
    return experiment.draws._replace(contingents=contingents)


def _with_effect(experiment: Experiment, name: str, effect: float) -> tuple[str, bool]:
    """Flags after five years without an effect on the log hazard and with it, and whether it leaves fewer."""
    none, some = (_left(experiment, experiment.run(parameters={name: b}), WILLING) for b in (0.0, effect))
    return f"flags after five years {none:.3f} at 0, {some:.3f} at {effect:.2f}", some < none


def _with_circumstance(experiment: Experiment, name: str) -> tuple[float, float]:
    """Flags after five years as planned, and where every contingent of the willing has a circumstance at its mean."""
    contingents = experiment.draws.contingents.copy()
    mean = experiment.inputs.priors[f"missions.{name}"].params[0]
    contingents["circumstances"][:, experiment.mission(WILLING)] += mean
    changed = experiment.draws._replace(contingents=contingents)
    return _left(experiment, experiment.run(), WILLING), _left(experiment, experiment.run(draws=changed), WILLING)


def _sign(experiment: Experiment, field: str, wanted: int, least: float) -> RequirementResult:
    share = float((wanted * experiment.prior.parameters[field] > 0).mean())
    return RequirementResult(f"P(sign) = {share:.2f} a priori, wanted {least} or more", share >= least)


def m1(experiment: Experiment) -> RequirementResult:
    """Planned withdrawal is not defection: exits are coded by rules; the end of a mission lifts planned exits alone."""
    coded = exit_coding.classified_exits(experiment.inputs.tables, experiment.inputs.priors)
    whole = coded[["code", "rule", "source"]].notna().all(axis=None)
    whole &= coded["p_defect"][coded["rule"] > 1].between(0, 1).all()
    s = experiment.mission("unifil")
    plays = [experiment.run(parameters=_STILL | {"ending": b}).tally for b in (0.0, 2.0)]
    gone = [tally.exits[0, s].sum() / 512 for tally in plays]
    defected = [tally.modes[0, s, 0] / 512 for tally in plays]
    return RequirementResult(
        f"{len(coded)} exits coded by rule and source; near the end of UNIFIL, nothing spreading, exits go from "
        f"{gone[0]:.2f} to {gone[1]:.2f} a path, full defections from {defected[0]:.2f} to {defected[1]:.2f}",
        bool(whole and gone[1] > 1.5 * gone[0] and defected[1] <= defected[0]),
    )


def m2(experiment: Experiment) -> RequirementResult:
    """Total exit is the rarer form of defection from NATO missions."""
    count = _modes(experiment, experiment.run(), NATO)
    told = ", ".join(f"{m} {x:.0%}" for m, x in zip(MODES, count / count.sum(), strict=True))
    return RequirementResult(told, bool(count[0] < 0.5 * count.sum() and (count > 0).all()))


def m3(experiment: Experiment) -> RequirementResult:
    """The operational profile only falls, but for the surge of a hand-over; who leaves does nothing."""
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
    """A coalition may be hollow while its flags still fly; ad hoc ones more often."""
    out, share = experiment.run(draws=experiment.prior), []
    for name in (WILLING, NATO):
        flags, operation, _ = np.moveaxis(_curves(experiment, out, name), 1, 0)
        hollow = (flags >= 0.6) & (operation < 0.5)
        share.append(float(hollow.any(axis=1).mean()))
    curves = out.joint.survival
    below = float(np.nanmax(curves[:, :, :, 1] - curves[:, :, :, 0])) <= 1e-6
    ended = out.tally.ended[0, experiment.mission(WILLING), -1] / 512
    return RequirementResult(
        f"hollow within five years: ad hoc {share[0]:.2f}, NATO {share[1]:.2f} a priori; the ad hoc one ends in name "
        f"within the horizon on {ended:.0%} of paths",
        share[0] > share[1] > 0 and below,
    )


def m6(experiment: Experiment) -> RequirementResult:
    """Caveats at entry are no defection, those tightened later are, and are seldom noticed."""
    s = experiment.mission(NATO)
    calm = experiment.run(draws=_risk(experiment, -np.inf)).tally
    out = experiment.run().tally
    seen = out.seen[0].sum() / out.modes[0, :, 3].sum()
    none = int(calm.modes.sum())
    return RequirementResult(
        f"without hazard {none} defections; of {out.modes[0, s, 3] / 512:.2f} new caveats a path in a NATO mission "
        f"{seen:.0%} noticed",
        none == 0 and 0.15 < seen < 0.35,
    )


def m9(experiment: Experiment) -> RequirementResult:
    """Contingents stay longer under NATO than in coalitions of the willing."""
    out = experiment.run(off=("all",), draws=experiment.prior)
    stays = [_curves(experiment, out, name)[:, 2, 11].mean() for name in (WILLING, NATO)]
    rows = [experiment.prior.contingents["defection"][:, experiment.mission(m), 1] for m in (WILLING, NATO)]
    share = float((rows[1] < rows[0]).mean())
    return RequirementResult(
        f"share of flags after 36 months: NATO {stays[1]:.2f}, ad hoc {stays[0]:.2f}; S(NATO) > S(ad hoc) in "
        f"{share:.2f} of prior draws",
        share >= 0.9 and bool(stays[1] > stays[0]),
    )


def m10(experiment: Experiment) -> RequirementResult:
    """Why a state joined conditions whether it stays: side payments and prestige hold it."""
    s, told, met = experiment.mission(WILLING), [], True
    base = _left(experiment, experiment.run(), WILLING)
    for reason in ("side_payment", "prestige"):
        mean = experiment.inputs.priors[f"missions.{reason}"].params[0]
        contingents = experiment.draws.contingents.copy()
        contingents["circumstances"][:, s] += mean
        more = _left(experiment, experiment.run(draws=experiment.draws._replace(contingents=contingents)), WILLING)
        told.append(f"{reason} {more:.3f}")
        met = met and more > base
    return RequirementResult(f"flags after five years {base:.3f}; all joined for {', '.join(told)}", met)


def m11(experiment: Experiment) -> RequirementResult:
    """Risk prompts defection, the tether decides how: it moves the mix of modes, not the hazard."""
    s, layout = experiment.mission(NATO), experiment.layout
    tied = layout.contingents.copy()
    tied["relative_dependence"][s] += 1.0
    plays = [
        _modes(experiment, experiment.run(draws=_risk(experiment, RARE), paths=512), NATO),
        _modes(experiment, experiment.run(draws=_risk(experiment, RARE + 0.5), paths=512), NATO),
        _modes(
            experiment,
            experiment.run(draws=_risk(experiment, RARE), paths=512, layout=layout._replace(contingents=tied)),
            NATO,
        ),
    ]
    total = [float(p.sum()) for p in plays]
    full = [float(p[0] / p.sum()) for p in plays]
    return RequirementResult(
        f"defections {total[0]:.2f}, with more risk {total[1]:.2f}, with more tether {total[2]:.2f}; of these full "
        f"exits {full[0]:.2f}, {full[1]:.2f}, {full[2]:.2f}",
        total[1] > 1.3 * total[0]
        and abs(full[1] - full[0]) < 0.05
        and full[2] < full[0] - 0.05
        and abs(total[2] / total[0] - 1) < 0.1,
    )


def m12(experiment: Experiment) -> RequirementResult:
    """Losses loom larger than gains, and combat wears a coalition down."""
    aversion = experiment.prior.parameters["loss_aversion"]
    up, down = (np.array([abs(rule.felt_losses(z, a)) for a in aversion]) for z in (1.0, -1.0))
    share = float((up > 1.5 * down).mean())
    quiet, worn = (_left(experiment, experiment.run(off=off), WILLING) for off in (("losses",), ()))
    return RequirementResult(
        f"response to +1 SD above 1.5 times that to -1 SD in {share:.2f} of draws; flags after five years {quiet:.2f} "
        f"without losses, {worn:.2f} with",
        share >= 0.8 and worn < quiet,
    )


def m13(experiment: Experiment) -> RequirementResult:
    """Tethers stop total abrogation: those who depend on the alliance exit less and cut more."""
    s, gone = experiment.mission(NATO), []
    tied = experiment.layout.contingents["relative_dependence"][s] > 0
    for off in (("tether",), ()):
        out = experiment.run(off=off, paths=1024)
        gone.append(out.tally.exits[0, s, : tied.size].sum(-1)[tied].mean() / 1024)
    share = float((experiment.prior.parameters["tether"] < 0).mean())
    return RequirementResult(
        f"front-line allies have left NATO's combat mission with {gone[0]:.3f} untied, {gone[1]:.3f} tied; "
        f"P(slope < 0) = {share:.2f} a priori",
        gone[1] < gone[0] and share > 0.9,
    )


def m15(experiment: Experiment) -> RequirementResult:
    """Governments that live by coalitions have more caveats."""
    share = []
    for parliamentary in (0, 1):
        countries = experiment.layout.countries.copy()
        countries["parliamentary"] = parliamentary
        layout = experiment.layout._replace(countries=countries)
        out = experiment.run(constants={"early_election": 0.0}, layout=layout)
        modes = out.tally.modes[0].sum(axis=0)
        share.append(float(modes[3] / modes[1:].sum()))
    return RequirementResult(
        f"caveats among partial defections: {share[0]:.2f} where none depends on parliament, {share[1]:.2f} else",
        share[1] > share[0],
    )


def m16(experiment: Experiment) -> RequirementResult:
    """Elections ahead drive exits."""
    effect = experiment.inputs.priors["withdrawal.election_ahead"].sample(_rng(), 20000)
    ratio, positive = float(np.median(np.exp(effect))), float((effect > 0).mean())
    told, fewer = _with_effect(experiment, "election_ahead", float(np.median(effect)))
    return RequirementResult(
        f"hazard ratio: median {ratio:.2f}, P(> 1) = {positive:.2f} a priori; {told}",
        abs(ratio - 1.57) < 0.05 and abs(positive - 0.93) < 0.02 and fewer,
    )


def m17(experiment: Experiment) -> RequirementResult:
    """A change of leader likely drives exits, and is not certain to; a turn to the left adds."""
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
    """Publics hardly matter inside NATO, for elites agree."""
    open_ = [1 - experiment.prior.missions["consensus"][:, experiment.mission(m)] for m in (WILLING, NATO)]
    ratio = float(np.median(open_[1] / open_[0]))
    share = _sign(experiment, "opposition", 1, 0.85)
    return RequirementResult(
        f"effect in NATO missions {ratio:.2f} of that in ad hoc ones (median draw); {share.value}",
        ratio <= 0.5 and share.met,
    )


def m19(experiment: Experiment) -> RequirementResult:
    """A mission that goes badly, and a sector of one's own, make states leave."""
    trend = _sign(experiment, "trend", -1, 0.85)
    apart = float((experiment.inputs.priors["missions.separate_sector"].sample(_rng(), 20000) > 0).mean())
    worse, better = (rule.campaign_hazard_ratio(0.0, 0.0, 0.0, 0.0, z, -0.3) for z in (-1.0, 1.0))
    together, alone = _with_circumstance(experiment, "separate_sector")
    return RequirementResult(
        f"battlefield: {trend.value}; a bad quarter lifts the hazard by {worse / better:.2f} over a good one; "
        f"P(separate sector > 0) = {apart:.2f}; flags after five years {together:.3f}, each in its own {alone:.3f}",
        trend.met and apart > 0.8 and worse > better and alone < together,
    )


def m20(experiment: Experiment) -> RequirementResult:
    """A government may fall over a mission and its country stay otherwise: troops are swapped to another mission."""
    count = experiment.run().tally.modes[0, :, MODES.index("swap")].sum() / 512
    return RequirementResult(f"{count:.2f} swaps a path over all missions", bool(count > 0))


def m22(experiment: Experiment) -> RequirementResult:
    """A mission whose aims grow is harder to hold together."""
    base, grown = _with_circumstance(experiment, "mission_creep")
    return RequirementResult(f"flags after five years {base:.3f}, with grown aims {grown:.3f}", grown < base)


def m23(experiment: Experiment) -> RequirementResult:
    """After a large defection those who remain carry more, and leave sooner."""
    none, all_ = (_left(experiment, experiment.run(parameters={"backfill": b}), WILLING) for b in (0.0, 1.0))
    lift = rule.backfill_hazard_ratio(0.8, 0.2, 1.0)
    return RequirementResult(
        f"when a fifth leaves, the exposure of the others rises by {lift - 1:.0%}; flags after five years {none:.3f} "
        f"without backfill, {all_:.3f} with all of it",
        all_ < none and lift > 1.2,
    )


def _rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=1))


def m5(experiment: Experiment) -> RequirementResult:
    """Small withdrawals cannot be coded: the share of unknown ground is told, and may be recoded."""
    screened = exit_coding.screened(experiment.inputs.tables)
    unknown = float((screened["exit_kind"] == "unknown").mean())
    spells = mission_spells(experiment.inputs.tables, experiment.inputs.priors)
    open_ = spells["exit_kind"].to_numpy() == "unknown"
    held = all((exit_coding.recoded(spells, unknown=p)[open_] == p).all() for p in (0.2, 0.8))
    return RequirementResult(
        f"{unknown:.0%} of {len(screened)} exits unknown, {screened['large'].mean():.0%} large enough to be coded; "
        f"recoded as .2 and .8: {held}",
        held and 0 < unknown < 1,
    )


def m7(experiment: Experiment) -> RequirementResult:
    """Zero troops while the mission goes on is an exit."""
    zero = exit_coding.gone_by_level(experiment.inputs.tables)
    return RequirementResult(
        f"{len(zero)} contingents fell to zero, {int(zero['recorded'].sum())} of them recorded as exits by then",
        len(zero) > 0 and bool(zero["recorded"].any()),
    )


def m8(experiment: Experiment) -> RequirementResult:
    """The fit can be kept to the best documented spells."""
    keep = exit_coding.high_quality(mission_spells(experiment.inputs.tables, experiment.inputs.priors))
    return RequirementResult(
        f"{int(keep.sum())} of {keep.size} spells are coded with high confidence; `keep` leaves the others out",
        bool(0 < keep.sum() < keep.size and set(np.unique(keep)) == {0.0, 1.0}),
    )


def m21(experiment: Experiment) -> RequirementResult:
    """The coding tree says of the named cases what their historians say."""
    coded = exit_coding.classified_exits(experiment.inputs.tables, experiment.inputs.priors)
    at = {
        (m, c): (code, channel)
        for m, c, code, channel in coded[["mission", "country", "code", "channel"]].itertuples(index=False)
    }
    wanted = {
        ("mnf_iraq", "ESP"): ("defection", "own"),
        ("mnf_iraq", "ITA"): ("defection", "own"),
        ("mnf_iraq", "JPN"): ("planned", "term"),
        ("mnf_iraq", "KOR"): ("planned", "end"),
        **{("unosom_ii", c): ("defection", "contagion") for c in ("DEU", "ITA", "FRA")},
    }
    told = ", ".join(f"{m}/{c} {' '.join(at[m, c])}" for m, c in wanted)
    return RequirementResult(told, all(at[key] == value for key, value in wanted.items()))
