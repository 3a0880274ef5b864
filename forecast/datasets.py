"""The labelled data set of each model, built from the tables, and the digest of its content."""

from functools import lru_cache

import xarray as xr

from forecast.data import Tables
from forecast.indicators import indicator_panel
from forecast.panel import spending_panel
from forecast.priors import Beliefs
from forecast.provenance import dataset_digest
from forecast.runs import digest_of
from forecast.spells import mission_spells
from forecast.tenure import leader_quarters
from forecast.troops import level_windows


def data_of(name: str, tables: Tables, beliefs: Beliefs) -> xr.Dataset:
    """The tables as the model `name` sees them."""
    if name == "spending":
        return spending_panel(tables, beliefs)
    if name == "leadership":
        return leader_quarters(tables)
    if name == "cohesion":
        return indicator_panel(tables, beliefs.grid)
    return mission_spells(tables, beliefs)


@lru_cache(maxsize=64)
def data_digest(name: str, tables: Tables, beliefs: Beliefs) -> str:
    """Return the digest of all that a model is fitted to; of withdrawal also the windows between head counts."""
    parts = [dataset_digest(data_of(name, tables, beliefs))]
    if name == "withdrawal":
        parts.append(dataset_digest(level_windows(tables, beliefs).to_xarray()))
    return digest_of(parts)
