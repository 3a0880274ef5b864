"""The headlines and the tests of a run in lines for a terminal."""

from collections.abc import Mapping
from typing import Any

from forecast import names
from forecast.storage.runs import Run


def headline_lines(run: Run) -> list[str]:
    """The headlines for a terminal: verdicts by cell, spending, missions, and the tests of the run."""
    headlines = run.headlines
    checks = run.json(names.CHECKS)
    lines = [f"{run.id}: {run.manifest['plan']['title']}", ""]
    if degraded := run.manifest.get("provenance", {}).get("degraded"):
        lines += [f"DEGRADED, not newly fitted: {degraded}", ""]
    lines += _verdict_lines([h for h in headlines if "cohesion" in h["quantity"]])
    lines += _spending_lines([h for h in headlines if h["quantity"].startswith("European")])
    lines += _mission_lines([h for h in headlines if ":" in h["quantity"]])
    lines += ["Tests of the run"]
    lines += [f"  {'met    ' if c['met'] else 'NOT met'} {line}" for c, line in check_lines(checks)]
    return lines


def _verdict_lines(headlines: list[dict[str, Any]]) -> list[str]:
    """The grid: a row for each war, a column for each design."""
    wars = list(dict.fromkeys(h["war"] for h in headlines))
    designs = list(dict.fromkeys(h["design"] for h in headlines))
    told = {(h["war"], h["design"]): f"{h['quantity'].split()[-1]} {h['value']:.2f}" for h in headlines}
    worst = max(h["mcse"] for h in headlines)
    lines = [
        f"Cohesion in {headlines[0]['horizon']}: likeliest verdict and its probability",
        f"(judgement throughout; Monte Carlo error at most {worst:.3f})",
        "  " + " " * 10 + "".join(f"{design:<25}" for design in designs).rstrip(),
    ]
    for war in wars:
        lines.append(f"  {war:<10}" + "".join(f"{told[war, d]:<25}" for d in designs).rstrip())
    return [*lines, ""]


def _spending_lines(headlines: list[dict[str, Any]]) -> list[str]:
    first = headlines[0]
    lines = [f"European defence spending, percent of GDP, design {first['design']}: median, 80 % interval"]
    for h in headlines:
        if h["design"] == first["design"]:
            lines.append(
                f"  {h['war']:<10} {h['horizon']}  {h['value']:.1f}  [{h['lower']:.1f}, {h['upper']:.1f}]"
                f"  (random walk {h['baseline']:.1f}; MC error {h['mcse']:.3f}; judgement {_tenths(h)})"
            )
    return [*lines, ""]


def _mission_lines(headlines: list[dict[str, Any]]) -> list[str]:
    if not headlines:
        return []
    first = headlines[0]
    lines = [
        f"Missions five years on ({first['war']}, {first['design']}), share of the first contingent: "
        "mean, 80 % interval"
    ]
    for h in headlines:
        if h["war"] == first["war"]:
            base = f"; Kaplan-Meier {h['baseline']:.2f}" if h["baseline"] is not None else ""
            lines.append(
                f"  {h['quantity']:<34} {h['horizon']}  {h['value']:.2f}  "
                f"[{h['lower']:.2f}, {h['upper']:.2f}]"
                f"  (MC error {h['mcse']:.3f}; judgement {_tenths(h)}{base})"
            )
    return [*lines, ""]


def _tenths(headline: Mapping[str, Any]) -> str:
    share = headline["judgement_share"]
    return "unknown" if share is None else f"{10 * round(10 * share)} %"


def check_lines(checks: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """Each test of a run with a sentence that holds its numbers."""
    out: list[tuple[Mapping[str, Any], str]] = []
    if "verdicts" in checks:
        out += _sign_lines(checks)
    if "cohesion" in checks:
        c = checks["cohesion"]
        out.append(
            (
                c,
                "the political and the military half of cohesion are two things: correlation "
                f"{c['halves']['draws']:.2f} over draws now, {c['halves']['years']:.2f} over years",
            )
        )
    if "threat_twice" in checks:
        c = checks["threat_twice"]
        out.append(
            (
                c,
                "lose against win, same luck: European spending grows by "
                f"{100 * c['growth_difference']['mean']:+.2f} % a year, cohesion by "
                f"{c['cohesion_difference']['mean']:+.2f}",
            )
        )
    if "coalitions" in checks:
        c = checks["coalitions"]
        for name in c["prior"]:
            before, after = c["prior"][name], c["posterior"][name]
            out.append(
                (
                    c,
                    f"{name}: median share of flags after five years {before['median']:.2f} a priori, "
                    f"{after['median']:.2f} a posteriori; hollow and alive on "
                    f"{after['hollow_and_alive'] / after['paths']:.0%} of paths",
                )
            )
    if "crossing" in checks:
        c = checks["crossing"]
        out.append(
            (
                c,
                "the willing operate more than the alliance on "
                f"{c['early']:.0%} of paths after two quarters, {c['late']:.0%} after twelve",
            )
        )
    for name, m in checks.get("withdrawal_curves", {"missions": {}})["missions"].items():
        out.append(
            (
                m,
                f"{name} after 1, 3, 5 years: counted {_row(m['kaplan_meier'])}, 80 % bands "
                f"{_row(m['fitted']['lower'])} to {_row(m['fitted']['upper'])}; left out of the fit "
                f"{_row(m['left_out']['lower'])} to {_row(m['left_out']['upper'])}",
            )
        )
    out.append((checks["operation_below_flags"], "operation never exceeds flags"))
    return out


def _sign_lines(checks: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """The tests of the sign table, made from the neutral state."""
    cells, share = checks["verdicts"]["cells"].items(), checks["weights"]["share"]
    told = ", ".join(
        f"{war} {c['wanted']} {c['probability'][c['wanted']]:.2f} (margin {c['margin']:.2f})" for war, c in cells
    )
    if now := checks.get("from_now"):
        there = ", ".join(f"{war} {now[war][c['wanted']]:.2f}" for war, c in cells)
        told += f"; from where the alliance stands now, untested: {there}"
    return [
        (checks["verdicts"], f"from the neutral state the sign table gives its verdicts: {told}"),
        (checks["weights"], f"the order of verdicts holds for {share:.0%} of all weightings"),
        (checks["permuted_signs"], "with the signs permuted the verdicts fail"),
    ]


def _row(values: list[float]) -> str:
    return "/".join(f"{x:.2f}" for x in values)
