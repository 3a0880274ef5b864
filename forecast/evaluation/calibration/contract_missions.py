"""The contract of the withdrawal model: exits by cause, time served and covariate, and cuts of troops in every mission.

Each path simulates all missions of the tables again, from the first quarter of every contributor to the last in which
it is followed (`forecast.simulation.replay`). Leaders, elections, losses and the ends of missions are as observed. The
exits of others, the loss of the lead nation and reductions are simulated. Of the mechanisms of the simulation only
those act that the fit knows. What the fit expects is computed along each simulated history from the equations as the
calibration problem states them (`forecast.evaluation.calibration.withdrawal`), not from the rules of the kernel.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammainc

from forecast.array_types import Floats
from forecast.constants import STAYED, duration_bin
from forecast.data.exit_coding import spell_keys
from forecast.data.leaders import followed_countries, leader_calendar
from forecast.data.troop_levels import level_windows
from forecast.evaluation.calibration.contract_lines import Line, rate_line
from forecast.evaluation.calibration.withdrawal import stated_log_rates
from forecast.models.withdrawal import log_rates
from forecast.names import MECHANISMS, MODES
from forecast.projection.static_inputs import build_static_inputs
from forecast.quarters import quarter_clock
from forecast.random_streams import address
from forecast.simulation.arrays import Draws, StaticInputs
from forecast.simulation.buffers import new_path_state, new_shocks
from forecast.simulation.records import CUTS, NEVER, REDUCTION, SWAP
from forecast.simulation.replay import CUT_COLUMNS, DEFECTS, PLANNED, MissionHistory, replay_missions
from forecast.workspace.inputs import Inputs
from forecast.workspace.roster import Mission, Roster

_FITTED: Final = ("modes", "reductions", "losses")  # mechanisms that the withdrawal model knows
_LOOK_AHEAD: Final = 4  # quarters in which an election counts as ahead
_CHUNK: Final = 16  # paths that are compared together, which limits memory
_UNIT: Final = "per 100 contingent-years"
#: Groups of bins of time served.
_SERVED: Final = {
    "in the first year": (0, 1),
    "in the second year": (2,),
    "in years 3 and 4": (3, 4),
    "in years 5 to 10": (5, 6),
    "after ten years": (7,),
}
_CAUSES: Final = {DEFECTS: "defections", PLANNED: "planned withdrawals"}
#: Covariates by which exits are counted.
_COVARIATES: Final = {
    "leader_change": "exits with a new leader",
    "election_ahead": "exits with an election ahead",
    "contagion": "exits after others have left",
    "lead_gone": "exits after the lead nation has left",
    "casualties": "exits after losses above the reference",
    "ever_reduced": "exits of reduced contingents",
    "ending": "exits in the last year of a mission",
    "lead": "exits of the lead nation",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the replay of the missions needs, and the rows in which it is compared with the data.

    A row is one quarter of one spell, from its entry to the last quarter in which it is followed.
    """

    spells: xr.Dataset  # of `forecast.data.deployments.mission_spells`
    static: StaticInputs  # a mission of one contingent for each spell
    missions: StaticInputs  # the missions, with a contingent for each spell
    history: MissionHistory
    rows: xr.Dataset  # the rows, with the covariates that no exit changes
    lead_spell: NDArray[np.int64]  # (M,) spell of the lead nation, -1 if it never contributed
    window: NDArray[np.int64]  # (row,) first row of the window between two head counts, -1 outside
    cap: float  # largest share of recent exits that counts


def mission_past(inputs: Inputs, roster: Roster, spells: xr.Dataset) -> Past:
    """Return the past of all missions; `roster` has one mission for each spell (`spell_roster`)."""
    first, quarters = int(spells["quarter"][0]), spells.sizes["quarter"]
    static = _without_curve(
        build_static_inputs(inputs.tables, inputs.priors, inputs.plan, roster, pooled=False), quarters
    )
    static.contingents["id"][:, 0] = [address("/".join(map(str, key))) for key in spell_keys(spells)]
    grouped, slots = _grouped(roster, spells)
    by_mission = replace(roster, missions=grouped)
    missions = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, by_mission, pooled=False)
    missions = _without_curve(missions, quarters)
    for constants in (static.constants[0], missions.constants[0]):
        for name in MECHANISMS:
            constants[name] = int(name in _FITTED)
    entry = static.missions["start"].copy()
    stayed = spells["kind"].to_numpy() == STAYED
    followed = np.ceil(spells["end"].to_numpy()).astype(np.int64) - first
    ends = np.minimum(static.missions["end"], quarters)
    horizon = np.where(stayed, np.minimum(followed, ends), ends)
    horizon = np.maximum(horizon, entry + 1)
    size = horizon - entry
    extended = np.arange(first - 1, first + quarters + _LOOK_AHEAD + 1)
    changes, votes = leader_calendar(inputs.tables, np.array(roster.countries), extended)
    static.countries["in_office"] = np.where(changes[:, 0], 0, 1)  # whether the leader was new before the first quarter
    static.countries["parliamentary"] = 0  # so that the modes are split as in the priors
    later = votes[:, quarters + 1 :]
    lead = [_lead_spell(mission, slots[m]) for m, mission in enumerate(grouped)]
    past = Past(
        spells=spells,
        static=static,
        missions=missions,
        history=MissionHistory(
            change=np.ascontiguousarray(changes[:, 1 : quarters + 1], dtype=np.int64),
            vote=np.ascontiguousarray(votes[:, 1 : quarters + 1], dtype=np.int64),
            next_vote=np.where(later.any(axis=1), quarters + later.argmax(axis=1), NEVER),
            losses=np.ascontiguousarray(spells["casualties_by_quarter"].to_numpy(), dtype=float),
            combat_age=np.ascontiguousarray(spells["combat_age_by_quarter"].to_numpy(), dtype=float),
            ever=np.ascontiguousarray(spells["contributors_by_quarter"].to_numpy(), dtype=np.int64),
            spell=slots,
            entry=entry,
            horizon=horizon,
            row=np.cumsum(size) - size,
        ),
        rows=_rows(spells, entry, size, first),
        lead_spell=np.array(lead, dtype=np.int64),
        window=np.full(size.sum(), -1),
        cap=float(spells.attrs["contagion_cap"]),
    )
    _mark_windows(past, inputs, first)
    return past


def _without_curve(static: StaticInputs, quarters: int) -> StaticInputs:
    """Return the inputs for quarters of the past; no mission follows a curve, because the contract is about the fit."""
    return static._replace(curve_hazards=np.full((quarters, *static.contingents.shape), -1.0))


def _grouped(roster: Roster, spells: xr.Dataset) -> tuple[tuple[Mission, ...], NDArray[np.int64]]:
    """Return the missions with a contributor for each of their spells, and the spells of their contingents, (M, C)."""
    of = spells["mission_of"].to_numpy()
    members = [np.flatnonzero(of == m) for m in range(spells.sizes["mission"])]
    slots = np.full((len(members), max(map(len, members))), -1, dtype=np.int64)
    missions = []
    for m, own in enumerate(members):
        slots[m, : len(own)] = own
        parts = [roster.missions[n] for n in own]
        missions.append(
            replace(
                parts[0],
                start=min(part.start for part in parts),
                contributors=tuple(part.contributors[0] for part in parts),
                troops=tuple(1.0 for _ in parts),
                served=tuple(0 for _ in parts),
            )
        )
    return tuple(missions), slots


def _lead_spell(mission: Mission, slots: NDArray[np.int64]) -> int:
    contributors = mission.contributors
    return int(slots[contributors.index(mission.lead)]) if mission.lead in contributors else -1


def spell_roster(inputs: Inputs, spells: xr.Dataset) -> Roster:
    """Return the roster of a replay: one mission with one contingent for each spell, and all countries with leaders."""
    first = int(spells["quarter"][0])
    table = inputs.tables.missions.set_index("mission")
    closes = pd.Series(np.floor(quarter_clock(table["end"])), index=table.index)
    missions = []
    for mission, country, _ in spell_keys(spells):
        row, end = table.loc[mission], closes.loc[mission]
        missions.append(
            Mission(
                name=str(mission),
                label=str(row["name"]),
                framework=str(row["framework"]),
                combat=bool(row["intensity"] == "combat"),
                hypothetical=False,
                lead=str(row["lead"]),
                start=0,
                end=None if np.isnan(end) else int(end) + 1 - first,
                ever=1,
                contributors=(str(country),),
                troops=(1.0,),
                served=(0,),
                flags=(),
            )
        )
    starts = np.floor(spells["entry"].to_numpy()).astype(int) - first
    placed = tuple(replace(mission, start=int(start)) for mission, start in zip(missions, starts, strict=True))
    return replace(inputs.roster, missions=placed, countries=tuple(followed_countries(inputs.tables)))


def _rows(spells: xr.Dataset, entry: NDArray[np.int64], size: NDArray[np.int64], first: int) -> xr.Dataset:
    """Return the rows with covariates as observed; contagion, loss of the lead and reductions are 0."""
    spell = np.repeat(np.arange(size.size), size)
    quarter = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + entry[spell]
    m, c = spells["mission_of"].to_numpy()[spell], spells["country_of"].to_numpy()[spell]
    served = duration_bin(quarter - entry[spell])
    by_row: dict[str, NDArray[Any]] = {"spell_of": spell, "quarter": quarter, "duration": served}
    for name in ("leader_change", "election_ahead"):
        by_row[name] = spells[f"{name}_by_quarter"].to_numpy()[c, quarter] * 1.0
    for name in ("casualties", "combat_age", "ending"):
        by_row[name] = spells[f"{name}_by_quarter"].to_numpy()[m, quarter] * 1.0
    nothing = np.zeros(spell.size)
    for name in ("contagion", "lead_gone", "ever_reduced"):
        by_row[name] = nothing
    kept = ("mission_of", "country_of", "nato", "un", "eu", "noncombat", "lead", "country")
    return spells[[*kept]].assign({name: ("row", values) for name, values in by_row.items()})


def _mark_windows(past: Past, inputs: Inputs, first: int) -> None:
    """Mark the rows between two head counts with the first row of their window."""
    for n, begin, until, _ in _windows(past.spells, inputs, first):
        row = past.history.row[n] - past.history.entry[n]
        rows = np.arange(max(begin, past.history.entry[n]), min(until, past.history.horizon[n])) + row
        past.window[rows] = rows[0] if rows.size else -1


def _windows(spells: xr.Dataset, inputs: Inputs, first: int) -> Iterator[tuple[int, int, int, bool]]:
    """Yield spell, first quarter, quarter after the last, and whether it was cut, of windows of a quarter or more."""
    position = {key: n for n, key in enumerate(spell_keys(spells))}
    windows = level_windows(inputs.tables, inputs.priors)
    begin, until = (np.round(quarter_clock(windows[edge])).astype(int) - first for edge in ("start", "end"))
    keys = zip(windows["mission"], windows["country"], windows["spell"], strict=True)
    for key, a, b, reduced in zip(keys, begin, until, windows["reduced"], strict=True):
        if b > a:
            yield position[key], int(a), int(b), bool(reduced)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    """Simulated histories: when and how each spell ended, cuts by row, and reductions as tallied by mission."""

    left: NDArray[np.int64]  # (path, N, 2)
    cuts: NDArray[np.int8]  # (path, row, CUT_COLUMNS)
    tallied: NDArray[np.int64]  # (path, M)


def replay(past: Past, draws: Draws, seed: int) -> Replayed:
    """Simulate one history for each parameter draw."""
    quarters, paths = past.history.change.shape[1], draws.parameters.size
    left = np.full((paths, past.spells.sizes["spell"], 2), 0, dtype=np.int64)
    left[..., 0] = NEVER
    cuts = np.zeros((paths, past.rows.sizes["row"], CUT_COLUMNS), dtype=np.int8)
    tallied = np.zeros((paths, past.spells.sizes["mission"]), dtype=np.int64)
    replay_missions(
        np.arange(paths),
        seed,
        past.static,
        draws,
        past.missions,
        past.history,
        new_shocks(past.static, quarters),
        new_shocks(past.missions, quarters),
        new_path_state(past.missions, quarters),
        np.zeros((past.spells.sizes["spell"], 2), dtype=np.int64),
        left,
        cuts,
        tallied,
    )
    return Replayed(left=left, cuts=cuts, tallied=tallied)


def withdrawal_lines(
    inputs: Inputs, samples: Mapping[str, Any], draws: Draws, roster: Roster, spells: xr.Dataset, seed: int
) -> list[Line]:
    """Return the lines of the withdrawal model.

    Parameters
    ----------
    inputs
        Tables, priors and plan.
    samples
        Draws of every model by name.
    draws, roster
        Parameter draws of the roster of the replay (`spell_roster`).
    spells
        Data of the model.
    seed
        Seed of the simulation.
    """
    past = mission_past(inputs, roster, spells)
    fitted = {name: np.asarray(values) for name, values in samples["withdrawal"].items()}
    return compare(past, replay(past, draws, seed), fitted, draws, inputs)


def compare(past: Past, found: Replayed, fitted: Mapping[str, Floats], draws: Draws, inputs: Inputs) -> list[Line]:
    """Return the lines on simulated histories, given the fit's draws by name, one for each history."""
    sums: dict[str, list[Floats]] = {}
    for begin in range(0, len(found.left), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        chunk = Replayed(left=found.left[part], cuts=found.cuts[part], tallied=found.tallied[part])
        for term, values in _sums(past, chunk, {n: x[part] for n, x in fitted.items()}, _part(draws, part)).items():
            sums.setdefault(term, []).append(values)
    observed = _observed(past, inputs, fitted)
    return [rate_line(term, _UNIT, observed.get(term), *np.concatenate(parts, axis=1)) for term, parts in sums.items()]


def _part(draws: Draws, part: slice) -> Draws:
    return draws._replace(parameters=draws.parameters[part], missions=draws.missions[part])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Expected:
    """What the fit expects in each row of each history, (path, row)."""

    at_risk: NDArray[np.bool_]  # present at the start of the quarter
    exits: dict[int, Floats]  # by cause
    stays: Floats  # probability to stay through the quarter
    rates: tuple[Floats, Floats]  # of defection and of planned withdrawal
    moving: dict[str, NDArray[np.bool_]]  # covariates that depend on the history


def _expected(past: Past, found: Replayed, fitted: Mapping[str, Floats]) -> _Expected:
    """Return what the fit expects along simulated histories, by the equations of the calibration problem."""
    spell, quarter = past.rows["spell_of"].to_numpy(), past.rows["quarter"].to_numpy()
    mission = past.spells["mission_of"].to_numpy()[spell]
    gone = found.left[..., 0]
    share = _contagion(past, gone)[:, mission, quarter]
    lead = past.lead_spell[mission]
    leaderless = np.where(lead >= 0, gone[:, lead] < quarter, False)
    lowered = found.cuts[..., [REDUCTION, SWAP, CUT_COLUMNS - 1]].sum(axis=-1)
    reduced = _before(lowered, past.history.row[spell]) > 0
    defection, planned = stated_log_rates(past.rows, fitted)
    b = {name: fitted[name][:, None] for name in ("contagion", "lead_gone", "ever_reduced")}
    defection = defection + 10.0 * b["contagion"] * share + b["lead_gone"] * leaderless + b["ever_reduced"] * reduced
    rates = np.exp(defection), np.exp(planned)
    at_risk = gone[:, spell] >= quarter
    defects = -np.expm1(-rates[0])
    plans = np.exp(-rates[0]) * -np.expm1(-rates[1])
    return _Expected(
        at_risk=at_risk,
        exits={DEFECTS: at_risk * defects, PLANNED: at_risk * plans},
        stays=np.exp(-rates[0] - rates[1]),
        rates=rates,
        moving={"contagion": share > 0, "lead_gone": leaderless, "ever_reduced": reduced},
    )


def _contagion(past: Past, gone: NDArray[np.int64]) -> Floats:
    """Return the share of contributors that left in the two quarters before, (path, mission, quarter)."""
    paths, quarters = len(gone), past.history.change.shape[1]
    mission = past.spells["mission_of"].to_numpy()
    exits = np.zeros((paths, past.spells.sizes["mission"], quarters + 2))
    path, spell = np.nonzero(gone < quarters)
    np.add.at(exits, (path, mission[spell], gone[path, spell] + 2), 1.0)
    recent = exits[:, :, 1:-1] + exits[:, :, :-2]
    return np.minimum(past.cap, recent / np.maximum(past.history.ever, 1))


def _before(counts: Any, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of `counts` (path, row) over the earlier rows from row `first` on."""
    total = np.cumsum(counts, axis=1, dtype=np.int64) - counts
    return np.asarray(total - total[:, first])


def _sums(past: Past, found: Replayed, fitted: Mapping[str, Floats], draws: Draws) -> dict[str, Floats]:
    """Return counted events, expected events and exposure in years of each term, (3, path)."""
    expected = _expected(past, found, fitted)
    spell, quarter = past.rows["spell_of"].to_numpy(), past.rows["quarter"].to_numpy()
    leaves = found.left[:, spell, 0] == quarter
    sums = {}
    for cause, name in _CAUSES.items():
        events = leaves & (found.left[:, spell, 1] == cause)
        for served, bins in _SERVED.items():
            rows = np.isin(past.rows["duration"].to_numpy(), bins)
            sums[f"{name} {served}"] = _counted(events, expected.exits[cause], expected.at_risk, rows)
    total = expected.exits[DEFECTS] + expected.exits[PLANNED]
    for name, term in _COVARIATES.items():
        rows = expected.moving[name] if name in expected.moving else _is_on(past.rows, name)
        sums[term] = _counted(leaves, total, expected.at_risk, rows)
    return sums | _cut_sums(past, found, fitted, draws, expected)


def _is_on(rows: xr.Dataset, name: str) -> NDArray[np.bool_]:
    """Return in which rows a covariate applies."""
    if name != "lead":
        return np.asarray(rows[name].to_numpy() > 0)
    spell = rows["spell_of"].to_numpy()
    country = rows["country"].to_numpy()[rows["country_of"].to_numpy()[spell]]
    return np.asarray(country == rows["lead"].to_numpy()[rows["mission_of"].to_numpy()[spell]])


def _counted(events: Any, expected: Floats, at_risk: NDArray[np.bool_], rows: NDArray[np.bool_]) -> Floats:
    """Return events, expected events and exposure in years in some rows, (3, path)."""
    return np.stack([(values * rows).sum(axis=1) for values in (events, expected, at_risk / 4.0)])


def _cut_sums(
    past: Past, found: Replayed, fitted: Mapping[str, Floats], draws: Draws, expected: _Expected
) -> dict[str, Floats]:
    """Return the sums on cuts: windows with a cut by mission, reductions as tallied, and partial defections by mode."""
    spell = past.rows["spell_of"].to_numpy()
    ratio = np.exp(fitted["reduction"])[:, None]
    rates = ratio * expected.rates[0], ratio * expected.rates[1]
    others = _other_modes(draws)[:, :, spell] * expected.rates[0]
    first = past.history.row[spell]
    partial = CUTS - _before(found.cuts[..., : CUT_COLUMNS - 1].sum(axis=-1), first)
    planned = CUTS - _before(found.cuts[..., CUT_COLUMNS - 1], first)
    open_rates = rates[0] * (partial > 0) + rates[1] * (planned > 0)
    reduced = found.cuts[..., REDUCTION] + found.cuts[..., CUT_COLUMNS - 1]
    window = past.window
    fresh = expected.at_risk & (_before(reduced, np.maximum(window, 0)) == 0)
    first_cut, chance = fresh & (reduced > 0), fresh * expected.stays * -np.expm1(-open_rates)
    mission = past.spells["mission_of"].to_numpy()[spell]
    sums = {}
    for m, name in enumerate(map(str, past.spells["mission"].values)):
        rows = (window >= 0) & (mission == m)
        if rows.any():
            sums[f"cuts in {name}"] = _counted(first_cut, chance, expected.at_risk, rows)
    sums["cuts in all missions"] = _counted(first_cut, chance, expected.at_risk, window >= 0)
    stays, everywhere = expected.at_risk * expected.stays, np.ones(spell.size, dtype=bool)
    total = rates[0] + others.sum(axis=0)
    cuts = stays * _capped(total, partial)
    reductions = cuts * rates[0] / total + stays * _capped(rates[1], planned)
    tallied = np.zeros(reductions.shape)
    tallied[:, 0] = found.tallied.sum(axis=1)
    sums["reductions as the kernel tallies them"] = _counted(tallied, reductions, expected.at_risk, everywhere)
    for mode in range(1, CUT_COLUMNS - 1):
        share = cuts * others[mode - 1] / total
        term = f"partial defections: {MODES[mode + 1].replace('_', '-')}"
        sums[term] = _counted(found.cuts[..., mode], share, expected.at_risk, everywhere)
    return sums


def _other_modes(draws: Draws) -> Floats:
    """Return the rates of re-roles, caveats and swaps over the rate of full defection, (mode, path, spell).

    A share f of the defections is in full, as the prior says; reductions have a rate of their own.
    """
    full, shares = draws.missions["full_exit"], draws.parameters["mode_shares"]
    return np.stack([(1.0 - full) / full * shares[:, [mode]] for mode in range(1, CUT_COLUMNS - 1)])


def _capped(rate: Floats, most: NDArray[np.int64]) -> Floats:
    """Return the mean of the smaller of a Poisson number and `most`, which is `CUTS` or less."""
    return np.asarray(sum(gammainc(k, rate) * (most >= k) for k in range(1, CUTS + 1)))


def _observed(past: Past, inputs: Inputs, fitted: Mapping[str, Floats]) -> dict[str, tuple[float, float]]:
    """Return events and exposure in years in the data; the cause of an exit is attributed by its coding and the fit."""
    spells, found = past.spells, {}
    of, begin = spells["spell_of"].to_numpy(), spells["begin"].to_numpy()
    end = spells["end"].to_numpy()[of]
    years = np.clip(np.minimum(begin + spells["length"].to_numpy(), end) - begin, 0.0, None) / 4.0
    spell = np.flatnonzero(spells["event_row"].to_numpy() >= 0)
    row = spells["event_row"].to_numpy()[spell]
    defection, planned = np.exp(log_rates(spells, fitted, row))
    p = spells["p_defect"].to_numpy()[spell]
    cause = (p * defection / (p * defection + (1.0 - p) * planned)).mean(axis=0)
    bins = spells["duration"].to_numpy()
    for name, share in zip(_CAUSES.values(), (cause, 1.0 - cause), strict=True):
        for served, group in _SERVED.items():
            found[f"{name} {served}"] = share[np.isin(bins[row], group)].sum(), years[np.isin(bins, group)].sum()
    for name, term in _COVARIATES.items():
        applies = _is_on(spells, name)
        found[term] = float(applies[row].sum()), years[applies].sum()
    first = int(spells["quarter"][0])
    mission = spells["mission"].to_numpy()[spells["mission_of"].to_numpy()]
    rows = [(mission[n], reduced, (b - a) / 4.0) for n, a, b, reduced in _windows(spells, inputs, first)]
    windows = pd.DataFrame(rows, columns=["mission", "reduced", "years"])
    for label, own in windows.groupby("mission"):
        found[f"cuts in {label}"] = float(own["reduced"].sum()), float(own["years"].sum())
    found["cuts in all missions"] = float(windows["reduced"].sum()), float(windows["years"].sum())
    return {term: counts for term, counts in found.items() if counts[1] > 0.0}
