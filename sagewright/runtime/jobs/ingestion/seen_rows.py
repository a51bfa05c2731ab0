"""Which rows of a file have been before, with as much memory for a hundred million rows as for one million.

A row is two hashes, of its key and of all of it. They are kept sorted; what is too much for the memory goes to
the disk, and a Bloom filter (Burton Bloom, 1970) tells of nearly every new key that it need not be looked for there.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

# Rows that are held in memory, and rows that are read from the disk at once.
_RUN, _BLOCK = 2**17, 2**12
_FILTER_BITS = 2**27
_MIXERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_SHIFT = np.uint64(64 - _FILTER_BITS.bit_length() + 1)

# Keys, and the rows that they are of.
_Rows = tuple[np.ndarray, np.ndarray]


class Bits:
    """Many yes or no, eight in a byte."""

    def __init__(self, size: int) -> None:
        self._bytes = np.zeros(size // 8 + 1, dtype=np.uint8)

    def set(self, places: np.ndarray) -> None:
        """Say yes at these places."""
        np.bitwise_or.at(self._bytes, places >> 3, (1 << (places & 7)).astype(np.uint8))

    def get(self, places: np.ndarray) -> np.ndarray:
        """Return what was said at these places."""
        return (self._bytes[places >> 3] >> (places & 7).astype(np.uint8) & 1).astype(bool)


@dataclass(frozen=True)
class _Run:
    """Sorted rows on the disk: where they begin, how many they are, and the first key of each block of them."""

    offset: int
    rows: int
    firsts: np.ndarray


class SeenRows:
    """What has been of one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: list[_Rows] = []
        self._runs: list[_Run] = []
        self._file: IO[bytes] | None = None
        self._filter: Bits | None = None

    def look(self, keys: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which rows have been before as they are, and which with other values."""
        same, other = np.zeros(len(keys), dtype=bool), np.zeros(len(keys), dtype=bool)
        if not len(keys):
            return same, other
        for held in self._held:
            same, other = np.logical_or((same, other), _compare((keys, rows), held))
        self._look_on_disk(keys, rows, same, other)
        _, firsts, groups = np.unique(keys, return_index=True, return_inverse=True)
        first = firsts[groups]
        again = (first != np.arange(len(keys))) & ~same & ~other
        same |= again & (rows == rows[first])
        other |= again & (rows != rows[first])
        self._add(keys[~same & ~other], rows[~same & ~other])
        return same, other

    def _look_on_disk(self, keys: np.ndarray, rows: np.ndarray, same: np.ndarray, other: np.ndarray) -> None:
        if self._filter is None:
            return
        maybe = np.ones(len(keys), dtype=bool)
        for places in _places(keys):
            maybe &= self._filter.get(places)
        asked = np.flatnonzero(maybe)
        for run in self._runs:
            blocks = np.searchsorted(run.firsts, keys[asked], side="right") - 1
            for block in np.unique(blocks[blocks >= 0]).tolist():
                here = asked[blocks == block]
                found_same, found_other = _compare((keys[here], rows[here]), self._block(run, block))
                same[here] |= found_same
                other[here] |= found_other

    def _block(self, run: _Run, block: int) -> _Rows:
        """Read a block."""
        file: Any = self._file
        start, rows = block * _BLOCK, min(_BLOCK, run.rows - block * _BLOCK)
        file.seek(run.offset + 8 * start)
        keys = np.frombuffer(file.read(8 * rows), dtype=np.uint64)
        file.seek(run.offset + 8 * (run.rows + start))
        return keys, np.frombuffer(file.read(8 * rows), dtype=np.uint64)

    def _add(self, keys: np.ndarray, rows: np.ndarray) -> None:
        if not len(keys):
            return
        order = np.argsort(keys)
        self._held.append((keys[order], rows[order]))
        while len(self._held) > 1 and len(self._held[-2][0]) <= 2 * len(self._held[-1][0]):
            self._merge()
        if sum(len(held) for held, _ in self._held) >= _RUN:
            while len(self._held) > 1:
                self._merge()
            self._spill(*self._held.pop())

    def _merge(self) -> None:
        (more_keys, more_rows), (held_keys, held_rows) = self._held.pop(), self._held.pop()
        both = np.concatenate([held_keys, more_keys])
        order = np.argsort(both, kind="stable")
        self._held.append((both[order], np.concatenate([held_rows, more_rows])[order]))

    def _spill(self, keys: np.ndarray, rows: np.ndarray) -> None:
        if self._file is None or self._filter is None:
            # It has no name, and goes with this object.
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - see above
            self._filter = Bits(_FILTER_BITS)
        self._runs.append(_Run(self._file.seek(0, 2), len(keys), keys[::_BLOCK].copy()))
        self._file.write(keys.tobytes())
        self._file.write(rows.tobytes())
        for places in _places(keys):
            self._filter.set(places)


def _places(keys: np.ndarray) -> Iterator[np.ndarray]:
    for mixer in _MIXERS:
        yield ((keys * np.uint64(mixer)) >> _SHIFT).astype(np.int64)


def _compare(asked: _Rows, held: _Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows are among those held as they are, and which with other values."""
    (keys, rows), (held_keys, held_rows) = asked, held
    places = np.minimum(np.searchsorted(held_keys, keys), len(held_keys) - 1)
    hit = held_keys[places] == keys
    alike = held_rows[places] == rows
    return hit & alike, hit & ~alike
