"""Test that the next job runs in the background, each job runs once, and exceptions are raised on request."""

import threading

import pytest

from forecast.inference.background_compile import BackgroundCompiler


def test_request_starts_only_the_next_job() -> None:
    started = {name: threading.Event() for name in "abc"}

    def job(name: str) -> str:
        started[name].set()
        return name.upper()

    compiler = BackgroundCompiler({name: lambda name=name: job(name) for name in started})
    assert not any(event.is_set() for event in started.values())
    assert compiler("a")[0] == "A"
    assert started["b"].wait(60)
    assert not started["c"].is_set()
    assert compiler("b")[0] == "B"
    assert started["c"].wait(60)


def test_each_job_runs_once_in_any_order() -> None:
    finished: list[str] = []
    compiler = BackgroundCompiler({name: lambda name=name: finished.append(name) for name in "ab"})
    for name in "baab":
        _, seconds = compiler(name)
        assert seconds >= 0
    assert sorted(finished) == ["a", "b"]


def test_exception_of_job_is_raised_on_request() -> None:
    def fail() -> None:
        raise MemoryError("out of memory")

    compiler = BackgroundCompiler({"good": lambda: 1, "bad": fail})
    assert compiler("good")[0] == 1
    for _ in range(2):
        with pytest.raises(MemoryError, match="out of memory"):
            compiler("bad")
    with pytest.raises(KeyError):
        compiler("unknown")
