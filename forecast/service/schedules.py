"""Read the schedule of every plan. What is wrong with one plan does not keep the others from their schedules.

The scheduler knows only names and schedules. A run reads the rest of its plan, so a plan with a good schedule and a
fault elsewhere is run when it is due, and fails with its faults.
"""

from dataclasses import dataclass
from pathlib import Path

from forecast.errors import ForecastError, PlanError, shown
from forecast.storage.toml_files import read_toml
from forecast.workspace.plan import A_PLAN_NAME, Schedule, is_plan_name, known_plans, load_plan, plan_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduled:
    """A plan with a schedule."""

    name: str
    schedule: Schedule


def read_schedules(home: Path) -> tuple[list[Scheduled], list[str]]:
    """Return the plans of a workspace that have a schedule, and what is wrong with any plan.

    Raises
    ------
    PlanError
        If the plans cannot be listed.
    """
    scheduled, troubles = [], []
    for name in known_plans(home):
        try:
            schedule = load_plan(home, name).schedule
        except Exception as error:  # whatever it is, the other plans are run
            troubles.append(message_of(name, error))
            schedule = _schedule_alone(home, name)
        if schedule is not None:
            scheduled.append(Scheduled(name=name, schedule=schedule))
    return scheduled, troubles


def _schedule_alone(home: Path, name: str) -> Schedule | None:
    """Return the schedule of a plan that has faults, or None if the schedule or the name is among them."""
    try:
        return Schedule.model_validate(read_toml(plan_path(home, require_name(name)))["schedule"])
    except Exception:  # the faults of the plan are known already
        return None


def require_name(plan: str) -> str:
    """Return the name of a plan; raise PlanError if no plan can have it, for a path is made of it."""
    if not is_plan_name(plan):
        raise PlanError(f"the plan is {shown(plan)}, expected {A_PLAN_NAME}")
    return plan


def message_of(plan: str, error: Exception) -> str:
    """Return an error as text; one that was not foreseen is named with the plan and its type."""
    return str(error) if isinstance(error, ForecastError) else f"{plan}: {type(error).__name__}: {error}"
