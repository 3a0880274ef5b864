"""Requirements on ailing alliances."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from forecast.data import cohesion_indicators
from forecast.evaluation.requirements.dyads import l3 as l3
from forecast.evaluation.requirements.dyads import l4 as l4
from forecast.evaluation.requirements.dyads import l9 as l9
from forecast.evaluation.requirements.dyads import l10 as l10
from forecast.evaluation.requirements.dyads import l12 as l12
from forecast.evaluation.requirements.experiment import DEMOCRACY, Experiment, RequirementResult
from forecast.models import cohesion
from forecast.names import VERDICTS

EDITION = "2019-06"  # NATO's figures of mid-2019


def l1(experiment: Experiment) -> RequirementResult:
    """Seven of 29 allies met the guideline of 2 % in 2019, in NATO's edition of mid-2019.

    Fails if the edition has another count.
    """
    rows = experiment.inputs.tables.defence_spending_vintages
    share = rows[(rows["vintage"] == EDITION) & (rows["year"] == 2019)]["share_gdp"]
    met = int((share >= cohesion_indicators.GUIDELINE).sum())
    return RequirementResult(f"{met} of {len(share)} with armed forces, and Iceland", (met, len(share)) == (7, 28))


def l2(experiment: Experiment) -> RequirementResult:
    """Germany spent about 1.25 % of its GDP in 2018 and 2019, in NATO's edition of mid-2019.

    Fails if the edition has another figure for either year.
    """
    rows = experiment.inputs.tables.defence_spending_vintages
    germany = rows[(rows["vintage"] == EDITION) & (rows["country"] == "DEU")].set_index("year")
    share = germany["share_gdp"].loc[[2018, 2019]]
    text = f"{share.loc[2018]:.2f} in 2018, {share.loc[2019]:.2f} estimated for 2019; required: 1.2 to 1.3"
    return RequirementResult(text, bool(share.between(1.2, 1.3).all()))


def l5(experiment: Experiment) -> RequirementResult:
    """With its purpose in doubt, the alliance is judged Weak at the end of 2019, even if the fit does not know so.

    Fails if Weak has a probability below one half in the fit without that label.
    """
    panel = cohesion_indicators.indicator_panel(experiment.inputs.tables, experiment.inputs.priors.grid)
    samples = experiment.samples["cohesion"]
    year = int(panel["anchor_year"].sel(anchor="2019Q4"))
    distance = (samples["cut_lower"] - cohesion.index(samples).isel(year=year)) / samples["rater_sd"]
    weak = ndtr(distance.values)
    left_out = float(1.0 / np.mean(1.0 / weak))  # importance sampling: each draw counts 1 / P(Weak)
    return RequirementResult(f"P(Weak) {weak.mean():.2f}, {left_out:.2f} without that label", left_out >= 0.5)


def l6(experiment: Experiment) -> RequirementResult:
    """Turkey and Hungary stand apart: in votes of the General Assembly, and in the alignment of the model.

    Fails if either votes like the median ally or is aligned like it in the model.
    """
    distance = cohesion_indicators.alignment_distance(experiment.inputs.tables)
    text = ", ".join(f"{c} {distance[c]:.2f}" for c in ("TUR", "HUN"))
    apart = bool((distance[["TUR", "HUN"]] > distance.median()).all())
    firm = dict(zip(experiment.roster.members, experiment.layout.members["firm"], strict=True))
    cells = experiment.draws.cells[:, experiment.position(design=DEMOCRACY)]
    shift = {c: float(cells["alignment_firm" if firm[c] else "alignment_frail"].mean()) for c in firm}
    below = max(shift["TUR"], shift["HUN"]) < np.median(list(shift.values()))
    return RequirementResult(
        f"distance {text}, median {distance.median():.2f}; alignment under Democracy International TUR "
        f"{shift['TUR']:+.2f}, HUN {shift['HUN']:+.2f}, median ally {np.median(list(shift.values())):+.2f}",
        apart and bool(below),
    )


def l7(experiment: Experiment) -> RequirementResult:
    """Populist backlash: norms as a whole fall as the populist share of the vote rises.

    Fails if the correlation is negative in fewer than 90 % of draws.
    """
    norms = experiment.samples["cohesion"]["factor_state"].sel(factor="norms")
    votes = cohesion_indicators.raw_series("populists", experiment.inputs.tables)["value"]
    years = votes.index.intersection(pd.Index(norms["year"].values))
    state = norms.sel(year=years).transpose("sample", "year").values
    r = np.array([np.corrcoef(votes.loc[years], x)[0, 1] for x in state])
    return RequirementResult(
        f"correlation {np.median(r):.2f} over {len(years)} years, negative in {(r < 0).mean():.2f} of draws, required "
        "0.90",
        bool((r < 0).mean() >= 0.9),
    )


def l14(experiment: Experiment) -> RequirementResult:
    """China's GDP relative to the United States exceeds the maximum of the Soviet Union.

    Fails if the figures of the great powers change the order.
    """
    gdp = experiment.inputs.tables.great_powers.pivot(index="year", columns="country", values="gdp_ppp")
    soviet = (gdp["RUS"] / gdp["USA"]).loc[:1991].max()
    china = (gdp["CHN"] / gdp["USA"]).dropna()
    text = f"Soviet Union {soviet:.2f} at most, China {china.iloc[-1]:.2f} in {china.index[-1]}"
    return RequirementResult(f"{text}, at purchasing power parity", bool(china.iloc[-1] > soviet))


def l8(experiment: Experiment) -> RequirementResult:
    """After a small attack on a Baltic ally, several members refuse, and the alliance is more likely Weak than not.

    Fails if three refusals or Weak are less probable than not.
    """
    result = experiment.run(constants={"grey_zone": 0})
    refused = float(result.happened("three_refusals")[0])
    weak = float(result.verdicts()[4, VERDICTS.index("Weak")])
    broken = float(result.happened("treaty_broken")[0])
    text = f"three or more refuse {refused:.2f}, half the alliance {broken:.2f}; Weak a year on {weak:.2f}"
    return RequirementResult(text, refused >= 0.5 and weak >= 0.5)


def l11(experiment: Experiment) -> RequirementResult:
    """Without the US president, most of the spread of cohesion after ten years remains.

    Fails if half of the spread or more is due to the president.
    """
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
    """If Europe spends more, the risk of US notice and draw-down is lower.

    Fails if notice or draw-down become more probable, or neither less.
    """
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
