"""Find figures in a wrong unit, such as a fraction instead of percent, by comparing them with their neighbours in time.

The columns with `steady` in `forecast.data.table_schema` change little from year to year. A figure is in a wrong unit
if it differs from the median of the nearest figures of its series by a larger factor than any true change, or if it
alone stands out from both its neighbours by the factor `lone`. A figure of 0 is not compared.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.data.read_csv import expect, report_rows
from forecast.data.table_schema import Column, TableSpec

_NEAREST: Final = 5  # figures whose median a figure is compared with
_YEARS: Final = 10  # years between a figure and those that it is compared with, at most
_BESIDE: Final = 3  # years between a figure and the ones just before and after it, at most
_NAMED: Final = 2  # of them, those that a message names
_TELLING: Final = 0.5  # percent: growth from which a moved decimal point can be recognised
_SAME_DIGITS: Final = 0.05  # in powers of ten: difference of two figures with about the same digits


def report_unit_slips(spec: TableSpec, known: pd.DataFrame, rows: pd.DataFrame, faults: list[str]) -> None:
    """Add one fault for each figure of a workspace that is probably in a wrong unit.

    Parameters
    ----------
    spec : columns of the table.
    known : bundled rows of the table, with which the figures are compared.
    rows : rows of the workspace. A series without bundled figures is compared with itself.
    faults : list to which the messages are added.
    """
    for column in spec.columns:
        if column.steady is not None:
            beside = _neighbours_of_slips(spec, column, _figures(spec, column, known), _figures(spec, column, rows))
            report_rows(
                rows.assign(beside=rows.index.map(beside)),
                pd.Series(rows.index.isin(list(beside)), index=rows.index),
                spec.key,
                expect(
                    column.name,
                    f"{column.unit} as in its neighbours ({{beside}}); its unit is probably wrong, convert it, "
                    "or leave the row out if the figure is right",
                ),
                faults,
            )


def _figures(spec: TableSpec, column: Column, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the figures above 0: their series, `row` (index), `time` (years), `when` (text) and `value`."""
    when = rows[spec.time or ""]
    time = when if when.dtype.kind == "i" else (when - pd.Timestamp(0)) / pd.Timedelta(days=365.25)
    figures = rows[spec.series].assign(
        row=rows.index, time=time, when=when.astype(str).str[:10], value=rows[column.name].astype("float64")
    )
    return figures[figures["value"] > 0]


def _neighbours_of_slips(spec: TableSpec, column: Column, known: pd.DataFrame, own: pd.DataFrame) -> dict[Any, str]:
    """Return for each figure in a wrong unit the nearest figures in words, by the index of its row."""
    steady, lone = column.steady or np.inf, column.lone or np.inf
    both = pd.concat([known.assign(own=False), own.assign(own=True)], ignore_index=True)
    values = both.groupby(spec.series)["value"]
    wide = values.transform("max") >= min(steady, lone) * values.transform("min")
    slips = {}
    for _, figures in both[wide].sort_values("time", kind="stable").groupby(spec.series):
        others = figures[~figures["own"]]
        others = figures if others.empty else others
        times, numbers, labels = (others[name].to_numpy() for name in ("time", "value", "when"))
        for index, row, time, value in figures.loc[figures["own"], ["row", "time", "value"]].itertuples():
            at = int(np.searchsorted(times, time))
            near = np.arange(max(0, at - _NEAREST), min(len(times), at + _NEAREST + 1))
            near = near[(others.index[near] != index) & (np.abs(times[near] - time) <= _YEARS)]
            near = near[np.argsort(np.abs(times[near] - time), kind="stable")][:_NEAREST]
            repeats = (times[near] == time) & (numbers[near] == value)
            if len(near) == 0 or repeats.any():
                continue
            beside = near[_adjacent(times[near] - time)]
            far = not 1 / steady < value / np.median(numbers[near]) < steady
            if far or (len(beside) and _all_beyond(value / numbers[beside], lone)):
                slips[row] = " and ".join(f"{numbers[i]:.4g} in {labels[i]}" for i in np.sort(near[:_NAMED]))
    return slips


def _adjacent(years: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which figures, sorted by distance in time, are of the same time, else the last before and first after.

    None, if one of the two is missing or more than three years away: at the end of a series a true step looks alike.
    """
    same = np.flatnonzero(years == 0)
    before, after = (np.flatnonzero((sign * years > 0) & (np.abs(years) <= _BESIDE))[:1] for sign in (-1, 1))
    return same if len(same) else np.concatenate([before, after]) if len(before) and len(after) else same


def _all_beyond(ratios: NDArray[np.float64], factor: float) -> bool:
    return bool((ratios >= factor).all() or (ratios <= 1 / factor).all())


def report_growth_slips(known: pd.DataFrame, rows: pd.DataFrame, faults: list[str]) -> None:
    """Add one fault for each growth of GDP that is a bundled figure with its decimal point moved, or as an index.

    Growth may take any value, also next to 0, so only a bundled figure of the same year shows the unit.
    """
    key = ["country", "year"]
    bundled = known.set_index(key)["gdp_growth"].reindex(pd.MultiIndex.from_frame(rows[key])).set_axis(rows.index)
    ratio = (rows["gdp_growth"] / bundled).where(bundled.abs() >= _TELLING)
    places = pd.Series(np.log10(ratio.where(ratio > 0.0)), index=rows.index)
    moved = (places.round() != 0) & ((places - places.round()).abs() <= _SAME_DIGITS)
    is_index = (rows["gdp_growth"] - 100.0 - bundled).abs() <= 1.0
    report_rows(
        rows.assign(bundled=bundled),
        moved | is_index,
        key,
        expect("gdp_growth", "percent a year, about {bundled:g} as in the bundled row; correct its unit"),
        faults,
    )
