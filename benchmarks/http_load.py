"""Measure the web service under load, as ratios: 50 readers on pages and the API while a projection runs.

A reader asks for a page or an answer, then reads it for a second. The projection is run alone and under load, several
times in turn. Run it on a machine that does nothing else: `python benchmarks/http_load.py [WORKSPACE]`.
"""

import asyncio
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

READERS, THINK, ROUNDS = 50, 1.0, 3
BUSY = """
import sys, time
from pathlib import Path
from forecast.pipeline.prepare import build_projection, build_run_data
from forecast.names import MODELS
from forecast.progress import silent
from forecast.projection.execution import Executor
from forecast.storage.runs import open_run
from forecast.workspace.inputs import inputs_of, plan_of
home = Path(sys.argv[1])
run = open_run("latest", home)
inputs = inputs_of(home, plan_of(run.manifest["plan"], "plan"), "plan")
posteriors = {model: run.posterior(model) for model in MODELS}
projection = build_projection(inputs, build_run_data(inputs), posteriors, 1, Executor(int(sys.argv[2]), ""))
projection.project(range(256), silent)
print("ready", flush=True)
for line in sys.stdin:
    begun = time.perf_counter()
    projection.project(range(inputs.plan.paths), silent)
    print(time.perf_counter() - begun, flush=True)
"""


async def read(session: aiohttp.ClientSession, paths: list[str], until: float, times: list[float]) -> int:
    """Read until a time; add the seconds of each answer, and return the number of errors."""
    draw, errors = random.Random(id(times) + len(times)), 0
    await asyncio.sleep(draw.random() * THINK)
    while time.monotonic() < until:
        begun = time.perf_counter()
        async with session.get(draw.choice(paths)) as answer:
            await answer.read()
            errors += answer.status != 200
        times.append(time.perf_counter() - begun)
        await asyncio.sleep(2.0 * THINK * draw.random())
    return errors


async def load(address: str, seconds: float, times: list[float]) -> int:
    """Let all readers read for some seconds."""
    paths = [
        "/",
        "/reports/",
        "/api/v1/runs",
        "/api/v1/runs/latest",
        "/api/v1/runs/latest/headlines",
        "/api/v1/schedule",
    ]
    connector = aiohttp.TCPConnector(limit=READERS)
    async with aiohttp.ClientSession(address, connector=connector) as session:
        async with session.get("/reports/latest/index.html") as page:
            if page.status == 200:
                paths.append(str(page.url.path))
        async with session.get("/api/v1/runs/latest/projection.zarr/zarr.json") as tree:
            await tree.read()
        paths.append("/api/v1/runs/latest/projection.zarr/zarr.json")
        until = time.monotonic() + seconds
        return sum(await asyncio.gather(*(read(session, paths, until, times) for _ in range(READERS))))


def main(home: Path) -> None:
    """Print the ratios."""
    threads = max(1, len(os.sched_getaffinity(0)) - 1)
    projector = subprocess.Popen(
        [sys.executable, "-c", BUSY, str(home), str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert projector.stdin and projector.stdout
    projector.stdout.readline()

    def project() -> float:
        assert projector.stdin and projector.stdout
        print("go", file=projector.stdin, flush=True)
        return float(projector.stdout.readline())

    with tempfile.TemporaryFile("w") as log:
        words = ("-m", "forecast", "serve", "--http", "127.0.0.1:0", "--home", str(home))
        service = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=log, text=True)
        assert service.stdout
        address = re.sub(r"http +|/\n", "", service.stdout.readline())
        try:
            time.sleep(10.0)
            alone, loaded, times, errors = [], [], [], 0
            for _ in range(ROUNDS):
                alone.append(project())
                readers = subprocess.Popen(
                    [sys.executable, __file__, "--readers", address, str(alone[-1] * 3.0)],
                    stdout=subprocess.PIPE,
                    text=True,
                )
                time.sleep(alone[-1] * 0.5)
                loaded.append(project())
                *printed, failed = readers.communicate()[0].split()
                times += [float(value) for value in printed]
                errors += int(failed)
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait()
            projector.terminate()
    p99 = statistics.quantiles(times, n=100)[98]
    print(f"{len(times)} answers, {errors} errors, projection on {threads} threads")
    print(f"p99 of an answer : 150 ms             {p99 / 0.150:.2f}")
    print(f"projection under load : alone         {statistics.median(loaded) / statistics.median(alone):.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--readers"]:
        taken: list[float] = []
        failures = asyncio.run(load(sys.argv[2], float(sys.argv[3]), taken))
        print(*taken, failures)
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
