"""The next job is under way while the last is used; each is done once, and raises where it is asked for."""

import threading

import pytest

from forecast.inference.background_compile import BackgroundCompiler


def test_asking_for_one_begins_the_next_and_only_that() -> None:
    begun = {name: threading.Event() for name in "abc"}

    def job(name: str) -> str:
        begun[name].set()
        return name.upper()

    ahead = BackgroundCompiler({name: lambda name=name: job(name) for name in begun})
    assert not any(event.is_set() for event in begun.values())
    assert ahead("a")[0] == "A"
    assert begun["b"].wait(60)
    assert not begun["c"].is_set()
    assert ahead("b")[0] == "B"
    assert begun["c"].wait(60)


def test_a_job_is_done_once_and_in_any_order() -> None:
    done: list[str] = []
    ahead = BackgroundCompiler({name: lambda name=name: done.append(name) for name in "ab"})
    for name in "baab":
        _, seconds = ahead(name)
        assert seconds >= 0
    assert sorted(done) == ["a", "b"]


def test_what_a_job_raises_is_raised_where_it_is_asked_for() -> None:
    def fail() -> None:
        raise MemoryError("no room")

    ahead = BackgroundCompiler({"good": lambda: 1, "bad": fail})
    assert ahead("good")[0] == 1
    for _ in range(2):
        with pytest.raises(MemoryError, match="no room"):
            ahead("bad")
    with pytest.raises(KeyError):
        ahead("unknown")
