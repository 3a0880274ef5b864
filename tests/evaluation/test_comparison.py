"""Skill by horizon, decade and group equals an independent computation from the rows, forecast by forecast."""

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest

from forecast.evaluation.comparison import skill_table


def invented_rows() -> pd.DataFrame:
    """Return rows of a model and two baselines; each baseline lacks some forecasts, and some rows have no group."""
    rng = np.random.default_rng(17)
    rows = []
    for forecaster, missing in (("model", 0.1), ("naive", 0.2), ("drift", 0.3)):
        for origin in range(2005, 2024):
            for unit in ("FRA", "JPN", "POL", "all allies"):
                for horizon in (1.0, 5.0):
                    if rng.random() >= missing:
                        group = {"JPN": "others", "all allies": None}.get(unit, "members")
                        key = {"model": "spending", "target": "share", "forecaster": forecaster, "origin": str(origin)}
                        rows.append({**key, "horizon": horizon, "unit": unit, "group": group, "crps": rng.random()})
    return pd.DataFrame(rows).assign(cluster=lambda x: x["origin"])


def expected(rows: pd.DataFrame) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Return forecasts, origins and skill by part and baseline, with dictionaries and sums alone."""
    scores = {(r.forecaster, r.origin, r.horizon, r.unit): (r.crps, r.group) for r in rows.itertuples()}
    sums: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for (forecaster, origin, horizon, unit), (score, group) in scores.items():
        for baseline in ("naive", "drift"):
            other = scores.get((baseline, origin, horizon, unit))
            if forecaster == "model" and other is not None:
                parts = [
                    str(horizon),
                    "all",
                    f"all, {origin[:3]}0s",
                    *([f"all, {group}"] if isinstance(group, str) else []),
                ]
                for part in parts:
                    sums[part, baseline].append((origin, score, other[0]))
    return {
        key: (
            len(pairs),
            len({origin for origin, _, _ in pairs}),
            1.0 - sum(p[1] for p in pairs) / sum(p[2] for p in pairs),
        )
        for key, pairs in sums.items()
    }


def test_skill_of_every_part_equals_an_independent_computation() -> None:
    rows = invented_rows()
    found = {
        (str(row.horizon), row.baseline): (row.n, row.clusters, row.skill) for row in skill_table(rows).itertuples()
    }
    wanted = expected(rows)
    assert set(found) == set(wanted)
    assert {part for part, _ in found} == {"1.0", "5.0", "all", "all, 2000s", "all, 2010s", "all, 2020s"} | {
        "all, members",
        "all, others",
    }
    for key, (n, clusters, skill) in wanted.items():
        assert found[key] == (n, clusters, pytest.approx(skill)), key


def test_p_of_a_part_is_that_of_the_part_alone() -> None:
    """A decade has the p values that its rows have by themselves."""
    rows = invented_rows()
    whole = skill_table(rows).set_index(["horizon", "baseline"])
    alone = skill_table(rows[rows["origin"].str.startswith("201")]).set_index(["horizon", "baseline"])
    for name in ("t", "p", "p_newey_west"):
        assert whole.loc[("all, 2010s", "naive"), name] == pytest.approx(alone.loc[("all", "naive"), name])
