"""The settings of the web service, and the rule that a service with open writing is reached from this machine alone."""

import ipaddress
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from forecast.errors import ForecastError, shown

Access = Literal["open", "token"]
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the service allows.

    Attributes
    ----------
    hosts : names under which the service may be asked for; a request for another name is refused.
    reading, writing : `open`, or `token`: with a token alone.
    seconds : longest computation for one request.
    body : largest body of a request, bytes.
    per_second, at_once : requests of one client per second in the long run, and at once.
    writes_per_minute : requests of one client that change something, and requests with a wrong token.
    streams : connections that follow the progress of a run, at one time.
    """

    hosts: tuple[str, ...] = _LOOPBACK
    reading: Access = "open"
    writing: Access = "token"
    seconds: float = 60.0
    body: int = 1_000_000
    per_second: float = 200.0
    at_once: float = 2000.0
    writes_per_minute: float = 60.0
    streams: int = 50

    def as_json(self) -> str:
        """Return the settings as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Return the settings that `as_json` wrote."""
        values = json.loads(text)
        return cls(**{**values, "hosts": tuple(values["hosts"])})


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`, such as `127.0.0.1:8000` or `[::1]:8000`; raises ForecastError."""
    host, colon, port = text.rpartition(":")
    if not (colon and host.strip("[]") and port.isascii() and port.isdigit() and int(port) < 2**16):
        raise ForecastError(f"--http is {shown(text)}, expected HOST:PORT such as 127.0.0.1:8000; correct it")
    return host.strip("[]"), int(port)


def listen(host: str, port: int, settings: Settings) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises
    ------
    ForecastError
        If the address is unknown or in use, or others can reach it although writing is open.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ForecastError(
            f"--http {host}:{port}: no such address ({error.strerror}), expected one of this machine; correct it"
        ) from None
    family, _, _, _, address = found[0]
    if settings.writing == "open" and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ForecastError(
            f"--http {host}:{port}: others can reach this address and writing is open, expected a loopback address, "
            "such as 127.0.0.1; use it, or leave out --writing open"
        )
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ForecastError(
            f"--http {host}:{port}: cannot be used ({error.strerror}); choose another port, or end what uses it"
        ) from None
    return bound


def shown_address(bound: socket.socket) -> str:
    """Return host and port of a socket as they stand in an address."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def allowed_hosts(host: str, others: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names under which a service that is bound to `host` may be asked for."""
    own = f"[{host}]" if ":" in host else host
    return tuple(dict.fromkeys((*_LOOPBACK, own.lower(), *(name.lower() for name in others))))
