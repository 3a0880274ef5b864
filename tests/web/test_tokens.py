"""Tokens are stored as hashes in a file of mode 600, and a role may do no more than its own."""

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.errors import RunError
from forecast.web.tokens import ROLES, Holder, add_token, digest, holder_of, read_tokens, remove_token, tokens_path

NOW = "2026-11-28T10:00:00+00:00"


def test_a_token_is_stored_as_a_hash_alone(home: Path) -> None:
    token = add_token(home, "anna", "analyst", NOW)
    path = tokens_path(home)
    assert token not in path.read_text() and digest(token) in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert holder_of(home, digest(token)) == Holder("anna", "analyst")
    assert holder_of(home, digest(token + "x")) is None and holder_of(home, "") is None
    remove_token(home, "anna")
    assert holder_of(home, digest(token)) is None


def test_a_file_that_others_can_read_is_refused(home: Path) -> None:
    add_token(home, "anna", "reader", NOW)
    tokens_path(home).chmod(0o640)
    with pytest.raises(RunError, match="mode 640, expected 600"):
        read_tokens(home)


def test_a_file_that_was_edited_is_refused(home: Path) -> None:
    add_token(home, "anna", "reader", NOW)
    path = tokens_path(home)
    path.write_text(path.read_text().replace('"reader"', '"operator"'))
    with pytest.raises(RunError, match="changed since the file was written"):
        read_tokens(home)


@pytest.mark.parametrize("name", ["", "Anna", "a b", "../x", "a" * 65, "anna\n"])
def test_a_name_that_no_token_can_have(home: Path, name: str) -> None:
    with pytest.raises(RunError, match="expected at most 64 lower-case letters"):
        add_token(home, name, "reader", NOW)


def test_a_name_is_used_once(home: Path) -> None:
    add_token(home, "anna", "reader", NOW)
    with pytest.raises(RunError, match="has a token already"):
        add_token(home, "anna", "operator", NOW)
    with pytest.raises(RunError, match="no token is called 'ben', expected one of anna"):
        remove_token(home, "ben")


def test_roles_are_in_order() -> None:
    may = {role: [Holder("x", role).may(other) for other in ROLES] for role in ROLES}
    assert may == {"reader": [True, False, False], "analyst": [True, True, False], "operator": [True, True, True]}


def test_commands(home: Path) -> None:
    where = ["--home", str(home)]
    made = CliRunner().invoke(app, ["token", "add", "anna", "--role", "operator", *where])
    assert made.exit_code == 0 and holder_of(home, digest(made.output.strip())) == Holder("anna", "operator")
    listed = CliRunner().invoke(app, ["token", "list", *where])
    assert "operator anna" in listed.output and made.output.strip() not in listed.output
    removed = CliRunner().invoke(app, ["token", "remove", "anna", *where])
    assert removed.exit_code == 0 and read_tokens(home) == {}
