"""The trees of a run as Zarr (version 3, consolidated), made in memory when they are first asked for.

A reader fetches the metadata once, then only the chunks of the variables that it uses. A key is looked up among the
keys of the store, so no key becomes a path.
"""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from forecast.storage.runs import Run

Store = Mapping[str, bytes]
_MOST: Final = 2**29  # bytes of all stores in memory; the least used ones go first
_ROOT: Final = "zarr.json"


def zarr_store(run: Run, name: str) -> dict[str, bytes]:
    """Return one NetCDF file of a run as the keys and values of a Zarr store; raises RunError if it is damaged."""
    import warnings

    from zarr.core.buffer import Buffer
    from zarr.storage import MemoryStore

    kept: dict[str, Buffer] = {}
    with run.tree(name) as tree, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # consolidated metadata are an extension of version 3 of the format
        tree.load().to_zarr(MemoryStore(kept), zarr_format=3, consolidated=True)
    files = {key: value.to_bytes() for key, value in kept.items()}
    compact: bytes = json.dumps(json.loads(files[_ROOT]), separators=(",", ":")).encode()
    return {**files, _ROOT: compact}


class Trees:
    """The stores that were asked for last."""

    def __init__(self) -> None:
        self._stores: OrderedDict[tuple[str, str], Store] = OrderedDict()
        self._making = asyncio.Lock()

    async def get(self, run: Run, name: str, make: Callable[..., Awaitable[Any]]) -> Store:
        """Return the store of a file of a run; `make` calls `zarr_store` in another process."""
        key = (name, run.manifest["files"][name])
        if key not in self._stores:
            async with self._making:
                store = self._stores.get(key) or await make(zarr_store, run, name)
                self._stores[key] = store
        store = self._stores[key]
        self._stores.move_to_end(key)
        while len(self._stores) > 1 and sum(map(_size, self._stores.values())) > _MOST:
            self._stores.popitem(last=False)
        return store


def _size(store: Store) -> int:
    return sum(map(len, store.values()))
