"""Rows that have been before are found wherever they are held: in memory, on the disk, or in the same batch."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sagewright.runtime.jobs.ingestion import newest_rows, seen_rows
from sagewright.runtime.jobs.ingestion.newest_rows import NewestRows
from sagewright.runtime.jobs.ingestion.seen_rows import SeenRows


@pytest.mark.parametrize("filter_bits", [2**27, 2**6])
def test_repeated_and_conflicting_rows_are_told_as_a_dictionary_tells_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, filter_bits: int
) -> None:
    monkeypatch.setattr(seen_rows, "_RUN", 300)
    monkeypatch.setattr(seen_rows, "_BLOCK", 16)
    monkeypatch.setattr(seen_rows, "_FILTER_BITS", filter_bits)
    monkeypatch.setattr(seen_rows, "_SHIFT", np.uint64(65 - filter_bits.bit_length()))
    chance, seen, known = np.random.default_rng(0), SeenRows(tmp_path), dict[int, int]()
    mixed = chance.integers(0, 2**64, 3_000, dtype=np.uint64)
    for _ in range(100):
        keys = chance.choice(mixed, chance.integers(0, 60))
        rows = keys + chance.integers(0, 2, len(keys)).astype(np.uint64)
        expected: list[tuple[bool, bool]] = []
        for key, row in zip(keys.tolist(), rows.tolist(), strict=True):
            before = known.setdefault(key, row) if key in known else None
            known.setdefault(key, row)
            expected.append((before == row, before is not None and before != row))
        same, other = seen.look(keys, rows)
        assert [*zip(same.tolist(), other.tolist(), strict=True)] == expected
    assert len(known) > 1_000


def test_the_newest_of_each_id_is_found_over_all_tables_and_of_equally_old_ones_the_last(tmp_path: Path) -> None:

    chance, newest, known = np.random.default_rng(0), NewestRows(tmp_path, "id"), dict[str, tuple[int, int]]()
    for _ in range(40):
        ids = [f"id {number}" for number in chance.integers(0, 200, 50)]
        moments, numbers = chance.integers(0, 30, 50), chance.integers(0, 10**9, 50)
        for key, moment, number in zip(ids, moments.tolist(), numbers.tolist(), strict=True):
            if key not in known or known[key][0] <= moment:
                known[key] = (moment, number)
        newest.add(pa.table({"id": ids, newest_rows.MOMENT: moments, "number": numbers}))
    assert newest.close() == len(known)
    for _ in range(2):  # for each environment once
        found = pa.concat_tables(newest.tables()).to_pylist()
        assert {row["id"]: (row[newest_rows.MOMENT], row["number"]) for row in found} == known
        assert len(found) == len(known)
