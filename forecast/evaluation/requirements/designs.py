"""Requirements on the four designs of the alliance."""

from typing import Any, Final

import numpy as np

from forecast.data import membership
from forecast.evaluation.requirements.coalitions import w5 as w5
from forecast.evaluation.requirements.experiment import (
    CHINA,
    DEMOCRACY,
    LABOUR,
    LOSE,
    STALEMATE,
    USUAL,
    WIN,
    Experiment,
    ExperimentResult,
    RequirementResult,
    mean_log_share,
)
from forecast.evaluation.requirements.past_spending import after_the_cold_war
from forecast.simulation.arrays import StaticInputs

FOUR: Final = (USUAL, DEMOCRACY, CHINA, LABOUR)
CELLS: Final = tuple((None, design) for design in FOUR)
FALL: Final = -0.030  # mean yearly change of the log share of the allies, 1990 to 1999
MEMBER_YEARS: Final = 1463.0  # of NATO up to 1 January 2026


def _growth(result: ExperimentResult, design: str) -> Any:
    """Return the yearly growth of the European share of GDP (path,), in log points."""
    share = np.log(result.european(design=design))
    return (share[:, -1] - share[:, 0]) / (share.shape[1] - 1)


def _with_cells(experiment: Experiment, **fields: Any) -> StaticInputs:
    """Return the static inputs of the plan with fields set in all cells."""
    cells = experiment.layout.cells.copy()
    for name, value in fields.items():
        cells[name] = value
    return experiment.layout._replace(cells=cells)


def w0(experiment: Experiment) -> RequirementResult:
    """Four designs and none give twelve cells with shared random numbers, so contrasts have smaller errors.

    Fails if cells are missing, or shared random numbers do not lower the error of a contrast.
    """
    pair = [(None, USUAL), (None, CHINA)]
    result = experiment.run(pair)
    a, b = (result.cohesion(design=d)[:, experiment.roster.verdict_at] for _, d in pair)
    shared = float((b - a).std() / np.sqrt(a.size))
    apart = float(np.hypot(a.std(), b.std()) / np.sqrt(a.size))
    crossed = sum((war, design) in experiment.roster.cells for war in (WIN, LOSE, STALEMATE) for design in FOUR)
    text = f"{crossed} crossed cells; error of a contrast {shared:.3f}, of separate runs {apart:.3f}"
    return RequirementResult(text, crossed == 12 and shared < apart)


def w1(experiment: Experiment) -> RequirementResult:
    """Business as usual has the fewest missions out of area, and European spending grows least.

    Fails if another design has fewer missions or less growth of spending.
    """
    result = experiment.run(CELLS)
    begun = {d: float(result.tally.begun[n, -1] / result.tally.paths.sum()) for n, d in enumerate(FOUR)}
    growth = {d: float(_growth(result, d).mean()) for d in FOUR}
    others = [d for d in FOUR if d != USUAL]
    text = ", ".join(f"{d} {begun[d]:.2f} missions, {100 * growth[d]:+.2f} %" for d in FOUR)
    fewest = all(begun[USUAL] < begun[d] for d in others)
    return RequirementResult(text, fewest and all(growth[USUAL] <= growth[d] + 1e-4 for d in others))


def w2(experiment: Experiment) -> RequirementResult:
    """Democracy International divides members by their level of democracy; equal members would not be divided.

    Fails if another design divides members more, or members with equal democracy are divided.
    """
    quarter = experiment.roster.verdict_at
    result = experiment.run(CELLS)
    spread = {d: float(result.index("heterogeneity", design=d)[:, quarter].mean()) for d in FOUR}
    members = experiment.layout.members.copy()
    members["firm"] = 1.0
    equal = experiment.using(layout=experiment.layout._replace(members=members)).run(CELLS[:2])
    pair = [equal.index("heterogeneity", design=d)[:, quarter].mean() for d in (USUAL, DEMOCRACY)]
    left = float(pair[1] - pair[0])
    text = ", ".join(f"{d} {x:.2f}" for d, x in spread.items())
    most = max(spread, key=spread.__getitem__) == DEMOCRACY
    return RequirementResult(f"{text}; {left:+.3f} with equal members", most and abs(left) < 1e-6)


def w3(experiment: Experiment) -> RequirementResult:
    """With Global against China, cohesion is below business as usual, and Europe does not arm against China.

    Fails if cohesion is not lower, nobody arms against China, or Europe does so by more than 2 % of what North
    America does.
    """
    pair = [(None, USUAL), (None, CHINA)]
    result = experiment.run(pair)
    quarter = experiment.roster.verdict_at
    lower = float((result.cohesion(design=CHINA) < result.cohesion(design=USUAL))[:, quarter].mean())
    europe, pacific = (np.array([getattr(experiment.layout.members, name) > 0]) for name in ("european", "pacific"))
    rise = []
    for focus in (0.0, 1.0):
        focused = experiment.using(layout=_with_cells(experiment, china_focus=focus)).run(pair[1:])
        rise.append(mean_log_share(focused)[0])
    extra = rise[1] - rise[0]
    here, there = (float(extra[group[0]].mean()) for group in (europe, pacific))
    text = (
        f"below on {lower:.2f} of paths; full focus on China raises spending by {100 * there:+.1f} % in North America"
    )
    met = lower >= 0.6 and there > 0.02 and abs(here) <= 0.02 * there + 0.001
    return RequirementResult(f"{text}, {100 * here:+.2f} % in Europe, {here / max(there, 1e-9):.3f} of it", met)


def w4(experiment: Experiment) -> RequirementResult:
    """A division of labour raises European spending only if Europe finds it credible; the United States stays.

    Fails if spending does not rise with credibility, rises without it, if credibility does not fade, or if the design
    changes P(US out) by more than a point.
    """
    pair = [(None, USUAL), (None, LABOUR)]
    share = []
    for credibility in (0.0, 0.5, 1.0):
        layout = _with_cells(experiment, credibility=credibility)
        result = experiment.using(layout=layout).run(pair)
        more = result.european(design=LABOUR) - result.european(design=USUAL)
        share.append(float((more[:, -1] > 0).mean()))
        if credibility == 0.5:
            belief = result.index("credibility", design=LABOUR)
    whole, apart = experiment.run(pair, paths=2048), experiment.run(pair, parameters={"us_burden": 0.0})
    out, alone = ([result.happened("us_exit", design=d)[-1] for _, d in pair] for result in (whole, apart))
    text = " ".join(f"{s:.2f}" for s in share)
    met = share[2] >= 0.8 and abs(share[0] - 0.5) <= 0.15 and share[0] <= share[1] <= share[2]
    faded = float((belief[:, 0] - belief[:, -1]).mean())  # troops leave more slowly than announced
    stays = abs(out[1] - out[0]) <= 0.01 and alone[0] == alone[1]
    return RequirementResult(
        f"P(more than business as usual) at credibility 0, 0.5, 1: {text}, and 0.5 falls by {faded:.2f}; P(US out) "
        f"{out[0]:.4f}, {out[1]:.4f} as projected, {alone[0]:.3f}, {alone[1]:.3f} without the effect of spending",
        met and stays and faded > 0.0,
    )


def w7(experiment: Experiment) -> RequirementResult:
    """Europe cut its spending after the Cold War: the fitted model allows a fall of 3 % a year from 1990 to 1999.

    Fails if the 90 % interval of the fitted model leaves out the fall.
    """
    changes = after_the_cold_war(experiment)
    low, high = np.quantile(changes, (0.05, 0.95))
    return RequirementResult(
        f"mean change a year {100 * changes.mean():+.1f} %, 90 % interval {100 * low:+.1f} to {100 * high:+.1f} %; "
        f"required: covers {100 * FALL:+.1f} %",
        bool(low <= FALL <= high),
    )


def w6(experiment: Experiment) -> RequirementResult:
    """Members joined in waves: NATO has 1,463 member-years up to 2026, within two.

    Fails if the tables have other dates of membership.
    """
    years = membership.member_years(experiment.inputs.tables)
    return RequirementResult(f"{years:,.1f} member-years", abs(years - MEMBER_YEARS) <= 2.0)
