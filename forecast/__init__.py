"""Monte Carlo forecasts of alliance cohesion and coalition survival.

>>> import forecast
>>> run = forecast.open_run("latest")
>>> run.projection["alliance"]["verdict_probability"]

Each name is imported when it is first used, which keeps `import forecast` fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.data.tables import Tables, load_tables
    from forecast.errors import ForecastError
    from forecast.priors.load import Priors, load_priors
    from forecast.storage.remote_runs import open_run
    from forecast.storage.runs import Run, list_runs
    from forecast.workspace.plan import Plan, load_plan

__version__ = "0.1.0"

__all__ = [
    "ForecastError",
    "Plan",
    "Priors",
    "Run",
    "Tables",
    "list_runs",
    "load_plan",
    "load_priors",
    "load_tables",
    "open_run",
]

_MODULE_OF = {
    "Priors": "priors.load",
    "ForecastError": "errors",
    "Plan": "workspace.plan",
    "Run": "storage.runs",
    "Tables": "data.tables",
    "list_runs": "storage.runs",
    "load_priors": "priors.load",
    "load_plan": "workspace.plan",
    "load_tables": "data.tables",
    "open_run": "storage.remote_runs",
}


def __dir__() -> list[str]:
    return [*(name for name in globals() if name.startswith("__")), *__all__]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    return getattr(import_module(f"forecast.{_MODULE_OF[name]}"), name)
