"""What a report says of the dyads: one row a dyad and design. The war in Ukraine does not touch them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from forecast import names
from forecast.tell import Row, Story, number, probability

_MEANS = ("abandonment", "entrapment", "base_opinion", "host_support", "us_troops")


def dyad_rows(story: Story) -> list[Row]:
    """Where each dyad stands in the last quarter, in the first war, by design; spending in the last year."""
    data = story.dyads
    rows = []
    for dyad in data[names.DYAD].values if data.data_vars else ():
        for design in story.designs:
            here = data.sel(dyad=dyad, design=design).isel(war=0, quarter=-1)
            rows.append({
                "name": str(here["dyad_label"].item()), "design": design,
                "cohesion": _fan(here["dyad_cohesion"]), "intact": here["intact_probability"].item(),
                "refused": here["refused_probability"].item(),
                "share": _fan(here["partner_share"].isel(year=-1)),
                **{name: here[f"{name}_mean"].item() for name in _MEANS},
            })  # fmt: skip
    return rows


def _fan(fan: xr.DataArray) -> list[float]:
    """Median and the ends of the 80 % interval."""
    at = [names.QUANTILES.index(level) for level in (0.5, 0.1, 0.9)]
    return [float(x) for x in np.asarray(fan.values)[at]]


def dyad_sentence(story: Story, plan: Mapping[str, Any]) -> str:
    """How the dyads compare in the reference cell, and which events the plan sets."""
    rows = [row for row in dyad_rows(story) if row["design"] == story.designs[0]]
    if not rows:
        return ""
    last = str(story.dyads[names.QUARTER].values[-1])
    told = "; ".join(
        f"{row['name']} has a median cohesion of {number(row['cohesion'][0])} "
        f"(80 % interval {number(row['cohesion'][1])} to {number(row['cohesion'][2])}) and its "
        f"treaty still stands with a probability of {probability(row['intact'])}"
        for row in rows
    )
    sentence = f"In {last}, with “{story.labels[story.designs[0]]}”, {told}."
    events = {name: q for name, q in plan.get("stress", {}).items() if name in _EVENTS}
    if events:
        sentence += " The plan sets " + ", ".join(f"{_EVENTS[k]} in {q}" for k, q in events.items())
        sentence += "."
    return sentence


_EVENTS = {
    "hns_demand": "a demand for several times the host-nation support",
    "dprk_reach": "the sure reach of North Korea to the United States",
    "us_war": "a war of the United States elsewhere",
    "grey_zone_dyad": "an attack in the grey zone on each partner",
}
