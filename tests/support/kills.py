"""Kill real commands at random moments, and check after each kill what they leave behind.

`python -m tests.support.kills FOLDER SEED COUNT` makes a workspace in the folder and prints how many commands were
killed, by command and signal. Each command is the whole command line in a process of its own. The process is forked
from one that has imported the package, compiled the simulator and read the inputs, so most moments fall where something
is computed or written. The runs of `serve` are ordinary new processes.
"""

import faulthandler
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any, Final

from forecast.cli import app
from forecast.inference import digests
from forecast.pipeline import run as pipeline
from forecast.service.loop import run_due
from forecast.service.schedules import Scheduled
from forecast.service.slots import lock_of, read_slots
from forecast.storage.files import sha256_of
from forecast.storage.locks import free_lock
from forecast.storage.runs import is_whole, list_runs, open_run
from forecast.workspace.init import create_workspace
from tests.support.pipeline_run import quiet
from tests.support.stored_fits import store_fits

PLAN: Final = """title = "Small"
as_of = 2025-12-31
seed = {seed}
quarters = 8
draws = 32
paths = 32
joint_paths = 32
war = ["neutral"]
design = ["none"]
missions = ["kfor"]
dyads = []
"""
SIGNALS: Final = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
#: The commands to kill, in turn. `serve` takes longest, because its runs are new interpreters.
ORDER: Final = ("run", "project", "export", "serve", "project", "export", "report", "project", "export", "run")
FORMATS: Final = ("csv", "parquet", "hubverse")
PATIENCE: Final = 300  # seconds until a command is given up; not a measure of speed
GRACE: Final = 15  # seconds until a command that was asked to stop is killed
SERVE_RUNS: Final = 8.0  # seconds within which `serve` is killed; its run takes about this long


class Kills:
    """A workspace with one run that is made again and again, and one that must never change."""

    def __init__(self, home: Path, seed: int):
        self.home, self.rng = home, random.Random(seed)
        create_workspace(home)
        plans = home / "runs" / "plans"
        for path in plans.glob("*.toml"):
            path.unlink()
        (plans / "again.toml").write_text(PLAN.format(seed=5) + '[schedule]\ncron = "* * * * *"\n')
        (plans / "fixed.toml").write_text(PLAN.format(seed=6))
        for plan in ("again", "fixed"):
            store_fits(home, plan)
        self.again, self.fixed = (pipeline.run(home, plan, quiet, threads=1) for plan in ("again", "fixed"))
        self.files = dict(self.again.manifest["files"])
        self.seconds = {"serve": SERVE_RUNS}
        for name in ("run", "project", "export", "report"):
            for words in self.variants(name):
                self.remove(self.again.path)
                begun = time.monotonic()
                assert self.start(words)() == 0, self.printed()
                self.seconds[name] = time.monotonic() - begun
        self.fixed_bytes = self.bytes_of_fixed()

    def variants(self, name: str) -> list[list[str]]:
        """Return the ways to call a command."""
        home = ["--home", str(self.home)]
        if name == "export":
            return [["export", self.fixed.id, "--to", kind, *home] for kind in FORMATS]
        if name == "report":
            return [["report", self.fixed.id, *home]]
        return [["serve", *home] if name == "serve" else [name, "again", "--threads", "1", *home]]

    def start(self, words: list[str], kill: tuple[float, int] | None = None) -> Callable[[], int]:
        """Start a command in a process of its own; return a function that waits for it and returns its exit code.

        The function first waits some seconds and sends a signal, if `kill` names them. As the scheduler does, it kills
        a process that does not stop: Python loses an interrupt that arrives while memory is cleaned up, and xarray
        waits for ever for a lock of its own if it is interrupted between taking and using it.
        """
        process = os.fork()
        if process == 0:
            become(words, self.home.parent / "log")

        def end() -> int:
            if kill:
                time.sleep(kill[0])
                os.kill(process, kill[1])  # the process is not yet reaped, so the number is still its own
                deadline = time.monotonic() + GRACE
                while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    time.sleep(0.05)
                    if time.monotonic() > deadline:
                        os.kill(process, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

        return end

    def printed(self) -> str:
        return (self.home.parent / "log").read_text()

    def kill_one(self, name: str) -> str:
        """Kill a command at a random moment, check, let it end well, check; return the signal, empty if it was late."""
        words = self.rng.choice(self.variants(name))
        if name in ("export", "report") and self.rng.random() < 0.5:  # else earlier outputs are replaced
            for path in self.outputs_of_fixed():
                self.remove(path)
        if name in ("run", "project", "serve"):
            self.remove(self.again.path)
            self.remove(self.home / "runs" / "slots")  # two kills of the service may fall into one minute
        number = self.rng.choice(SIGNALS)
        code = self.start(words, (self.rng.uniform(0.0, self.seconds[name]), number))()
        assert code in (0, -number, 128 + number, -signal.SIGKILL), self.printed()
        assert "Traceback" not in self.printed() or "Exception ignored in" in self.printed(), self.printed()
        self.wait_for_the_run_of_the_service()
        self.check()
        if name == "serve":
            self.serve_once()
        else:
            assert self.start(words)() == 0, self.printed()
        self.check()
        if name in ("run", "project", "serve"):
            found = dict(open_run(self.again.id, self.home).manifest["files"])
            assert found == self.files, {name for name in found if found[name] != self.files.get(name)}
        return signal.Signals(number).name if code else ""

    def serve_once(self) -> None:
        """Run the due slot without a new interpreter."""

        def job(plan: Scheduled, log: Path) -> str:
            return pipeline.run(self.home, plan.name, quiet, threads=1).id

        def now() -> datetime:
            return datetime.now(UTC)

        not_complete, troubles = run_due(self.home, now, job, lambda *facts: None)
        assert (not_complete, troubles) == (0, [])
        assert read_slots(self.home, "again")[0][-1].run == self.again.id

    def wait_for_the_run_of_the_service(self) -> None:
        """Wait until no process holds the slot; the run of a killed service is killed with it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with free_lock(self.home, lock_of("again")) as free:
                if free:
                    return
            time.sleep(0.05)
        raise AssertionError("the run outlasts its service")

    def remove(self, path: Path) -> None:
        rmtree(path, ignore_errors=True)

    def outputs_of_fixed(self) -> list[Path]:
        return sorted((self.home / "reports").glob(f"{self.fixed.id}*"))

    def bytes_of_fixed(self) -> dict[str, dict[str, str]]:
        """Return the digests of the files of all outputs of the fixed run, by folder."""
        return {
            folder.name: {str(p.relative_to(folder)): sha256_of(p) for p in sorted(folder.rglob("*")) if p.is_file()}
            for folder in self.outputs_of_fixed()
        }

    def check(self) -> None:
        """Check that every folder with a final name is complete, and that the fixed run is as it was."""
        for folder in self.folders():
            assert is_whole(folder), folder
        for name, files in self.bytes_of_fixed().items():
            assert files == self.fixed_bytes[name], name
        for page in (self.home / "reports").glob("*.html"):
            assert page.read_text(encoding="utf-8").endswith("</html>\n"), page
        assert read_slots(self.home, "again")[1] == []
        assert {run.id for run in list_runs(self.home)} <= {self.again.id, self.fixed.id}
        assert dict(open_run(self.fixed.id, self.home).manifest) == dict(self.fixed.manifest)

    def folders(self) -> Iterator[Path]:
        yield from (self.home / "runs").glob("2*")
        yield from (self.home / "runs").glob("failed-*")
        yield from (path for path in (self.home / "runs" / "fits").iterdir() if not path.name.startswith("."))


def become(words: list[str], log: Path) -> None:
    """Run a command in this process as an interpreter would, and end."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = 1
    try:
        faulthandler.dump_traceback_later(PATIENCE, exit=True, file=output)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["forecast", *words]
        app.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def once(function: Callable[..., Any], key_of: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, computed once for each key of its arguments."""
    results: dict[Any, Any] = {}

    def stored(*arguments: Any) -> Any:
        key = key_of(*arguments)
        if key not in results:
            results[key] = function(*arguments)
        return results[key]

    return stored


def main(folder: Path, seed: int, count: int) -> None:
    """Kill commands until `count` of them have been killed before they ended, and print the numbers."""
    # Reading inputs writes nothing and takes most of the time, so it is done once and inherited.
    pipeline.read_inputs = once(pipeline.read_inputs, lambda home, plan, precision=None: plan)
    pipeline.build_run_data = once(pipeline.build_run_data, lambda inputs: inputs.run_id)
    digests.data_digest = once(digests.data_digest, lambda model, tables, priors: model)
    kills = Kills(folder / "workspace", seed)
    done: Counter[str] = Counter()
    while done.total() < count:
        name = ORDER[done.total() % len(ORDER)]
        if number := kills.kill_one(name):
            done[f"{name} {number}"] += 1
    print(json.dumps(done))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
