"""Compare the missions of the simulator with the same equations in JAX: jit, scan over quarters, vmap over the rest.

    python benchmarks/jax_missions.py

JAX is no dependency: a pinned version is installed into a temporary folder for this comparison. Both get the same
random numbers of the same paths, drawn by the simulator, and a constant effect of cohesion on the hazards in each cell.
They must agree on the curves of every path. Times are CPU time, without drawing and without compiling. JAX has no
branches for missions in which nothing happens; the simulator has.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np
from common import HEAD, quickstart

from forecast.projection.batches import SimulationSpec
from forecast.simulation.buffers import new_path_state, new_shocks
from forecast.simulation.jit import entry
from forecast.simulation.lanes import load, store
from forecast.simulation.records import CELLS, CUTS, NEVER, NEW_CAVEAT, RE_ROLE
from forecast.simulation.rules.withdrawal import CONTAGION_UNIT
from forecast.simulation.shocks.path import draw_shocks
from forecast.simulation.steps.missions import reset_missions, step_mission

PACKAGES = ("jax==0.8.0", "jaxlib==0.8.0", "ml_dtypes==0.6.0", "opt_einsum==3.4.0")
CONSTANTS = ("contagion_cap", "backfill", "reductions", "collapse_operation", "hand_over")
PATHS, TURNS, REPEATS = 64, 7, 5


@entry
def play(paths, job, cells, static, draws, shocks, path_state):  # type: ignore[no-untyped-def]
    """Draw each path, and play its missions so many times in all cells.

    `job` is the seed and the number of times, `cells` the effect of cohesion (block, lane) and the array that receives
    the nominal and the operational curve (path, block, quarter, mission, curve, lane).
    """
    (seed, repeats), (ratios, curves) = job, cells
    for row in range(paths.size):
        p = paths[row] % draws.parameters.size
        draw_shocks(seed, paths[row], p, static, draws, shocks)
        for _ in range(repeats):
            for block in range(ratios.shape[0]):
                reset_missions(path_state.missions)
                for t in range(shocks.alliance.size):
                    for s in range(static.missions.size):
                        if static.missions[s].start <= t < static.missions[s].end:
                            step_mission(t, s, p, load(ratios[block]), static, draws, shocks, path_state)
                            for i in range(2):
                                store(curves[row, block, t, s, i], load(path_state.missions[s].curve[i]))


def inputs_of_jax(spec: SimulationSpec, ratios: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what JAX needs of the plan (mission, ...) and of the paths (path, mission, ...)."""
    static, missions = spec.static, spec.static.missions
    exists = np.arange(static.contingents.shape[1]) < missions["contingents"][:, None]
    plan = {name: np.asarray(missions[name]) for name in ("start", "end", "lead", "ever", "ad_hoc")}
    plan |= {"weight": np.where(exists, static.contingents["weight"], 0.0)}
    paths: dict[str, list[Any]] = {}
    path_state, unused = new_path_state(static, spec.quarters), np.empty((1, 0, 0, 0, 0, CELLS))
    for path in range(PATHS):
        shocks = new_shocks(static, spec.quarters)
        play(np.array([path]), (spec.seed, 0), (ratios, unused), static, spec.draws, shocks, path_state)
        contingents, parameter = shocks.contingents, spec.draws.parameters[path]
        values = {
            "hazards": np.where(exists[..., None], shocks.hazards[..., : spec.quarters], 0.0).swapaxes(1, 2),
            "curve_ratios": np.where(exists[..., None], shocks.curve_ratios[..., : spec.quarters], 1.0).swapaxes(1, 2),
            "campaign": shocks.campaigns["hazard_ratio"].T,
            "hand_over": shocks.campaigns["hand_over"][0],
            "exit_threshold": np.where(exists, contingents["exit_threshold"], np.inf),
            "cut_threshold": np.where(exists[..., None], contingents["cut_threshold"], np.inf),
            "planned_quarter": np.where(exists, contingents["planned_quarter"], NEVER),
            "planned_cut_quarter": np.where(exists[..., None], contingents["planned_cut_quarter"], NEVER),
            **{name: contingents[name] for name in ("cut_size", "cut_mode", "planned_cut_size")},
        }
        for name in ("contagion", "lead_gone", "backfill", "ever_reduced", "nato", "hand_over"):
            values[f"b_{name}"] = np.full(missions.size, parameter[name])
        for name, value in values.items():
            paths.setdefault(name, []).append(np.array(value))
    return plan, {name: np.stack(values) for name, values in paths.items()}


def cut(jnp: Any, t: Any, state: Any, path: Any, present: Any, cumulative: Any) -> tuple[Any, ...]:
    """Return troops, role, reach and the numbers of cuts after a quarter."""
    troops, role, reach, cuts, planned_cuts = (state[x] for x in ("troops", "role", "reach", "cuts", "planned_cuts"))
    for i in range(CUTS):
        now = (present == 1.0) & (i >= cuts) & (cumulative >= path["cut_threshold"][:, i])
        size, mode = jnp.where(now, path["cut_size"][:, i], 1.0), path["cut_mode"][:, i]
        role = role * jnp.where(mode == RE_ROLE, size, 1.0)
        reach = reach * jnp.where(mode == NEW_CAVEAT, size, 1.0)
        troops = troops * jnp.where((mode != RE_ROLE) & (mode != NEW_CAVEAT), size, 1.0)
        planned = (present == 1.0) & (i >= planned_cuts) & (t >= path["planned_cut_quarter"][:, i])
        troops = troops * jnp.where(planned, path["planned_cut_size"][:, i], 1.0)
        cuts, planned_cuts = cuts + now, planned_cuts + planned
    return troops, role, reach, cuts, planned_cuts


def jax_missions(quarters: int, constants: Any) -> Any:
    """Return a compiled function of plan, paths and ratios (cell,) that gives curves (path, cell, mission, t, 2)."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def mission(plan: Any, path: Any, ratio: Any) -> Any:
        """Return the curves of one mission of one path in one cell, (t, 2)."""
        lead = jnp.maximum(plan["lead"], 0)

        def leaderless(present: Any, handed: Any) -> Any:
            return (plan["lead"] >= 0) & (present[lead] == 0.0) & (handed == 0.0)

        def step(state: Any, now: Any) -> Any:
            t, hazards, curve_ratios, campaign = now
            left, lost = state["left"].sum(), state["lost"].sum()
            share = jnp.minimum(constants["contagion_cap"], left / plan["ever"])
            gone = leaderless(state["present"], state["handed"])
            common = jnp.exp(path["b_contagion"] * CONTAGION_UNIT * share + path["b_lead_gone"] * gone)
            common *= jnp.where(state["handed"] == 1.0, jnp.exp(path["b_nato"]), 1.0)
            grows = (lost > 0.0) & (state["nominal"] > 0.0)
            remaining = jnp.where(grows, state["nominal"], 1.0)
            power = constants["backfill"] * path["b_backfill"]
            common *= jnp.where(grows, ((remaining + lost) / remaining) ** power, 1.0)
            hazard = ratio * campaign * common * hazards * state["ratio"]
            cumulative, towards_exit = state["cumulative"] + hazard, state["towards_exit"] + hazard * curve_ratios
            present = state["present"]
            leaves = (towards_exit >= path["exit_threshold"]) | (t >= path["planned_quarter"])
            leaves &= present == 1.0
            present = jnp.where(leaves, 0.0, present)
            troops, role, reach, cuts, planned_cuts = cut(jnp, t, state, path, present, cumulative)
            reduced = jnp.exp(constants["reductions"] * path["b_ever_reduced"])
            own_ratio = present * jnp.where(troops < 1.0, reduced, 1.0)
            nominal = (plan["weight"] * present).sum()
            operational = (plan["weight"] * present * troops * role * reach).sum()
            low = jnp.where(operational < constants["collapse_operation"], state["low"] + 1.0, 0.0)
            collapsed = (state["collapsed"] == 1.0) | (low >= 2.0)
            gone = leaderless(present, state["handed"])
            takes = (gone | collapsed) & (path["hand_over"] < path["b_hand_over"]) & (state["handed"] == 0.0)
            takes &= constants["hand_over"] * plan["ad_hoc"] == 1
            new = {
                "cumulative": cumulative,
                "towards_exit": towards_exit,
                "present": present,
                "troops": jnp.where(takes, 1.0, troops),
                "role": jnp.where(takes, 1.0, role),
                "reach": jnp.where(takes, 1.0, reach),
                "ratio": jnp.where(takes, present, own_ratio),
                "cuts": cuts,
                "planned_cuts": planned_cuts,
                "left": jnp.stack([state["left"][1], leaves.sum() * 1.0]),
                "lost": jnp.stack([state["lost"][1], (plan["weight"] * leaves).sum()]),
                "nominal": nominal,
                "low": low,
                "collapsed": collapsed * 1.0,
                "handed": jnp.where(takes, 1.0, state["handed"]),
            }
            runs = (plan["start"] <= t) & (t < plan["end"])
            state = {name: jnp.where(runs, new[name], state[name]) for name in state}
            return state, jnp.where(runs, jnp.stack([nominal, operational]), jnp.nan)

        zero, none = jnp.zeros(()), jnp.zeros(plan["weight"].shape)
        one, whole = none + 1.0, none.astype(int)
        start = {"cumulative": none, "towards_exit": none, "present": one, "troops": one, "role": one, "reach": one}
        start |= {"ratio": one, "cuts": whole, "planned_cuts": whole, "left": jnp.zeros(2), "lost": jnp.zeros(2)}
        start |= {"nominal": zero + 1.0, "low": zero, "collapsed": zero, "handed": zero}
        now = (jnp.arange(quarters), path["hazards"], path["curve_ratios"], path["campaign"])
        return jax.lax.scan(step, start, now)[1]

    by_mission = jax.vmap(mission, (0, 0, None))
    by_cell = jax.vmap(by_mission, (None, None, 0))
    return jax.jit(jax.vmap(by_cell, (None, 0, None)))


def cpu(job: Any) -> float:
    """Return the CPU seconds of a call."""
    begun = time.process_time()
    job()
    return time.process_time() - begun


def main() -> int:
    """Print the ratio of the CPU times; return 1 if the curves differ."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, *PACKAGES]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        sys.path.append(folder)
        spec = quickstart()
        ratios = np.linspace(0.5, 2.0, CELLS).reshape(1, CELLS)
        missions, paths = spec.static.missions.size, np.arange(PATHS)
        curves = np.full((PATHS, 1, spec.quarters, missions, 2, CELLS), np.nan)
        shocks, path_state = new_shocks(spec.static, spec.quarters), new_path_state(spec.static, spec.quarters)

        def ours(repeats: int) -> None:
            play(paths, (spec.seed, repeats), (ratios, curves), spec.static, spec.draws, shocks, path_state)

        plan, of_paths = inputs_of_jax(spec, ratios)
        constants = {name: float(spec.static.constants[0][name]) for name in CONSTANTS}
        compiled = jax_missions(spec.quarters, constants)
        ours(1)
        theirs = np.asarray(compiled(plan, of_paths, ratios.ravel()))
        expected = curves.transpose(0, 1, 5, 3, 2, 4).reshape(theirs.shape)
        apart = np.abs(theirs - expected) > 1e-9
        apart |= np.isnan(theirs) != np.isnan(expected)

        def jax_job() -> None:
            compiled(plan, of_paths, ratios.ravel()).block_until_ready()

        times = [(cpu(jax_job), (cpu(lambda: ours(REPEATS)) - cpu(lambda: ours(0))) / REPEATS) for _ in range(TURNS)]
        found = sorted(a / b for a, b in times)
        print(HEAD)
        print(
            f"| missions in JAX : simulator, CPU time, {PATHS} paths, {CELLS} cells | {statistics.median(found):.2f} | "
            f"{found[0]:.2f} to {found[-1]:.2f} | {statistics.median(b for _, b in times):.3f} s |"
        )
        print(f"curves: {apart.mean():.1e} of the values differ")
        return int(apart.mean() > 1e-4)


if __name__ == "__main__":
    sys.exit(main())
