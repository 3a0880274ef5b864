"""Parameter draws of those that spend: allies towards the pledge of the alliance, partners towards their own."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from forecast.array_types import Floats
from forecast.constants import TARGET_CENTER
from forecast.inference.draws import select
from forecast.priors.draws import PriorDraws
from forecast.priors.load import Priors
from forecast.priors.pledges import own_pledge, pledge_path
from forecast.random_streams import generator
from forecast.simulation import records as state
from forecast.simulation.records import records
from forecast.simulation.rules import spending as rule
from forecast.workspace.roster import Roster

Pledge = Callable[[int], float]


def pledges(priors: Priors, roster: Roster) -> tuple[dict[str, Pledge], dict[str, Pledge]]:
    """Of partners their own, of members that of the alliance."""
    own = {dyad.partner: partial(_own, priors, dyad.name) for dyad in roster.dyads}
    return dict(own), dict.fromkeys(roster.members, partial(_common, priors))


def _own(priors: Priors, name: str, year: int) -> float:
    return float(own_pledge(priors, name, [year])[0])


def _common(priors: Priors, year: int) -> float:
    return float(pledge_path(priors, [year])[0])


def spenders(
    samples: Mapping[str, xr.DataArray],
    parameters: Any,
    panel: xr.Dataset,
    believed: PriorDraws,
    pledges: Mapping[str, Pledge],
) -> Any:
    """Countries that spend, in the order of `pledges`, which gives the pledge of each by year, percent of GDP."""
    size, members = believed.size, list(pledges)
    out = records(state.MEMBER_PARAMETER, size, len(members))
    if not members:
        return out
    z = np.stack([believed.unseen(f"{m}", 3) for m in members], axis=1)
    mean, spread = samples["target_mean"].values, samples["target_sd"].values
    out["target"] = select(
        samples["target"],
        "country",
        members,
        np.log(TARGET_CENTER) + mean[:, None] + spread[:, None] * z[..., 0],
    )
    mean, spread = samples["log_scale_mean"].values, samples["log_scale_sd"].values
    out["scale"] = select(
        samples["scale"],
        "country",
        members,
        np.exp(mean[:, None] + spread[:, None] * z[..., 1]),
    )
    spread = samples["loading_sd"].values[:, None]
    out["loading"] = select(samples["loading"], "country", members, np.exp(spread * z[..., 2] - spread**2 / 2))
    for column, member in enumerate(members):
        out["start"][:, column] = _start(member, out[:, column], parameters, samples, panel, believed, pledges[member])
    return out


def _start(
    member: str,
    own: Any,
    parameters: Any,
    samples: Mapping[str, xr.DataArray],
    panel: xr.Dataset,
    believed: PriorDraws,
    pledge_in: Pledge,
) -> Floats:
    """Log share in the year before the first projected one, NaN without spending.

    The error of a level that its publisher calls an estimate is a parameter of the fit; a missing last year is
    simulated from the last observed one.
    """
    nothing = np.full(believed.size, np.nan)
    if member not in panel["country"].values:
        return nothing
    last = panel.sel(country=member)
    noise = float(last["last_noise"])
    error = samples["revision"].sel(country=member).values if noise > 0.0 else 0.0
    share: Floats = float(last["last_log_share"]) - noise * error + np.zeros(believed.size)
    mark = np.log(believed.priors.value("spending.front_mark"))
    for year in range(int(last["last_year"]) + 1, int(panel.attrs["last_year"]) + 1):
        noise = generator(believed.unseen_seed, f"missing {member} {year}").standard_t(parameters["nu"])
        change = rule.spending_change(
            share,
            own["target"],
            parameters["kappa"],
            own["loading"],
            samples["factor"].sel(year=year).values,
            rule.response(samples["log_response"].sel(pledge_year=year).values),
            rule.gap(share, np.log(pledge_in(year))),
            parameters["front"],
            float(last["front"]) * rule.gap(share, mark),
            parameters["growth"],
            rule.centred_growth(float(panel["gdp_growth"].sel(country=member, year=year))),
            parameters["election_spending"],
            0.0,
        )
        share = share + change + rule.spread(own["scale"], samples["volatility"].sel(year=year).values) * noise
    return share
