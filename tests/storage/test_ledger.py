"""Every entry of the ledger is a link: a changed byte and a removed, added or exchanged entry are found."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import RunError
from forecast.storage.ledger import last_entry, ledger_path, read_ledger, seal_run, unsealed
from forecast.storage.runs import Run, list_runs, open_run
from tests.storage.test_runs import write_run

TIME = "2026-11-28T06:00:00+00:00"
NAMES = [f"2025-12-31-plan-0000000{i}" for i in range(4)]


def sealed(home: Path, number: int = 4) -> list[Run]:
    """Write runs with entries in the ledger."""
    runs = [open_run(write_run(home, name, TIME).name, home) for name in NAMES[:number]]
    for run in runs:
        seal_run(home, run, TIME)
    return runs


def test_chain_links_every_entry_to_the_one_before(tmp_path: Path) -> None:
    sealed(tmp_path)
    entries = read_ledger(tmp_path)
    assert [entry.run for entry in entries] == NAMES
    assert [entry.number for entry in entries] == [1, 2, 3, 4]
    assert entries[0].previous == "0" * 64
    assert [entry.previous for entry in entries[1:]] == [entry.seal for entry in entries[:-1]]


def test_run_is_sealed_once(tmp_path: Path) -> None:
    run, *_ = sealed(tmp_path)
    before = ledger_path(tmp_path).read_bytes()
    assert seal_run(tmp_path, run, "2027-01-01T00:00:00+00:00").number == 1
    assert ledger_path(tmp_path).read_bytes() == before


def test_correction_needs_a_reason_and_keeps_the_first_entry(tmp_path: Path) -> None:
    run, *_ = sealed(tmp_path)
    other = Run(run.path, {**run.manifest, "files": {**run.manifest["files"], "headlines.json": "ab" * 32}})
    with pytest.raises(RunError, match=r"entry 1 seals another result of .*--correct REASON"):
        seal_run(tmp_path, other, TIME)
    seal_run(tmp_path, other, TIME, "a table was wrong")
    entries = read_ledger(tmp_path)
    assert [entry.reason for entry in entries] == ["", "", "", "", "a table was wrong"]
    last = last_entry(entries, run.id)
    assert last is not None
    assert last.headlines == "ab" * 32
    assert entries[0].headlines == run.manifest["files"]["headlines.json"]


@pytest.mark.parametrize("gone", range(3))
def test_removed_entry_is_found(tmp_path: Path, gone: int) -> None:
    sealed(tmp_path)
    lines = ledger_path(tmp_path).read_text().splitlines(keepends=True)
    ledger_path(tmp_path).write_text("".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(RunError, match=f"an entry before line {gone + 1} was removed"):
        read_ledger(tmp_path)


def test_last_entry_cut_off_is_found_by_its_run(tmp_path: Path) -> None:
    sealed(tmp_path)
    lines = ledger_path(tmp_path).read_text().splitlines(keepends=True)
    ledger_path(tmp_path).write_text("".join(lines[:-1]))
    assert unsealed(read_ledger(tmp_path), list_runs(tmp_path)) == NAMES[-1:]


def test_exchanged_entries_are_found(tmp_path: Path) -> None:
    sealed(tmp_path)
    lines = ledger_path(tmp_path).read_text().splitlines(keepends=True)
    ledger_path(tmp_path).write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(RunError, match="before line 1"):
        read_ledger(tmp_path)


def test_forged_entry_with_a_seal_of_its_own_breaks_the_next_link(tmp_path: Path) -> None:
    from forecast.storage.files import digest_of

    sealed(tmp_path)
    lines = ledger_path(tmp_path).read_text().splitlines()
    forged = {**json.loads(lines[1]), "headlines": "cd" * 32}
    del forged["seal"]
    lines[1] = json.dumps(forged | {"seal": digest_of(forged)})
    ledger_path(tmp_path).write_text("\n".join(lines) + "\n")
    with pytest.raises(RunError, match="an entry before line 3 was removed, added or changed"):
        read_ledger(tmp_path)


@given(st.data())
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    home = tmp_path_factory.mktemp("ledger")
    sealed(home, 2)
    raw = bytearray(ledger_path(home).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    new = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[at]))
    raw[at] = new
    ledger_path(home).write_bytes(raw)
    with pytest.raises(RunError, match=f"^{re.escape(str(ledger_path(home)))}"):
        read_ledger(home)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{"number"', '{"x": 1, "number"'),
        ('{"number": 1', '{"number": 1, "number": 1'),
        ('", "', '" , "'),
        ("\n", "\r\n"),
        ('"reason": "", ', ""),
    ],
)
def test_entry_in_another_form_is_found(tmp_path: Path, old: str, new: str) -> None:
    sealed(tmp_path, 2)
    raw = ledger_path(tmp_path).read_bytes().replace(old.encode(), new.encode(), 1)
    ledger_path(tmp_path).write_bytes(raw)
    with pytest.raises(RunError, match=r"ledger.jsonl:1: .*; restore the ledger"):
        read_ledger(tmp_path)


def test_link_to_no_file_is_not_an_empty_ledger(tmp_path: Path) -> None:
    run, *_ = sealed(tmp_path, 1)
    ledger_path(tmp_path).unlink()
    ledger_path(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="the file is missing; restore the ledger"):
        seal_run(tmp_path, run, TIME)
    assert ledger_path(tmp_path).is_symlink()


def test_remark_on_an_unchanged_run_is_kept(tmp_path: Path) -> None:
    run, *_ = sealed(tmp_path, 1)
    entry = seal_run(tmp_path, run, TIME, "the figures of 2024 were wrong")
    assert (entry.number, entry.reason) == (2, "the figures of 2024 were wrong")
    assert read_ledger(tmp_path)[-1] == entry


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "red \x1b[31m", "\u2028", "\udcff", "x" * 501])
def test_reason_is_one_line_of_text(tmp_path: Path, reason: str) -> None:
    run, *_ = sealed(tmp_path, 1)
    before = ledger_path(tmp_path).read_bytes()
    with pytest.raises(RunError, match=r"ledger.jsonl: the reason is .*, expected one line .*; correct it"):
        seal_run(tmp_path, run, TIME, reason)
    assert ledger_path(tmp_path).read_bytes() == before
