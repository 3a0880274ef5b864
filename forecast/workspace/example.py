"""Example of a workspace with own tables: an invented ally, an invented mission and a plan that projects both.

`forecast init DIR --example` writes it.
"""

from pathlib import Path
from typing import Final

from forecast.data.table_schema import TABLES

PLAN_NAME: Final = "example"
ALLY: Final = "XAA"  # an ally since 2019
NEWCOMER: Final = "XAB"  # a country in no mission and without leaders
MISSION: Final = "atlantic_watch"
SOURCE: Final = "invented"  # source of every row
#: Contingents of the mission by country: entry, exit, kind of exit, trigger, and peak troops (persons).
CONTINGENTS: Final = {
    ALLY: ("2019-03", "", "censored", "", 300),
    "BEL": ("2019-03", "2022-05", "planned", "mission_progress", 120),
    "DEU": ("2019-03", "", "censored", "", 400),
    "DNK": ("2019-03", "2021-11", "defection", "attack", 90),
    "ESP": ("2019-06", "", "censored", "", 150),
    "FRA": ("2019-03", "", "censored", "", 900),
    "ITA": ("2019-06", "2023-02", "unknown", "", 200),
    "NLD": ("2019-06", "", "censored", "", 110),
    "NOR": ("2019-09", "", "censored", "", 60),
    "PRT": ("2019-09", "", "censored", "", 80),
}
PLAN: Final = f"""\
title = "An ally and a mission of your own"
as_of = 2025-12-31
seed = 7
quarters = 24
draws = 512
paths = 1024
joint_paths = 64
war = ["neutral", "lose"]
design = ["none"]
missions = ["{MISSION}", "kfor"]
[fit]
chains = 2
tune = 500
draws = 2400
target_accept = 0.93
[[hypothetical]]
name = "tomorrow"
label = "A coalition of tomorrow"
framework = "ad_hoc"
intensity = "noncombat"
lead = "FRA"
start = "2026Q1"
source = "judgement: an example"
contributors = {{ FRA = 900, {ALLY} = 300, {NEWCOMER} = 40 }}
"""


def example_rows() -> dict[str, list[dict[str, object]]]:
    """Return the rows of each table, without their source; columns that are not named are blank."""
    years = range(1994, 2026)
    share = {year: 1.1 + 0.03 * abs(year - 2012) for year in years}
    return {
        "countries": [
            {"country": ALLY, "name": "Atlantica", "region": "western_europe"},
            {"country": NEWCOMER, "name": "Barataria", "region": "western_europe"},
        ],
        "members": [
            {
                "country": ALLY,
                "alliance": "NATO",
                "joined": "2019-01-15",
                "in_force": "2019-01-15",
                "region": "western_europe",
                "distance_moscow_km": 2400,
                "borders_russia": "false",
                "frontline": "false",
                "european": "true",
            }
        ],
        "economy": [
            {"country": ALLY, "year": y, "gdp_growth": 1.5 + 0.5 * (y % 4), "gdp_usd": 2e11, "population": 5_000_000}
            for y in years
        ],
        "defence_spending": [
            {
                "country": ALLY,
                "year": y,
                "basis": basis,
                "share_gdp": round(share[y], 3),
                "estimate": "true" if y == 2025 else "false" if basis == "nato" else "",
            }
            for y in years
            for basis in (("wdi",) if y < 2014 else ("nato",) if y > 2014 else ("wdi", "nato"))
        ],
        "leaders": [
            {
                "country": ALLY,
                "leader": f"Leader {y}",
                "office": "prime minister",
                "start": f"{y}-06-01",
                "end": f"{y + 4}-06-01" if y < 2022 else "",
                "exit_kind": "election" if y < 2022 else "",
                "acting": "false",
            }
            for y in range(1990, 2025, 4)
        ],
        "elections": [
            {
                "country": ALLY,
                "date": f"{y}-05-10",
                "kind": "legislative",
                "round": 1,
                "early": "false",
                "selects_leader": "true",
                "scheduled": "true" if y > 2025 else "false",
                "date_precision": "day",
            }
            for y in range(1990, 2028, 4)
        ],
        "terms": [
            {
                "country": ALLY,
                "office": "prime minister",
                "system": "parliamentary",
                "term_years": 4,
                "early_vote": "true",
            }
        ],
        "missions": [
            {
                "mission": MISSION,
                "name": "Atlantic Watch",
                "framework": "ad_hoc",
                "lead": "FRA",
                "region": "Europe",
                "start": "2019-03-01",
                "intensity": "stabilisation",
            }
        ],
        "deployments": [
            {
                "mission": MISSION,
                "country": country,
                "spell": 1,
                "residual": "false",
                "entry": entry,
                "entry_prec": "month",
                "exit": exit_,
                "exit_prec": "month" if exit_ else "",
                "last_obs": "" if exit_ else "2025-12-31",
                "exit_kind": kind,
                "kind_conf": "high",
                "trigger": trigger,
                "peak_troops": troops,
            }
            for country, (entry, exit_, kind, trigger, troops) in CONTINGENTS.items()
        ],
    }


def write_example(home: Path) -> list[Path]:
    """Write the example tables and the example plan into a workspace and return the files written."""
    folder = home / "tables"
    folder.mkdir()
    written = []
    for table, rows in example_rows().items():
        columns = [column.name for column in TABLES[table].columns]
        lines = [",".join(columns)]
        lines += [",".join(str((row | {"source": SOURCE}).get(column, "")) for column in columns) for row in rows]
        written.append(folder / f"{table}.csv")
        written[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    written.append(home / "runs" / "plans" / f"{PLAN_NAME}.toml")
    written[-1].write_text(PLAN, encoding="utf-8")
    return written
