"""Requirements on the dyads: Japan's norm, US demands, North Korea's reach, fear and opinion.

`ailing_alliances` and `withdrawal` list these requirements among those of their sources.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.data.spending import spending_panel
from forecast.evaluation.requirements.experiment import Experiment, ExperimentResult, RequirementResult
from forecast.priors.draws import PriorDraws
from forecast.projection.parameter_draws.spending import pledges, spenders
from forecast.simulation import records as state
from forecast.simulation.histograms import SHARE_STEP
from forecast.simulation.records import DYAD_SERIES, records

JPN, KOR = "USA-JPN", "USA-KOR"
NORM = (1995, 2021)  # years before Japan pledged 2 %
AT = 4  # quarter of a prescribed event: the first of the second year


def _course(experiment: Experiment, result: ExperimentResult, dyad: str, what: str, cell: int = 0) -> NDArray[Any]:
    """Return one state variable of a dyad (path, quarter) in one cell."""
    d = [entry.name for entry in experiment.roster.dyads].index(dyad)
    return np.asarray(result.joint.dyads[:, cell, d, DYAD_SERIES.index(what)])


def _moved(experiment: Experiment, less: ExperimentResult, more: ExperimentResult, dyad: str, what: str) -> float:
    """Return the mean change a year after the event."""
    before, after = (_course(experiment, result, dyad, what)[:, AT + 3] for result in (less, more))
    return float((after - before).mean())


def l3(experiment: Experiment) -> RequirementResult:
    """Japan's norm of 1 % fits the years to 2021, and its spending in 2024 fits its new pledge.

    Fails if the fitted norm is outside 0.9 to 1.1 % on half of the draws, or the figure of 2024 outside its interval.
    """
    spent = experiment.inputs.tables.defence_spending
    japan = spent[(spent["country"] == "JPN") & (spent["basis"] == "wdi")].set_index("year")
    level = np.log(japan["share_gdp"].loc[NORM[0] - 1 : NORM[1]].to_numpy(float))
    target = np.exp(experiment.samples["spending"]["target"].sel(country="JPN").values)
    middle, below, above = np.quantile(target, (0.5, 0.1, 0.9))
    near = float(((target >= 0.9) & (target <= 1.1)).mean())
    low, high = np.quantile(_japan_in_2024(experiment, level[-1]), [0.05, 0.95])
    observed = float(japan["share_gdp"].loc[2024])
    return RequirementResult(
        f"fitted target {middle:.2f} % (80 % interval {below:.2f} to {above:.2f}), within 0.9 to 1.1 on {near:.2f} of "
        f"draws, required 0.50; 2024 was {observed:.2f}, 90 % interval {low:.2f} to {high:.2f}",
        bool(near >= 0.5 and low <= observed <= high),
    )


def _japan_in_2024(experiment: Experiment, level: float) -> NDArray[np.float64]:
    """Return draws (draw,) of Japan's share in 2024, from its log share in 2021 and its own pledge."""
    priors, seed = experiment.inputs.priors, experiment.inputs.plan.seed
    panel = spending_panel(experiment.inputs.tables, priors).copy(deep=True)
    japan = {"country": "JPN"}
    panel["last_year"].loc[japan], panel["last_log_share"].loc[japan] = NORM[1], level
    panel.attrs["last_year"] = 2024
    size = experiment.draws.parameters.size
    prior_draws, parameters = PriorDraws(priors, seed, seed, size), records(state.PARAMETER, size)
    parameters[:] = experiment.draws.parameters
    own_pledge, _ = pledges(priors, experiment.roster)
    parameter_draws = spenders(
        experiment.samples["spending"], parameters, panel, prior_draws, {"JPN": own_pledge["JPN"]}
    )
    return np.exp(np.asarray(parameter_draws["start"][:, 0], dtype=float))


def l4(experiment: Experiment) -> RequirementResult:
    """A fivefold demand to South Korea raises support by 8 to 25 %, raises fear, and lowers opinion and cohesion.

    Fails if support rises by too little or too much, or a fear, opinion or cohesion moves in the other direction.
    """
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
    """US-Japan is more cohesive than US-South Korea and very likely intact after ten years.

    Fails if US-Japan is less cohesive, or likelier to end.
    """
    result = experiment.run()
    above = _course(experiment, result, JPN, "cohesion") > _course(experiment, result, KOR, "cohesion")
    intact = result.tally.dyad_intact[0, :, -1] / result.tally.paths.sum()
    japan, korea = (intact[[dyad.name for dyad in experiment.roster.dyads].index(d)] for d in (JPN, KOR))
    p = float(above[:, -1].mean())
    return RequirementResult(
        f"P(more cohesive) {p:.2f}; intact after {len(experiment.roster.quarters) // 4} years: Japan "
        f"{japan:.3f}, South Korea {korea:.3f}",
        bool(p >= 0.8 and japan >= 0.97 and japan > korea),
    )


def l10(experiment: Experiment) -> RequirementResult:
    """US-South Korea is vulnerable: North Korea's reach raises fear, and a wider gap over China lowers cohesion.

    Fails if the reach does not raise fear, or a wider gap does not lower cohesion.
    """
    quiet, reached = experiment.run(), experiment.run(constants={"dprk_reach": AT})
    fear = _moved(experiment, quiet, reached, KOR, "abandonment")
    dyads = experiment.draws.dyads.copy()
    dyads["gap"] += 0.2
    wide = experiment.using(draws=experiment.draws._replace(dyads=dyads)).run()
    cohesion = _moved(experiment, quiet, wide, KOR, "cohesion")
    return RequirementResult(
        f"certain reach: fear of abandonment {fear:+.2f}; gap wider by 0.2: cohesion {cohesion:+.2f}",
        bool(fear > 0 > cohesion),
    )


def l12(experiment: Experiment) -> RequirementResult:
    """Japanese opinion on bases falls with a demand for money, and with a weaker US signal.

    Fails if opinion does not fall with the demand or with the weaker signal.
    """
    quiet, demand = experiment.run(), experiment.run(constants={"hns_demand": AT})
    outlook = experiment.draws.outlook.copy()
    outlook["executive_now"] -= 0.3
    erratic = experiment.using(draws=experiment.draws._replace(outlook=outlook)).run()
    money, doubt = (_moved(experiment, quiet, result, JPN, "opinion") for result in (demand, erratic))
    return RequirementResult(f"fivefold demand {money:+.2f}, weaker signal {doubt:+.2f}", bool(max(money, doubt) < 0))


def m14(experiment: Experiment) -> RequirementResult:
    """A weaker US signal raises fear of abandonment and spending and lowers fear of entrapment; a US war does not.

    Fails if a fear or spending moves in the other direction.
    """
    quiet, war = experiment.run(), experiment.run(constants={"us_war": AT})
    outlook = experiment.draws.outlook.copy()
    outlook["executive_now"] -= 0.3
    less = experiment.using(draws=experiment.draws._replace(outlook=outlook)).run()
    change = {
        (event, what): _moved(experiment, quiet, result, KOR, what)
        for event, result in (("signal", less), ("war", war))
        for what in ("abandonment", "entrapment")
    }
    spent = {event: _spent(experiment, quiet, result) for event, result in (("signal", less), ("war", war))}
    met = change["signal", "abandonment"] > 0 > change["signal", "entrapment"]
    met = met and change["war", "entrapment"] > 0 and spent["signal"] > 0 > spent["war"]
    return RequirementResult(
        f"weaker signal: abandonment {change['signal', 'abandonment']:+.2f}, entrapment "
        f"{change['signal', 'entrapment']:+.2f}, spending {100 * spent['signal']:+.2f} %; war: "
        f"entrapment {change['war', 'entrapment']:+.2f}, spending {100 * spent['war']:+.2f} %",
        bool(met),
    )


def _spent(experiment: Experiment, less: ExperimentResult, more: ExperimentResult) -> float:
    """Return the mean change of the partners' log share over all years, from the histograms."""
    log_share = np.arange(less.tally.partner_share.shape[-1]) * SHARE_STEP
    before, after = (
        (result.tally.partner_share * log_share).sum() / result.tally.partner_share.sum() for result in (less, more)
    )
    return float(after - before)
