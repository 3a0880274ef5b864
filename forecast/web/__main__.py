"""The process of the web service: `python -m forecast.web SOCKET HOME SETTINGS`, started by `forecast serve --http`.

It is apart from the scheduler, so neither waits for the other. It inherits the open socket by its number and passes it
on to no child, so a run never keeps the port. SIGTERM ends it.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Final

import uvicorn

from forecast.errors import ForecastError
from forecast.storage.locks import free_lock
from forecast.web.app import create_app
from forecast.web.observe import log_as_json
from forecast.web.settings import Settings

_CONNECTIONS: Final = 500


def main(descriptor: int, home: Path, settings: Settings) -> None:
    """Serve a workspace until SIGTERM; raises ForecastError if another process serves it already."""
    os.set_inheritable(descriptor, False)
    with socket.socket(fileno=descriptor) as listener, free_lock(home, "http") as free:
        if not free:
            raise ForecastError(f"{home}: is served already by another process, expected none; end it")
        config = uvicorn.Config(
            create_app(home, settings),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            http="h11",
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    log_as_json()
    try:
        main(int(sys.argv[1]), Path(sys.argv[2]), Settings.from_json(sys.argv[3]))
    except ForecastError as error:
        print(f"forecast: {error}", file=sys.stderr)
        sys.exit(1)
