"""Claims on alliance against coalition of the willing."""

from forecast import cohesion
from forecast.claim import Found
from forecast.indicators import indicator_panel
from forecast.lab import Lab
from forecast.names import FIVE_YEARS

NO_ENEMY = slice(1992, 2013)  # no single common enemy
WILLING = "willing_combat"  # in the default plan


def j9(lab: Lab) -> Found:
    """The great turns are judged as the literature does: 1999 and 2011 Fragmented, 2001 Strong, 2003 Weak."""
    panel = indicator_panel(lab.inputs.tables, lab.inputs.beliefs.grid)
    own = cohesion.hits(cohesion.anchor_probability(lab.samples["cohesion"], panel), panel)
    wanted = own.sel(anchor=["1999", "2001Q4", "2003Q1", "2011"])
    told = ", ".join(f"{a} {p:.2f}" for a, p in wanted.to_series().items())
    return Found(told, bool((wanted >= 0.5).all()))


def j10(lab: Lab) -> Found:
    """No single common enemy: threats converged less from 1992 to 2013 than in the last years of the Cold War."""
    threats = lab.samples["cohesion"]["factor_state"].sel(factor="threats")
    before = threats.sel(year=slice(None, NO_ENEMY.start - 1)).mean("year")
    during = threats.sel(year=NO_ENEMY).mean("year")
    first, share = int(threats["year"][0]), float((during < before).mean())
    told = f"{float(during.mean()):+.2f} against {float(before.mean()):+.2f} from {first}, on {share:.2f} of draws"
    return Found(told, bool(during.mean() < before.mean()))


def j3(lab: Lab) -> Found:
    """Allies who stay out of a NATO mission keep their veto: more of them, more blocks; not so in an ad hoc one."""
    kfor = lab.mission("kfor")
    there = lab.layout.contingents.copy()
    there["ally"][kfor] = 0  # as if none of those who take part were an ally
    fewer = lab.layout._replace(contingents=there)
    missions = lab.layout.missions.copy()
    missions["veto"] = 0  # as if it were a coalition of the willing
    outside = lab.layout._replace(missions=missions)
    blocked = [
        float(lab.play(layout=layout).happened("block")[FIVE_YEARS])
        for layout in (lab.layout, fewer, outside, outside._replace(contingents=there))
    ]
    told = f"blocked within five years {blocked[0]:.2f}, with all allies out {blocked[1]:.2f}"
    return Found(
        f"{told}; ad hoc {blocked[2]:.2f}, {blocked[3]:.2f}",
        blocked[1] > blocked[0] and blocked[2] == blocked[3],
    )


def j8(lab: Lab) -> Found:
    """Safety valve: a dispute over a mission hurts the alliance less where the mission is run outside it."""
    missions = lab.layout.missions.copy()
    missions["contentious"], missions["veto"] = 0, 0
    missions[lab.mission(WILLING)]["contentious"] = 1
    hits = []
    for veto in (1, 0):
        missions[lab.mission(WILLING)]["veto"] = veto
        layout = lab.layout._replace(missions=missions.copy())
        calm, split = (lab.play(layout=layout, constants=c) for c in ({}, {"dispute": 4}))
        hits.append(float((split.cohesion() - calm.cohesion())[:, 4].mean()))
    told = (
        f"cohesion {hits[0]:+.3f} under NATO, {hits[1]:+.3f} ad hoc: {hits[1] / hits[0]:.2f} of it"
    )
    return Found(told, hits[0] < hits[1] < 0)
