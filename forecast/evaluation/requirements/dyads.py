"""Claims on the dyads, taken up by the claims of their sources: Japan's norm, demands, reach, fears and opinion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.constants import GROWTH_CENTER
from forecast.data.spending import spending_panel
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.priors.draws import PriorDraws
from forecast.projection.parameter_draws.spending import pledges, spenders
from forecast.simulation import records as state
from forecast.simulation.records import DYAD_SERIES, records

JPN, KOR = "USA-JPN", "USA-KOR"
NORM = (1995, 2021)  # Japan before it set itself 2 %
AT = 4  # the quarter in which a claim sets an event: the first of the second year


def _course(experiment: Experiment, out: ExperimentResult, dyad: str, what: str, cell: int = 0) -> NDArray[Any]:
    """(paths, quarters) of one dyad in one cell."""
    d = [one.name for one in experiment.roster.dyads].index(dyad)
    return np.asarray(out.joint.dyads[:, cell, d, DYAD_SERIES.index(what)])


def _moved(experiment: Experiment, less: ExperimentResult, more: ExperimentResult, dyad: str, what: str) -> float:
    """Mean change a year after the event."""
    one, two = (_course(experiment, out, dyad, what)[:, AT + 3] for out in (less, more))
    return float((two - one).mean())


def l3(experiment: Experiment) -> RequirementResult:
    """Japan's norm of 1 % fits the years to 2021, and what it spent in 2024 is no surprise under its new pledge."""
    spent = experiment.inputs.tables.defence_spending
    japan = spent[(spent["country"] == "JPN") & (spent["basis"] == "wdi")].set_index("year")
    level = np.log(japan["share_gdp"].loc[NORM[0] - 1 : NORM[1]].to_numpy(float))
    target = _target_before(experiment, level)
    simulated = _japan_in_2024(experiment, level[-1])
    low, high = np.quantile(simulated, [0.05, 0.95])
    seen = float(japan["share_gdp"].loc[2024])
    return RequirementResult(
        f"target {target:.2f} % to {NORM[1]}; 2024 was {seen:.2f}, 90 % interval {low:.2f} to {high:.2f}",
        bool(0.9 <= target <= 1.1 and low <= seen <= high),
    )


def _target_before(experiment: Experiment, level: NDArray[np.float64]) -> float:
    """Where Japan's spending came to rest: least squares of its target alone, in each draw of the pooled coefficients.

    d log s = -kappa (log s - mu) + b_g (g - .02) gives mu = mean(log s) + mean(d log s - b_g (g - .02)) / kappa.
    """
    economy = experiment.inputs.tables.economy
    growth = economy[economy["country"] == "JPN"].set_index("year")["gdp_growth"] / 100.0
    excess = float((growth.loc[NORM[0] : NORM[1]] - GROWTH_CENTER).mean())
    samples = experiment.samples["spending"]
    drift = float(np.diff(level).mean()) - samples["growth"].values * excess
    return float(np.exp(level[:-1].mean() + np.median(drift / samples["kappa"].values)))


def _japan_in_2024(experiment: Experiment, level: float) -> NDArray[np.float64]:
    """Draws of Japan's share in 2024 from its level in 2021: the spending model with Japan's own pledge."""
    priors, seed = experiment.inputs.priors, experiment.inputs.plan.seed
    panel = spending_panel(experiment.inputs.tables, priors).copy(deep=True)
    japan = {"country": "JPN"}
    panel["last_year"].loc[japan], panel["last_log_share"].loc[japan] = NORM[1], level
    panel.attrs["last_year"] = 2024
    size = experiment.draws.parameters.size
    believed, parameters = PriorDraws(priors, seed, seed, size), records(state.PARAMETER, size)
    parameters[:] = experiment.draws.parameters
    own, _ = pledges(priors, experiment.roster)
    found = spenders(experiment.samples["spending"], parameters, panel, believed, {"JPN": own["JPN"]})
    return np.exp(np.asarray(found["start"][:, 0], dtype=float))


def l4(experiment: Experiment) -> RequirementResult:
    """A fivefold demand to South Korea gives +8 to +25 %, never five times; it frightens, sours and loosens."""
    quiet, loud = experiment.run(), experiment.run(constants={"hns_demand": AT})
    paid = _course(experiment, loud, KOR, "support") / _course(experiment, quiet, KOR, "support")
    rise, most = float(np.median(paid[:, AT])) - 1.0, float(paid.max())
    names = ("abandonment", "opinion", "cohesion")
    fear, opinion, cohesion = (_moved(experiment, quiet, loud, KOR, name) for name in names)
    return RequirementResult(
        f"median {100 * rise:+.0f} %, at most times {most:.1f}; a year later fear of abandonment "
        f"{fear:+.2f}, opinion {opinion:+.2f}, cohesion {cohesion:+.2f}",
        bool(0.08 <= rise <= 0.25 and most < 5 and fear > 0 > max(opinion, cohesion)),
    )


def l9(experiment: Experiment) -> RequirementResult:
    """US-Japan is the sturdier: more cohesive than US-South Korea, and very likely intact after ten years."""
    out = experiment.run()
    above = _course(experiment, out, JPN, "cohesion") > _course(experiment, out, KOR, "cohesion")
    stands = out.tally.dyad_intact[0, :, -1] / out.tally.paths.sum()
    japan, korea = (stands[[one.name for one in experiment.roster.dyads].index(d)] for d in (JPN, KOR))
    p = float(above[:, -1].mean())
    return RequirementResult(
        f"P(more cohesive) {p:.2f}; intact after {len(experiment.roster.quarters) // 4} years: Japan "
        f"{japan:.3f}, South Korea {korea:.3f}",
        bool(p >= 0.8 and japan >= 0.97 and japan > korea),
    )


def l10(experiment: Experiment) -> RequirementResult:
    """US-South Korea is in trouble: North Korea's reach frightens it, and a wider gap over China loosens it."""
    quiet, sure = experiment.run(), experiment.run(constants={"dprk_reach": AT})
    fear = _moved(experiment, quiet, sure, KOR, "abandonment")
    dyads = experiment.draws.dyads.copy()
    dyads["gap"] += 0.2
    wide = experiment.run(draws=experiment.draws._replace(dyads=dyads))
    cohesion = _moved(experiment, quiet, wide, KOR, "cohesion")
    return RequirementResult(
        f"sure reach: fear of abandonment {fear:+.2f}; a gap wider by .2: cohesion {cohesion:+.2f}",
        bool(fear > 0 > cohesion),
    )


def l12(experiment: Experiment) -> RequirementResult:
    """Japanese opinion on bases falls with a demand for money, and with a signal that the United States may go."""
    quiet, demand = experiment.run(), experiment.run(constants={"hns_demand": AT})
    outlook = experiment.draws.outlook.copy()
    outlook["executive_now"] -= 0.3
    erratic = experiment.run(draws=experiment.draws._replace(outlook=outlook))
    money, doubt = (_moved(experiment, quiet, out, JPN, "opinion") for out in (demand, erratic))
    return RequirementResult(f"fivefold demand {money:+.2f}, weaker signal {doubt:+.2f}", bool(max(money, doubt) < 0))


def m14(experiment: Experiment) -> RequirementResult:
    """Less of a signal raises fear of abandonment, lowers that of entrapment and raises spending; a war does not."""
    quiet, war = experiment.run(), experiment.run(constants={"us_war": AT})
    outlook = experiment.draws.outlook.copy()
    outlook["executive_now"] -= 0.3
    less = experiment.run(draws=experiment.draws._replace(outlook=outlook))
    found = {
        (event, what): _moved(experiment, quiet, out, KOR, what)
        for event, out in (("signal", less), ("war", war))
        for what in ("abandonment", "entrapment")
    }
    spent = {event: _spent(experiment, quiet, out) for event, out in (("signal", less), ("war", war))}
    met = found["signal", "abandonment"] > 0 > found["signal", "entrapment"]
    met = met and found["war", "entrapment"] > 0 and spent["signal"] > 0 > spent["war"]
    return RequirementResult(
        f"weaker signal: abandonment {found['signal', 'abandonment']:+.2f}, entrapment "
        f"{found['signal', 'entrapment']:+.2f}, spending {100 * spent['signal']:+.2f} %; war: "
        f"entrapment {found['war', 'entrapment']:+.2f}, spending {100 * spent['war']:+.2f} %",
        bool(met),
    )


def _spent(experiment: Experiment, less: ExperimentResult, more: ExperimentResult) -> float:
    """Mean change of the partners' log share over all years, read off the histograms."""
    middle = np.arange(less.tally.partner_share.shape[-1]) * 0.01  # bins of a hundredth of a log point
    one, two = ((out.tally.partner_share * middle).sum() / out.tally.partner_share.sum() for out in (less, more))
    return float(two - one)
