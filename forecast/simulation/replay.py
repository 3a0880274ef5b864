"""Simulate the past with the compiled rules of the kernel: the missions, changes of leader, budgets and verdicts seen.

A fit is compared with the data in simulations of the kernel itself (`forecast.evaluation.calibration.contract`). The
functions here only set the state that the tables record and call the same compiled functions as
`forecast.simulation.kernel`; they hold no equation of their own. No scenario shift acts, and all lanes are equal.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.simulation import random_numbers as rng
from forecast.simulation.elementary import whole
from forecast.simulation.jit import entry, loop
from forecast.simulation.lanes import lane, load_draws, store
from forecast.simulation.records import INSIDE, LANES, NEVER, OUTSIDE
from forecast.simulation.rules import alliance as alliance_rule
from forecast.simulation.rules import missions as rule
from forecast.simulation.rules import spending as spending_rule
from forecast.simulation.shocks.missions import draw_missions
from forecast.simulation.shocks.path import (
    draw_budget,
    fill_leader_hazard_ratios,
    leader_hazard_ratios,
    start_of_term,
    step_leader,
)
from forecast.simulation.steps.cells import take_cells
from forecast.simulation.steps.missions import reset_missions, step_mission
from forecast.simulation.steps.spending import spend

#: Columns of the cuts of a contingent in a quarter: the four modes of a partial defection, and planned reductions.
CUT_COLUMNS = 5
STAYS, DEFECTS, PLANNED = 0, 1, 2  # how a contingent leaves


class MissionHistory(NamedTuple):
    """The past of M missions with N spells and K countries in Q quarters; quarters count from the first one."""

    change: NDArray[np.int64]  # (K, Q) 1 = the leader changes
    vote: NDArray[np.int64]  # (K, Q) 1 = an election that selects the leader
    next_vote: NDArray[np.int64]  # (K,) quarter of the first election after the last quarter, NEVER if none is known
    losses: NDArray[np.float64]  # (M, Q) felt losses
    combat_age: NDArray[np.float64]  # (M, Q) quarters in combat
    ever: NDArray[np.int64]  # (M, Q) countries that had contributed before
    spell: NDArray[np.int64]  # (M, C) spell of each contingent of a mission
    entry: NDArray[np.int64]  # (N,) first quarter of the spell
    horizon: NDArray[np.int64]  # (N,) first quarter in which the spell is no longer followed
    row: NDArray[np.int64]  # (N,) row of the first quarter of the spell in the arrays of cuts


class LeaderHistory(NamedTuple):
    """Quarters in which a leader could change; R rows."""

    id: NDArray[np.int64]  # (R,) address of the random numbers
    country: NDArray[np.int64]  # (R,) position of the country
    in_office: NDArray[np.int64]  # (R,) quarters in office at the start
    vote: NDArray[np.int64]  # (R,) 1 = an election in the quarter
    voted: NDArray[np.int64]  # (R,) 1 = an election in the quarter before
    before: NDArray[np.int64]  # (R,) 1 = an election in one of the next two quarters
    limited: NDArray[np.int64]  # (R,) 1 = the leader could not stand in the election of the quarter before


class BudgetHistory(NamedTuple):
    """Yearly budgets of M countries in Y years, for P draws."""

    level: NDArray[np.float64]  # (Y, M) log share of the year before, NaN if no change is known
    growth: NDArray[np.float64]  # (Y, M) growth of GDP, a fraction
    growth_before: NDArray[np.float64]  # (Y, M) growth of GDP in the year before, a fraction
    election: NDArray[np.float64]  # (Y, M) 1 = the leader is elected in the year
    ally: NDArray[np.int64]  # (Y, M) 1 = in the alliance
    common: NDArray[np.float64]  # (P, Y) common factor
    response: NDArray[np.float64]  # (P, Y) log response to a gap
    volatility: NDArray[np.float64]  # (P, Y) log volatility


@entry
def replay_missions(paths, seed, spells, draws, missions, history, shocks, stage, state, seen, left, cuts, tallied):
    """Simulate the missions of the past on these paths.

    Parameters
    ----------
    paths, seed
        Numbers of the paths, and the seed of the random numbers.
    spells, draws, shocks
        `StaticInputs`, `Draws` and `Shocks` with a mission of one contingent for each spell.
    missions, stage, state
        `StaticInputs`, `Shocks` and `PathState` of the missions, with one contingent for each of their spells.
    history
        `MissionHistory`.
    seen
        Buffer, (N, 2) integers.
    left
        Receives when and how each spell ends, (path, N, 2): its quarter, and STAYS, DEFECTS or PLANNED.
    cuts
        Receives the number of cuts in each quarter of each spell, (path, row, CUT_COLUMNS).
    tallied
        Receives the reductions of troops as the kernel tallies them, (path, M).
    """
    for i in range(paths.size):
        p = paths[i] % draws.parameters.size
        for k in range(spells.countries.size):
            for t in range(shocks.leaders.shape[0]):
                shocks.leaders[t, k].change, shocks.leaders[t, k].vote = history.change[k, t], history.vote[k, t]
                shocks.changes[t, k] = history.change[k, t]
            hazard_ratios = leader_hazard_ratios(draws.parameters[p])
            fill_leader_hazard_ratios(history.next_vote[k], spells.countries[k], hazard_ratios, shocks.leaders[:, k])
        draw_missions(seed, paths[i], p, spells, draws, shocks)
        set_stage(draws.parameters[p], missions, history, shocks, stage)
        reset_missions(state.missions)
        seen[:] = 0
        for t in range(shocks.leaders.shape[0]):
            for m in range(missions.missions.size):
                mission = missions.missions[m]
                if mission.start <= t < mission.end:
                    mission.ever = max(history.ever[m, t], 1)
                    step_mission(t, m, p, 1.0, missions, draws, stage, state)
                    record_mission(t, m, mission.contingents, history, stage, state, seen, left[i], cuts[i], tallied[i])


@loop
def set_stage(parameter, missions, history, shocks, stage):
    """Set what the missions meet: their losses as observed, and the shocks of each spell from entry to horizon."""
    constants = missions.constants[0]
    for m in range(missions.missions.size):
        stage.any_planned[m] = False
        for t in range(shocks.leaders.shape[0]):
            stage.campaigns[t, m].hazard_ratio = rule.campaign_hazard_ratio(
                history.losses[m, t],
                constants.losses * parameter.casualties,
                history.combat_age[m, t],
                constants.losses * parameter.combat_drift,
                0.0,
                0.0,
            )
        for c in range(missions.missions[m].contingents):
            n = history.spell[m, c]
            stage.contingents[m, c] = shocks.contingents[n, 0]
            shock, horizon = stage.contingents[m, c], history.horizon[n]
            shock.planned_quarter = shock.planned_quarter if shock.planned_quarter < horizon else NEVER
            for j in range(shock.planned_cut_quarter.size):
                if shock.planned_cut_quarter[j] >= horizon:
                    shock.planned_cut_quarter[j] = NEVER
            for t in range(shocks.leaders.shape[0]):
                at_risk = history.entry[n] <= t < horizon
                stage.hazards[m, c, t] = shocks.hazards[n, 0, t] if at_risk else 0.0
                stage.planned[m, c, t] = at_risk and shocks.planned[n, 0, t]
                stage.any_planned[m, t] |= stage.planned[m, c, t]


@loop
def record_mission(t, m, size, history, stage, state, seen, left, cuts, tallied):
    """Record who has left mission m in quarter t and how, and who was cut; read from the first lane."""
    tallied[m] += state.missions[m].reductions[0]
    store(state.missions[m].reductions, 0)
    for c in range(size):
        n, contingent, shock = history.spell[m, c], state.contingents[m, c], stage.contingents[m, c]
        if contingent.present[0] == 0.0 and contingent.exit_quarter[0] == t:
            defects = rule.has_crossed(contingent.exit_hazard[0], shock.exit_threshold)
            left[n, 0], left[n, 1] = t, DEFECTS if defects else PLANNED
        row = history.row[n] + t - history.entry[n]
        while seen[n, 0] < contingent.cuts[0]:
            cuts[row, shock.cut_mode[seen[n, 0]]] += 1
            seen[n, 0] += 1
        while seen[n, 1] < contingent.planned_cuts[0]:
            cuts[row, CUT_COLUMNS - 1] += 1
            seen[n, 1] += 1


@entry
def replay_leaders(paths, seed, history, draws, constants, countries, effects, changes):
    """Simulate whether the leader changes in each quarter of the past, given office and calendar as observed.

    Parameters
    ----------
    paths, seed
        Numbers of the paths, and the seed of the random numbers.
    history, draws, constants
        `LeaderHistory`, `Draws`, and one record of `CONSTANTS`, (1,).
    countries, effects
        Buffers: one record of `COUNTRY_LANES`, (1,), and the effects of the countries, (LANES,).
    changes
        Receives 1 where the leader changes, (path, R).
    """
    calendar = countries[0]
    calendar.fixed[:] = 0.0
    calendar.parliamentary[:] = 0.0
    calendar.term[:] = NEVER
    calendar.mandates[:] = 1.0
    for i in range(paths.size):
        p = paths[i] % draws.parameters.size
        for first in range(0, history.id.size, LANES):
            size = min(LANES, history.id.size - first)
            for j in range(size):
                r = first + j
                calendar.id[j], calendar.in_office[j], calendar.voted[j] = (
                    history.id[r],
                    history.in_office[r],
                    history.voted[r],
                )
                calendar.next_election[j] = 0 if history.vote[r] == 1 else (1 if history.before[r] == 1 else NEVER)
                calendar.term_limit[j] = 1 if history.limited[r] == 1 else NEVER
                effects[j] = draws.countries[p, history.country[r]].turnover_effect
            u = rng.uniforms(seed, paths[i], 0, whole(load_draws(calendar.id)), rng.LEADER)
            _, change, _ = step_leader(
                0, u, calendar, -1, load_draws(effects), draws.parameters[p], constants[0], start_of_term(calendar)
            )
            for j in range(size):
                changes[i, first + j] = int(lane(change, j))


@entry
def replay_budgets(paths, seed, static, draws, history, shocks, state, changes):
    """Simulate every known yearly change of spending from the level before it.

    Parameters
    ----------
    paths, seed
        Numbers of the paths, and the seed of the random numbers.
    static, draws, shocks, state
        `StaticInputs`, `Draws`, `Shocks` and `PathState` of the countries; `start` of their draws and `start_growth` of
        the countries are overwritten.
    history
        `BudgetHistory`.
    changes
        Receives the change of the log share, (path, Y, M), NaN where none is known.
    """
    for i in range(paths.size):
        p = paths[i] % draws.parameters.size
        store(state.alliance[0].threat, 1.0)
        take_cells(p, 0, draws, state)
        for y in range(history.level.shape[0]):
            shocks.common[y], shocks.response[y] = history.common[p, y], history.response[p, y]
            shocks.volatility[y] = history.volatility[p, y]
            for m in range(static.members.size):
                member, budget = draws.members[p, m], shocks.budgets[y, m]
                member.start = history.level[y, m]
                store(state.allies[m].share, member.start)
                store(state.allies[m].status, float(INSIDE if history.ally[y, m] == 1 else OUTSIDE))
                scale = spending_rule.spread(member.scale, shocks.volatility[y])
                entity = static.members[m].id
                _, budget.noise = draw_budget(seed, paths[i], y, entity, 0.0, scale, member.tails, static.constants[0])
                budget.growth, budget.election = history.growth[y, m], history.election[y, m]
                if y == 0:
                    static.members[m].start_growth = history.growth_before[y, m]
                else:
                    shocks.budgets[y - 1, m].growth = history.growth_before[y, m]
            spend(0, y, p, 0, static, draws, shocks, state)
            for m in range(static.members.size):
                changes[i, y, m] = state.allies[m].share[0] - history.level[y, m]


@entry
def replay_verdicts(paths, seed, parameters, factors, verdicts):
    """Judge cohesion on past dates, given the factors.

    Parameters
    ----------
    paths, seed
        Numbers of the paths, and the seed of the random numbers.
    parameters
        Records of `PARAMETER`, (P,).
    factors
        The factors on each date, (P, date, 4).
    verdicts
        Receives the verdict of each date, (path, date).
    """
    for i in range(paths.size):
        p = paths[i] % parameters.size
        parameter = parameters[p]
        for a in range(factors.shape[1]):
            cohesion = alliance_rule.cohesion_index(parameter.weights, factors[p, a])
            rater = rng.normal(rng.uniforms(seed, paths[i], a, 0, rng.THREAT_AND_RATER)[1])
            low, high = parameter.verdict_low, parameter.verdict_high
            verdicts[i, a] = alliance_rule.verdict(cohesion, low, high, parameter.rater_sd, rater)
