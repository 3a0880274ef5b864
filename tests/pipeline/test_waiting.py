"""A run that another process is making is waited for, and the wait is shown."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from forecast.pipeline.run import run
from forecast.progress import Report
from forecast.storage.locks import only_one
from forecast.storage.runs import Run


@pytest.mark.case("L6")
def test_second_run_says_that_it_waits_and_opens_the_first(made_run: Run) -> None:
    home, shown, waits, results = made_run.path.parents[1], [], threading.Event(), []

    @contextmanager
    def stages(title: str) -> Iterator[Report]:
        def report(what: str, part: float) -> None:
            shown.append(f"{title}: {what}")
            waits.set()

        yield report

    thread = threading.Thread(target=lambda: results.append(run(home, "small", stages, threads=1)))
    with only_one(home, made_run.id):
        thread.start()
        assert waits.wait(120.0)
        assert results == []
    thread.join(120.0)
    assert shown == [f"wait: waiting for another process that makes {made_run.id}"]
    assert [made.id for made in results] == [made_run.id]
