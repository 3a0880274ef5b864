"""Write questions with their answers, and the scoreboard, as lines for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from forecast.archive.questions import EVENT
from forecast.archive.revisions import FEWEST
from forecast.archive.scoreboard import ENOUGH, Calibration, Scoreboard
from forecast.reporting.formatting import fold, number, printable

_MOST: Final = 10  # lines of forecasts that do not count


def question_lines(run: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each question with its answer, deadline and state."""
    lines = [f"Questions, and the answers of {run}", ""]
    for row in rows:
        lines += fold(row["text"])
        state = row["state"] if row["outcome"] is None else f"resolved: {row['outcome']:g}"
        lines += [f"  {row['id']}, by {row['deadline']}, {state}", f"  {_answer(row)}", ""]
    if not rows:
        lines.append("no questions; write them in runs/questions.toml")
    return [part for line in lines for part in fold(printable(line))]


def _answer(row: Mapping[str, Any]) -> str:
    where = row.get("scenario") or "weighted scenarios"
    if "answer" not in row:
        return f"no answer: {row['no_answer']}"
    answer = row["answer"]
    if row["kind"] == EVENT:
        return f"{answer['value']:.3f} (MC error {answer['error']:.3f}; baseline {row['baseline']:g}; {where})"
    low, high = answer["quantiles"][5], answer["quantiles"][-6]
    return (
        f"mean {answer['value']:.2f}, 80 % interval {low:.2f} to {high:.2f} "
        f"(MC error {answer['error']:.3f}; baseline {row['baseline']:g}; {where})"
    )


def scoreboard_lines(board: Scoreboard) -> list[str]:
    """Return the scores by run, those of numbers by question, calibration, revisions, and what does not count."""
    lines = [
        f"{len(board.scored)} forecasts scored (lower is better), "
        f"{len(board.unresolved)} questions unresolved, {len(board.annulled)} annulled",
        "",
    ]
    if board.scored:
        lines += _run_lines(board) + _number_lines(board)
        lines += _calibration_lines(board.calibration)
    lines += _revision_lines(board)
    if board.not_counted:
        lines.append(f"{len(board.not_counted)} forecasts do not count:")
        lines += [f"  {question}, {run}: {why}" for question, run, why in board.not_counted[:_MOST]]
        lines += ["  …, the others with --json"] * (len(board.not_counted) > _MOST)
    return [part for line in lines for part in fold(printable(line))]


def _run_lines(board: Scoreboard) -> list[str]:
    lines = [f"{'made':<11}{'events':>7}{'Brier':>8}{'base':>7}{'log':>8}{'base':>7}{'better':>9}  run"]
    for moment in board.moments:
        scores = (
            f"{moment.scores['Brier']:>8.3f}{moment.baseline['Brier']:>7.3f}"
            f"{moment.scores['log']:>8.3f}{moment.baseline['log']:>7.3f}"
            if moment.events
            else f"{'–':>8}{'–':>7}{'–':>8}{'–':>7}"
        )
        better = f"{moment.better}/{moment.forecasts}"
        lines.append(f"{moment.made:<11}{moment.events:>7}{scores}{better:>9}  {moment.run}")
    return [*lines, ""]


def _number_lines(board: Scoreboard) -> list[str]:
    lines = [
        f"{row.forecast.made:<11}{row.scores['CRPS']:>8.3f}{row.baseline['CRPS']:>8.3f}  {row.forecast.question}"
        for row in board.scored
        if row.kind != EVENT
    ]
    return [f"{'made':<11}{'CRPS':>8}{'base':>8}  question", *lines, ""] if lines else []


def _calibration_lines(found: Calibration) -> list[str]:
    lines = ["Calibration of the last forecast of each question"]
    lines += [
        f"  {b.low:.0%} to {b.high:.0%}: {b.events} events, forecast {b.forecast:.2f}, happened {b.happened:.2f}"
        for b in found.bins
    ]
    if found.numbers:
        lines.append(f"  {found.inside} of {found.numbers} numbers lie inside the 80 % interval")
    if found.z is None:
        lines.append(f"  {found.events} events, fewer than {ENOUGH}: too few to test calibration or to show skill")
    else:
        lines.append(f"  Spiegelhalter's z {number(found.z)}, p {number(found.p)} (small: not calibrated)")
    return [*lines, ""]


def _revision_lines(board: Scoreboard) -> list[str]:
    lines = ["Revisions from run to run"]
    lines += [f"  flip-flop index {value:.3f}: {name}" for name, value in sorted(board.flip_flop.items())]
    test = board.efficiency
    if test.t is None:
        lines.append(
            f"  {test.questions} questions with two revisions, fewer than {FEWEST}: too few to test their efficiency"
        )
    else:
        lines.append(
            f"  a revision follows {number(test.slope)} of the one before (t {number(test.t)}, p {number(test.p)}, "
            f"{test.questions} questions); 0 is efficient"
        )
    return [*lines, ""]
