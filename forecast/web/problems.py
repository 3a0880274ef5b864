"""Errors as `application/problem+json` (RFC 9457), with the message of the project and no path of this machine."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from pydantic import BaseModel, Field
from starlette.responses import Response

from forecast.errors import DataError, ForecastError, PlanError, PriorError, RunError

MEDIA_TYPE = "application/problem+json"


class ProblemBody(BaseModel):
    """What was wrong with a request."""

    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["runs: no run is called 'smok', expected an id, latest or PLAN@latest; list them"])
    faults: list[str] = Field(default=[], description="each fault with file, key, value found and expected, and fix")


class Problem(Exception):
    """A request that cannot be answered."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep status, message and headers of the answer."""
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as a response; the lines of a list of faults are given one by one too."""
    head, *lines = detail.split("\n")
    faults = [line.strip().removeprefix("- ") for line in lines]
    body = ProblemBody(title=HTTPStatus(status).phrase, status=status, detail=head, faults=faults)
    return Response(body.model_dump_json(), status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def status_of(error: ForecastError) -> int:
    """Return the status for an error: 422 for faulty input, 409 for a run or file that is not in order."""
    if isinstance(error, RunError) and not isinstance(error, DataError | PriorError | PlanError):
        return HTTPStatus.CONFLICT
    return HTTPStatus.UNPROCESSABLE_CONTENT


def without_home(message: str, home: Path) -> str:
    """Return a message with paths and addresses of files relative to the workspace, whose place is private."""
    message = message.replace(f"{home.resolve().as_uri()}/", "")
    for folder in dict.fromkeys((str(home.resolve()), str(home.absolute()), str(home))):
        if folder not in (".", "/"):
            message = message.replace(f"{folder}/", "").replace(folder, "the workspace")
    return message
