"""Monte Carlo forecasts of alliance cohesion and coalition survival.

>>> import forecast
>>> run = forecast.open_run("latest")
>>> run.projection["alliance"]["verdict_probability"]

Names load when they are first used, so that `import forecast` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.data import Tables, load_tables
    from forecast.errors import ForecastError
    from forecast.plan import Plan
    from forecast.priors import Beliefs, load_beliefs
    from forecast.runs import Run, list_runs, load_plan, open_run

__version__ = "0.1.0"

__all__ = [
    "Beliefs",
    "ForecastError",
    "Plan",
    "Run",
    "Tables",
    "list_runs",
    "load_beliefs",
    "load_plan",
    "load_tables",
    "open_run",
]

_HOME = {
    "Beliefs": "priors",
    "ForecastError": "errors",
    "Plan": "plan",
    "Run": "runs",
    "Tables": "data",
    "list_runs": "runs",
    "load_beliefs": "priors",
    "load_plan": "runs",
    "load_tables": "data",
    "open_run": "runs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(f"forecast.{_HOME[name]}"), name)
