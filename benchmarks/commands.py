"""Measure how long a user waits at the terminal for the help text, the import, and a run with its headlines."""

import statistics
import subprocess
import sys
import time

from common import ROOT

TURNS = 9  # calls of each command
JOBS = {
    "forecast --help": ("-m", "forecast", "--help"),
    "import forecast": ("-c", "import forecast"),
    "forecast show latest": ("-m", "forecast", "show", "latest"),
    "open the latest run and its headlines in Python": (
        "-c",
        "import forecast; forecast.open_run('latest').headlines",
    ),
}


def main() -> None:
    """Print the median and the range of the wall times of each command, in seconds."""
    durations: dict[str, list[float]] = {"python -c pass": []} | {title: [] for title in JOBS}
    for _ in range(TURNS):
        for title in durations:
            start = time.perf_counter()
            arguments = JOBS.get(title, ("-c", "pass"))
            subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
            durations[title].append(time.perf_counter() - start)
    print("| command | median | range |\n|---|---|---|")
    for title, seconds in durations.items():
        low, high = min(seconds), max(seconds)
        print(f"| {title} | {statistics.median(seconds):.2f} s | {low:.2f} to {high:.2f} s |")


if __name__ == "__main__":
    main()
