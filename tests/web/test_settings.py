"""The service is bound to an address of this machine, and to loopback alone where writing is open."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forecast.cli.app import app
from forecast.errors import ForecastError
from forecast.web.launch import require_libraries
from forecast.web.settings import Settings, allowed_hosts, listen, split_address


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:8000", ("127.0.0.1", 8000)), ("[::1]:0", ("::1", 0)), ("x:65535", ("x", 65535))]
)
def test_an_address_is_split(text: str, address: tuple[str, int]) -> None:
    assert split_address(text) == address


@pytest.mark.parametrize("text", ["", "8000", ":8000", "x:", "x:65536", "x:-1", "x:8o", "x:²"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ForecastError, match="expected HOST:PORT"):
        split_address(text)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_open_writing_is_bound_to_loopback_alone(host: str) -> None:
    with pytest.raises(ForecastError, match="others can reach this address and writing is open"):
        listen(host, 0, Settings(writing="open"))
    with listen("127.0.0.1", 0, Settings(writing="open")) as bound:
        assert bound.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_and_an_unknown_host() -> None:
    with listen("127.0.0.1", 0, Settings()) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(ForecastError, match="cannot be used"):
            listen("127.0.0.1", port, Settings())
    with pytest.raises(ForecastError, match="no such address"):
        listen("no-such-host.invalid", 1, Settings())
    with listen("0.0.0.0", 0, Settings()) as bound:
        assert isinstance(bound, socket.socket)


def test_settings_travel_as_text() -> None:
    settings = Settings(hosts=allowed_hosts("::1", ["Forecast.Example"]), reading="token", seconds=2.5)
    assert Settings.from_json(settings.as_json()) == settings
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]", "forecast.example")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_libraries()
    monkeypatch.setattr("forecast.web.launch.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=r"--http needs fastapi, uvicorn.*install alliance-forecast\[serve\]"):
        require_libraries()


@pytest.mark.parametrize(
    ("words", "part"),
    [(["--http", "nix"], "expected HOST:PORT"), (["--http", "0.0.0.0:0", "--writing", "open"], "others can reach")],
)
def test_faults_of_the_command(home: Path, words: list[str], part: str) -> None:
    done = CliRunner().invoke(app, ["serve", *words, "--home", str(home)])
    assert isinstance(done.exception, ForecastError) and part in str(done.exception)
