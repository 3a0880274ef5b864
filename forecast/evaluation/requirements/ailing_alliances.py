"""Requirements on ailing alliances."""

import numpy as np
import pandas as pd

from forecast.data import cohesion_indicators
from forecast.evaluation.requirements.dyads import l3 as l3
from forecast.evaluation.requirements.dyads import l4 as l4
from forecast.evaluation.requirements.dyads import l9 as l9
from forecast.evaluation.requirements.dyads import l10 as l10
from forecast.evaluation.requirements.dyads import l12 as l12
from forecast.evaluation.requirements.experiment import Experiment, RequirementResult
from forecast.models import cohesion
from forecast.names import VERDICTS

EDITION = "2019-06"  # NATO's figures of mid-2019


def l1(experiment: Experiment) -> RequirementResult:
    """Seven of 29 allies met the guideline of 2 % in 2019, in NATO's edition of mid-2019."""
    rows = experiment.inputs.tables.defence_spending_vintages
    share = rows[(rows["vintage"] == EDITION) & (rows["year"] == 2019)]["share_gdp"]
    met = int((share >= cohesion_indicators.GUIDELINE).sum())
    return RequirementResult(f"{met} of {len(share)} with armed forces, and Iceland", (met, len(share)) == (7, 28))


def l2(experiment: Experiment) -> RequirementResult:
    """Germany spent about 1.25 % of its GDP, in NATO's edition of mid-2019."""
    rows = experiment.inputs.tables.defence_spending_vintages
    germany = rows[(rows["vintage"] == EDITION) & (rows["country"] == "DEU")].set_index("year")
    share = germany["share_gdp"]
    return RequirementResult(
        f"{share.loc[2018]:.2f} in 2018, {share.loc[2019]:.2f} estimated for 2019",
        bool(1.2 <= share.loc[2018] <= 1.3),
    )


def l5(experiment: Experiment) -> RequirementResult:
    """With its purpose in doubt, the alliance is judged Weak at the end of 2019."""
    panel = cohesion_indicators.indicator_panel(experiment.inputs.tables, experiment.inputs.priors.grid)
    probability = cohesion.anchor_probability(experiment.samples["cohesion"], panel)
    weak = float(probability.sel(anchor="2019Q4", verdict="Weak"))
    return RequirementResult(f"P(Weak) {weak:.2f}", weak >= 0.5)


def l6(experiment: Experiment) -> RequirementResult:
    """Turkey and Hungary vote farther from the other allies in the General Assembly than the median ally."""
    distance = cohesion_indicators.alignment_distance(experiment.inputs.tables)
    text = ", ".join(f"{c} {distance[c]:.2f}" for c in ("TUR", "HUN"))
    apart = bool((distance[["TUR", "HUN"]] > distance.median()).all())
    return RequirementResult(f"{text}, median {distance.median():.2f}", apart)


def l7(experiment: Experiment) -> RequirementResult:
    """Populist backlash: the sub-factor `populism` falls as the populist share of the vote rises."""
    state = experiment.samples["cohesion"]["subfactor_state"].sel(subfactor="populism").mean("sample")
    votes = cohesion_indicators.raw_series("populists", experiment.inputs.tables)["value"]
    years = votes.index.intersection(pd.Index(state["year"].values))
    r = float(np.corrcoef(votes.loc[years], state.sel(year=years))[0, 1])
    return RequirementResult(f"correlation {r:.2f} over {len(years)} years", r < 0.0)


def l14(experiment: Experiment) -> RequirementResult:
    """China's GDP relative to the United States exceeds the maximum of the Soviet Union."""
    gdp = experiment.inputs.tables.great_powers.pivot(index="year", columns="country", values="gdp_ppp")
    soviet = (gdp["RUS"] / gdp["USA"]).loc[:1991].max()
    china = (gdp["CHN"] / gdp["USA"]).dropna()
    text = f"Soviet Union {soviet:.2f} at most, China {china.iloc[-1]:.2f} in {china.index[-1]}"
    return RequirementResult(f"{text}, at purchasing power parity", bool(china.iloc[-1] > soviet))


def l8(experiment: Experiment) -> RequirementResult:
    """After a small attack on a Baltic ally, several members refuse, and the alliance is more likely Weak than not."""
    result = experiment.run(constants={"grey_zone": 0})
    refused = float(result.happened("three_refusals")[0])
    weak = float(result.verdicts()[4, VERDICTS.index("Weak")])
    broken = float(result.happened("treaty_broken")[0])
    text = f"three or more refuse {refused:.2f}, half the alliance {broken:.2f}; Weak a year on {weak:.2f}"
    return RequirementResult(text, refused >= 0.5 and weak >= 0.5)


def l11(experiment: Experiment) -> RequirementResult:
    """Without the US president, most of the spread of cohesion after ten years remains."""
    whole = experiment.run().cohesion()[:, -1].std()
    countries = experiment.layout.countries.copy()
    countries["influence_weight"][experiment.roster.countries.index("USA")] = 0.0
    without = (
        experiment.using(layout=experiment.layout._replace(countries=countries))
        .run(off=["us_posture"])
        .cohesion()[:, -1]
    )
    text = f"SD {whole:.2f}, without the president {without.std():.2f}"
    return RequirementResult(text, bool(without.std() > 0.5 * whole))


def l13(experiment: Experiment) -> RequirementResult:
    """If Europe spends more, the risk of US notice and draw-down is lower."""
    members = experiment.draws.members.copy()
    members["start"][:, experiment.layout.members["european"] > 0] += np.log(1.3)
    more = experiment.draws._replace(members=members)
    risk = {}
    for name, draws in (("as is", experiment.draws), ("a third more", more)):
        result = experiment.using(draws=draws).run()
        risk[name] = [float(result.happened(e)[-1]) for e in ("us_notice", "us_drawdown")]
    text = ", ".join(f"{k}: notice {a:.3f}, draw-down {b:.3f}" for k, (a, b) in risk.items())
    less = np.subtract(risk["a third more"], risk["as is"])
    return RequirementResult(text, bool((less <= 0).all() and less.sum() < 0))
