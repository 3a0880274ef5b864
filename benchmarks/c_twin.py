"""The kernel in C, to be timed against the one that numba compiles: same buffers in, same numbers out.

`twin.c` holds the loops and the rules. What both must agree upon (records, arrays, constants) is written for it as a
header, from the Python definitions, so that it cannot drift. `check` tells whether the two count the same.
"""

import ctypes
import itertools
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecast import constants as conventions
from forecast import names
from forecast.projection.resources import typical_draws
from forecast.projection.static_inputs import build_static_inputs
from forecast.simulation import histograms, kernel, random_numbers, records
from forecast.simulation import tallies as counts
from forecast.simulation.arrays import Draws, PathState, Shocks, StaticInputs
from forecast.simulation.buffers import empty_sampled_paths, empty_tally, new_path_state, new_shocks
from forecast.simulation.steps import dyads as dyad_steps
from forecast.simulation.steps import missions as mission_steps
from forecast.simulation.tallies import SampledPaths, Tally
from forecast.workspace.inputs import read_inputs

ROOT = Path(__file__).parents[1]
SOURCE = Path(__file__).with_name("twin.c")
FLAGS = "-O3 -march=native -ffp-contract=off -fno-math-errno -shared -fPIC".split()
SEED = 1
READ_ONLY = (StaticInputs, Draws)
SCALARS = {"int64": "int64_t", "float64": "double", "int32": "int32_t", "float32": "float"}


class Sizes(NamedTuple):
    """How many there are of each thing."""

    paths: int
    whole: int  # paths that are kept whole
    draws: int
    cells: int
    quarters: int
    years: int
    members: int
    countries: int
    missions: int
    contingents: int  # at most in a mission
    slots: int
    dyads: int


def simulate(
    paths: np.ndarray,
    seed: int,
    layout: StaticInputs,
    draws: Draws,
    shocks: Shocks,
    world: PathState,
    tally: Tally,
    joint: SampledPaths,
) -> None:
    """What `forecast.simulation.kernel.simulate` does, in C."""
    tables = (layout, draws, shocks, world, tally, joint)
    numbers = np.ascontiguousarray(paths, np.int64)
    sizes = Sizes(
        paths=numbers.size,
        whole=joint.cohesion.shape[0],
        draws=draws.parameters.size,
        cells=layout.cells.size,
        quarters=shocks.alliance.size,
        years=layout.pledge.size,
        members=layout.members.size,
        countries=layout.countries.size,
        missions=layout.contingents.shape[0],
        contingents=layout.contingents.shape[1],
        slots=layout.slots.size,
        dyads=layout.dyads.size,
    )
    library(header(tables)).simulate(
        ctypes.c_void_p(numbers.ctypes.data),
        ctypes.c_uint32(seed),
        (ctypes.c_int64 * len(sizes))(*sizes),
        *(addresses(table) for table in tables),
    )


def addresses(table: tuple[np.ndarray, ...]) -> Any:
    """Where the arrays of a table lie: in C, a struct of pointers."""
    if not all(array.flags.c_contiguous for array in table):
        raise ValueError(f"{type(table).__name__}: all arrays must be contiguous")
    return (ctypes.c_void_p * len(table))(*(array.ctypes.data for array in table))


@cache
def library(head: str) -> ctypes.CDLL:
    """The compiled twin, once a process for each header."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise RuntimeError("the twin in C needs a C compiler: install one, or name it in CC")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "twin.h").write_text(head)
        made = Path(folder) / "twin.so"
        command = [compiler, *FLAGS, f"-I{folder}", str(SOURCE), "-o", str(made), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{compiler} cannot compile {SOURCE.name}:\n{done.stderr}")
        return ctypes.CDLL(str(made))


def header(tables: tuple[Any, ...]) -> str:
    """Constants, records and structs of pointers for these tables."""
    pointers = [
        struct_text(
            type(table).__name__,
            (
                f"{'const ' * isinstance(table, READ_ONLY)}{type_name(array.dtype)} *{name}"
                for name, array in zip(table._fields, table, strict=True)
            ),
        )
        for table in tables
    ]
    return fixed_part() + "".join(pointers)


@cache
def fixed_part() -> str:
    """What of the header holds for all tables."""
    lines = [f"static const double {k} = {v!r};" for k, v in reals().items()]
    lines += [f"enum {{ {k} = {v} }};" for k, v in integers().items()]
    for name in ("M0", "M1", "W0", "W1"):
        lines.append(f"static const uint32_t PHILOX_{name} = {getattr(random_numbers, f'_{name}')};")
    for name, table in bins().items():
        values = ", ".join(map(str, table))
        lines.append(f"static const int64_t {name}_BIN[{table.size}] = {{{values}}};")
    text = "\n".join(lines) + "\n"
    for name, dtype in record_types().items():
        text += struct_text(name, record_fields(dtype))
        text += f'_Static_assert(sizeof({name}) == {dtype.itemsize}, "{name}");\n'
    return text + struct_text("Sizes", (f"int64_t {name}" for name in Sizes._fields))


def struct_text(name: str, fields: Iterator[str]) -> str:
    """A struct in C."""
    return "typedef struct {\n" + "".join(f"    {one};\n" for one in fields) + f"}} {name};\n"


def record_fields(dtype: np.dtype[Any]) -> Iterator[str]:
    """The fields of a record in C."""
    for name in dtype.names or ():
        field = dtype[name]
        yield f"{SCALARS[field.base.name]} {name}" + "".join(f"[{n}]" for n in field.shape)


@cache
def record_types() -> dict[str, np.dtype[Any]]:
    """All records of the core by their name in C: MEMBER_PARAMETER is MemberParameter."""
    return {
        name.title().replace("_", ""): value
        for module in (records, records, records, records)
        for name, value in vars(module).items()
        if isinstance(value, np.dtype)
    }


def type_name(dtype: np.dtype[Any]) -> str:
    """The type in C of what an array holds."""
    if dtype.names is None:
        return SCALARS[dtype.name]
    return next(name for name, record in record_types().items() if record == dtype)


def bins() -> dict[str, np.ndarray]:
    """The tables of the bins of time."""
    return {
        "TENURE": conventions.bin_table(conventions.TENURE_EDGES),
        "DURATION": conventions.bin_table(conventions.DURATION_EDGES),
    }


def integers() -> dict[str, int]:
    """Purposes of random numbers, positions and lengths."""

    def whole(module: Any, prefix: str) -> dict[str, int]:
        found = vars(module).items()
        return {prefix + k: v for k, v in found if k.isupper() and type(v) is int}

    return {
        **whole(random_numbers, "DRAW_"),
        **whole(records, "AT_"),
        **whole(histograms, ""),
        **whole(records, ""),
        **whole(mission_steps, ""),
        **whole(dyad_steps, ""),
        **{f"{name}_BINS": table.size for name, table in bins().items()},
        "DURATIONS": len(conventions.DURATION_EDGES),
        "EVENTS": len(names.EVENTS),
        "INDICES": len(names.INDICES),
        "MODES": len(names.MODES),
        "WHOLE_STATE": len(records.WHOLE_STATE),
    }


def reals() -> dict[str, float]:
    """Real constants."""
    found = {k: v for k, v in vars(histograms).items() if k.isupper() and type(v) is float}
    return found | {
        "COMMON_TAILS": conventions.COMMON_TAILS,
        "UNIT": counts.UNIT,
        "PI": math.pi,
    }


def check(paths: int = 200) -> None:
    """Raise AssertionError unless both kernels give the same numbers, bit by bit: quickstart, and small plans."""
    inputs = read_inputs(ROOT, "quickstart")
    layout = build_static_inputs(inputs.tables, inputs.priors, inputs.plan, inputs.roster)
    agree("quickstart", layout, typical_draws(layout), inputs.plan.quarters, paths)
    for title, small, draws, quarters in small_plans():
        agree(title, small, draws, quarters, paths)


def small_plans() -> Iterator[tuple[str, StaticInputs, Draws, int]]:
    """Plans of the tests in which everything happens within a few quarters, with more and fewer mechanisms."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    from tests.support.random_kernel_inputs import QUARTERS, constants, tiny_draws, tiny_layout

    on = [name for name in names.MECHANISMS if name != "collapse"]  # that is on anyway
    options: list[dict[str, Any]] = [
        *({"quarter_of_year": q, "onset": o} for q, o in itertools.product((0, 2), (0, 5))),
        *({"on": [name], "onset": 1} for name in on),
        {"on": on, "onset": 3, "quarter_of_year": 1},
        {"on": on, "stress": 2, "feedback": 0.3, "quarter_of_year": 3},
        {"on": on, "stress": 9, "feedback": 0.3},
        {"collapse": 0, "stress": 4},
    ]
    for option in options:
        layout = tiny_layout(**option)
        yield f"small plan {option}", layout, tiny_draws(layout), QUARTERS
    bare = constants(tiny_layout(on=on), usa=-1, ally_usa=-1, reach=0, demands=0)
    yield "small plan without the United States", bare, tiny_draws(bare), QUARTERS


def agree(title: str, layout: StaticInputs, draws: Draws, quarters: int, paths: int) -> None:
    """Raise AssertionError where tallies or whole paths differ."""
    whole = paths // 4
    found = []
    for run in (kernel.simulate, simulate):
        tally, joint = empty_tally(layout, quarters), empty_sampled_paths(layout, quarters, whole)
        shocks, world = new_shocks(layout, quarters), new_path_state(layout, quarters)
        run(np.arange(paths), SEED, layout, draws, shocks, world, tally, joint)
        found.append({**tally._asdict(), **{f"joint {k}": v for k, v in joint._asdict().items()}})
    for name, expected in found[0].items():
        same = np.array_equal(expected, found[1][name], equal_nan=True)
        assert same, f"{title}: {name} differs between the kernel and its twin in C"
