"""Claims on four designs of the alliance."""

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
MEMBER_YEARS: Final = 1463.0  # of NATO, to the first day of 2026
FALL: Final = -0.030  # mean yearly change of the log share of GDP, 1990 to 1999


def _growth(seen: ExperimentResult, design: str) -> Any:
    """(paths,): yearly growth of the European share, log points."""
    share = np.log(seen.european(design=design))
    return (share[:, -1] - share[:, 0]) / (share.shape[1] - 1)


def _with_cells(experiment: Experiment, **fields: Any) -> StaticInputs:
    """The plan with something set in all cells."""
    cells = experiment.layout.cells.copy()
    for name, value in fields.items():
        cells[name] = value
    return experiment.layout._replace(cells=cells)


def w0(experiment: Experiment) -> RequirementResult:
    """Four futures beside none: twelve cells share their luck, so that contrasts are sharper than of separate runs."""
    pair = [(WARS[0], USUAL), (WARS[0], CHINA)]
    seen = experiment.run(pair)
    a, b = (seen.cohesion(design=d)[:, experiment.roster.verdict_at] for _, d in pair)
    shared = float((b - a).std() / np.sqrt(a.size))
    apart = float(np.hypot(a.std(), b.std()) / np.sqrt(a.size))
    crossed = sum(war != WARS[0] and design != DESIGNS[0] for war, design in experiment.roster.cells)
    told = f"{crossed} crossed cells; error of a contrast {shared:.3f}, of separate runs {apart:.3f}"
    return RequirementResult(told, crossed == 12 and shared < apart)


def w1(experiment: Experiment) -> RequirementResult:
    """Business as usual: fewest missions out of area, and European spending grows least."""
    seen = experiment.run(CELLS)
    begun = {d: float(seen.tally.begun[n, -1] / seen.tally.paths.sum()) for n, d in enumerate(FOUR)}
    growth = {d: float(_growth(seen, d).mean()) for d in FOUR}
    others = [d for d in FOUR if d != USUAL]
    told = ", ".join(f"{d} {begun[d]:.2f} missions, {100 * growth[d]:+.2f} %" for d in FOUR)
    fewest = all(begun[USUAL] < begun[d] for d in others)
    return RequirementResult(told, fewest and all(growth[USUAL] <= growth[d] + 1e-4 for d in others))


def w2(experiment: Experiment) -> RequirementResult:
    """Democracy International divides members by their democracy; were all equal, it would not."""
    at = experiment.roster.verdict_at
    seen = experiment.run(CELLS)
    spread = {d: float(seen.index("heterogeneity", design=d)[:, at].mean()) for d in FOUR}
    members = experiment.layout.members.copy()
    members["firm"] = 1.0
    equal = experiment.run(CELLS[:2], layout=experiment.layout._replace(members=members))
    pair = [equal.index("heterogeneity", design=d)[:, at].mean() for d in (USUAL, DEMOCRACY)]
    left = float(pair[1] - pair[0])
    told = ", ".join(f"{d} {x:.2f}" for d, x in spread.items())
    most = max(spread, key=spread.__getitem__) == DEMOCRACY
    return RequirementResult(f"{told}; {left:+.3f} with equal members", most and abs(left) < 1e-6)


def w3(experiment: Experiment) -> RequirementResult:
    """Global against China: cohesion is below business as usual, and Europe does not arm against China."""
    pair = [(WARS[0], USUAL), (WARS[0], CHINA)]
    seen = experiment.run(pair)
    at = experiment.roster.verdict_at
    lower = float((seen.cohesion(design=CHINA) < seen.cohesion(design=USUAL))[:, at].mean())
    focus = [
        experiment.run(pair[1:], layout=_with_cells(experiment, china_focus=x)).european(design=CHINA)
        for x in (0.0, 1.0)
    ]
    extra = float(np.log(focus[1] / focus[0])[:, -1].mean())
    cap = float(experiment.draws.parameters["balancing_far"].max())
    told = f"below on {lower:.2f} of paths; European spending {100 * extra:+.2f} % after ten years"
    met = lower >= 0.6 and cap <= 0.02 and abs(extra) < 0.01  # a hundredth of a budget is no hard balancing
    return RequirementResult(f"{told}, at most {cap:.3f} of a Pacific power's", met)


def w4(experiment: Experiment) -> RequirementResult:
    """A division of labour makes Europe spend more if it believes in it, or else it slides back; nobody leaves."""
    pair = [(WARS[0], USUAL), (WARS[0], LABOUR)]
    share = []
    for credibility in (0.0, 0.5, 1.0):
        layout = _with_cells(experiment, credibility=credibility)
        seen = experiment.run(pair, layout=layout)
        more = seen.european(design=LABOUR) - seen.european(design=USUAL)
        share.append(float((more[:, -1] > 0).mean()))
    apart = experiment.run(pair, parameters={"us_burden": 0.0})
    stays = [apart.happened("us_exit", design=d)[-1] for _, d in pair]
    told = " ".join(f"{s:.2f}" for s in share)
    met = share[2] >= 0.8 and abs(share[0] - 0.5) <= 0.15 and share[0] <= share[1] <= share[2]
    return RequirementResult(
        f"P(more than business as usual) at credibility 0, .5, 1: {told}; P(US out) {stays[0]:.3f}, {stays[1]:.3f}",
        met and stays[0] == stays[1],
    )


def w6(experiment: Experiment) -> RequirementResult:
    """Members joined in waves: member-years of NATO to 2026 are 1,463 within two."""
    years = membership.member_years(experiment.inputs.tables)
    return RequirementResult(f"{years:,.1f} member-years", abs(years - MEMBER_YEARS) <= 2.0)
