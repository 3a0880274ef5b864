"""Author, date and last day of assumptions: inherited from the file, checked, part of no key, a warning when past."""

import logging
import shutil
from datetime import date
from pathlib import Path

import pytest

from forecast.data.exclusions import exclusions, left_out
from forecast.errors import PriorError
from forecast.priors.load import load_priors
from forecast.priors.statements import Statement, expired, expired_text, without_statements
from forecast.workspace.check import check_workspace
from forecast.workspace.init import create_workspace
from tests.support import fake_posteriors

HEAD = 'author = "A"\ndate = 2025-01-01\nexpires = 2025-06-30\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the bundled priors without statements."""
    copied = Path(shutil.copytree(fake_posteriors.ROOT / "priors", tmp_path / "priors"))
    for path in copied.rglob("*.toml"):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text("".join(x for x in lines if not x.startswith(("author =", "date =", "expires ="))), "utf-8")
    return copied


def put(path: Path, before: str, lines: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, lines + before, 1), "utf-8")


def test_every_bundled_assumption_is_stated() -> None:
    priors = fake_posteriors.priors()
    assert set(priors.by_name) <= set(priors.statements)
    assert {"scenarios/war.win", "scenarios/war.win.threat_target", "scenarios/design.none"} <= set(priors.statements)
    assert all(s.author and s.date and s.expires for s in {**priors.statements, **exclusions()}.values())
    assert left_out("leadership") == ("BIH", "CHE", "CHN", "RUS")
    assert set(exclusions()) == {f"exclusions.leadership.{country}" for country in left_out("leadership")}


def test_an_entry_states_what_its_file_does_not(folder: Path) -> None:
    put(folder / "spending.toml", "[kappa]", HEAD)
    put(folder / "spending.toml", "alpha = 3", "expires = 2030-01-01\n")
    stated = load_priors(folder).statements
    assert stated["spending.kappa"] == Statement(author="A", date=date(2025, 1, 1), expires=date(2030, 1, 1))
    assert stated["spending.election"] == Statement(author="A", date=date(2025, 1, 1), expires=date(2025, 6, 30))
    assert stated["dyads.USA-JPN.threat"] == Statement(author="", date=None, expires=None)
    (group,) = expired(stated, date(2025, 7, 1))
    assert group["file"] == "spending" and "kappa" not in group["names"] and group["expires"] == "2025-06-30"
    assert expired(stated, date(2025, 6, 30)) == []  # the day itself is in time


def test_statements_are_part_of_no_digest(folder: Path) -> None:
    before = load_priors(folder).digests
    for name, entry in (("spending", "[kappa]"), ("scenarios/war", "[neutral]"), ("scenarios/factors", "[threats]")):
        put(folder / f"{name}.toml", entry, HEAD)
    put(folder / "scenarios" / "design.toml", 'label = "', 'author = "B"\n')
    assert load_priors(folder).digests == before
    assert without_statements({"author": "a", "x": {"date": 1, "y": 2}}) == {"x": {"y": 2}}


@pytest.mark.parametrize(
    ("file", "before", "lines", "key"),
    [
        ("spending", "[kappa]", 'expires = "soon"\n', "expires"),
        ("spending", "[kappa]", "date = 2025-01-02\nexpires = 2025-01-01\n", "not before date"),
        ("spending", "[kappa]", 'author = ""\n', "author"),
        ("spending", "alpha = 3", "expires = 2025\n", "expires"),
        ("scenarios/war", "[neutral]", "date = 5\n", "date"),
        ("scenarios/war", 'label = "', "author = 5\n", "author"),
        ("spending", "alpha = 3", 'expire = "2025"\n', "expire"),
    ],
)
def test_a_wrong_statement_is_one_fault_of_file_and_key(
    folder: Path, file: str, before: str, lines: str, key: str
) -> None:
    put(folder / f"{file}.toml", before, lines)
    with pytest.raises(PriorError) as caught:
        load_priors(folder)
    (fault,) = str(caught.value).splitlines()
    assert f"{file}.toml" in fault and key in fault


def test_an_expired_entry_is_a_warning_of_check(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    create_workspace(tmp_path / "home")
    path = tmp_path / "home" / "priors" / "spending.toml"
    path.write_text(path.read_text("utf-8").replace("alpha = 3", "alpha = 3\nexpires = 2026-01-01", 1), "utf-8")
    with caplog.at_level(logging.WARNING):
        assert any("priors" in line for line in check_workspace(tmp_path / "home"))
    assert [r.message for r in caplog.records] == [
        "spending: kappa: stated by alliance-forecast maintainers to be looked at again by 2026-01-01; check it and "
        "set a later expires"
    ]


def test_a_warning_names_at_most_three_entries() -> None:
    group = {"file": "spending", "names": ["a", "b", "c", "d", "e"], "author": "", "expires": "2025-01-01"}
    assert expired_text(group).startswith("spending: a, b, c and 2 more: stated to be looked at again by 2025-01-01")
