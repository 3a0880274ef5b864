"""An invented ally and an invented mission in the schema of the tables: what a user adds to a workspace of their own.

`python -m tests.support.own_tables DIR` lays a workspace with both, and a plan `ours` that projects the mission.
"""

import sys
from pathlib import Path

from forecast.data.table_schema import TABLES
from forecast.workspace.init import create_workspace

ALLY, MISSION, SOURCE = "XAA", "atlantic_watch", "invented"
#: Country and quarter-old facts of its contingent: entry, exit, kind of exit, trigger, troops.
CREW = {
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
PLAN = f"""
title = "Our ally, our mission"
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
contributors = {{ FRA = 900, {ALLY} = 300, XAB = 40 }}
"""


def rows() -> dict[str, list[dict[str, object]]]:
    """All rows of the overlay by table."""
    years = range(1994, 2026)
    share = {year: 1.1 + 0.03 * abs(year - 2012) for year in years}
    return {
        "countries": [
            {"country": ALLY, "name": "Atlantica", "region": "western_europe"},
            {"country": "XAB", "name": "Barataria", "region": "western_europe"},
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
                "exit": leave,
                "exit_prec": "month" if leave else "",
                "last_obs": "" if leave else "2025-12-31",
                "exit_kind": kind,
                "kind_conf": "high",
                "trigger": trigger,
                "peak_troops": troops,
            }
            for country, (entry, leave, kind, trigger, troops) in CREW.items()
        ],
    }


def write_overlay(folder: Path) -> Path:
    """The rows as files of `folder`, which is made; gives the folder."""
    folder.mkdir(parents=True)
    for table, found in rows().items():
        columns = [column.name for column in TABLES[table].columns]
        lines = [",".join(columns)]
        for row in found:
            assert not set(row) - set(columns), f"{table}: {set(row) - set(columns)}"
            lines.append(",".join(str((row | {"source": SOURCE}).get(c, "")) for c in columns))
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def lay(home: Path) -> Path:
    """A workspace with the overlay and the plan `ours`."""
    create_workspace(home)
    write_overlay(home / "tables")
    (home / "runs" / "plans" / "ours.toml").write_text(PLAN, encoding="utf-8")
    return home


if __name__ == "__main__":
    print(lay(Path(sys.argv[1])))
