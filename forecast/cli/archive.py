"""Commands on stored runs: verify, question, compare, explain, audit and score them."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from forecast.cli.options import ARCHIVE, CORES, HERE, Home, RunName, Threads, stages_on_terminal
from forecast.errors import ForecastError, all_faults

archive = typer.Typer()


@archive.command(rich_help_panel=ARCHIVE)
def verify(
    run: RunName = "latest",
    home: Home = HERE,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Make the run again and compare its files byte by byte.")
    ] = False,
    correct: Annotated[
        str | None,
        typer.Option("--correct", metavar="REASON", help="Add an entry for the run as it is now, with this reason."),
    ] = None,
    threads: Threads = CORES,
) -> None:
    """Check that a run is as it was published.

    Checks every file against the manifest, the headlines against their seal in runs/ledger.jsonl, and the ledger
    itself. The exit code is 1 if anything differs.
    """
    from forecast.archive.verify import faults_of_ledger, missing_lines, passed_over, pruned_entry, verify_run
    from forecast.storage.ledger import read_ledger, seal_run
    from forecast.storage.runs import open_run

    if gone := pruned_entry(home, run):
        print(f"pruned  {gone.run} on {gone.time[:10]}; entry {gone.number} keeps the digest of its headlines:")
        print(f"        {gone.headlines}")
        return
    opened = open_run(run, home)
    if correct is not None:
        opened.require_whole()
        seal_run(home, opened, datetime.now(UTC).isoformat(timespec="seconds"), correct)
    entry = verify_run(home, opened)
    print(f"files   {len(opened.manifest['files'])} undamaged: {opened.path}")
    print(f"seal    {entry.seal[:16]}, entry {entry.number} of {len(read_ledger(home))}, {entry.time[:10]}")
    print("".join(f"{line}\n" for line in missing_lines(home)), end="")
    faults = faults_of_ledger(home) + passed_over(home, opened, run)
    if rerun:
        from forecast.archive.repeat import repeat_run
        from forecast.projection.execution import Executor

        again = repeat_run(home, opened, stages_on_terminal(), Executor(threads, ""))
        print("\n".join(f"moved   {line}" for line in again.moved) or "inputs  as they were")
        if again.same:
            print("rerun   every file has the same bytes")
        else:
            faults.append(
                f"{opened.id}: made again, {', '.join(again.files)} differ; first difference: "
                f"{again.variable or 'in the text of a file alone'}"
            )
    if faults:
        raise ForecastError("\n".join(faults))


@archive.command(rich_help_panel=ARCHIVE)
def query(
    run: Annotated[str, typer.Argument(help="Run id, a unique part of it, or 'latest'.")],
    question: Annotated[str, typer.Argument(help="Such as 'P(collapsed[kfor] by 2029Q4, war=win)'.")],
    home: Home = HERE,
    error: Annotated[
        float | None, typer.Option(min=0.0, help="Largest Monte Carlo standard error of an answer.")
    ] = None,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Simulate more paths if too few meet the condition or the error.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the answers as JSON.")] = False,
    threads: Threads = CORES,
) -> None:
    """Ask a question about a stored run: a probability, mean or quantile, with conditions.

    Answered from the run's sampled joint paths, for every scenario that the question leaves open. docs/archive.md
    describes the language.
    """
    import json as js

    from forecast.archive.quantities import planned_ends
    from forecast.archive.query import answer_query, answer_rows, sampled_paths
    from forecast.archive.query_language import parse_query
    from forecast.reporting.query_text import answer_lines
    from forecast.storage.runs import open_run

    parsed, opened = parse_query(question), open_run(run, home)
    opened.require_published()
    more = None
    if simulate:
        from forecast.archive.more_paths import more_paths
        from forecast.projection.execution import Executor

        more = more_paths(home, opened, stages_on_terminal(), Executor(threads, ""))
    joint = sampled_paths(opened)
    answers = answer_query(parsed, joint, opened.manifest["plan"]["draws"], error, more)
    notes = planned_ends(parsed, joint)
    if json:
        found = {"run": opened.id, "query": question, "notes": notes, "answers": list(answer_rows(answers))}
        print(js.dumps(found, indent=1))
    else:
        print("\n".join(answer_lines(opened.id, parsed, answers, notes)))


@archive.command(rich_help_panel=ARCHIVE)
def compare(
    before: Annotated[str, typer.Argument(help="The earlier run: its id or a unique part of it.")],
    after: RunName = "latest",
    home: Home = HERE,
    everything: Annotated[bool, typer.Option("--all", help="Show every headline, row and setting.")] = False,
) -> None:
    """Compare two runs: verdicts that flipped, headlines that moved, and what differs in the inputs.

    Tables are compared row by row. A move is given in Monte Carlo standard errors of both runs together.
    """
    from forecast.archive.compare import compare_runs
    from forecast.reporting.comparison_text import MOST, comparison_lines
    from forecast.reporting.labels import mission_labels
    from forecast.storage.runs import open_run

    later = open_run(after, home)
    comparison = compare_runs(home, open_run(before, home), later)
    lines = comparison_lines(comparison, 10**9 if everything else MOST, mission_labels(later))
    print("\n".join(lines))


@archive.command(rich_help_panel=ARCHIVE)
def explain(
    before: Annotated[str, typer.Argument(help="The earlier run: its id or a unique part of it.")],
    after: RunName = "latest",
    home: Home = HERE,
    cost: Annotated[bool, typer.Option("--cost", help="Print what would be computed, and stop.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show every headline.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the explanation as JSON.")] = False,
    threads: Threads = CORES,
) -> None:
    """Explain why the headlines moved between two runs, by hybrid runs with parts of both.

    The parts are new data, revised data, horizon roll, scenario definition, priors, Monte Carlo noise and version. The
    contributions of the parts that differ add up to the change. The cost is printed before anything is simulated, and
    hybrid runs are kept, so the same question is answered at once later. The explanation is kept for the page of the
    later run.
    """
    import json as js

    from forecast.archive.explain import explain as explain_prepared
    from forecast.archive.explain import explanation_rows, prepare_explanation
    from forecast.archive.kept_explanations import keep_explanation
    from forecast.projection.execution import Executor
    from forecast.reporting.explanation_text import MOST, cost_line, explanation_lines
    from forecast.reporting.labels import mission_labels
    from forecast.storage.runs import open_run

    prepared = prepare_explanation(home, open_run(before, home), open_run(after, home))
    print(cost_line(prepared.cost), file=sys.stdout if cost else sys.stderr)
    if cost:
        return
    explanation = explain_prepared(prepared, stages_on_terminal(), Executor(threads, ""))
    if json:
        print(js.dumps(explanation_rows(explanation), indent=1))
    else:
        lines = explanation_lines(explanation, 10**9 if everything else MOST, mission_labels(prepared.after))
        print("\n".join(lines))
    keep_explanation(home, explanation_rows(explanation))


@archive.command(rich_help_panel=ARCHIVE)
def questions(
    run: RunName = "latest",
    home: Home = HERE,
    out: Annotated[
        Path | None, typer.Option("--export", help="Write questions and answers to this new folder, for platforms.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the questions with their answers as JSON.")] = False,
) -> None:
    """Show the questions of runs/questions.toml with a run's answers, and those that it cannot answer.

    --export writes ForecastBench JSON (question set and forecast set) and a CSV table.
    """
    import json as js

    from forecast.archive.answers import question_rows
    from forecast.archive.questions import read_questions
    from forecast.archive.resolutions import read_resolutions
    from forecast.reporting.export_questions import export_questions
    from forecast.reporting.scoreboard_text import question_lines
    from forecast.storage.runs import open_run

    opened = open_run(run, home)
    rows = question_rows(read_questions(home), read_resolutions(home), opened)
    if out is not None:
        print(export_questions(opened, rows, out))
    elif json:
        print(js.dumps({"run": opened.id, "questions": rows}, indent=1, ensure_ascii=False))
    else:
        print("\n".join(question_lines(opened.id, rows)))


@archive.command(rich_help_panel=ARCHIVE)
def scoreboard(
    home: Home = HERE,
    json: Annotated[bool, typer.Option("--json", help="Print every scored forecast and all tables as JSON.")] = False,
) -> None:
    """Score the answers of all runs to the questions that are resolved, against their baselines.

    Shows Brier and log score, CRPS, calibration, and how forecasts were revised. A forecast made when its outcome was
    known does not count.
    """
    import json as js
    from dataclasses import asdict

    from forecast.archive.scoreboard import scoreboard as score_questions
    from forecast.reporting.scoreboard_text import scoreboard_lines

    board = score_questions(home)
    print(js.dumps(asdict(board), indent=1, ensure_ascii=False) if json else "\n".join(scoreboard_lines(board)))


@archive.command(rich_help_panel=ARCHIVE)
def audit(
    run: RunName = "latest",
    home: Home = HERE,
    exports: Annotated[
        list[Path] | None, typer.Option("--export", help="Folder of a further export. May be repeated.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was compared and the faults as JSON.")] = False,
) -> None:
    """Compare every published number of a run with its projection: headlines, answers, pages and exports.

    Names each number that differs. The exit code is 1 if there is any.
    """
    import json as js
    from dataclasses import asdict, replace

    from forecast.archive.verify import passed_over
    from forecast.reporting.audit import audit_run
    from forecast.reporting.formatting import fold
    from forecast.storage.runs import open_run

    opened = open_run(run, home)
    found = audit_run(home, opened, exports or [])
    found = replace(found, faults=(*found.faults, *passed_over(home, opened, run)))
    if json:
        print(js.dumps(asdict(found), indent=1, ensure_ascii=False))
    else:
        print("\n".join(line for what, count in found.checked for line in fold(f"{count:>8,}  {what}")))
    if found.faults:
        raise all_faults(ForecastError, found.faults)


@archive.command(rich_help_panel=ARCHIVE)
def prune(
    keep: Annotated[int, typer.Option("--keep", min=1, help="Published runs of each plan to keep.")],
    plan: Annotated[str, typer.Option("--plan", help="Prune the runs of this plan alone.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be removed, then exit.")] = False,
    home: Home = HERE,
) -> None:
    """Remove old runs, and enter them in the ledger as pruned.

    The last complete run of each plan, runs that were corrected, and failed or damaged runs are never removed.
    """
    from forecast.reporting.formatting import size_text
    from forecast.service.prune import prunable, prunable_explanations, remove_folders
    from forecast.service.prune import prune as prune_runs

    runs = prunable(home, keep, plan)
    sizes = {run.id: run.size for run in runs}
    removed, used = (list(sizes), []) if dry_run else prune_runs(home, runs, datetime.now(UTC).isoformat())
    explained = prunable_explanations(home, removed)
    if not dry_run:
        remove_folders(explained)
    done = "would remove" if dry_run else "removed"
    for name in removed:
        print(f"{done}  {size_text(sizes[name]):>8}  {name}")
    for folder in explained:
        print(f"{done}  explanations of {folder.name}")
    for name in used:
        print(f"kept, because another process uses it  {name}")
    total = size_text(sum(sizes[name] for name in removed))
    print(
        f"{len(removed)} run{'s' * (len(removed) != 1)}, {total}"
        if removed or explained
        else f"nothing to remove: no plan has more than {keep} such runs"
    )
