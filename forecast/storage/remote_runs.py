"""Open a run by its address: what a web service (`forecast serve --http`) serves is fetched when it is used.

Of a tree, only the variables that are used are fetched. A token, if the service asks for one, is taken from the
variable FORECAST_TOKEN and sent to the service alone.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import RunError
from forecast.names import MANIFEST, MODELS, SCHEMA_VERSION
from forecast.storage import runs
from forecast.storage.runs import Run

if TYPE_CHECKING:
    import xarray as xr

_SCHEMES: Final = ("http://", "https://")
_SECONDS: Final = 60.0  # to wait for an answer
_TOKEN: Final = "FORECAST_TOKEN"


@dataclass(frozen=True, slots=True)
class RemoteRun:
    """A run that is served; `url` is its own address, also if it was opened as `PLAN@latest`."""

    url: str
    description: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Id of the run."""
        return str(self.description["id"])

    @property
    def status(self) -> str:
        """Status of the run: `complete` or `degraded`."""
        return str(self.description["status"])

    @property
    def plan_name(self) -> str:
        """Name of the plan."""
        return str(self.description["plan"])

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the run; raises RunError if it cannot be fetched."""
        return dict(_json(f"{self.url}/files/{MANIFEST}"))

    @property
    def headlines(self) -> list[dict[str, Any]]:
        """Headline records; raises RunError if they cannot be fetched."""
        return list(_json(f"{self.url}/headlines"))

    @property
    def projection(self) -> "xr.DataTree":
        """Tree of `projection.output_schema`; raises RunError if it cannot be fetched."""
        return self._tree("projection")

    def posterior(self, model: str) -> "xr.DataTree":
        """Return the fit of one model of `names.MODELS`, in the form that ArviZ reads; raises as `projection`."""
        if model not in MODELS:
            raise RunError(f"{self.url}: no model is called {model!r:.80}, expected one of {', '.join(MODELS)}")
        return self._tree(model)

    def _tree(self, name: str) -> "xr.DataTree":
        import xarray as xr
        from obstore.exceptions import BaseError
        from obstore.store import HTTPStore
        from zarr.storage import ObjectStore

        url = f"{self.url}/{name}.zarr"
        options: Any = {"allow_http": True, "default_headers": _headers()}
        try:
            store: Any = ObjectStore(HTTPStore.from_url(url, client_options=options), read_only=True)
            return xr.open_datatree(store, engine="zarr", consolidated=True)
        except (BaseError, OSError) as error:
            raise RunError(f"{url}: cannot be opened ({error}); check the address and the token") from error


def open_run(name: str = "latest", home: Path | str = ".") -> Run | RemoteRun:
    """Return a run: by its address, or of a workspace as `storage.runs.open_run` does.

    Parameters
    ----------
    name : address such as `http://127.0.0.1:8000/api/v1/runs/quickstart@latest`, or a name in a workspace.
    home : folder of the workspace.

    Raises
    ------
    RunError
        If there is no such run, or it cannot be fetched.
    """
    return open_remote(name) if name.startswith(_SCHEMES) else runs.open_run(name, home)


def open_remote(address: str) -> RemoteRun:
    """Return the run at an address; raises RunError if it cannot be fetched or read by this version."""
    base = address.rstrip("/")
    description = _json(base)
    if not isinstance(description, dict) or not {"id", "plan", "status", "provenance"} <= description.keys():
        raise RunError(f"{base}: no run, expected an address such as http://HOST/api/v1/runs/PLAN@latest; correct it")
    schema = description["provenance"].get("schema_version", SCHEMA_VERSION)
    if schema != SCHEMA_VERSION:
        raise RunError(
            f"{base}: has output schema {schema}, expected {SCHEMA_VERSION}; read it with the build that made it"
        )
    return RemoteRun(f"{base.rpartition('/')[0]}/{description['id']}", description)


def _headers() -> dict[str, str]:
    token = os.environ.get(_TOKEN, "")
    return {"Authorization": f"Bearer {token}"} if token else {}


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow no redirection, so that a token is never sent to another place."""

    def redirect_request(self, *facts: Any) -> None:
        """Refuse."""


def _json(url: str) -> Any:
    """Return the JSON at an address; raises RunError with the reason that the service gives."""
    request = urllib.request.Request(url, headers={"Accept": "application/json", **_headers()})
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise RunError(f"{url}: {_reason(error)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise RunError(f"{url}: cannot be read ({reason}); check the address, and that the service runs") from None


def _reason(error: urllib.error.HTTPError) -> str:
    """Return the message of a problem, else the status."""
    try:
        return str(json.load(error)["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"answered with status {error.code}; check the address"
