"""Build the labelled data set of each model from the tables, and the digest of its content."""

from functools import lru_cache

import xarray as xr

from forecast.data.cohesion_indicators import indicator_panel
from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_quarters
from forecast.data.spending import spending_panel
from forecast.data.tables import Tables
from forecast.data.troop_levels import level_windows
from forecast.priors.load import Priors
from forecast.storage.files import digest_of
from forecast.workspace.provenance import dataset_digest


def data_of(name: str, tables: Tables, priors: Priors) -> xr.Dataset:
    """Return the data set of the model `name`; its arrays are shared by all that ask for it."""
    return _data(name, tables, priors).copy()


@lru_cache(maxsize=8)
def _data(name: str, tables: Tables, priors: Priors) -> xr.Dataset:
    if name == "spending":
        return spending_panel(tables, priors)
    if name == "leadership":
        return leader_quarters(tables)
    if name == "cohesion":
        return indicator_panel(tables, priors.grid)
    return mission_spells(tables, priors)


@lru_cache(maxsize=64)
def data_digest(name: str, tables: Tables, priors: Priors) -> str:
    """Return the digest of the data of a model; for withdrawal it includes the windows between troop counts."""
    parts = [dataset_digest(data_of(name, tables, priors))]
    if name == "withdrawal":
        parts.append(dataset_digest(level_windows(tables, priors).to_xarray()))
    return digest_of(parts)
