"""The files that the archive adds to a run: the answers to open questions, and the mixture of its scenarios."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from forecast.archive.answers import answer_open
from forecast.archive.run_mixture import mixture_file
from forecast.workspace.inputs import Inputs


def further_files(inputs: Inputs, tree: xr.DataTree, headlines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the files by name; raises RunError if the mixture contradicts the headlines."""
    return answer_open(inputs, tree) | mixture_file(inputs, tree, headlines)
