"""What is scored is what is published: forecasts of the back-tests and of the kernel agree in distribution, noise on.

Both start from the same parameter draws on the as-of date of the bundled tables. The kernel runs the reference scenario
with every mechanism off that no back-test knows. 4,096 paths each; limits are four and a half standard errors, or a
Kolmogorov-Smirnov p-value of 1e-4, so that some fifty comparisons fail by chance once in a hundred sets of seeds.
"""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from forecast.data.deployments import mission_spells
from forecast.data.leaders import leader_state
from forecast.data.spending import spending_panel
from forecast.evaluation.requirements.experiment import Experiment, build_experiment
from forecast.models.announcements import with_announcements
from forecast.models.kaplan_meier import framework_durations
from forecast.models.leadership import chance_of_change, draw_calendar, early_vote_rates
from forecast.models.spending import spending_paths
from forecast.models.withdrawal import Curve, predict_exits
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.kernel import simulate
from forecast.workspace.inputs import Inputs, read_inputs
from tests.support import fake_posteriors as our
from tests.support.pinned_numbers import withdrawal_draws
from tests.support.pipeline_run import invented_trees

PATHS, DRAWS = 4096, 64
ERRORS, LEAST_P = 4.5, 1e-4
SEED = 20261128


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    read = read_inputs(our.ROOT, "smoke")
    fields = {name: getattr(read, name) for name in Inputs.__dataclass_fields__}
    return Inputs(**fields | {"plan": read.plan.model_copy(update={"draws": DRAWS, "quarters": 24})})


@pytest.fixture(scope="module")
def experiment(inputs: Inputs) -> Experiment:
    trees = invented_trees()
    trees["withdrawal"] = xr.DataTree.from_dict({"posterior": withdrawal_draws(DRAWS // 2)})
    return build_experiment(inputs, trees, threads=2)


def spending_of(experiment: Experiment, country: str, announced: NDArray[np.float64], weight: float) -> tuple[Any, Any]:
    """Return the shares of one member in the kernel, with these announcements, and those of the back-test, without."""
    roster = experiment.roster
    members = experiment.layout.members.copy()
    members["european"] = [float(name == country) for name in roster.members]
    own = experiment.draws.members.copy()
    own["announced_weight"] = weight
    weighted = experiment.using(
        layout=experiment.layout._replace(members=members, announced=announced),
        draws=experiment.draws._replace(members=own),
    )
    simulated = weighted.run(
        paths=PATHS, off="all", constants={"threat_sd": 0.0}, parameters={"election_spending": 0.0}
    ).european()
    samples = {name: xr.concat([x] * (PATHS // DRAWS), "sample") for name, x in experiment.samples["spending"].items()}
    samples |= {name: 0.0 * samples["kappa"] for name in ("election", "factor_war", "response_war")}
    priors, panel = experiment.inputs.priors, spending_panel(experiment.inputs.tables, experiment.inputs.priors)
    rng = np.random.default_rng(SEED)
    paths = spending_paths(samples, panel.sel(country=[country]), np.array([True]), priors, 5, rng)
    return simulated, paths


@pytest.mark.parametrize("country", ["DEU", "POL", "EST", "CAN"])
def test_spending_paths_have_the_distribution_of_the_kernel(experiment: Experiment, country: str) -> None:
    none = np.full_like(experiment.layout.announced, np.nan)
    simulated, paths = spending_of(experiment, country, none, 0.3)
    for year in (0, 2, 4):
        assert stats.ks_2samp(simulated[:, year], np.exp(paths[0, year])).pvalue > LEAST_P


@pytest.mark.parametrize("country", ["DEU", "CZE"])
def test_announcements_move_the_kernel_as_the_back_test(experiment: Experiment, country: str) -> None:
    """The yearly rule of the kernel and the rule of the samples agree in the middle, up to the response to gaps."""
    announced, weight = experiment.layout.announced, 0.3
    simulated, paths = spending_of(experiment, country, announced, weight)
    own = announced[[experiment.roster.members.index(country)], :5]
    weights = [(np.full(1, weight), np.zeros(1))] * 5
    updated = with_announcements(paths, own, weights, np.random.default_rng(SEED))
    for year in (0, 2, 3):
        moved = np.log(np.median(simulated[:, year])) - np.median(paths[0, year])
        expected = np.median(updated[0, year]) - np.median(paths[0, year])
        assert abs(expected) > 0.02
        assert moved == pytest.approx(expected, abs=0.03)


@pytest.fixture(scope="module")
def leaders(experiment: Experiment) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return votes and changes of leader in the kernel, both (path, quarter, country)."""
    static, plan = experiment.layout, experiment.inputs.plan
    shocks, path_state = new_shocks(static, plan.quarters), new_path_state(static, plan.quarters)
    tally, kept = empty_tally(static, plan.quarters), empty_sampled_paths(static, plan.quarters, 0)
    votes, changes = [], []
    for path in range(PATHS // 4):
        simulate(np.arange(path, path + 1), plan.seed, static, experiment.draws, shocks, path_state, tally, kept)
        votes.append(shocks.leaders["vote"] == 1)
        changes.append(shocks.leaders["change"] == 1)
    return np.array(votes), np.array(changes)


def test_leaders_change_as_often_in_the_back_test_as_in_the_kernel(
    experiment: Experiment, leaders: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> None:
    tables, plan, roster = experiment.inputs.tables, experiment.inputs.plan, experiment.roster
    state = leader_state(tables)
    # the kernel has a rule of its own for the president of the United States
    state = state[state.index.isin(roster.countries) & (state.index != "USA")]
    early = early_vote_rates(experiment.inputs.priors, tables)
    rng, quarters = np.random.default_rng(SEED), 8
    first = 4 * (plan.as_of.year + 1)
    calendar = draw_calendar(state, first, quarters, early, 8 * PATHS, rng)
    draws = our_leadership(experiment)
    chance = chance_of_change(draws, state, calendar, rng)
    index = [roster.countries.index(country) for country in state.index]
    votes, changes = (x[:, :quarters, index] for x in leaders)
    frequency = np.maximum.accumulate(changes, axis=1).mean(axis=0)
    error = np.sqrt(chance * (1.0 - chance) / len(changes)) + 1e-3
    held = calendar.election.mean(axis=0)
    assert (np.abs(votes.mean(axis=0) - held) < ERRORS * np.sqrt(held * (1.0 - held) / len(votes)) + 1e-3).all()
    assert (np.abs(frequency - chance) < ERRORS * error).all()
    assert frequency[-1].std() > 0.05  # countries differ, so agreement means something


def test_leaders_do_not_fall_twice_at_one_vote(
    experiment: Experiment, leaders: tuple[NDArray[np.bool_], NDArray[np.bool_]]
) -> None:
    """In the tables 4 of 146 leaders who came in the quarter of a vote left in the next one, of the others a third."""
    votes, changes = (np.delete(x, experiment.layout.constants[0].usa, axis=2) for x in leaders)
    voted, came, left = votes[:, :-1], changes[:, :-1], changes[:, 1:]
    far = left[~voted & ~votes[:, 1:]].mean()
    assert left[voted & came].mean() < 2.0 * far < 0.1
    assert left[voted & ~came].mean() > 3.0 * far


@pytest.mark.parametrize(("country", "quarter"), [("FRA", 5), ("LTU", 13), ("TUR", 9)])
def test_barred_leaders_leave_at_the_vote_in_every_country(
    experiment: Experiment, leaders: tuple[NDArray[np.bool_], NDArray[np.bool_]], country: str, quarter: int
) -> None:
    """The vote is in `quarter`; in the tables 26 of 28 such leaders were gone at the end of the quarter after it."""
    votes, changes = (x[..., experiment.roster.countries.index(country)] for x in leaders)
    assert votes[:, quarter].all() and not votes[:, :quarter].any()
    barred = ~changes[:, :quarter].any(axis=1)
    assert 0.8 < changes[barred, quarter : quarter + 2].any(axis=1).mean() < 0.98
    successors = changes[:, quarter]
    assert changes[successors, quarter + 1].mean() < 0.15


def our_leadership(experiment: Experiment) -> xr.Dataset:
    return xr.Dataset(
        {k: v.rename(sample="draw").expand_dims(chain=[0]) for k, v in experiment.samples["leadership"].items()}
    )


@pytest.mark.parametrize(("mission", "weight"), [("kfor", 0.0), ("minusca", 1.0)])
def test_contingents_leave_in_the_back_test_as_in_the_kernel(
    experiment: Experiment, mission: str, weight: float
) -> None:
    """Politics, losses, combat and reductions off; duration, effects, lead, contagion and the exit of the lead on.

    With weight 1 both follow the Kaplan-Meier curve; the contingents of KFOR have served longer than any in its curve.
    """
    off = {name: 0.0 for name in ("leader_change", "election_ahead", "casualties", "combat_drift", "ever_reduced")}
    inputs = experiment.inputs
    place = experiment.mission(mission)
    constants = {"kaplan_meier_weight": weight}
    simulated = experiment.run(paths=PATHS, off="all", constants=constants, parameters=off).joint
    by_count = simulated.survival[:, 0, place, 2]
    spells = mission_spells(inputs.tables, inputs.priors)
    draws = xr.concat([withdrawal_draws(DRAWS // 2)] * (PATHS // DRAWS), "draw")
    draws = draws.assign({name: 0.0 * draws[name] for name in off})
    now, quarters = 4.0 * (inputs.plan.as_of.year + 1), 20
    framework = str(spells["framework"].sel(mission=mission).item())
    fewest = int(inputs.priors.value("missions.kaplan_meier_fewest"))
    curve = Curve(durations=framework_durations(spells, framework), fewest=fewest) if weight else None
    span, rng = (now, int(now) + quarters), np.random.default_rng(SEED)
    left_at = predict_exits(draws, spells, mission, span, rng, new_mission=False, curve=curve)
    there = left_at[:, (left_at > now).any(axis=0)]
    size = len(experiment.roster.missions[place].contributors)
    assert there.shape[1] == size
    for quarter in (3, 7, 11, 19):
        published = np.round(by_count[:, quarter] * size)
        scored = (there > now + quarter + 1).sum(axis=1)
        error = np.hypot(published.std(), scored.std()) / np.sqrt(PATHS)
        assert abs(published.mean() - scored.mean()) < ERRORS * error
        assert stats.ks_2samp(published, scored).pvalue > LEAST_P
    assert scored.mean() < 0.95 * size  # some leave, so agreement means something
