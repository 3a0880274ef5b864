"""Write the HTML report of a run from the run folder alone: one self-contained page, and one for each fitted model.

The pages use no clock, network or random numbers: the same run gives the same bytes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from forecast import names
from forecast.data.library_options import default_options
from forecast.evaluation.score_report import p_text
from forecast.priors.statements import expired_text
from forecast.reporting import (
    charts,
    formatting,
    headline_groups,
    headline_text,
    limits,
    page_charts,
    page_data,
    report_data,
)
from forecast.reporting.model_diagrams import EQUATIONS
from forecast.reporting.model_page import contract_panel, fitted, read_fit
from forecast.reporting.report_data import ReportData, read_report_data
from forecast.reporting.run_history import plan_histories, reason_of
from forecast.reporting.terminal import OFF_REASON, check_lines, passed_over_text
from forecast.service.slots import recent_slots
from forecast.storage.files import replace_text
from forecast.storage.runs import PENDING, PUBLISHED, Run, list_runs

PAGE: Final = "index.html"
_ALWAYS_CHECKED: Final = "operation_below_flags"


@default_options()
def write_report(run: Run, home: Path) -> Path:
    """Write the pages of a run and of its models, and return the path of `index.html`.

    All pages are made before the first is written, each in one step. Other files in the folder are left alone.

    Raises
    ------
    RunError
        If the run failed or is in another output schema, a file of it is missing or damaged, or a page cannot be
        written.
    """
    run.require_whole(or_pending=True)
    data = read_report_data(run, home)
    models = fitted(run)
    pages = {PAGE: render(data, models)}
    pages |= {f"{model}.html": render_model(data, model) for model in models}
    folder = home / "reports" / run.id
    for name, page in pages.items():
        replace_text(folder / name, page)
    return folder / PAGE


def write_index(home: Path) -> Path:
    """Write `reports/index.html` over all runs of a workspace, whole or not at all, and return its path.

    A damaged run is listed with its damage, and a run without a page is listed without a link. Raises RunError if the
    page cannot be written.
    """
    slots, runs = recent_slots(home), list_runs(home)
    shown = [run.id for run in runs if run.status in (*PUBLISHED, PENDING)]
    pages = {name for name in shown if (home / "reports" / name / PAGE).exists()}
    template = _environment().get_template("index.html")
    page = template.render(plan_histories=plan_histories(runs, slots), slots=slots, pages=pages)
    return replace_text(home / "reports" / PAGE, page)


def render(data: ReportData, models: Sequence[str] = ()) -> str:
    """Return the page of a run as text, with links to the pages of `models`."""
    history = page_data.cohesion_history(data.cohesion)
    return (
        _environment()
        .get_template("report.html")
        .render(
            run_id=data.run.id,
            data=data,
            manifest=data.manifest,
            plan=data.plan,
            since=data.manifest.get("since"),
            wars=data.wars,
            designs=data.designs,
            quarters=data.quarters,
            label=data.labels,
            pages=models,
            script=_script("page.js"),
            tables=Markup(page_data.as_json(page_charts.values(data, history))),
            draw={name: Markup(picture) for name, picture in page_charts.draw_all(data, history).items()},
            **_status(data),
            **_head_context(data),
            **_scenario_context(data, history),
            **_member_context(data),
            **_mission_context(data),
            **_evidence_context(data),
        )
    )


def render_model(data: ReportData, model: str) -> str:
    """Return the page of one fitted model as text."""
    curves = data.checks.get("withdrawal_curves") if model == "withdrawal" else None
    cohesion = data.checks.get("cohesion", {}) if model == "cohesion" else {}
    return (
        _environment()
        .get_template("model.html")
        .render(
            run_id=data.run.id,
            manifest=data.manifest,
            plan=data.plan,
            fit=read_fit(data.run, model, data.priors["priors"], page_data.words_of(data)),
            equations=[Markup(equation) for equation in EQUATIONS[model]],
            curves=Markup(charts.withdrawal_chart(curves["missions"], data.labels, "check")) if curves else "",
            anchors=cohesion.get("anchors"),
            certificate=data.certificates.get(model, (False, ""))[1],
            contract=contract_panel(data.contracts.get(model)),
            sensitivity=data.priors.get("sensitivity", {}).get("groups", {}).get(model),
            scored=model in data.scored_models,
        )
    )


def _status(data: ReportData) -> dict[str, Any]:
    """Return the summary, the state of fits and tests, and what changed since the last run."""
    tests = _tests(data)
    fits = data.manifest["fits"].values()
    flips, undecided = headline_text.changed_verdicts((data.manifest.get("since") or {}).get("flips", []), data.labels)
    return {
        "summary": report_data.summary(data),
        "fits_passed": sum(bool(fit["diagnostics"]["passed"]) for fit in fits),
        "tests": tests,
        "unmet": sum(not met for met, _ in tests),
        "missing_tests": _missing_tests(data),
        "expired": [expired_text(group) for group in data.manifest.get("expired", [])],
        "moves": report_data.since_rows(data),
        "flips": flips,
        "undecided_flips": undecided,
        "explained": [
            {"picture": Markup(charts.waterfall_chart(row, f"waterfall-{n}")), "caption": f"{row['title']}."}
            for n, row in enumerate(report_data.explained_rows(data))
        ],
        "draw_error_share": report_data.draw_error_share(data),
    }


def _head_context(data: ReportData) -> dict[str, Any]:
    """Return what the head and the cards show."""
    return {
        "question": page_data.question(data),
        "facts_age": page_data.facts_age(data),
        "old_facts": page_data.OLD_FACTS,
        "verdict_cards": page_data.verdict_cards(data),
        "wars_without_card": [data.labels[war] for war in data.wars[1 + page_data.CARDS :]],
        "spending_card": page_data.spending_card(data),
        "coalition_card": page_data.coalition_card(data),
    }


def _scenario_context(data: ReportData, history: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what the sections on scenarios, cohesion and European spending show."""
    charts_of_factors = page_charts.factor_charts(data, history)
    return {
        "scenarios": data.verdicts,
        "verdict_names": names.VERDICTS,
        "verdict_quarter": data.quarters[data.verdict_quarter],
        "verdict_rows": report_data.verdict_rows(data),
        "readout": page_data.readout(data),
        "cohesion_contrasts": report_data.contrasts(data, "joint_cohesion", names.QUARTER, data.verdict_quarter),
        "history": history,
        "anchors": page_data.anchors(data),
        "cohesion_rows": page_data.cohesion_rows(data),
        "factor_names": page_data.FACTOR_NAMES,
        "factor_charts": [Markup(picture) for picture in charts_of_factors],
        "spending": report_data.spending_table(data),
        "pledge_level": page_data.pledge_in_2035(data),
        "war_legend": page_charts.war_legend(data),
    }


def _member_context(data: ReportData) -> dict[str, Any]:
    """Return what the sections on members and leaders show."""
    years = data.members[names.YEAR].values.tolist()
    rows, chosen = report_data.member_rows(data), page_data.picks(data)
    return {
        "years": years,
        "member_years": [years[y] for y in report_data.member_years(data)],
        "member_rows": rows,
        "estimated_years": sorted({row["last_year"] for row in rows if page_data.is_estimate(data, row["last_year"])}),
        "picks": chosen,
        "picked_names": report_data.country_names(data.members, names.MEMBER),
        "pick_lines": [(colour, charts.css_dash(dash)) for colour, dash in charts.PICKED],
        "is_estimate": page_data.is_estimate,
        "leader_rows": report_data.leader_rows(data),
        "leader_legend": page_charts.LEADER_LEGEND,
        "votes": data.votes,
    }


def _mission_context(data: ReportData) -> dict[str, Any]:
    """Return what the sections on missions and dyads show."""
    groups = headline_groups.headline_groups(data.headlines, data.labels)
    return {
        "missions": page_data.mission_rows(data),
        "thresholds": report_data.thresholds(data),
        "curves": report_data.curve_titles(),
        "crossing_sentence": report_data.crossing_sentence(data),
        "crossing_legend": page_charts.pick_legend([data.labels[m] for m in report_data.hypothetical(data)]),
        "dyads": report_data.dyad_rows(data),
        "dyad_sentence": report_data.dyad_sentence(data),
        "dyad_charts": [(title, Markup(picture)) for title, picture in page_charts.dyad_charts(data)],
        "dyad_legend": page_charts.pick_legend([data.labels[design] for design in data.designs]),
        "groups": groups,
        "group_legends": {group.key: page_charts.group_legend(group, data) for group in groups},
    }


def _evidence_context(data: ReportData) -> dict[str, Any]:
    """Return what the sections on scores, priors and limits show."""
    mechanisms = limits.mechanism_rows(data.plan, data.priors["priors"])
    grid_wars = data.priors["grid"]["wars"]
    scores = data.scores
    return {
        "skill": data.skill,
        "skill_rows": page_data.skill_rows(data),
        "coverage_rows": page_data.coverage_rows(data),
        "withdrawal_chart": Markup(page_charts.withdrawal(data)),
        "glossary": page_data.glossary(data, report_data.thresholds(data)),
        "worst_skill": data.worst_skill,
        "unscored_models": report_data.unscored_models(data),
        "cover": [] if isinstance(scores, str) else [c for c in scores["cover"] if c["forecaster"] == "model"],
        "exits": report_data.exit_counts(data),
        "prior_tables": report_data.prior_tables(data),
        "sensitivity": data.priors.get("sensitivity") or {},
        "grid_wars": grid_wars,
        "signs": report_data.sign_table(data),
        "source_verdicts": report_data.source_verdicts(data),
        "shifts": report_data.design_table(data),
        "mechanisms": mechanisms,
        "covariate_sentences": limits.covariate_sentences(mechanisms),
        "outside_bounds": data.alliance.attrs.get("spending_outside_bounds", ""),
        "announced_budgets": data.alliance.attrs.get("announced_budgets", ""),
        "off_sentence": limits.off_sentence(mechanisms),
    }


@cache
def _environment() -> jinja2.Environment:
    """Return the compiled templates."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecast.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "p": formatting.probability,
        "n": formatting.number,
        "pt": formatting.points,
        "tenths": formatting.tenths,
        "judged": formatting.judged,
        "minute": formatting.minute,
        "plain": headline_text.plain,
        "verdict": headline_text.verdict_text,
        "reason": reason_of,
        "parts": page_data.class_parts,
        "classes": lambda verdict: headline_text.classes_text(verdict.probabilities),
        "amount": headline_groups.amount,
        "error": headline_groups.error_text,
        "baseline": headline_groups.baseline_text,
        "p_text": p_text,
        "passed_over": passed_over_text,
    }
    environment.globals |= {
        "cohesion_skill": headline_text.COHESION_SKILL,
        "cohesion_use": headline_text.COHESION_USE,
        "off_reason": OFF_REASON,
    }
    return environment


def _printable(value: Any) -> Any:
    """Take control characters out of a plain text; markup of this package stays as it is."""
    return formatting.printable(value) if type(value) is str else value


@cache
def _script(name: str) -> dict[str, Markup]:
    """Return a script of the page and its hash, by which the page allows this script and no other."""
    text = (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": Markup(f"sha256-{digest}")}


def _tests(data: ReportData) -> list[tuple[bool, str]]:
    """Return whether each stored test is met, and its sentence."""
    if _ALWAYS_CHECKED not in data.checks:
        return []
    return [(bool(check["met"]), line) for check, line in check_lines(data.checks)]


def _missing_tests(data: ReportData) -> list[str]:
    """Return which tests this run does not have, and why."""
    checks = data.checks
    if not checks:
        return ["No tests are stored in this run."]
    sentences = []
    if "verdicts" not in checks:
        sentences.append(
            "The tests of the sign table and of the weights need all outcomes of the war that the workspace names, two "
            "different verdicts among them, and the reference design; this plan lacks some."
        )
    if absent := [war for war in names.THREAT_PAIR if war not in data.wars]:
        sentences.append(f"The test of the threat is not applicable: no scenario named {absent[0]} in this plan.")
    if "coalitions" not in checks:
        sentences.append("The test of coalitions needs a hypothetical mission; this plan has none.")
    if pending := data.run.pending:
        sentences.append(f"Pending: the test of the withdrawal curves waits for the {', the '.join(pending)}.")
    elif "withdrawal_curves" not in checks:
        sentences.append(
            "The withdrawal curves were not tested against observed exits: this plan leaves no mission out of the fit."
        )
    return sentences
