"""Write the headlines and the tests of a run as lines for a terminal."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast import names
from forecast.projection.headlines import Verdict, verdicts
from forecast.reporting.formatting import MISSING, judged, minute, number, printable
from forecast.reporting.headline_groups import group_lines, headline_groups
from forecast.reporting.headline_text import (
    COHESION_SKILL,
    COHESION_USE,
    CURVE_NAMES,
    changed_verdicts,
    plain,
    scenario_text,
    verdict_text,
)
from forecast.reporting.labels import mission_labels, scenario_labels
from forecast.storage.runs import Run

CheckLine = tuple[Mapping[str, Any], str]
Labels = Mapping[str, str]

_WIDTH: Final = 80
#: How `projection/acceptance_checks.py` makes its reference cells; stands in every line with numbers from them.
_OFF: Final = "with all mechanisms off"
OFF_REASON: Final = (
    f"Tests {_OFF} show whether the sign table and the fitted models give what their sources say, before any mechanism "
    "changes it. Their numbers are not the forecast."
)


def headline_lines(run: Run, *, everything: bool = False) -> list[str]:
    """Return the headlines of a run: verdicts, spending, missions, events, what changed, and the tests.

    With `everything`, all headlines beside the main targets follow the events.
    """
    headlines, labels = run.headlines, scenario_labels(run) | mission_labels(run)
    checks = run.checks
    lines = [f"{run.id}: {run.manifest['plan']['title']}", ""]
    if degraded := run.manifest.get("provenance", {}).get("degraded"):
        lines += [f"DEGRADED: some models were not newly fitted: {degraded}", ""]
    if run.pending:
        lines += [f"PENDING: the run {run.reason}", ""]
    lines += _verdict_lines(verdicts(headlines), labels)
    lines += _spending_lines([h for h in headlines if h["target"] == names.EUROPEAN_SPENDING], labels)
    lines += _mission_lines([h for h in headlines if h["target"] == names.MISSION_SURVIVAL], labels)
    groups = headline_groups(headlines, labels)
    for group in groups if everything else groups[:1]:
        lines += group_lines(group, labels)
    if groups[1:] and not everything:
        lines += [f"{sum(len(group.last) for group in groups[1:])} more numbers: forecast show {run.id} --all", ""]
    lines += since_lines(run.manifest.get("since", {}), labels)
    tests = check_lines(checks)
    lines += ["Tests of the run"]
    if any(_OFF in line for _, line in tests):
        lines += textwrap.wrap(OFF_REASON, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines += [f"  {'met    ' if check['met'] else 'NOT met'} {line}" for check, line in tests]
    return [part for line in lines for part in _fitted(printable(line))]


def _fitted(line: str) -> list[str]:
    """Return a line as lines of at most 80 characters; what follows is indented below what it goes on from."""
    if len(line) <= _WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + (8 if line.startswith(("  met ", "  NOT met")) else 2))
    return textwrap.wrap(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _verdict_lines(scenarios: Mapping[tuple[str, str], Verdict], labels: Labels) -> list[str]:
    """Return a block for each war, with a row for each design: its verdict and the probability of every class."""
    if not scenarios:
        return []
    records = [record for verdict in scenarios.values() for record in verdict.classes.values()]
    largest_error = max(record["mcse"] for record in records)
    lines = [
        *textwrap.wrap(f"{COHESION_SKILL} {COHESION_USE}", _WIDTH),
        f"Verdict on cohesion in {records[0]['horizon']}, with all three probabilities",
        f"(the probabilities are judgement; their Monte Carlo standard error is at most {largest_error:.3f})",
        f"  {'':<33} {'':<10}" + "".join(f"{name:>11}" for name in names.VERDICTS),
    ]
    war_before = None
    for (war, design), verdict in scenarios.items():
        lines += [] if war == war_before else [f"  {plain(war, labels)}"]
        numbers = "".join(f"{p:>11.2f}" for p in verdict.probabilities.values())
        lines.append(f"    {plain(design, labels):<31.31} {verdict_text(verdict):<10}{numbers}")
        war_before = war
    if any(not verdict.decided for verdict in scenarios.values()):
        lines.append(
            "  Undecided: the margin over the next verdict is below 0.05 or within twice its Monte Carlo error."
        )
    return [*lines, ""]


def _spending_lines(headlines: Sequence[Mapping[str, Any]], labels: Labels) -> list[str]:
    if not headlines:
        return []
    design = headlines[0]["design"]
    baseline = plain(headlines[0]["baseline_name"])
    lines = [
        "European defence spending, percent of GDP: median and 80 % interval",
        f"({plain(design, labels)}; the baseline is a {baseline})",
        f"  {'':<24} {'by':<6} {'median':>6} {'interval':>12} {'MC':>6} {'judged':>9} {'base':>6}",
    ]
    for h in headlines:
        if h["design"] == design:
            interval = f"[{h['lower']:.1f}, {h['upper']:.1f}]"
            lines.append(
                f"  {plain(h['war'], labels):<24.24} {h['horizon']:<6} {h['value']:>6.1f} {interval:>12} "
                f"{h['mcse']:>6.3f} {judged(h):>9} {h['baseline']:>6.1f}"
            )
    return [*lines, ""]


def _mission_lines(headlines: Sequence[Mapping[str, Any]], labels: Labels) -> list[str]:
    if not headlines:
        return []
    first = headlines[0]
    lines = [
        "Missions after five years, share of the initial contingents: mean and 80 % interval",
        f"({scenario_text(first, labels)}; the baseline is Kaplan-Meier)",
        f"  {'':<30} {'by':<6} {'mean':>4} {'interval':>12} {'MC':>6} {'judged':>9} {'base':>5}",
    ]
    mission_before = None
    for h in headlines:
        if h["war"] == first["war"]:
            lines += [] if h["unit_id"] == mission_before else [f"  {plain(h['unit_id'], labels)}"]
            baseline = MISSING if h["baseline"] is None else f"{h['baseline']:.2f}"
            interval = f"[{h['lower']:.2f}, {h['upper']:.2f}]"
            lines.append(
                f"  {CURVE_NAMES[h['category']]:<30} {h['horizon']:<6} {h['value']:>4.2f} {interval:>12} "
                f"{h['mcse']:>6.3f} {judged(h):>9} {baseline:>5}"
            )
            mission_before = h["unit_id"]
    return [*lines, ""]


def since_lines(since: Mapping[str, Any], labels: Labels | None = None) -> list[str]:
    """Return what changed since the last good run: passed-over runs, flipped verdicts, and the number of moves."""
    if not since:
        return []
    lines = ["Since the last run"]
    passed_over = since.get("passed_over", [])
    lines += [f"  {run['run']} {passed_over_text(run)}" for run in passed_over]
    if since["run"] is None:
        none = "no earlier run can be compared" if passed_over else "this is the first complete run of the plan"
        return [*lines, f"  {none}", ""]
    lines.append(
        f"  compared with {since['run']}: {since['moved']} of {since['compared']} headlines moved by more than two "
        "combined Monte Carlo errors"
    )
    changed, undecided = changed_verdicts(since.get("flips", []), labels)
    lines += [f"  verdict changed: {text}" for text in changed] + [f"  verdicts: {undecided}"] * bool(undecided)
    lines += [f"  table {drift['text']}" for drift in since.get("drift", [])]
    return [*lines, ""]


def passed_over_text(run: Mapping[str, Any]) -> str:
    """Return why an earlier run cannot be compared, after its id."""
    if "gone" in run:
        return f"of {minute(run['gone'])} UTC is no longer in the workspace"
    if "damage" in run:
        return f"cannot be compared: {run['damage']}"
    return f"has output schema {run.get('schema')} and cannot be compared"


def check_lines(checks: Mapping[str, Any]) -> list[CheckLine]:
    """Return each test of a run with a sentence that gives its numbers."""
    lines: list[CheckLine] = []
    if "verdicts" in checks:
        lines += _sign_lines(checks)
    if "cohesion" in checks:
        check = checks["cohesion"]
        halves = check["halves"]
        lines.append(
            (
                check,
                "the political and the military half of cohesion differ: their correlation at the start is "
                f"{number(halves['draws'])} across draws and {number(halves['years'])} across years",
            )
        )
    if "threat_twice" in checks:
        check = checks["threat_twice"]
        lines.append(
            (
                check,
                "defeat minus victory, with the same random numbers: growth rate of European spending "
                f"{100 * check['growth_difference']['mean']:+.2f} % of its level a year, cohesion at the end of "
                f"the ramp {check['cohesion_difference']['mean']:+.2f} sign units",
            )
        )
    if "coalitions" in checks:
        lines += _coalition_lines(checks["coalitions"])
    if "crossing" in checks:
        check = checks["crossing"]
        lines.append(
            (
                check,
                "the coalition of the willing contributes more than the alliance on "
                f"{check['early']:.0%} of paths after two quarters and on {check['late']:.0%} after twelve",
            )
        )
    lines += _withdrawal_lines(checks.get("withdrawal_curves", {"missions": {}}))
    lines.append((checks["operation_below_flags"], "operational contribution never exceeds nominal participation"))
    return lines


def _coalition_lines(check: Mapping[str, Any]) -> list[CheckLine]:
    lines: list[CheckLine] = []
    for name, before in check["prior"].items():
        after = check["posterior"][name]
        lines.append(
            (
                check,
                f"{name}, {_OFF}: median nominal participation by count after five years {before['median']:.2f} under "
                f"the prior and {after['median']:.2f} under the posterior; hollow but not ended on "
                f"{after['hollow_and_alive'] / after['paths']:.0%} of paths",
            )
        )
    return lines


def _withdrawal_lines(check: Mapping[str, Any]) -> list[CheckLine]:
    return [
        (
            mission,
            f"{name} after 1, 3 and 5 years: observed share {_row(mission['kaplan_meier'])}; 80 % bands "
            f"{_row(mission['fitted']['lower'])} to {_row(mission['fitted']['upper'])} with the mission in the fit, "
            f"{_row(mission['left_out']['lower'])} to {_row(mission['left_out']['upper'])} without it",
        )
        for name, mission in check["missions"].items()
    ]


def _sign_lines(checks: Mapping[str, Any]) -> list[CheckLine]:
    """Return the tests of the sign table, which start from the neutral state and have no mechanism."""
    scenarios, share = checks["verdicts"]["cells"].items(), checks["weights"]["share"]
    probabilities = "; ".join(
        f"{war} {c['wanted']} ({_three(c['probability'])}; margin {c['margin']:.2f})" for war, c in scenarios
    )
    if now := checks.get("from_now"):
        today = "; ".join(f"{war} {_three(now[war])}" for war, _ in scenarios)
        probabilities += f"; {_OFF}, from the state of the alliance now (not tested): {today}"
    return [
        (
            checks["verdicts"],
            f"{_OFF}, from the neutral state, the sign table gives the verdicts of its source: {probabilities}",
        ),
        (
            checks["weights"],
            f"{_OFF}, the order of the verdicts holds for {share:.0%} of all weightings of the factors",
        ),
        (checks["permuted_signs"], f"{_OFF} and with permuted signs, the verdicts of the source no longer follow"),
    ]


def _three(probabilities: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {probabilities[name]:.2f}" for name in names.VERDICTS)


def _row(values: Sequence[float]) -> str:
    return "/".join(f"{x:.2f}" for x in values)
