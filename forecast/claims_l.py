"""Claims on ailing alliances and the dyads."""

import numpy as np
import pandas as pd

from forecast import cohesion, indicators
from forecast.claim import Found
from forecast.claims_dyads import l3 as l3
from forecast.claims_dyads import l4 as l4
from forecast.claims_dyads import l9 as l9
from forecast.claims_dyads import l10 as l10
from forecast.claims_dyads import l12 as l12
from forecast.lab import Lab

EDITION = "2019-06"  # NATO's figures of mid-2019


def l1(lab: Lab) -> Found:
    """Seven of 29 allies met the guideline of 2 % in 2019, in NATO's edition of mid-2019."""
    rows = lab.inputs.tables.defence_spending_vintages
    share = rows[(rows["vintage"] == EDITION) & (rows["year"] == 2019)]["share_gdp"]
    met = int((share >= indicators.GUIDELINE).sum())
    return Found(
        f"{met} of {len(share)} with armed forces, and Iceland", (met, len(share)) == (7, 28)
    )


def l2(lab: Lab) -> Found:
    """Germany spent about 1.25 % of its GDP, in NATO's edition of mid-2019."""
    rows = lab.inputs.tables.defence_spending_vintages
    germany = rows[(rows["vintage"] == EDITION) & (rows["country"] == "DEU")].set_index("year")
    share = germany["share_gdp"]
    return Found(
        f"{share.loc[2018]:.2f} in 2018, {share.loc[2019]:.2f} estimated for 2019",
        bool(1.2 <= share.loc[2018] <= 1.3),
    )


def l5(lab: Lab) -> Found:
    """A purpose in doubt: the alliance is judged Weak at the end of 2019."""
    panel = indicators.indicator_panel(lab.inputs.tables, lab.inputs.beliefs.grid)
    found = cohesion.anchor_probability(lab.samples["cohesion"], panel)
    weak = float(found.sel(anchor="2019Q4", verdict="Weak"))
    return Found(f"P(Weak) {weak:.2f}", weak >= 0.5)


def l6(lab: Lab) -> Found:
    """Turkey and Hungary stand apart: farther from the other allies in the General Assembly than the median ally."""
    distance = indicators.alignment_distance(lab.inputs.tables)
    told = ", ".join(f"{c} {distance[c]:.2f}" for c in ("TUR", "HUN"))
    apart = bool((distance[["TUR", "HUN"]] > distance.median()).all())
    return Found(f"{told}, median {distance.median():.2f}", apart)


def l7(lab: Lab) -> Found:
    """Populist backlash: the norm against populism falls as its share of the vote rises."""
    state = lab.samples["cohesion"]["subfactor_state"].sel(subfactor="populism").mean("sample")
    votes = indicators.raw_series("populists", lab.inputs.tables)["value"]
    years = votes.index.intersection(pd.Index(state["year"].values))
    r = float(np.corrcoef(votes.loc[years], state.sel(year=years))[0, 1])
    return Found(f"correlation {r:.2f} over {len(years)} years", r < 0.0)


def l14(lab: Lab) -> Found:
    """China reached what the Soviet Union never did: its GDP beside that of the United States."""
    gdp = lab.inputs.tables.great_powers.pivot(index="year", columns="country", values="gdp_ppp")
    soviet = (gdp["RUS"] / gdp["USA"]).loc[:1991].max()
    china = (gdp["CHN"] / gdp["USA"]).dropna()
    told = f"Soviet Union {soviet:.2f} at most, China {china.iloc[-1]:.2f} in {china.index[-1]}"
    return Found(f"{told}, at purchasing power parity", bool(china.iloc[-1] > soviet))
