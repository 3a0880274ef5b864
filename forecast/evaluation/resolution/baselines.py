"""Baselines of resolved forecasts, from what was known when a run was made.

Verdicts have climatology, spending a random walk, departures and changes of leader constant rates. Events without a
record have even odds.
"""

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.constants import NATO_FROM
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.tables import Tables, load_tables
from forecast.evaluation.backtests.cohesion import CLIMATOLOGY
from forecast.evaluation.baselines.leadership import rate
from forecast.evaluation.baselines.spending import noise
from forecast.evaluation.baselines.withdrawal import SurvivalQuery, constant_hazard, spell_frame
from forecast.evaluation.resolution.outcomes import Outcome
from forecast.priors.load import load_priors
from forecast.workspace.inputs import own_tables

SAMPLES: Final = 2000
EVEN_ODDS: Final = 0.5
_NORTH_AMERICA: Final = ("CAN", "USA")


class Records:
    """Give the baselines of one run; its tables are read once, when a rate is first needed."""

    def __init__(self, home: Path, tree: xr.DataTree, as_of: date) -> None:
        """Store the workspace, the projection and the last day whose data the run knew."""
        self.home, self.tree, self.as_of = home, tree, as_of

    def baseline(self, outcome: Outcome, labels: Mapping[str, Any]) -> tuple[str, Any]:
        """Return the name of the baseline and its forecast: a probability, probabilities, or samples of a number.

        `labels` are the coordinates of the forecast in the tree, by dimension.
        """
        if outcome.question.kind == "verdict":
            return "climatology", np.array(CLIMATOLOGY)
        if outcome.question.time == names.YEAR and outcome.question.kind == "number":
            return "random walk", self.random_walk(labels.get(names.MEMBER), int(outcome.period))
        if outcome.target == "leader_change_probability":
            return "constant rate", self._leader_changes(outcome.period)
        if outcome.target in (names.MISSION_SURVIVAL, "exit_probability"):
            return "constant rate", self._departures(labels)
        return "even odds", EVEN_ODDS

    @cached_property
    def _tables(self) -> Tables:
        """Tables of the workspace as of the day of the run."""
        return load_tables(own_tables(self.home), self.as_of)

    @cached_property
    def _contingents(self) -> pd.DataFrame:
        """All past contingents, as of the day of the run."""
        return spell_frame(mission_spells(self._tables, load_priors(self.home / "priors")))

    def random_walk(self, member: str | None, year: int) -> Floats:
        """Return samples of spending in percent of GDP: the last level, and steps as large as past yearly changes.

        A member without any figure has the level and the steps of Europe.
        """
        members = self.tree[names.MEMBERS].to_dataset()
        history = members["spending_history"]
        if member is not None and bool(history.sel({names.MEMBER: member}).isnull().all()):
            member = None
        if member is None:
            past = history.where(~history[names.MEMBER].isin(_NORTH_AMERICA)).mean(names.MEMBER)
        else:
            past = history.sel({names.MEMBER: member})
        years = past[names.HISTORY_YEAR].to_numpy()
        logs = np.log(past.to_numpy().astype(float))
        known = np.flatnonzero(np.isfinite(logs))[-1]
        start = np.log(members.attrs["european_share_last"]) if member is None else logs[known]
        changes = np.where(years[1:] == NATO_FROM, np.nan, np.diff(logs))  # the basis of the figures changes then
        if not np.nan_to_num(changes).any():
            return np.full(SAMPLES, np.exp(start))
        steps = noise(changes[None, :], year - int(years[known]), SAMPLES, np.random.default_rng(year))
        return np.asarray(np.exp(start + steps[0].sum(axis=0)))

    def _leader_changes(self, year: str) -> float:
        """Return the probability of a change in the projected quarters of a year at the pooled rate of the record."""
        changes = leader_quarters(self._tables)["change"]
        quarters = self.tree[names.ALLIANCE].to_dataset()[names.QUARTER].to_numpy()
        projected = sum(str(quarter).startswith(year) for quarter in quarters)
        return float(1.0 - (1.0 - rate(changes.sum(), changes.size)) ** projected)

    def _departures(self, labels: Mapping[str, Any]) -> Any:
        """Return the probability that a contributor has left, or samples of the share of contingents that remain.

        Contingents leave independently at the rate of all past contingents under the framework of the mission.
        """
        data = self.tree[names.MISSIONS].to_dataset().sel(mission=labels[names.MISSION])
        scenario = {dim: labels[dim] for dim in (names.WAR, names.DESIGN)}
        running = data["survival_mean"].sel(scenario).isel(curve=0).notnull()
        quarters = int(running.sel(quarter=slice(None, labels[names.QUARTER])).sum())
        asked = pd.DataFrame({"framework": [str(data["framework"].item())]})
        query = SurvivalQuery(contingents=asked, served=np.zeros(1), ahead=np.full(1, quarters / 4.0))
        rng = np.random.default_rng(quarters)
        stay = constant_hazard(self._contingents, query, SAMPLES, rng)[:, 0]
        if names.CONTRIBUTOR in labels:
            return float(1.0 - stay.mean())
        weight = data["contingent_weight"].to_numpy()
        weight = weight[weight > 0]
        if labels[names.CURVE] == "nominal_by_count":
            weight = np.ones_like(weight)
        remaining = (rng.random((SAMPLES, weight.size)) < stay[:, None]) @ weight
        return np.asarray(remaining / weight.sum())
