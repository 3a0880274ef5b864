"""One self-contained HTML page a run, made from the run folder alone: figures, tables, and how far to trust them.

No clock, no network, no randomness: the same run gives the same bytes.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

import jinja2
import xarray as xr
from markupsafe import Markup

from forecast import names
from forecast.errors import RunError
from forecast.evaluation.calibration.certificates import certificate_lines
from forecast.evaluation.score_report import pivot
from forecast.evaluation.score_store import UNSCORED, find_scores, find_variants
from forecast.reporting import figures, formatting, report_data
from forecast.reporting.model_diagrams import GRAPHS, draw_graph
from forecast.reporting.model_page import fitted, read_fit
from forecast.reporting.report_data import ReportData, Row
from forecast.reporting.run_history import plan_histories
from forecast.reporting.terminal import check_lines
from forecast.service.slots import recent_slots
from forecast.storage.files import replace_text, written_whole
from forecast.storage.runs import PUBLISHED, Run, list_runs

PAGE: Final = "index.html"
_ALWAYS_CHECKED: Final = "operation_below_flags"


def write_report(run: Run, home: Path) -> Path:
    """Write the pages of a run and of its models, whole or not at all, and give the path of `index.html`.

    Raises
    ------
    RunError
        If the run failed, a file of it is missing or damaged, or the page cannot be written.
    """
    if run.status not in PUBLISHED:
        reason = run.manifest.get("reason", "no reason was kept")
        raise RunError(f"{run.path}: the run is {run.status}, so there is nothing to tell: {reason}")
    folder = home / "reports" / run.id
    models = run.manifest.get("models", {})
    scores = find_scores(home, models)
    if scores != UNSCORED:  # made after the run, or anew
        run = Run(run.path, {**run.manifest, "scores": scores})
    variants = find_variants(home, models, run.manifest["plan"]["name"])
    run = Run(run.path, {**run.manifest, "variants": variants})
    certified = certificate_lines(home, run.manifest.get("certificates", {}))
    run = Run(run.path, {**run.manifest, "certified": certified})
    story = read_report_data(run)
    models_told = fitted(run)
    pages = {PAGE: render(run.id, story, models_told)}
    pages |= {f"{model}.html": render_model(run, story, model) for model in models_told}
    with written_whole(folder) as aside:
        for name, page in pages.items():
            (aside / name).write_text(page, encoding="utf-8", newline="\n")
    return folder / PAGE


def write_index(home: Path) -> Path:
    """Write `reports/index.html` over all runs of a workspace, replaced whole, and give its path.

    Raises RunError if a run of it is damaged or the page cannot be written.
    """
    slots = recent_slots(home)
    page = (
        _environment()
        .get_template("index.html")
        .render(plan_histories=plan_histories(list_runs(home), slots), slots=slots)
    )
    return replace_text(home / "reports" / PAGE, page)


def read_report_data(run: Run) -> ReportData:
    """Open a run and read what the report tells into memory; a run without checks has none to tell."""
    checks = run.json(names.CHECKS) if (run.path / names.CHECKS).is_file() else {}
    with closing(run.projection) as tree:
        alliance, members, missions, joint = (
            tree[group].to_dataset() for group in (names.ALLIANCE, names.MEMBERS, names.MISSIONS, names.JOINT)
        )
        errors = tree[names.MCSE].to_dataset().sel({names.SOURCE: names.SOURCES[0]})
        dyads = tree[names.DYADS].to_dataset() if names.DYADS in tree else xr.Dataset()
        return ReportData(
            manifest=run.manifest,
            headlines=run.headlines,
            checks=checks,
            priors=run.json(names.BELIEFS),
            alliance=alliance.load(),
            members=members.load(),
            missions=missions.load(),
            joint=joint.drop_vars("joint_survival").load(),
            dyads=dyads.load(),
            errors=errors.load(),
        )


def render_model(run: Run, story: ReportData, model: str) -> str:
    """The page of one fitted model as text."""
    curves = story.checks.get("withdrawal_curves") if model == "withdrawal" else None
    drawn = figures.withdrawal_check(curves["missions"], story.labels) if curves else ""
    scores = story.manifest["scores"]
    cohesion = story.checks.get("cohesion", {}) if model == "cohesion" else {}
    return (
        _environment()
        .get_template("model.html")
        .render(
            run_id=run.id,
            manifest=story.manifest,
            plan=story.manifest["plan"],
            fit=read_fit(run, model, story.priors["priors"]),
            graph=Markup(draw_graph(model)),
            equations=[Markup(e) for e in GRAPHS[model].equations],
            curves=Markup(drawn),
            anchors=cohesion.get("anchors"),
            certified=story.manifest.get("certified", {}).get(model, (False, ""))[1],
            sense=story.priors.get("sensitivity", {}).get("groups", {}).get(model),
            scored=scores != UNSCORED and model in scores["models"],
        )
    )


def render(run_id: str, story: ReportData, models: Sequence[str] = ()) -> str:
    """The page as text, with links to the pages of `models`."""
    labels = story.labels
    return (
        _environment()
        .get_template("report.html")
        .render(
            run_id=run_id,
            story=story,
            tell=report_data,
            pages=models,
            script=_script("sort.js"),
            manifest=story.manifest,
            plan=story.manifest["plan"],
            wars=story.wars,
            designs=story.designs,
            label=labels,
            verdicts=names.VERDICTS,
            checks=story.checks,
            tests=_tests(story),
            unmade=_unmade(story),
            summary=summary(story),
            draw={name: Markup(svg) for name, svg in _drawings(story, labels).items()},
            scores=_score_tables(story),
            exits=_exits(story),
            prior_tables=report_data.prior_tables(story),
            signs=report_data.sign_table(story),
            shifts=report_data.design_table(story),
            dyads=report_data.dyad_rows(story),
            dyad_sentence=report_data.dyad_sentence(story, story.manifest["plan"]),
        )
    )


def _score_tables(story: ReportData) -> list[Row]:
    """The comparison with baselines, a table for each model, target and score; none for an unscored run."""
    scores = story.manifest["scores"]
    return [] if scores == UNSCORED else pivot(scores["skill"])


def _exits(story: ReportData) -> dict[str, int]:
    """Defections behind each effect of the withdrawal model, by its short name."""
    told = [p for p in story.priors["priors"] if "exits" in p]
    return {p["name"].split(".")[1]: p["exits"]["defection"] for p in told}


@cache
def _environment() -> jinja2.Environment:
    """The templates, compiled once a process."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecast.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "p": formatting.probability,
        "n": formatting.number,
        "pt": formatting.points,
        "tenths": formatting.tenths,
        "minute": formatting.minute,
    }
    return environment


@cache
def _script(name: str) -> dict[str, Markup]:
    """A script of the page and its hash, by which the page allows it and no other."""
    text = (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": Markup(text), "hash": Markup(f"sha256-{digest}")}


def _drawings(story: ReportData, labels: Mapping[str, str]) -> dict[str, str]:
    """Every figure of the page by name."""
    alliance, missions = story.alliance, story.missions
    last = float(alliance.attrs.get("european_share_last", float("nan")))
    drawn = {
        "verdicts": figures.verdict_areas(alliance, labels),
        "cohesion": figures.cohesion_fans(alliance, labels),
        "european_war": figures.european_fans(alliance, names.WAR, last, labels),
        "european_design": figures.european_fans(alliance, names.DESIGN, last, labels),
    }
    for row in report_data.member_rows(story):
        if row["spends"]:
            drawn[f"member {row['code']}"] = figures.member_fan(story.members, row["code"], row["name"])
    for mission in (str(m) for m in missions[names.MISSION].values):
        if figures.running(missions, mission).any():
            drawn[f"mission {mission}"] = figures.mission_curves(missions, mission, labels[mission])
    chosen = report_data.hypothetical(story)
    if len(chosen) > 1:
        drawn["crossing"] = figures.crossing(missions, chosen, labels)
    if story.dyads.data_vars:
        drawn["dyads"] = figures.dyad_fans(story.dyads)
    if curves := story.checks.get("withdrawal_curves"):
        drawn["withdrawal"] = figures.withdrawal_check(curves["missions"], labels)
    return drawn


def summary(story: ReportData) -> list[str]:
    """The run in a few sentences, each with its numbers."""
    told = [_verdict_sentence(story), _spending_sentence(story)]
    cards = [card for card in report_data.mission_cards(story) if card["starts"]]
    shown = [card for card in cards if card["kind"] == "hypothetical"] or cards[:2]
    for card in shown[:2]:
        here = card["wars"][0]
        told.append(
            f"{card['label']}: {card['after']}, in {card['horizon']}, the mean share of the first "
            f"contingent is {here['flags']['mean']:.2f} by flags and {here['operation']['mean']:.2f} "
            f"in operation; the probability of collapse by then is "
            f"{formatting.probability(here['collapse'])}."
        )
    return [sentence for sentence in told if sentence]


def _verdict_sentence(story: ReportData) -> str:
    cells = report_data.verdict_cells(story)
    by_war = [(war, cells[war, story.designs[0]]) for war in story.wars]
    told = "; ".join(
        f"{story.labels[war]}: {cell['verdict']} ({formatting.probability(cell['value'])}, reference "
        f"{formatting.probability(cell['baseline'])})"
        for war, cell in by_war
    )
    neutral = story.manifest["plan"]["start"] == "neutral"
    start = "a neutral start" if neutral else "where indicators place the alliance now"
    return (
        f"From {start}, with “{story.labels[story.designs[0]]}”, these verdicts on cohesion "
        f"are the likeliest in {by_war[0][1]['horizon']} – {told}."
    )


def _spending_sentence(story: ReportData) -> str:
    horizons, rows = report_data.spending_rows(story)
    if not rows:
        return ""
    told = " and ".join(
        f"{h['value']:.1f} in {year} (80 % interval {h['lower']:.1f} to {h['upper']:.1f})"
        for year, h in zip(horizons, rows[0]["at"], strict=True)
    )
    sentence = (
        f"European defence spending, {rows[0]['at'][0]['baseline']:.1f} percent of GDP in the last "
        f"observed year, has a median of {told} in the reference cell."
    )
    found = report_data.contrasts(story, "joint_european_share", names.YEAR, -1)
    if found and {"lose", "win"} <= set(story.wars):
        less = found["lose", story.designs[0]]["mean"] - found["win", story.designs[0]]["mean"]
        sentence += (
            f" In {horizons[-1]}, with the same luck, it is {abs(less):.2f} points "
            f"{'higher' if less > 0 else 'lower'} if “{story.labels['lose']}” than if "
            f"“{story.labels['win']}”."
        )
    return sentence


def _tests(story: ReportData) -> list[tuple[bool, str]]:
    """Whether each stored test is met, and its sentence."""
    if _ALWAYS_CHECKED not in story.checks:
        return []
    return [(bool(check["met"]), line) for check, line in check_lines(story.checks)]


def _unmade(story: ReportData) -> list[str]:
    """Tests that this run does not have, and why."""
    checks, told = story.checks, []
    if not checks:
        return ["No tests are stored in this run."]
    if "verdicts" not in checks:
        told.append(
            "The tests of the sign table, of the weights and of the threat need all four ends "
            "of the war and the reference design; this plan lacks some."
        )
    if "coalitions" not in checks:
        told.append("The test of coalitions needs a hypothetical mission; this plan has none.")
    if "withdrawal_curves" not in checks:
        told.append(
            "The withdrawal curves were not tested against what was counted: this plan leaves "
            "no mission out of the fit."
        )
    return told
