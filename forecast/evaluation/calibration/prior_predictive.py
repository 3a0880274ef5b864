"""Prior predictive checks: simulate each model from its priors alone and compare one number with a plausible range.

Each check, called a gate, evaluates the published equations in NumPy for many prior draws at once.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from forecast.array_types import Floats
from forecast.constants import (
    COMMON_TAILS,
    DURATION_BINS,
    DURATION_EDGES,
    PLEDGE_FROM,
    TARGET_CENTER,
    WAR_BUDGETS,
    duration_bin,
)
from forecast.names import FACTORS, VERDICTS
from forecast.priors.load import Priors
from forecast.priors.pledges import pledge_path
from forecast.simulation.rules import leadership, spending, withdrawal

SEED: Final = 8
DRAWS: Final = 4000  # prior draws of each gate
_FRONT: Final = 0.25  # share of allies on the front line
_TERM: Final = 4  # years between elections
_CONTRIBUTORS: Final = 32  # of the simulated mission


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """Hold one number of the prior predictive and the range in which it must lie."""

    name: str
    value: float
    lower: float
    upper: float

    @property
    def met(self) -> bool:
        """Return whether the number lies in its range."""
        return self.lower <= self.value <= self.upper


def gates(model: str, priors: Priors) -> list[Gate]:
    """Return the gates of one model, evaluated with the random numbers of `SEED`."""
    rng = np.random.default_rng(SEED)
    if model == "spending":
        return [
            Gate(
                name="thirty years of spending within .3 and 8 % of GDP, share of draws",
                value=float(_within(spending_paths(priors, rng))),
                lower=0.93,
                upper=1.0,
            )
        ]
    if model == "leadership":
        return [
            Gate(name="changes of leader a year, mean", lower=0.2, upper=0.4, value=float(turnover(priors, rng).mean()))
        ]
    if model == "withdrawal":
        remaining = share_remaining(priors, rng, "ad_hoc")
        return [
            Gate(
                name="flags left of an ad hoc combat mission after five years, median",
                value=float(np.median(remaining)),
                lower=0.3,
                upper=0.65,
            )
        ]
    shares = climatology(priors, rng)
    return [
        Gate(name=f"share of years that are {verdict}", value=float(share), lower=wanted - 0.05, upper=wanted + 0.05)
        for verdict, share, wanted in zip(VERDICTS, shares, (0.30, 0.48, 0.22), strict=True)
    ]


def spending_paths(priors: Priors, rng: np.random.Generator) -> Floats:
    """Return the spending of an ally in percent of GDP from 1995 to 2024, (draw, year).

    The ally starts at the centre of the targets. One in four draws is an ally on the front line.
    """
    p = _prior_draws("spending", priors, rng)
    normal = rng.normal(size=(3, DRAWS))
    target = np.log(TARGET_CENTER) + p["target_mean"] + p["target_sd"] * normal[0]
    scale = np.exp(p["log_scale_mean"] + p["log_scale_sd"] * normal[1])
    loading = np.exp(p["loading_sd"] * normal[2] - p["loading_sd"] ** 2 / 2)
    nu, front = 2.0 + p["nu_minus_two"], rng.random(DRAWS) < _FRONT
    factor = p["factor_scale"] * rng.standard_t(COMMON_TAILS, DRAWS)
    volatility = p["volatility_sd"] * rng.normal(size=DRAWS)
    deviation, growth, level = np.zeros(DRAWS), np.zeros(DRAWS), np.full(DRAWS, np.log(TARGET_CENTER))
    path = []
    for year in range(1995, 2025):
        before = growth
        growth = priors.value("spending.growth_phi") * growth
        growth = growth + priors.value("spending.growth_sd") * rng.normal(size=DRAWS)
        response = np.zeros(DRAWS)
        if year >= PLEDGE_FROM:
            deviation = p["response_phi"] * deviation + p["response_sd"] * rng.normal(size=DRAWS)
            deviation = deviation + p["response_war"] * (year == WAR_BUDGETS)
            response = spending.response(p["response_mean"] + deviation)
        gap, front_gap = (
            spending.gap(level, np.log(mark))
            for mark in (pledge_path(priors, [year])[0], priors.value("spending.front_mark"))
        )
        election = rng.random(DRAWS) < 1 / _TERM
        change = spending.spending_change(
            level,
            target,
            p["kappa"],
            loading,
            factor,
            response,
            gap,
            p["front"],
            front * front_gap,
            p["growth"],
            growth,
            p["growth_lag"],
            before,
            p["election"],
            election,
        )
        level = level + change + spending.spread(scale, volatility) * rng.standard_t(nu)
        factor = _next(factor, p["factor_phi"], p["factor_scale"] * rng.standard_t(COMMON_TAILS, DRAWS))
        factor = factor + p["factor_war"] * (year + 1 == WAR_BUDGETS)
        volatility = _next(volatility, p["volatility_phi"], p["volatility_sd"] * rng.normal(size=DRAWS))
        path.append(np.exp(level))
    return np.stack(path, axis=1)


def _next(state: Floats, phi: Floats, noise: Floats) -> Floats:
    """Return the next state of a stationary AR(1); `noise` has the stationary standard deviation."""
    return np.asarray(phi * state + np.sqrt(1 - phi**2) * noise)


def turnover(priors: Priors, rng: np.random.Generator) -> Floats:
    """Return the mean number of changes of leader per year, (draw,), over forty years with regular elections.

    No leader is limited to a number of terms.
    """
    p = _prior_draws("leadership", priors, rng)
    effect = p["country_sd"] * rng.normal(size=DRAWS)
    walk = _walk(p["tenure_scale"], len(DURATION_BINS), rng)
    quarters, in_office, changes = 160, np.zeros(DRAWS, dtype=int), np.zeros(DRAWS)
    for quarter in range(quarters):
        phase = quarter % (4 * _TERM)
        log_odds = leadership.turnover_log_odds(
            p["intercept"],
            effect,
            p["offset"],
            p["election"],
            phase == 0,
            p["after"],
            phase == 1,
            p["after_new"],
            (phase == 1) & (in_office == 0),
            p["limited"],
            0,
            p["before"],
            phase >= 4 * _TERM - 2,
            walk[np.arange(DRAWS), duration_bin(in_office)],
        )
        changed = rng.random(DRAWS) < leadership.turnover_probability(log_odds)
        changes += changed
        in_office = np.where(changed, 0, in_office + 1)
    return 4 * changes / quarters


def share_remaining(priors: Priors, rng: np.random.Generator, framework: str) -> Floats:
    """Return the share of contributors that remain in a combat mission after five years, (draw,)."""
    p = _prior_draws("withdrawal", priors, rng)
    bins = len(DURATION_EDGES)
    duration = {cause: _walk(p[f"duration_scale_{cause}"], bins, rng) for cause in ("defection", "planned")}
    shape = (DRAWS, _CONTRIBUTORS)
    frailty = (p["mission_sd"] * rng.normal(size=DRAWS))[:, None] + p["country_sd"][:, None] * rng.normal(size=shape)
    b = {name: x[:, None] for name, x in p.items() if x.ndim == 1}
    lead = b["lead"] * (np.arange(_CONTRIBUTORS) == 0)
    terms = b[framework] if framework != "ad_hoc" else 0.0
    level = withdrawal.defection_level(b["defection_intercept"], terms, frailty, lead)
    planned = withdrawal.planned_level(b["planned_intercept"], b["frailty_load"], frailty, lead)
    present, recent_exits = np.ones(shape, dtype=bool), np.zeros((2, DRAWS))
    cap = priors.value("withdrawal.contagion_cap")
    to_vote = rng.integers(0, 4 * _TERM, shape)
    new_leader = np.zeros(shape, dtype=bool)
    for quarter in range(20):
        previous_change, new_leader = new_leader, rng.random(shape) < 0.3 / 4  # leaders change about 0.3 times a year
        bin_index = int(np.searchsorted(DURATION_EDGES, quarter, side="right") - 1)
        contagion = np.minimum(cap, recent_exits.sum(axis=0) / _CONTRIBUTORS)
        election_ahead = (to_vote - quarter) % (4 * _TERM) < 4
        defection = level + duration["defection"][:, [bin_index]]
        defection = withdrawal.add_politics(
            defection, b["leader_change"], new_leader | previous_change, b["election_ahead"], election_ahead
        )
        defection = withdrawal.add_partners(
            defection, b["contagion"], contagion[:, None], b["lead_gone"], ~present[:, [0]]
        )
        rate = np.exp(defection) + np.exp(planned + duration["planned"][:, [bin_index]])
        leaves = present & (rng.random(shape) < -np.expm1(-rate))
        present &= ~leaves
        recent_exits = np.stack([recent_exits[1], leaves.sum(axis=1)])
    return np.asarray(present.mean(axis=1))


def climatology(priors: Priors, rng: np.random.Generator) -> Floats:
    """Return the shares of the verdicts, Weak first, for factors in their stationary distribution and exact raters."""
    p = _prior_draws("alliance", priors, rng)
    sd, rho = (priors.value(f"alliance.factor_{x}") for x in ("sd", "correlation"))
    common, specific = rng.normal(size=(DRAWS, 1)), rng.normal(size=(DRAWS, len(FACTORS)))
    index = (p["factor_weights"] * sd * (np.sqrt(rho) * common + np.sqrt(1 - rho) * specific)).sum(axis=1)
    verdict = (index > p["cut_lower"]).astype(int) + (index > p["cut_lower"] + p["cut_gap"])
    return np.bincount(verdict, minlength=len(VERDICTS)) / DRAWS


def _within(paths: Floats) -> Any:
    """Return the share of draws whose path stays within 0.3 and 8 % of GDP in every year."""
    return ((paths >= 0.3) & (paths <= 8.0)).all(axis=1).mean()


def _prior_draws(section: str, priors: Priors, rng: np.random.Generator) -> dict[str, Floats]:
    """Return `DRAWS` draws of every prior of a section, by name without the section."""
    return {name: prior.sample(rng, DRAWS) for name, prior in priors.section(section).items()}


def _walk(scale: Floats, bins: int, rng: np.random.Generator) -> Floats:
    """Return a random walk over bins, centred on zero, (draw, bin)."""
    steps = scale[:, None] * rng.normal(size=(scale.size, bins - 1))
    walk = np.concatenate([np.zeros((scale.size, 1)), np.cumsum(steps, axis=1)], axis=1)
    return np.asarray(walk - walk.mean(axis=1, keepdims=True))
