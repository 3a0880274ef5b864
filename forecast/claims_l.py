"""Claims on ailing alliances and the dyads."""

import numpy as np

from forecast.claim import Found
from forecast.lab import Lab
from forecast.names import VERDICTS


def l8(lab: Lab) -> Found:
    """A small attack on a Baltic ally: several members refuse, and the alliance is likelier Weak than not."""
    seen = lab.play(constants={"grey_zone": 0})
    refused = float(seen.happened("three_refusals")[0])
    weak = float(seen.verdicts()[4, VERDICTS.index("Weak")])
    broken = float(seen.happened("treaty_broken")[0])
    told = f"three or more refuse {refused:.2f}, half the alliance {broken:.2f}; Weak a year on {weak:.2f}"
    return Found(told, refused >= 0.5 and weak >= 0.5)


def l11(lab: Lab) -> Found:
    """Not the president alone: without him most of the spread of cohesion after ten years remains."""
    whole = lab.play().cohesion()[:, -1].std()
    countries = lab.layout.countries.copy()
    countries["voice"][lab.roster.countries.index("USA")] = 0.0
    without = lab.play(
        off=["us_posture"], layout=lab.layout._replace(countries=countries)
    ).cohesion()[:, -1]
    told = f"SD {whole:.2f}, without the president {without.std():.2f}"
    return Found(told, bool(without.std() > 0.5 * whole))


def l13(lab: Lab) -> Found:
    """The American guarantee lasts better where Europe carries more: less risk of notice and draw-down."""
    members = lab.draws.members.copy()
    members["start"][:, lab.layout.members["european"] > 0] += np.log(1.3)
    more = lab.draws._replace(members=members)
    risk = {}
    for name, draws in (("as is", lab.draws), ("a third more", more)):
        seen = lab.play(draws=draws)
        risk[name] = [float(seen.happened(e)[-1]) for e in ("us_notice", "us_drawdown")]
    told = ", ".join(f"{k}: notice {a:.3f}, draw-down {b:.3f}" for k, (a, b) in risk.items())
    less = np.subtract(risk["a third more"], risk["as is"])
    return Found(told, bool((less <= 0).all() and less.sum() < 0))
