"""Measure the processor time of commands: the help text, the headlines of a run, its report, and questions to it."""

import resource
import statistics
import subprocess
import sys

from common import ROOT

TURNS = 9  # calls of each command
JOBS = {
    "python -c pass": ("-c", "pass"),
    "import forecast": ("-c", "import forecast"),
    "forecast --help": ("-m", "forecast", "--help"),
    "forecast list": ("-m", "forecast", "list"),
    "forecast show latest": ("-m", "forecast", "show", "latest"),
    "forecast report latest": ("-m", "forecast", "report", "latest"),
    "forecast query latest, with a condition": (
        *("-m", "forecast", "query", "latest"),
        "P(collapsed[kfor] by 2029Q4 | crisis by 2028Q4, war=win)",
    ),
    "forecast reweight latest": ("-m", "forecast", "reweight", "latest"),
}


def main() -> None:
    """Print the median and the range of the processor times of each command, in seconds; the commands take turns."""
    durations: dict[str, list[float]] = {title: [] for title in JOBS}
    for _ in range(TURNS):
        for title, arguments in JOBS.items():
            before = _spent()
            subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)
            durations[title].append(_spent() - before)
    print("| command | median | range |\n|---|---|---|")
    for title, seconds in durations.items():
        print(f"| {title} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} to {max(seconds):.2f} s |")


def _spent() -> float:
    """Return the processor time of all ended child processes, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
