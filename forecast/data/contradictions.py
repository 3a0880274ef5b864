"""Find rows that cannot all be true: they contradict other rows, of their own table or of another one.

Each check reads all tables together, bundled rows and rows of a workspace. A check is skipped if a table that it reads
has faults of its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd

from forecast.data.country_codes import country_hint
from forecast.data.read_csv import PLACE, expect, report_rows
from forecast.data.table_schema import TABLES
from forecast.errors import did_you_mean

Frames = Mapping[str, pd.DataFrame]

#: Leads of missions that are no countries and may look like codes of countries.
ORGANISATIONS: Final = ("AU", "CIS", "EU", "G5S", "GCC", "LAS", "NATO", "OAS", "UN")
_CODES: Final = 20  # unknown codes of one column that are listed
_SLACK: Final = pd.Timedelta(days=31)  # dates may be known to the month
_YEAR_SLACK: Final = pd.Timedelta(days=366)  # or to the year
_LEADER_SLACK: Final = pd.Timedelta(days=7)  # sources may date a change of leader a few days apart
_ROUNDS_APART: Final = 120  # days from one round to the next, at most; the bundled ones are 7 to 70 apart
_TREATY: Final = "1949-04-04"  # day on which the North Atlantic Treaty was signed
_VOTES_APART: Final = 14  # days between two votes of one kind and round; the bundled ones are at least 35 apart
_LARGEST_SHARE: Final = 150.0  # percent of GDP, as in defence_spending.csv
_ANNOUNCED_SHARE: Final = f"percent of GDP, above 0 and at most {_LARGEST_SHARE:g}"
_BASE_YEAR: Final = "a year where the row has a change or a `base`, and blank elsewhere"
_FAST: Final = 45.0  # percent a year: growth that must show in gdp_usd; the largest bundled one is 42
#: Least rise of gdp_usd as a part of such growth: prices and exchange rates take no more away in a year of a boom.
_LEAST_RISE: Final = 0.6
_CALM, _CALM_YEARS = 0.3, 4  # percent, years: growth so near 0 for so long; the least bundled maximum is 1.07
_PER_HEAD: Final = (10.0, 1e6)  # US dollars; the bundled figures lie between 94 and 147,000


def report_contradictions(frames: Frames, changed: set[str], broken: set[str], faults: list[str]) -> None:
    """Add one fault for each row that contradicts other rows.

    Parameters
    ----------
    frames : all tables by name, with the column `PLACE`.
    changed : tables with rows of a workspace. What concerns none of them is not checked again.
    broken : tables with missing rows, because they have faults.
    faults : list to which the messages are added.
    """
    for name in sorted(changed):
        for column in TABLES[name].columns:
            if column.refers is not None and column.refers not in broken:
                _report_references(frames, name, column.name, column.refers, faults)
    for check, tables in _CHECKS.items():
        if changed.intersection(tables) and not broken.intersection(tables):
            check(*(frames[name] for name in tables), faults)


def _report_references(frames: Frames, name: str, column: str, refers: str, faults: list[str]) -> None:
    known = list(frames[refers].iloc[:, 0])
    _report_unknown(
        name,
        frames[name],
        column,
        ~frames[name][column].isin(known),
        f"a name in {refers}.csv; correct it or add a row there",
        country_hint if refers == "countries" else lambda word: did_you_mean(word, known),
        faults,
    )


def _report_unknown(
    name: str,
    rows: pd.DataFrame,
    column: str,
    unknown: pd.Series,
    expected: str,
    hint: Callable[[str], str],
    faults: list[str],
) -> None:
    """Report each unknown text in a column once, at its first row."""
    first = unknown & ~rows[column].duplicated()
    known_as = expect(column, expected)
    report_rows(rows, first, TABLES[name].key, lambda row: known_as(row) + hint(row[column]), faults, most=_CODES)


def _report(
    name: str, rows: pd.DataFrame, wrong: pd.Series, fault: Callable[[Mapping[str, Any]], str], faults: list[str]
) -> None:
    report_rows(rows, wrong.fillna(False), TABLES[name].key, fault, faults)


def _report_overlaps(name: str, rows: pd.DataFrame, slack: Any, faults: list[str]) -> None:
    """Report each row that begins before the earlier row of its series has ended, give or take `slack`."""
    first, last, series = _PERIODS[name]
    rows = rows.assign(slack=slack).sort_values([*series, first], kind="stable")
    before = rows.groupby(series)[[last, PLACE, "slack"]].shift()
    tolerated = rows["slack"].where(rows["slack"] > before["slack"], before["slack"])
    wrong = rows.duplicated(series) & ~(before[last] <= rows[first] + tolerated)
    ended = before[last].dt.strftime("%Y-%m-%d").fillna("open")
    _report(
        name,
        rows.assign(ended=ended, before=before[PLACE]),
        wrong,
        expect(first, f"a day after the end of {{before}}, whose `{last}` is {{ended}}; correct one of them"),
        faults,
    )


#: First and last day of the rows of a table, and the columns of a series whose rows follow one another.
_PERIODS: Final = {
    "members": ("joined", "left", ["country", "alliance"]),
    "leaders": ("start", "end", ["country"]),
    "deployments": ("entry", "exit", ["mission", "country"]),
}


def _report_shared_names(name: str, rows: pd.DataFrame, faults: list[str]) -> None:
    """Report each row whose name another row has; the first column holds the code."""
    first = rows.groupby("name")[rows.columns[0]].transform("first")
    _report(
        name,
        rows.assign(first=first),
        rows["name"].duplicated(),
        expect("name", "a name of its own, but {first} has it; use {first}, or another name"),
        faults,
    )


def _countries(countries: pd.DataFrame, faults: list[str]) -> None:
    _report_shared_names("countries", countries, faults)


def _members(members: pd.DataFrame, countries: pd.DataFrame, faults: list[str]) -> None:
    _report_overlaps("members", members, pd.Timedelta(0), faults)
    partner, in_nato = members["alliance"].str.removeprefix("US-"), members["alliance"] == "NATO"
    known = partner.isin(countries["country"]) & (partner != "USA")
    for column, wrong, expected in (
        ("alliance", ~in_nato & ~known, "NATO, or US- and the code of another country in countries.csv; correct it"),
        (
            "country",
            ~in_nato & known & ~members["country"].isin(["USA"]) & (members["country"] != partner),
            "USA or its partner in {alliance}; correct one of the two",
        ),
        ("joined", in_nato & (members["joined"] < pd.Timestamp(_TREATY)), f"a day from {_TREATY} on; correct it"),
        ("frontline", members["borders_russia"] & ~members["frontline"], "true where borders_russia is; correct one"),
    ):
        _report("members", members, wrong, expect(column, expected), faults)


def _leaders(leaders: pd.DataFrame, faults: list[str]) -> None:
    _report_overlaps("leaders", leaders, _LEADER_SLACK, faults)
    wrong = leaders["end"].isna() != (leaders["exit_kind"] == "")
    expected = "blank if and only if `end` is blank; correct one of them"
    _report("leaders", leaders, wrong, expect("exit_kind", expected), faults)


def _elections(elections: pd.DataFrame, faults: list[str]) -> None:
    series = ["country", "kind", "round"]
    held = elections[~elections["scheduled"]]  # a scheduled vote may be held on another day
    _report_rounds(held, faults)
    latest = elections[series].merge(held.groupby(series, as_index=False)["date"].max(), how="left")["date"]
    past = elections["scheduled"] & (elections["date"] <= latest.set_axis(elections.index))
    expected = "false for a vote before the last one held; say that it was held, or remove the row"
    _report("elections", elections, past, expect("scheduled", expected), faults)
    votes = held.sort_values([*series, "date"], kind="stable")
    before = votes.groupby(series)[["date", PLACE]].shift()
    _report(
        "elections",
        votes.assign(before=before[PLACE]),
        (votes["date"] - before["date"]).dt.days < _VOTES_APART,
        expect("date", f"{_VOTES_APART} days or more after the vote of {{before}}; correct one of them"),
        faults,
    )


def _report_rounds(held: pd.DataFrame, faults: list[str]) -> None:
    """Report each later round of a vote that does not follow the round before it within `_ROUNDS_APART` days."""
    series = ["country", "kind", "round"]
    votes = held.sort_values("date", kind="stable")
    before = votes.assign(round=votes["round"] + 1, earlier=votes["date"])[[*series, "date", "earlier"]]
    paired = pd.merge_asof(
        votes, before, on="date", by=series, allow_exact_matches=False, tolerance=pd.Timedelta(days=_ROUNDS_APART)
    )
    expected = f"a round whose earlier one is a row at most {_ROUNDS_APART} days before; add it or correct the date"
    _report("elections", paired, (paired["round"] > 1) & paired["earlier"].isna(), expect("round", expected), faults)


def _economy(economy: pd.DataFrame, faults: list[str]) -> None:
    low, high = _PER_HEAD
    per_head = economy["gdp_usd"] / economy["population"]
    _report(
        "economy",
        economy.assign(per_head=per_head),
        per_head.notna() & ~per_head.between(low, high),
        lambda row: (
            f"gdp_usd and population make {row['per_head']:.3g} US dollars per head, expected "
            f"{low:,.0f} to {high:,.0f}; give gdp_usd in US dollars and population in persons"
        ),
        faults,
    )
    by_country = economy.sort_values(["country", "year"], kind="stable")
    earlier = by_country.groupby("country")[["year", "gdp_usd"]].shift()
    rise = (by_country["gdp_usd"] / earlier["gdp_usd"]).where(earlier["year"] == by_country["year"] - 1)
    _report(
        "economy",
        by_country.assign(rise=rise),
        (by_country["gdp_growth"] > _FAST) & (rise < _LEAST_RISE * (1.0 + by_country["gdp_growth"] / 100.0)),
        expect(
            "gdp_growth", "percent a year, but gdp_usd became {rise:.2f} times that of the year before; correct one"
        ),
        faults,
    )
    known = by_country[by_country["gdp_growth"].notna()]
    largest = known["gdp_growth"].abs().groupby(known["country"]).rolling(_CALM_YEARS).max()
    _report(
        "economy",
        known,
        largest.droplevel(0).reindex(known.index) <= _CALM,
        expect(
            "gdp_growth",
            f"percent a year; {_CALM_YEARS} years within {_CALM:g} of 0 are probably fractions or blanks, convert them",
        ),
        faults,
    )


def _vintages(vintages: pd.DataFrame, faults: list[str]) -> None:
    early = vintages["vintage"].str[:4].astype(int) < vintages["year"]
    expected = "a month of the year of the figure or later, not before it; correct one of them"
    _report("defence_spending_vintages", vintages, early, expect("vintage", expected), faults)


def _missions(missions: pd.DataFrame, countries: pd.DataFrame, faults: list[str]) -> None:
    _report_shared_names("missions", missions, faults)
    foreign = ~missions["lead"].isin([*countries["country"], *ORGANISATIONS])
    foreign &= missions["lead"].str.fullmatch("[A-Za-z]{3}") | (missions["lead"].map(country_hint) != "")
    expected = "a code in countries.csv, or an organisation; correct it or add the country"
    _report_unknown("missions", missions, "lead", foreign, expected, country_hint, faults)


def _deployments(deployments: pd.DataFrame, missions: pd.DataFrame, faults: list[str]) -> None:
    deployments = deployments.sort_values(TABLES["deployments"].key, kind="stable")
    present = deployments["exit"].isna()
    spells = deployments.groupby(["mission", "country"])
    ended = missions.set_index("mission")["end"].reindex(deployments["mission"]).set_axis(deployments.index).notna()
    for column, wrong, expected in (
        ("exit_kind", present != (deployments["exit_kind"] == "censored"), "`censored` if and only if `exit` is blank"),
        ("exit_prec", present != (deployments["exit_prec"] == ""), "blank if and only if `exit` is blank"),
        ("exit_lo", present & deployments["exit_lo"].notna(), "blank where `exit` is blank"),
        (
            "exit_prec",
            ~present & (deployments["exit_lo"].isna() == (deployments["exit_prec"] == "interval")),
            "interval if and only if `exit_lo` is given",
        ),
        ("last_obs", ~present & deployments["last_obs"].notna(), "blank where `exit` is given"),
        (
            "exit_kind",
            (deployments["exit_kind"] == "mission_end") & ~ended,
            "another kind while the mission has no `end`",
        ),
        ("spell", deployments["entry"] < spells["entry"].shift(), "spells numbered in the order of `entry`"),
        ("residual", deployments["residual"] & ~spells.cumcount().gt(0), "false for the first spell of a contingent"),
        ("trigger", present & (deployments["trigger"] != ""), "blank where `exit` is blank"),
    ):
        _report("deployments", deployments, wrong, expect(column, f"{expected}; correct one of the two"), faults)
    rough = deployments[["entry_prec", "exit_prec"]].isin(["year", "interval"]).any(axis=1)
    slack = rough.map({True: _YEAR_SLACK, False: _SLACK})
    _report_overlaps("deployments", deployments, slack, faults)
    for column in ("entry", "exit", "last_obs"):
        _report_outside("deployments", deployments, column, missions, slack, faults)


def _report_outside(
    name: str, rows: pd.DataFrame, column: str, missions: pd.DataFrame, slack: Any, faults: list[str]
) -> None:
    """Report the rows with a day before the mission began or after it ended, give or take `slack`."""
    period = missions.set_index("mission")[["start", "end"]].reindex(rows["mission"]).set_axis(rows.index)
    day = rows[column]
    begins, ends = (period[c].dt.strftime("%Y-%m-%d") for c in ("start", "end"))
    _report(
        name,
        rows.assign(period=begins + " to " + ends.fillna("now")),
        (day < period["start"] - slack) | (day > period["end"] + slack),
        expect(column, "a day while the mission ran, {period}; correct one of the dates"),
        faults,
    )


def _exit_facts(facts: pd.DataFrame, deployments: pd.DataFrame, faults: list[str]) -> None:
    key = TABLES["exit_facts"].key
    left = pd.MultiIndex.from_frame(deployments.loc[deployments["exit"].notna(), key])
    unknown = pd.Series(~pd.MultiIndex.from_frame(facts[key]).isin(left), index=facts.index)
    expected = "the spell of a row of deployments.csv with an `exit`; correct it or add the row there"
    _report("exit_facts", facts, unknown, expect("spell", expected), faults)


def _troop_levels(levels: pd.DataFrame, missions: pd.DataFrame, faults: list[str]) -> None:
    _report_outside("troop_levels", levels, "date", missions, _YEAR_SLACK, faults)


def _fatalities(fatalities: pd.DataFrame, missions: pd.DataFrame, faults: list[str]) -> None:
    # Deaths occur, and are published, after the end of a mission too.
    endless = missions.assign(end=missions["end"].where(missions["end"].isna()))
    _report_outside("mission_fatalities", fatalities, "date", endless, _YEAR_SLACK, faults)
    series = ["mission", "country", "source"]
    totals = fatalities[fatalities["measure"] == "cumulative"].sort_values([*series, "date"], kind="stable")
    before = totals.groupby(series)[["deaths", PLACE]].shift()
    _report(
        "mission_fatalities",
        totals.assign(before=before[PLACE]),
        totals["deaths"] < before["deaths"],
        expect("deaths", "at least the earlier total of {before}; correct one of them"),
        faults,
    )


def _events(events: pd.DataFrame, countries: pd.DataFrame, faults: list[str]) -> None:
    unknown = ~events["actor"].isin([*countries["country"], "NATO"])
    expected = "a country in countries.csv, or NATO; correct it or add a row there"
    _report_unknown("alliance_events", events, "actor", unknown, expected, country_hint, faults)
    summit = events["kind"] == "summit"
    mismatch = ~unknown & (summit != (events["actor"] == "NATO"))
    expected = "NATO for a summit, and a country for the other kinds; correct one of the two"
    _report("alliance_events", events, mismatch, expect("actor", expected), faults)
    moves = events[~summit & ~unknown & ~mismatch].sort_values(["actor", "date"], kind="stable")
    outside_before = moves.groupby("actor").cumcount() % 2 == 1
    expected = "exits from the command and returns to it in turn, an exit first; correct or add a row"
    _report(
        "alliance_events",
        moves,
        outside_before != (moves["kind"] == "command_return"),
        expect("kind", expected),
        faults,
    )


def _announcements(rows: pd.DataFrame, faults: list[str]) -> None:
    share = rows["kind"] == "share"
    blank = {name: rows[name].astype(object).where(rows[name].notna(), "") for name in ("base", "base_year")}
    for column, wrong, expected in (
        ("value", share & ~rows["value"].between(0, _LARGEST_SHARE, inclusive="right"), _ANNOUNCED_SHARE),
        ("value", rows["value"] <= -100, "a change of more than -100 %"),
        ("base", ~share & rows["base"].notna(), "blank unless `kind` is `share`"),
        ("base_year", (share & rows["base"].isna()) == rows["base_year"].notna(), _BASE_YEAR),
        ("base_year", rows["base_year"] >= rows["target_year"], "a year before `target_year`"),
        ("target_year", rows["target_year"] < rows["announced"].dt.year, "the year of `announced` or a later one"),
    ):
        report = expect(column, f"{expected}; correct it")
        _report("announcements", rows.assign(**blank), wrong.fillna(False).astype(bool), report, faults)


#: Each check, and the tables that it reads.
_CHECKS: Final[Mapping[Callable[..., None], tuple[str, ...]]] = {
    _countries: ("countries",),
    _members: ("members", "countries"),
    _leaders: ("leaders",),
    _elections: ("elections",),
    _economy: ("economy",),
    _vintages: ("defence_spending_vintages",),
    _missions: ("missions", "countries"),
    _deployments: ("deployments", "missions"),
    _exit_facts: ("exit_facts", "deployments"),
    _troop_levels: ("troop_levels", "missions"),
    _fatalities: ("mission_fatalities", "missions"),
    _events: ("alliance_events", "countries"),
    _announcements: ("announcements",),
}
