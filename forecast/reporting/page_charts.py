"""Choose what the report page draws, and the numbers that it keeps for its script."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from forecast import names
from forecast.array_types import Floats
from forecast.quarters import decimal_years
from forecast.reporting import charts, page_data, report_data
from forecast.reporting.headline_groups import Group, chart_rows, headline_groups
from forecast.reporting.page_data import Row, single
from forecast.reporting.report_data import ReportData

#: An entry of a legend: class and style of its symbol, and its text.
LegendEntry = tuple[str, str, str]
History = Mapping[str, Any] | None
_LEVELS = [0.1, 0.5, 0.9]
LEADER_LEGEND: Final[Sequence[LegendEntry]] = (
    *(("", f"--c: var(--orange); --o: {level:g}", f"{100 * level:g}\u00a0%") for level in (0.1, 0.3, 0.6)),
    ("dot small", "--c: currentColor", "scheduled election"),
)


def draw_all(data: ReportData, history: History) -> dict[str, str]:
    """Return every chart of the page by its name in the templates."""
    return {
        **_cards(data),
        **_scenarios(data, history),
        **_spending(data),
        **_missions(data),
        **_groups(data),
        "leaders": charts.leader_chart(
            report_data.leader_rows(data), [int(year) for year in data.members[names.YEAR].values], "leaders"
        ),
        "coverage": charts.coverage_chart(page_data.coverage_rows(data), "coverage"),
        "skill": charts.skill_chart(page_data.skill_rows(data), "skill"),
    }


def values(data: ReportData, history: History) -> Row:
    """Return the numbers that the script of the page shows: below the pointer, in the explorer and for each ally."""
    return {
        "explorer": page_data.explorer(data),
        "allies": page_data.ally_lines(data),
        "styles": [(colour, charts.css_dash(dash)) for colour, dash in charts.PICKED],
        "hover": {
            **_history_values(data, history),
            **_european_values(data),
            **_mission_values(data),
            **_dyad_values(data),
        },
    }


# -- charts ----------------------------------------------------------------------------------------------------------


def _cards(data: ReportData) -> dict[str, str]:
    design = data.designs[0]
    drawn = {}
    for card in page_data.verdict_cards(data):
        cell = data.alliance["verdict_probability"].sel(war=card["war"], design=design)
        title = f"{data.labels[card['war']]}: probability of each verdict by quarter"
        drawn[f"spark {card['war']}"] = charts.verdict_cell(cell, f"spark-{card['war']}", title)
    if spending := page_data.spending_card(data):
        years = data.alliance[names.YEAR].values.astype(float)
        fan = data.alliance["european_share"].isel(war=0, design=0).values.astype(float)
        drawn["spark european"] = charts.spark_fan(years, fan, "spark-european", "European spending by year")
        drawn |= {f"pledge {record['horizon']}": charts.pledge_bar(record) for record in spending["records"]}
    if missions := page_data.coalition_card(data):
        chosen = [card["name"] for card in missions["missions"]]
        title = "Operational contribution by quarter"
        drawn["spark missions"] = charts.spark_lines(data.missions, chosen, "spark-missions", title)
        for n, card in enumerate(missions["missions"]):
            row, colour = card["wars"][0]["operational"], charts.PICKED[n][0]
            drawn[f"bar {card['name']}"] = charts.interval_bar(row["mean"], row["lower"], row["upper"], colour)
    return drawn


def _scenarios(data: ReportData, history: History) -> dict[str, str]:
    """Return the small multiples, the charts of the explorer, the differences and the history of cohesion."""
    alliance, labels = data.alliance, data.labels
    drawn = {}
    for war in data.wars:
        for design in data.designs:
            cell = alliance["verdict_probability"].sel(war=war, design=design)
            title = f"{labels[war]} × {labels[design]}: probability of each verdict by quarter"
            drawn[f"cell {war} {design}"] = charts.verdict_cell(cell, f"cell-{war}-{design}", title)
    x, years = decimal_years(alliance[names.QUARTER].values), alliance[names.YEAR].values.astype(float)
    cohesion, european = (alliance[name].values.astype(float) for name in ("cohesion", "european_share"))
    reference = alliance.isel(war=0, design=0)
    return drawn | {
        "verdicts": charts.verdict_chart(
            reference["verdict_probability"], "explore-verdict", "Probability of each verdict, chosen scenario"
        ),
        "cohesion": charts.fan_chart(
            x, cohesion[0, 0], charts.reach_of(cohesion), "explore-cohesion", "Cohesion index, chosen scenario"
        ),
        "european_cell": charts.fan_chart(
            years, european[0, 0], charts.reach_of(european), "explore-spending", "European spending, chosen scenario"
        ),
        "contrast_cohesion": charts.contrast_chart(
            page_data.contrast_rows(data, "joint_cohesion", names.QUARTER, data.verdict_quarter),
            "contrast-cohesion",
            "Cohesion of each scenario less the reference",
            "sign units",
        ),
        "contrast_spending": charts.contrast_chart(
            page_data.contrast_rows(data, "joint_european_share", names.YEAR, -1),
            "contrast-spending",
            "European spending of each scenario less the reference",
            "percentage points of GDP",
        ),
        "history": charts.history_chart(
            history["index"] if history else None, (x, cohesion[0, 0]), page_data.anchors(data), "history"
        ),
    }


def factor_charts(data: ReportData, history: History) -> list[str]:
    """Return a small picture of each factor of cohesion."""
    future = data.alliance["factor_mean"].isel(war=0, design=0)
    return charts.factor_charts(history["factors"] if history else None, future, page_data.SHORT_FACTORS)


def _spending(data: ReportData) -> dict[str, str]:
    years = data.alliance[names.YEAR].values.astype(float)
    last = float(data.alliance.attrs.get("european_share_last", float("nan")))
    fans = {w: data.alliance["european_share"].isel(design=0).sel(war=w).values.astype(float) for w in data.wars}
    lines = {"observed": page_data.european_history(data), "pledge": page_data.pledge(data)}
    drawn = {
        "european_war": charts.europe_chart(fans, years, last, lines, "europe"),
        "allies": charts.allies_chart(data.members, page_data.picks(data), lines["pledge"], "allies"),
    }
    for row in report_data.member_rows(data):
        if row["spends"]:
            drawn[f"member {row['code']}"] = charts.ally_cell(data.members, row["code"], row["name"])
    return drawn


def _missions(data: ReportData) -> dict[str, str]:
    drawn = {}
    for card in page_data.mission_rows(data):
        if card["starts"]:
            name, row = card["name"], card["wars"][0]
            drawn[f"mission {name}"] = charts.mission_chart(data.missions, name, card["label"], f"mission-{name}-chart")
            for curve, (colour, _) in charts.CURVE_LINES.items():
                mean, low, high = (float(row[curve][part]) for part in ("mean", "lower", "upper"))
                drawn[f"interval {curve} {name}"] = charts.interval_bar(mean, low, high, colour)
    chosen = report_data.hypothetical(data)
    if len(chosen) > 1:
        drawn["crossing"] = charts.crossing_chart(data.missions, chosen, data.labels, "crossing")
    return drawn


def _groups(data: ReportData) -> dict[str, str]:
    """Return a chart of each group of headlines beside the main targets."""
    drawn = {}
    for group in headline_groups(data.headlines, data.labels):
        titles, series = chart_rows(group)
        titles = [data.labels.get(title, title) for title in titles]
        drawn[f"group {group.key}"] = charts.group_chart(titles, series, f"group-{group.key}", group.title)
    return drawn


def dyad_charts(data: ReportData) -> list[tuple[str, str]]:
    """Return the title and the chart of each dyad."""
    if not data.dyads.data_vars:
        return []
    titles = zip(data.dyads[names.DYAD].values, data.dyads["dyad_label"].values, strict=True)
    return [(str(title), charts.dyad_chart(data.dyads, str(d), data.designs, f"dyad-{d}")) for d, title in titles]


def withdrawal(data: ReportData) -> str:
    """Return the chart of observed and fitted exits from past missions, empty if the run stores no such test."""
    curves = data.checks.get("withdrawal_curves")
    return charts.withdrawal_chart(curves["missions"], data.labels, "exits") if curves else ""


# -- legends ---------------------------------------------------------------------------------------------------------


def war_legend(data: ReportData) -> list[LegendEntry]:
    """Return the legend of European spending by outcome of the war."""
    lines = [_line(*charts.war_line(n), f"{data.labels[war]}, median") for n, war in enumerate(data.wars)]
    bands = ("", "--c: currentColor; --o: .2", f"{data.labels[data.wars[0]]}, 50 % and 80 % bands")
    return [
        *lines,
        bands,
        _line("green", "1 3", "pledge"),
        ("line thin", "--c: currentColor; --s: dashed", "random walk"),
    ]


def pick_legend(titles: Sequence[str]) -> list[LegendEntry]:
    """Return the legend of lines in the colours of `charts.PICKED`."""
    return [_line(*charts.PICKED[n % len(charts.PICKED)], title) for n, title in enumerate(titles)]


def group_legend(group: Group, data: ReportData) -> list[LegendEntry]:
    """Return the legend of the chart of a group."""
    _, series = chart_rows(group)
    colours = [charts.war_line(n)[0] for n in range(len(series))]
    return [
        ("dot", f"--c: {'currentColor' if colour == 'ink' else f'var(--{colour})'}", data.labels.get(name, name))
        for colour, name in zip(colours, series, strict=True)
    ]


def _line(colour: str, dash: str, title: str) -> LegendEntry:
    value = "currentColor" if colour == "ink" else f"var(--{colour})"
    return "line", f"--c: {value}; --s: {charts.css_dash(dash)}", title


# -- values under the pointer ----------------------------------------------------------------------------------------


def _table(at: Floats, labels: Sequence[Any], rows: Sequence[Row]) -> Row:
    return {"at": [round(float(x), 3) for x in at], "labels": [str(label) for label in labels], "rows": list(rows)}


def _row(name: str, kind: str, numbers: Any) -> Row:
    """Return one line of the box: `kind` is `fan` (columns for low, middle and high), `p` or `n`."""
    if kind == "fan":
        return {"name": name, "kind": kind, "values": [[single(x) for x in column] for column in np.asarray(numbers).T]}
    return {"name": name, "kind": kind, "values": [single(x) for x in numbers]}


def _history_values(data: ReportData, history: History) -> Row:
    quarters = decimal_years(data.quarters)
    future = data.alliance["cohesion"].isel(war=0, design=0).sel(quantile=_LEVELS).values
    if not history:
        return {"history": _table(quarters, data.quarters, [_row("cohesion", "fan", future)])}
    past = history["index"]
    at = np.append(np.array(past["years"]) + 0.5, quarters)
    whole = np.vstack([np.column_stack([past["lower"], past["median"], past["upper"]]), future])
    return {"history": _table(at, [*past["years"], *data.quarters], [_row("cohesion", "fan", whole)])}


def _european_values(data: ReportData) -> Row:
    """Return observed spending and the pledge for past years, then the fans of the first design."""
    share = data.alliance["european_share"].isel(design=0).sel(quantile=_LEVELS)
    past_years, past = page_data.european_history(data)
    years = np.append(past_years, data.alliance[names.YEAR].values)
    missing = np.full((past_years.size, len(_LEVELS)), np.nan)
    rows = [_row(data.labels[war], "fan", np.vstack([missing, share.sel(war=war).values])) for war in data.wars]
    at, level = page_data.pledge(data)
    observed = np.append(past, np.full(share.sizes[names.YEAR], np.nan))
    rows.append(_row("observed", "n", observed))
    rows.append(_row("pledge", "n", np.where(years < at[0], np.nan, np.interp(years, at, level))))
    return {"europe": _table(years, [f"{year:.0f}" for year in years], rows)}


def _mission_values(data: ReportData) -> Row:
    found, at = {}, decimal_years(data.quarters)
    for mission in (str(m) for m in data.missions[names.MISSION].values):
        runs = charts.running(data.missions, mission)
        if runs.any():
            rows = _mission_lines(
                data.missions.sel(mission=mission).isel(war=0, design=0, quarter=np.flatnonzero(runs))
            )
            quarters = [q for q, on in zip(data.quarters, runs, strict=True) if on]
            found[f"mission-{mission}-chart"] = _table(at[runs], quarters, rows)
    chosen = report_data.hypothetical(data)
    if len(chosen) > 1:
        shares = data.missions["survival"].isel(war=0, design=0).sel(curve="operational", quantile=_LEVELS)
        rows = [_row(data.labels[m], "fan", shares.sel(mission=m).values) for m in chosen]
        found["crossing"] = _table(at, data.quarters, rows)
    return found


def _mission_lines(mission: xr.Dataset) -> list[Row]:
    titles = report_data.curve_titles()
    rows = [_row(titles[c], "n", mission["survival_mean"].sel(curve=c).values) for c in names.CURVES]
    return rows + [_row(name, "p", mission[f"{name}_probability"].values) for name in ("hollow", "collapse")]


def _dyad_values(data: ReportData) -> Row:
    if not data.dyads.data_vars:
        return {}
    share = data.dyads["dyad_cohesion"].isel(war=0).sel(quantile=_LEVELS)
    return {
        f"dyad-{d}": _table(
            decimal_years(data.quarters),
            data.quarters,
            [_row(data.labels[design], "fan", share.sel(dyad=d, design=design).values) for design in data.designs],
        )
        for d in data.dyads[names.DYAD].values
    }
