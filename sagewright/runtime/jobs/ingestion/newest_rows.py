"""The newest row of each id in a whole file: what the online store is told, once and not again for every older row.

Rows wait on the disk until all of them have been read. Which of them are the newest is found a part of the ids after
the other, so that memory does not grow with the rows; ids are told apart by hashes of 64 bits.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from sagewright.runtime.jobs.ingestion.ingest_rows import MOMENT, hashes
from sagewright.runtime.jobs.ingestion.seen_rows import Bits

_PART_BITS = 6
_SHIFT = np.uint64(64 - _PART_BITS)
_NOTE = np.dtype([("id", np.uint64), ("moment", np.int64), ("place", np.int64)])


class NewestRows:
    """The rows of one file on their way to the online stores."""

    def __init__(self, folder: Path, record_id: str) -> None:
        self._folder, self._record_id = folder, record_id
        self._notes: dict[int, IO[bytes]] = {}
        self._path = folder / "newest.arrow"
        self._waiting: Any = None
        self._newest = Bits(0)
        self._places = 0

    def add(self, table: Any) -> None:
        """Take rows."""
        ids, moments = hashes(table.column(self._record_id)), table.column(MOMENT).to_numpy()
        kept = np.sort(_last(ids, moments))
        table = table.take(pa.array(kept)).combine_chunks()
        if self._waiting is None:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            self._waiting = pa.ipc.new_stream(str(self._path), table.schema, options=options)
        self._waiting.write_table(table)
        notes = np.empty(len(kept), dtype=_NOTE)
        notes["id"], notes["moment"] = ids[kept], moments[kept]
        notes["place"] = np.arange(self._places, self._places + len(kept))
        self._places += len(kept)
        parts = (notes["id"] >> _SHIFT).astype(np.int64)
        for part in np.unique(parts).tolist():
            if part not in self._notes:
                # It has no name, and goes with this object.
                self._notes[part] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see above
            self._notes[part].write(notes[parts == part].tobytes())

    def close(self) -> int:
        """Find the newest rows and return how many they are; no more come."""
        if self._waiting is not None:
            self._waiting.close()
        self._newest = Bits(self._places)
        found = 0
        for file in self._notes.values():
            file.seek(0)
            notes = np.frombuffer(file.read(), dtype=_NOTE)
            newest = _last(notes["id"], notes["moment"])
            self._newest.set(notes["place"][newest])
            found += len(newest)
            file.close()
        self._notes.clear()
        return found

    def tables(self) -> Iterator[Any]:
        """Yield the newest rows, some at a time, as often as this is called."""
        if self._waiting is None:
            return
        place = 0
        with pa.OSFile(str(self._path), "rb") as file:
            for batch in pa.ipc.open_stream(file):
                newest = self._newest.get(np.arange(place, place + batch.num_rows))
                place += batch.num_rows
                if newest.any():
                    yield pa.Table.from_batches([batch]).filter(pa.array(newest))


def _last(ids: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Return where the newest of each id is; of equally old ones the last."""
    order = np.lexsort((moments, ids))
    ordered = ids[order]
    return order[np.append(ordered[1:] != ordered[:-1], [True] * bool(len(order)))]
