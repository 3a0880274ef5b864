"""Who makes a request, and what that role may do: the dependencies that a route names.

A program sends its token in the header `Authorization: Bearer …`. A browser signs in once with the token and gets a
session.
"""

from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPBearer

from forecast.web.problems import Problem
from forecast.web.service import Service, note, service_of
from forecast.web.tokens import ROLES, Holder, Role, digest, holder_of

_BEARER: Final = {"www-authenticate": "Bearer"}
ANYBODY: Final = "anybody"

bearer = HTTPBearer(auto_error=False, description="a token made by `forecast token add`")


def caller(request: Request, service: Annotated[Service, Depends(service_of)]) -> Holder | None:
    """Return who makes the request, by token or session; None without either. A wrong token is refused."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind:
        holder = holder_of(service.home, digest(token.strip())) if kind.lower() == "bearer" else None
        if holder is None:
            raise Problem(
                401, "the token is not known, expected one made with `forecast token add`; correct it", _BEARER
            )
    else:
        session = service.sessions.get(request)
        holder = holder_of(service.home, session.token) if session and session.token else None
    note(request, by=holder.name if holder else ANYBODY)
    return holder


Caller = Annotated[Holder | None, Depends(caller)]


def require(role: Role, holder: Holder | None, service: Service) -> Holder:
    """Return who makes a request that needs this role; raises Problem if it may not be made."""
    access = service.settings.reading if role == "reader" else service.settings.writing
    if access == "open":
        return holder or Holder(ANYBODY, ROLES[-1] if service.settings.writing == "open" else "reader")
    if holder is None:
        raise Problem(
            401, f"this needs a token with the role {role}, expected one in the header Authorization", _BEARER
        )
    if not holder.may(role):
        raise Problem(403, f"{holder.name} is {holder.role}, expected the role {role}; ask for a token with that role")
    return holder


def reader(holder: Caller, service: Annotated[Service, Depends(service_of)]) -> Holder:
    """Return a caller who may read."""
    return require("reader", holder, service)


def analyst(holder: Caller, service: Annotated[Service, Depends(service_of)]) -> Holder:
    """Return a caller who may submit inputs."""
    return require("analyst", holder, service)


def operator(holder: Caller, service: Annotated[Service, Depends(service_of)]) -> Holder:
    """Return a caller who may start and cancel runs."""
    return require("operator", holder, service)
