"""Requirements on the four designs of the alliance."""

from typing import Any, Final

import numpy as np

from forecast.data import membership
from forecast.evaluation.requirements.coalitions import w5 as w5
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.names import DESIGNS, WARS
from forecast.simulation.arrays import StaticInputs

FOUR: Final = DESIGNS[1:]
USUAL, DEMOCRACY, CHINA, LABOUR = FOUR
CELLS: Final = tuple((WARS[0], design) for design in FOUR)
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
    """Four designs and none give twelve cells with shared random numbers, so contrasts have smaller errors."""
    pair = [(WARS[0], USUAL), (WARS[0], CHINA)]
    result = experiment.run(pair)
    a, b = (result.cohesion(design=d)[:, experiment.roster.verdict_at] for _, d in pair)
    shared = float((b - a).std() / np.sqrt(a.size))
    apart = float(np.hypot(a.std(), b.std()) / np.sqrt(a.size))
    crossed = sum(war != WARS[0] and design != DESIGNS[0] for war, design in experiment.roster.cells)
    text = f"{crossed} crossed cells; error of a contrast {shared:.3f}, of separate runs {apart:.3f}"
    return RequirementResult(text, crossed == 12 and shared < apart)


def w1(experiment: Experiment) -> RequirementResult:
    """Business as usual has the fewest missions out of area, and European spending grows least."""
    result = experiment.run(CELLS)
    begun = {d: float(result.tally.begun[n, -1] / result.tally.paths.sum()) for n, d in enumerate(FOUR)}
    growth = {d: float(_growth(result, d).mean()) for d in FOUR}
    others = [d for d in FOUR if d != USUAL]
    text = ", ".join(f"{d} {begun[d]:.2f} missions, {100 * growth[d]:+.2f} %" for d in FOUR)
    fewest = all(begun[USUAL] < begun[d] for d in others)
    return RequirementResult(text, fewest and all(growth[USUAL] <= growth[d] + 1e-4 for d in others))


def w2(experiment: Experiment) -> RequirementResult:
    """Democracy International divides members by their level of democracy; equal members would not be divided."""
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
    """With Global against China, cohesion is below business as usual, and Europe does not arm against China."""
    pair = [(WARS[0], USUAL), (WARS[0], CHINA)]
    result = experiment.run(pair)
    quarter = experiment.roster.verdict_at
    lower = float((result.cohesion(design=CHINA) < result.cohesion(design=USUAL))[:, quarter].mean())
    focus = [
        experiment.using(layout=_with_cells(experiment, china_focus=x)).run(pair[1:]).european(design=CHINA)
        for x in (0.0, 1.0)
    ]
    extra = float(np.log(focus[1] / focus[0])[:, -1].mean())
    cap = float(experiment.draws.parameters["balancing_far"].max())
    text = f"below on {lower:.2f} of paths; European spending {100 * extra:+.2f} % after ten years"
    met = lower >= 0.6 and cap <= 0.02 and abs(extra) < 0.01  # one percent of a budget is no hard balancing
    return RequirementResult(f"{text}, at most {cap:.3f} of a Pacific power's", met)


def w4(experiment: Experiment) -> RequirementResult:
    """A division of labour raises European spending only if Europe finds it credible; the United States stays."""
    pair = [(WARS[0], USUAL), (WARS[0], LABOUR)]
    share = []
    for credibility in (0.0, 0.5, 1.0):
        layout = _with_cells(experiment, credibility=credibility)
        result = experiment.using(layout=layout).run(pair)
        more = result.european(design=LABOUR) - result.european(design=USUAL)
        share.append(float((more[:, -1] > 0).mean()))
    apart = experiment.run(pair, parameters={"us_burden": 0.0})
    stays = [apart.happened("us_exit", design=d)[-1] for _, d in pair]
    text = " ".join(f"{s:.2f}" for s in share)
    met = share[2] >= 0.8 and abs(share[0] - 0.5) <= 0.15 and share[0] <= share[1] <= share[2]
    return RequirementResult(
        f"P(more than business as usual) at credibility 0, 0.5, 1: {text}; P(US out) {stays[0]:.3f}, {stays[1]:.3f}",
        met and stays[0] == stays[1],
    )


def w6(experiment: Experiment) -> RequirementResult:
    """Members joined in waves: NATO has 1,463 member-years up to 2026, within two."""
    years = membership.member_years(experiment.inputs.tables)
    return RequirementResult(f"{years:,.1f} member-years", abs(years - MEMBER_YEARS) <= 2.0)
