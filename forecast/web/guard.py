"""What every request must meet before it is answered: a known host, its own origin, bounded size and rate.

The guard also adds the security headers to every answer. It knows no route and reads no file.
"""

import time
from collections import OrderedDict
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forecast.web.problems import problem_response
from forecast.web.settings import Settings

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
HEAD: Final = "forecast.head"  # key of a request for the headers of an answer alone
_CLIENTS: Final = 10_000  # whose rates are remembered
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with `no-referrer`, a browser sends our own forms with the origin `null`
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "x-frame-options": "DENY",
}
#: Of every answer that sets none of its own: nothing is loaded, and no page frames it.
CLOSED: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Rates:
    """How many requests each client may still make: so many at once, and so many per second in the long run."""

    def __init__(self, per_second: float, at_once: float) -> None:
        self._per_second, self._at_once = per_second, at_once
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, client: str) -> float:
        """Return how many requests a client may make now."""
        left, at = self._left.get(client, (self._at_once, 0.0))
        return min(self._at_once, left + (time.monotonic() - at) * self._per_second)

    def take(self, client: str) -> bool:
        """Count one request and return whether the client may make it."""
        left = self.left(client)
        self._left[client] = (max(left - 1.0, 0.0), time.monotonic())
        self._left.move_to_end(client)
        if len(self._left) > _CLIENTS:
            self._left.popitem(last=False)
        return left >= 1.0


class Guard:
    """Refuse a request for another host, from another origin, or too many of one client."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._hosts, self._body = app, settings.hosts, settings.body
        self._all = Rates(settings.per_second, settings.at_once)
        minute = settings.writes_per_minute
        self._writes, self._refused = Rates(minute / 60.0, minute), Rates(minute / 60.0, minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope["client"][0] if scope.get("client") else ""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", CLOSED)
                headers.setdefault("cache-control", "no-cache")
                if message["status"] in (401, 403):
                    self._refused.take(client)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope), client)
        if refusal:
            status, detail = refusal
            response = problem_response(status, detail, {"retry-after": "60"} if status == 429 else {})
            await response(scope, receive, send_with_headers)
        else:
            head = scope["method"] == "HEAD"  # the server sends the headers of the answer to GET alone
            await self._app({**scope, "method": "GET", HEAD: True} if head else scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers, client: str) -> tuple[int, str] | None:
        host = headers.get("host", "").lower()
        if _name_of(host) not in self._hosts:
            return 421, f"host is {host[:80]!r}, expected one of {', '.join(self._hosts)}; start with --allow-host NAME"
        if scope["method"] not in _SAFE:
            origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
            if (origin is not None and urlsplit(origin).netloc.lower() != host) or site not in ("same-origin", "none"):
                return 403, "the request comes from a page of another site, expected this one; open the form here"
            if not self._writes.take(client):
                return 429, "too many changes, expected fewer; wait a minute"
        if (size := headers.get("content-length", "0")).isdigit() and int(size[:20]) > self._body:
            return 413, f"the body has {size[:20]} bytes, expected at most {self._body}; send less"
        if not self._all.take(client) or self._refused.left(client) < 1.0:
            return 429, "too many requests, expected fewer; wait a minute"
        return None


def _name_of(host: str) -> str:
    """Return a host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
