"""The user's names of wars, designs and missions in a stored run."""

from contextlib import closing

from forecast import names
from forecast.storage.runs import Run


def scenario_labels(run: Run) -> dict[str, str]:
    """Return the labels of the wars and designs of a run; raises RunError if its priors are damaged."""
    grid = run.json(names.PRIORS).get("grid", {})
    return {name: entry["label"] for part in ("wars", "designs") for name, entry in grid.get(part, {}).items()}


def mission_labels(run: Run) -> dict[str, str]:
    """Return the labels of the missions of a run; raises RunError if its projection is damaged.

    They are in the manifest. For runs of earlier builds they are read from the projection, which takes a second.
    """
    if (known := run.manifest.get("missions")) is not None:
        return dict(known)
    with closing(run.projection) as tree:
        if names.MISSIONS not in tree.children:
            return {}
        missions = tree[names.MISSIONS].to_dataset()
        labels = zip(missions[names.MISSION].values, missions["mission_label"].values, strict=True)
        return {str(name): str(label) for name, label in labels}
