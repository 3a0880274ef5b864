"""Claims on alliance against coalition of the willing."""

from forecast import cohesion
from forecast.claim import Found
from forecast.indicators import indicator_panel
from forecast.lab import Lab

NO_ENEMY = slice(1992, 2013)  # no single common enemy


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
