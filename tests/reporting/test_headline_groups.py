"""Headlines beside the main targets on the page and in the terminal: all shown, none ranked, lines that fit."""

from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from forecast import names
from forecast.reporting.headline_groups import (
    amount,
    baseline_text,
    chart_rows,
    error_text,
    group_lines,
    headline_groups,
)
from forecast.reporting.html_report import render
from forecast.reporting.report_data import read_report_data
from forecast.reporting.terminal import headline_lines
from forecast.storage.runs import Run
from tests.support.bundled_scenarios import DESIGNS
from tests.support.headline_records import headline
from tests.support.tiny_run_folder import all_checks, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_run(tmp_path_factory.mktemp("home"), designs=DESIGNS[:2], checks=all_checks())


def test_every_headline_beside_the_main_targets_is_in_one_group(run: Run) -> None:
    others = [h for h in run.headlines if h["target"] not in names.MAIN_TARGETS]
    grouped = [h for group in headline_groups(run.headlines) for row in group.rows for h in row.records.values()]
    assert len(grouped) == len(others) == len({id(h) for h in grouped})
    assert [h for h in others if h not in grouped] == []
    assert headline_groups([headline(2.0)]) == []


def test_the_page_shows_every_number(run: Run) -> None:
    text = render(read_report_data(run, run.path.parents[1])).replace("\u00a0", " ")
    section = text.split('<section id="outputs"')[1].split("</section>")[0]
    for group in headline_groups(run.headlines):
        assert f'id="outputs-{group.key}"' in section
        for row in group.rows:
            for record in row.records.values():
                cell = f"{amount(record, record['value'])} {error_text(record)}"
                assert escape(cell).replace("\u00a0", " ") in section
            assert escape(baseline_text(row.reference)).replace("\u00a0", " ") in section
    assert 'data-series="security crisis, neutral"' in section and ', full exits"' in section


def test_lines_fit_and_everything_has_more_of_them(run: Run) -> None:
    groups = headline_groups(run.headlines)
    lines = [line for group in groups for line in group_lines(group)]
    assert max(map(len, lines)) <= 80
    short, long = headline_lines(run), headline_lines(run, everything=True)
    assert any("an ally gives notice" in line for line in short)
    assert not any("deterrence" in line for line in short) and any("deterrence" in line for line in long)
    more = sum(len(group.last) for group in groups[1:])
    assert any(line.startswith(f"{more} more numbers: forecast show") for line in short)


def test_rows_are_in_the_order_of_labels_and_never_of_values(run: Run) -> None:
    groups = {group.key: group for group in headline_groups(run.headlines)}
    categories = [row.reference["category"] for row in groups["events"].last][: len(names.EVENTS)]
    assert categories == list(names.EVENTS)
    missions, series = chart_rows(groups["defections"])
    assert missions == ["kfor", "unifil", "willing", "alliance"]
    assert len(series) == len(names.MODES)
    values = [h["value"] for h in series["full exits"] if h]
    assert values != sorted(values) and values != sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("fields", "shown", "error", "baseline"),
    [
        ({"statistic": "probability", "baseline": 0.21, "baseline_name": "base_rate"}, "25 %", "±1.1",
         "21 % (base rate)"),
        ({"statistic": "mean", "baseline": None, "baseline_name": None}, "0.25", "±0.011", "none"),
    ],
)  # fmt: skip
def test_texts_of_a_record(fields: dict[str, object], shown: str, error: str, baseline: str) -> None:
    record = headline(0.25, **{"unit": "1", "mcse": 0.011, **fields})
    assert amount(record, record["value"]).replace("\u00a0", " ") == shown
    assert error_text(record) == error
    assert baseline_text(record).replace("\u00a0", " ") == baseline


def test_a_run_without_these_headlines_has_no_section(tmp_path: Path) -> None:
    run = make_run(tmp_path, wars=("win",), designs=("none",), missions=("kfor",), quarters=4)
    data = read_report_data(run, tmp_path)
    assert 'id="outputs"' in render(data)
    main = [h for h in data.headlines if h["target"] in names.MAIN_TARGETS]
    assert 'id="outputs"' not in render(replace(data, headlines=main))
