"""Read the graph of a model from the model itself: its variables, and what each is computed from."""

from typing import Any, TypedDict

import pymc as pm


class Node(TypedDict):
    """One variable of a model.

    `kind` is `free`, `computed`, `data`, `observed` (a random variable with data), or `density` (a potential);
    `parents` are the variables from which it is drawn or computed.
    """

    name: str
    kind: str
    dims: list[str]
    parents: list[str]


def graph_of(model: pm.Model) -> list[Node]:
    """Return the variables of a model, each after those that it is computed from."""
    from pymc.model_graph import ModelGraph

    kinds: dict[str, str] = {}
    for kind, variables in (
        ("free", model.free_RVs),
        ("computed", model.deterministics),
        ("data", model.data_vars),
        ("observed", model.observed_RVs),
        ("density", model.potentials),
    ):
        kinds |= {str(variable.name): kind for variable in variables}
    parents: Any = ModelGraph(model).make_compute_graph()
    # PyMC points from an observed variable to its data; here data are what the variable is compared with
    left = {name: set() if kinds[name] == "data" else set(parents[name]) for name in parents if name in kinds}
    nodes: list[Node] = []
    while left:
        ready = [name for name in left if not left[name] & left.keys()]
        for name in ready:
            dims = [str(dim) for dim in model.named_vars_to_dims.get(name) or ()]
            nodes.append({"name": name, "kind": kinds[name], "dims": dims, "parents": sorted(left.pop(name))})
    return nodes
