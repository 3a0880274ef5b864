"""A TOML file is read within limits of size, depth and digits, and refused with one clear error otherwise."""

import os
import time
from pathlib import Path

import pytest

from forecast.errors import PriorError
from forecast.storage.toml_files import DEEPEST, LARGEST, read_toml

SLOWEST = 10.0  # seconds, many times what any of these files needs

#: Case -> content of the file, and what its error says.
REFUSED: dict[str, tuple[str, str]] = {
    "deep list": ("a = " + "[" * 900 + "]" * 900, "nested too deep, expected at most 12"),
    "list a little too deep": ("a = " + "[" * (DEEPEST + 1) + "1" + "]" * (DEEPEST + 1), "nested too deep"),
    "deep inline table": ("a = " + "{b = " * 3000 + "1" + "}" * 3000, "nested too deep"),
    "key of many parts": (".".join(["a"] * 50_000) + " = 1", "nested too deep"),
    "header of many parts": ("[" + ".".join(["a"] * 50_000) + "]", "nested too deep"),
    "many keys of many parts": ("\n".join(f"b{n}." + ".".join("a" * 199) + " = 1" for n in range(300)), "too deep"),
    "thousands of digits": ("a = " + "7" * 5000, "a number has thousands of digits"),
    "four hundred digits": ("[b]\na = 1" + "0" * 400, "b.a is a number of 401 digits, expected at most 18"),
    "hexadecimal digits": ("a = [1, 0x" + "f" * 6000 + "]", "a #2 is a number of 7225 digits"),
    "beyond 64 bits": (f"a = {2**63}", "a is a number of 20 digits, expected at most 18"),
    "infinity": ("a = -inf", "a is -inf, expected a finite number"),
    "overflow": ("a = 1e999", "a is inf, expected a finite number"),
    "not a number": ("[[b]]\na = nan", "b #1.a is nan, expected a finite number"),
    "escaped NUL": ('a = "x\\u0000y"', "a holds the character U+0000, expected text without control characters"),
    "escaped control character": ('a = ["x\\u001b[2J"]', "a #1 holds the character U+001B"),
    "control character in a key": ('"a\\u0007" = 1', "'a\\x07' holds the character U+0007"),
    "raw NUL": ('a = "x\x00y"', "not valid TOML (Illegal character '\\x00' in line 1"),
    "repeated key": (
        "a = 1\na = 2\nb = 3\n",
        "not valid TOML (Cannot overwrite a value in line 2, 'a = 2'); write each key once",
    ),
    "repeated table": ("[t]\na = 1\n[t]\n", "in line 3, '[t]'"),
    "long line": ("a = 'x'\nb = " + "x" * 1000, "in line 2, 'b = xxx"),
    "old line ends": ("a = 1\rb = 2\r", "not valid TOML"),
    "too large": ("a = '" + "x" * LARGEST + "'", "the file has 131,078 bytes, expected at most 131,072; remove"),
}


def refusal(path: Path) -> str:
    begin = time.perf_counter()
    with pytest.raises(PriorError) as caught:
        read_toml(path)
    assert time.perf_counter() - begin < SLOWEST
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < len(str(path)) + 300
    return message


@pytest.mark.case("F1", "F2", "M10")
@pytest.mark.parametrize("case", REFUSED)
def test_file_beyond_the_limits(tmp_path: Path, case: str) -> None:
    content, expected = REFUSED[case]
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8", newline="")
    assert expected in refusal(path)


@pytest.mark.case("M18")
@pytest.mark.parametrize("content", [b"a = '\xe9'", "a = 1".encode("utf-16")])
def test_encoding_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    assert f"byte 0x{content[5] if content[0] == 0x61 else content[0]:02x} in line 1 is not UTF-8" in refusal(path)


@pytest.mark.case("M18", "B28")
def test_what_is_no_file(tmp_path: Path) -> None:
    folder, link, pipe = (tmp_path / name for name in ("folder.toml", "link.toml", "pipe.toml"))
    folder.mkdir()
    link.symlink_to("user@host.1234:5678")
    os.mkfifo(pipe)
    assert "not a regular file" in refusal(folder)
    assert "a link to a file that does not exist" in refusal(link)
    assert "not a regular file" in refusal(pipe)
    assert "the file is missing" in refusal(tmp_path / "nothing.toml")
    assert "cannot be read (File name too long)" in refusal_of_long_name(tmp_path)


def refusal_of_long_name(folder: Path) -> str:
    with pytest.raises(PriorError) as caught:
        read_toml(folder / f"{'x' * 300}.toml")
    return str(caught.value)


@pytest.mark.case("M18")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("a = 1")
    path.chmod(0)
    assert "cannot be read (Permission denied); correct the permissions" in refusal(path)


@pytest.mark.case("M18")
def test_file_that_the_system_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("a = 1")

    def refused(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert "cannot be read (Permission denied); correct the permissions" in refusal(path)


def test_byte_order_mark_and_windows_line_ends_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\r\nb = [[1.5]]\r\n")
    assert read_toml(path) == {"a": 1, "b": [[1.5]]}


def test_values_within_the_limits_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    lists = "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    path.write_text(f'a = {2**63 - 1}\nb = {-(2**63)}\nc = {lists}\nd = """one\n\ttwo"""\ne = 1e300\n')
    content = read_toml(path)
    assert (content["a"], content["b"], content["d"], content["e"]) == (2**63 - 1, -(2**63), "one\n\ttwo", 1e300)
