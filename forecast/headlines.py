"""The published numbers: each with its cell, horizon, interval, Monte Carlo error, share of judgement and baseline."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.roster import Roster
from forecast.runs import Run

MOSTLY_JUDGEMENT: Final = 0.5


def make_headlines(
    tree: xr.DataTree,
    judgement: Mapping[str, np.ndarray[Any, Any]],
    roster: Roster,
    baselines: Mapping[str, float],
) -> list[dict[str, Any]]:
    """All headlines of a projection.

    `judgement` is the share of variance that beliefs without data explain, arrays as in the joint paths;
    `baselines` gives the share of flags after five years by framework from Kaplan-Meier.
    """
    shares = {
        name: values.reshape(len(roster.wars), len(roster.designs), *values.shape[1:])
        for name, values in judgement.items()
    }
    return [
        *_verdicts(tree, roster.verdict_at),
        *_spending(tree, shares["european"]),
        *_missions(tree, shares["survival"], roster, baselines),
    ]


def _entry(
    quantity: str, cell: tuple[str, str], horizon: str, unit: str, **numbers: Any
) -> dict[str, Any]:
    told = {
        k: round(float(v), 5) if isinstance(v, float | np.floating) else v
        for k, v in numbers.items()
    }
    if np.isnan(told["judgement_share"]):  # an output without variance
        told["judgement_share"] = None
    judged = told["judgement_share"]
    label = judged is not None and judged > MOSTLY_JUDGEMENT
    return {
        "quantity": quantity,
        "war": cell[0],
        "design": cell[1],
        "horizon": horizon,
        "unit": unit,
        **told,
        "mostly_judgement": bool(label),
    }


def _cells(data: xr.Dataset) -> Iterator[tuple[int, int, tuple[str, str]]]:
    for i, war in enumerate(data[names.WAR].values):
        for j, design in enumerate(data[names.DESIGN].values):
            yield i, j, (str(war), str(design))


def _errors(error: xr.DataArray, **at: Any) -> dict[str, float | None]:
    """Monte Carlo error of one number, and the part of it that more paths do not lower."""
    total, draws = (error.sel({names.SOURCE: source}).isel(at).item() for source in names.SOURCES)
    return {"mcse": total, "mcse_draws": None if np.isnan(draws) else draws}


def _verdicts(tree: xr.DataTree, at: int) -> Iterator[dict[str, Any]]:
    """The modal verdict at the end of the ramp. Its baseline is the same verdict without war and design.

    Signs, weights, noise and cut points are all judgement; of the tables only collapses of NATO missions enter, barely.
    """
    data = tree[names.ALLIANCE].to_dataset()
    quarter = str(data[names.QUARTER].values[at])
    p = data["verdict_probability"].isel(quarter=at)
    reference = {names.WAR: names.WARS[0], names.DESIGN: names.DESIGNS[0]}
    known = all(label in data[axis].values for axis, label in reference.items())
    error = tree[names.MCSE].to_dataset()["verdict_probability"].isel(quarter=at)
    for i, j, cell in _cells(data):
        here = p.isel(war=i, design=j).values
        modal = int(here.argmax())
        yield _entry(
            f"probability that cohesion is {names.VERDICTS[modal]}", cell, quarter, "1",
            value=here[modal], lower=None, upper=None,
            **_errors(error, war=i, design=j, verdict=modal),
            judgement_share=1.0,
            baseline=p.sel(reference).isel(verdict=modal).item() if known else None,
            baseline_name="the reference cell, neither war nor design",
        )  # fmt: skip


def _spending(tree: xr.DataTree, judged: np.ndarray[Any, Any]) -> Iterator[dict[str, Any]]:
    """European spending after five years and at the end. The baseline is a random walk: the last observed level."""
    data, history = tree[names.ALLIANCE].to_dataset(), tree[names.MEMBERS].to_dataset()
    years = data[names.YEAR].values
    last = float(history.attrs["european_share_last"])
    error = tree[names.MCSE].to_dataset()["european_share"].sel(quantile=0.5)
    for y in sorted({min(4, years.size - 1), years.size - 1}):
        for i, j, cell in _cells(data):
            here = data["european_share"].isel(war=i, design=j, year=y)
            yield _entry(
                "European defence spending", cell, str(years[y]), "percent of GDP",
                value=here.sel(quantile=0.5).item(), lower=here.sel(quantile=0.1).item(),
                upper=here.sel(quantile=0.9).item(),
                **_errors(error, war=i, design=j, year=y),
                judgement_share=judged[i, j, y], baseline=last,
                baseline_name="random walk: the level of the last year",
            )  # fmt: skip


def _missions(
    tree: xr.DataTree,
    judged: np.ndarray[Any, Any],
    roster: Roster,
    baselines: Mapping[str, float],
) -> Iterator[dict[str, Any]]:
    """Flags and operation five years on, in the reference cell and in those with a war alone."""
    data, error = tree[names.MISSIONS].to_dataset(), tree[names.MCSE].to_dataset()["survival_mean"]
    for s, mission in enumerate(roster.missions):
        at = mission.start + names.FIVE_YEARS
        if at >= min(data.sizes[names.QUARTER], mission.end or at + 1):
            continue
        for curve, name in ((0, "flags"), (1, "operation"), (2, "flags_by_count")):
            for i, war in enumerate(roster.wars):
                place = {"war": i, "design": 0, "mission": s, "curve": curve, "quarter": at}
                here = data["survival"].isel(place)
                yield _entry(
                    f"{mission.name}: {name}", (war, roster.designs[0]), roster.quarters[at], "1",
                    value=data["survival_mean"].isel(place).item(),
                    lower=here.sel(quantile=0.1).item(), upper=here.sel(quantile=0.9).item(),
                    **_errors(error, **place),
                    judgement_share=judged[i, 0, s, curve, at],
                    baseline=baselines.get(mission.framework) if curve == 2 else None,
                    baseline_name="Kaplan-Meier of its framework, from entry" if curve == 2 else None,
                )  # fmt: skip


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
    told = {
        (h["war"], h["design"]): f"{h['quantity'].split()[-1]} {h['value']:.2f}" for h in headlines
    }
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
    lines = [
        f"European defence spending, percent of GDP, design {first['design']}: median, 80 % interval"
    ]
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
        out.append((c, "the political and the military half of cohesion are two things: correlation "
                    f"{c['halves']['draws']:.2f} over draws now, {c['halves']['years']:.2f} over years"))  # fmt: skip
    if "threat_twice" in checks:
        c = checks["threat_twice"]
        out.append((c, "lose against win, same luck: European spending grows by "
                    f"{100 * c['growth_difference']['mean']:+.2f} % a year, cohesion by "
                    f"{c['cohesion_difference']['mean']:+.2f}"))  # fmt: skip
    if "coalitions" in checks:
        c = checks["coalitions"]
        for name in c["prior"]:
            before, after = c["prior"][name], c["posterior"][name]
            out.append((c, f"{name}: median share of flags after five years {before['median']:.2f} a priori, "
                        f"{after['median']:.2f} a posteriori; hollow and alive on "
                        f"{after['hollow_and_alive'] / after['paths']:.0%} of paths"))  # fmt: skip
    if "crossing" in checks:
        c = checks["crossing"]
        out.append((c, "the willing operate more than the alliance on "
                    f"{c['early']:.0%} of paths after two quarters, {c['late']:.0%} after twelve"))  # fmt: skip
    for name, m in checks.get("withdrawal_curves", {"missions": {}})["missions"].items():
        out.append((m, f"{name} after 1, 3, 5 years: counted {_row(m['kaplan_meier'])}, 80 % bands "
                        f"{_row(m['fitted']['lower'])} to {_row(m['fitted']['upper'])}; left out of the fit "
                        f"{_row(m['left_out']['lower'])} to {_row(m['left_out']['upper'])}"))  # fmt: skip
    out.append((checks["operation_below_flags"], "operation never exceeds flags"))
    return out


def _sign_lines(checks: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    """The tests of the sign table, made from the neutral state."""
    cells, share = checks["verdicts"]["cells"].items(), checks["weights"]["share"]
    told = ", ".join(
        f"{war} {c['wanted']} {c['probability'][c['wanted']]:.2f} (margin {c['margin']:.2f})"
        for war, c in cells
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
