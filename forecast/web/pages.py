"""The pages for people: what is due and what is there, reports, the form for an own scenario, the progress of a run.

The pages work without scripts. One small script follows the progress where scripts are allowed.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, quote

import jinja2
from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from forecast import names
from forecast.errors import ForecastError
from forecast.priors.scenarios import SIGNS
from forecast.reporting.formatting import printable
from forecast.reporting.headline_text import FACTOR_NAMES
from forecast.storage.runs import PUBLISHED
from forecast.web.access import Caller, operator, reader, require
from forecast.web.inputs import plan_file, submit_files
from forecast.web.jobs import OPEN, require_job
from forecast.web.models import summary_of
from forecast.web.own_plan import Answers, known_scenarios, own_plan
from forecast.web.problems import Problem, without_home
from forecast.web.replies import page_reply, text_reply
from forecast.web.service import AnyRun, Service, Site
from forecast.web.sessions import Session
from forecast.web.tokens import Holder, digest, holder_of
from forecast.workspace.plan import known_plans

_TEMPLATES: Final = Path(__file__).parent / "templates"
_ASSETS: Final = {"style.css": "text/css; charset=utf-8", "progress.js": "text/javascript; charset=utf-8"}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_FIELDS: Final = 100  # of a form
_TAIL: Final = 40  # lines of a log that a page shows

pages = APIRouter(include_in_schema=False)
May = Depends(reader)


def page(name: str, status: int = 200, **facts: Any) -> Response:
    """Return a page made from a template; it is not kept by the browser, because it may hold the secret of a form."""
    text = _environment().get_template(name).render(**facts)
    return HTMLResponse(text, status, {"content-security-policy": _POLICY, "cache-control": "no-store"})


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )


@pages.get("/assets/{name}")
def asset(request: Request, name: str) -> Response:
    """Return the style or the script of the pages."""
    if name not in _ASSETS:
        raise Problem(404, f"assets: expected one of {', '.join(_ASSETS)}")
    return text_reply(request, (_TEMPLATES / name).read_bytes(), _ASSETS[name])


@pages.get("/", dependencies=[May])
def index(site: Site, holder: Caller) -> Response:
    """Show what is due, running, stale or failed, and all runs."""
    folder = site.home / "reports"
    runs = [
        summary_of(run) | {"has_page": run.status in PUBLISHED and (folder / run.id / "index.html").exists()}
        for run in reversed(site.catalog.runs())
    ]
    states, troubles = site.calendar.look()
    jobs = site.jobs.list()[::-1][:10]
    reports = (folder / "index.html").exists()
    shown = [without_home(trouble, site.home) for trouble in troubles]
    return page("index.html", runs=runs, states=states, troubles=shown, jobs=jobs, holder=holder, reports=reports)


@pages.get("/reports/", dependencies=[May])
@pages.get("/reports/index.html", dependencies=[May])
def all_reports(request: Request, site: Site) -> Response:
    """Return the page of all runs."""
    return page_reply(request, site.home / "reports", "index.html")


@pages.get("/reports/{run}/{name}", dependencies=[May])
def report(request: Request, run: AnyRun, site: Site, name: str) -> Response:
    """Return a page of a run; `run` may be `latest` or `PLAN@latest`, which leads to the run itself."""
    if request.path_params["run"] != run.id:
        return RedirectResponse(f"/reports/{run.id}/{name}", 307)
    return page_reply(request, site.home / "reports" / run.id, name)


@pages.get("/runs/{run}/{name}", dependencies=[May])
def run_file(run: AnyRun, name: str) -> Response:
    """Lead to a stored file of a run, to which its page links as in the folder of the workspace."""
    return RedirectResponse(f"/api/v1/runs/{run.id}/files/{quote(name)}", 307)


@pages.get("/login")
def login_form() -> Response:
    """Show the form to sign in."""
    return page("login.html", fault="")


@pages.post("/login")
async def login(request: Request, site: Site) -> Response:
    """Open a session for the holder of a token; the origin of the form was checked before."""
    token_digest = digest((await _form(request)).get("token", [""])[0].strip())
    if holder_of(site.home, token_digest) is None:
        return page(
            "login.html", 401, fault="This token is not known. Make one with: forecast token add NAME --role operator"
        )
    response = RedirectResponse("/", 303)
    site.sessions.start(request, response, token_digest)
    return response


@pages.post("/logout")
async def logout(request: Request, site: Site) -> Response:
    """Close the session."""
    response = RedirectResponse("/", 303)
    site.sessions.end(request, response)
    return response


@pages.get("/new")
def new_form(request: Request, site: Site, holder: Caller, plan: str = "") -> Response:
    """Show the form for an own scenario and an own coalition."""
    if site.settings.writing == "token" and holder is None:
        return RedirectResponse("/login", 303)
    require("operator", holder, site)
    answers = Answers(plan=plan) if plan else Answers()
    return _form_page(request, site, answers, [], 200)


@pages.post("/new")
async def new(request: Request, site: Site, holder: Annotated[Holder, Depends(operator)]) -> Response:
    """Check what was filled in, write it as a plan, start its run and lead to its progress."""
    fields = await _form(request)
    site.sessions.require_secret(request, fields.get("secret", [""])[0])
    answers = Answers.of(fields)
    try:
        name, text = own_plan(site.home, answers)
        await site.compute(submit_files, site.home, {plan_file(name): text}, {}, True)
        job = site.jobs.start(name, holder.name)
    except ForecastError as error:
        lines = without_home(str(error), site.home).splitlines()
        return _form_page(request, site, answers, [line.strip().removeprefix("- ") for line in lines], 422)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _form_page(request: Request, site: Service, answers: Answers, faults: list[str], status: int) -> Response:
    session, cookies = site.sessions.get(request), Response()
    if session is None:
        session = site.sessions.start(request, cookies, "")
    wars, designs = known_scenarios(site.home)
    response = page(
        "new.html",
        status,
        answers=answers,
        faults=faults,
        secret=session.secret,
        plans=known_plans(site.home),
        wars=wars,
        designs=designs,
        factors={factor: FACTOR_NAMES.get(factor, factor).capitalize() for factor in names.FACTORS},
        signs=[*SIGNS],
        verdicts=names.VERDICTS,
        stresses=names.STRESSES,
        frameworks=names.FRAMEWORKS,
    )
    response.raw_headers.extend(pair for pair in cookies.raw_headers if pair[0] == b"set-cookie")
    return response


@pages.get("/jobs/{name}", dependencies=[May])
def progress(request: Request, site: Site, name: str) -> Response:
    """Show the progress of a run that somebody asked for, and at its end the way to its page."""
    job = require_job(site.jobs, name)
    path = site.jobs.log_of(job)
    text = path.read_text("utf-8", errors="replace") if path.exists() else ""
    lines = [without_home(line, site.home) for line in text.splitlines()[-_TAIL:]]
    session: Session | None = site.sessions.get(request)
    return page(
        "job.html",
        job=job,
        lines=lines,
        running=job.status in OPEN,
        reason=without_home(job.reason, site.home),
        secret=session.secret if session else "",
    )


@pages.post("/jobs/{name}/cancel")
async def cancel(request: Request, site: Site, name: str, holder: Annotated[Holder, Depends(operator)]) -> Response:
    """Stop a run from its page."""
    site.sessions.require_secret(request, (await _form(request)).get("secret", [""])[0])
    site.jobs.cancel(require_job(site.jobs, name).id)
    return RedirectResponse(f"/jobs/{name}", 303)


async def _form(request: Request) -> Mapping[str, list[str]]:
    """Return the fields of a form by name."""
    try:
        text = (await request.body()).decode()
        return parse_qs(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise Problem(
            400, f"the form cannot be read, expected at most {_FIELDS} fields in UTF-8; send it again"
        ) from None
