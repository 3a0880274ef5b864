"""Tokens that let a person or program in, each with a name and a role. Only their sha256 is stored.

A token has 256 random bits, so a plain hash cannot be reversed. The file is readable by its owner alone.
"""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypedDict

from forecast.errors import RunError, cannot_read, listed, shown
from forecast.storage.files import read_json, replace_json, with_checksums
from forecast.storage.locks import only_one
from forecast.storage.shapes import Moment

Role = Literal["reader", "analyst", "operator"]
ROLES: Final[tuple[Role, ...]] = ("reader", "analyst", "operator")  # each may do what those before it may
TOKENS: Final = "tokens.json"
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_FIX: Final = "remove it and make new tokens with `forecast token add`"


class _Stored(TypedDict):
    role: Role
    sha256: str
    made: Moment


class _Tokens(TypedDict):
    tokens: dict[str, _Stored]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a token: name and role."""

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Return whether the holder has at least this role."""
        return ROLES.index(self.role) >= ROLES.index(role)


def tokens_path(home: Path) -> Path:
    """Return the file of the tokens of a workspace."""
    return home / "runs" / TOKENS


def add_token(home: Path, name: str, role: Role, moment: str) -> str:
    """Make a token and return it; it cannot be shown again. Raises RunError for a bad or used name."""
    if not _NAME.fullmatch(name):
        raise RunError(
            f"the name of the token is {shown(name)}, expected at most 64 lower-case letters, digits, _ and -, such as "
            "anna; choose another"
        )
    with only_one(home, "tokens"):
        tokens = read_tokens(home)
        if name in tokens:
            raise RunError(
                f"{tokens_path(home)}: {name} has a token already, expected a new name; choose another, or remove it "
                f"with `forecast token remove {name}`"
            )
        token = f"fc_{secrets.token_urlsafe(32)}"
        _write(home, {**tokens, name: {"role": role, "sha256": digest(token), "made": moment}})
    return token


def remove_token(home: Path, name: str) -> None:
    """Remove a token, which ends its sessions too; raises RunError if there is none of the name."""
    with only_one(home, "tokens"):
        tokens = read_tokens(home)
        if name not in tokens:
            known = listed(tokens) or "none"
            raise RunError(
                f"{tokens_path(home)}: no token is called {shown(name)}, expected one of {known}; correct it"
            )
        _write(home, {key: stored for key, stored in tokens.items() if key != name})


def read_tokens(home: Path) -> dict[str, _Stored]:
    """Return what is stored of each token; raises RunError if the file is damaged or others can read it."""
    path = tokens_path(home)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise cannot_read(path, error) from error
    if mode & 0o077:
        raise RunError(f"{path}: has mode {mode & 0o777:o}, expected 600; correct it with `chmod 600`")
    content: _Tokens = read_json(path, _Tokens, fix=_FIX)
    return content["tokens"]


def holder_of(home: Path, token_digest: str) -> Holder | None:
    """Return who has the token with this digest; every stored digest is compared, each in constant time."""
    found = None
    for name, stored in read_tokens(home).items():
        if hmac.compare_digest(stored["sha256"], token_digest):
            found = Holder(name, stored["role"])
    return found


def digest(token: str) -> str:
    """Return the sha256 of a token, as it is stored."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _write(home: Path, tokens: dict[str, _Stored]) -> None:
    before = os.umask(0o077)
    try:
        replace_json(tokens_path(home), with_checksums({"tokens": tokens}))
    finally:
        os.umask(before)
