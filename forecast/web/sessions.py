"""Sessions of browsers that have signed in. They are kept in memory, so a restart ends them.

A cookie holds the random name of a session, for this site alone and hidden from scripts. Each form also carries the
secret of its session, which no other site can read.
"""

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from forecast.web.problems import Problem
from forecast.web.tokens import digest

COOKIE: Final = "forecast_session"
_HOURS: Final = 12
_SESSIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in, or, without a digest, one that needs no token."""

    token: str  # digest
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    until: float = field(default_factory=lambda: time.monotonic() + _HOURS * 3600.0)


class Sessions:
    """The open sessions, in memory; a restart ends them."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Session] = OrderedDict()

    def get(self, request: Request) -> Session | None:
        """Return the session of a request, if it is still open."""
        session = self._open.get(digest(request.cookies.get(COOKIE, "")))
        return session if session and session.until > time.monotonic() else None

    def start(self, request: Request, response: Response, token_digest: str) -> Session:
        """Open a session and give its name to the browser, for this site alone and hidden from scripts."""
        name, session = secrets.token_urlsafe(32), Session(token_digest)
        self._open[digest(name)] = session
        if len(self._open) > _SESSIONS:
            self._open.popitem(last=False)
        secure = request.headers.get("origin", "").startswith("https://")
        response.set_cookie(COOKIE, name, _HOURS * 3600, httponly=True, samesite="strict", secure=secure)
        return session

    def end(self, request: Request, response: Response) -> None:
        """Close the session of a request."""
        self._open.pop(digest(request.cookies.get(COOKIE, "")), None)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")

    def require_secret(self, request: Request, given: str) -> None:
        """Raise Problem unless a form carries the secret of the session that it was shown in."""
        session = self.get(request)
        if session is None or not hmac.compare_digest(session.secret.encode(), given.encode(errors="replace")):
            raise Problem(403, "the form is not of this session, expected the one shown last; open it again")
