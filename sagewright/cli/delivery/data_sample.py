"""A few rows of a table that still look like it: of each class of the label its share, always the same ones."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

ROWS = 500
# Of a rare class so many, if there are: a split and a model need some of each.
_LEAST = 20
_PARQUET = ".parquet"


def take(source: Path, label: str, *, by_class: bool, rows: int = ROWS) -> tuple[bytes, int]:
    """Draw up to so many rows of a .csv or .parquet file; returns a file of the same kind and how many are in it."""
    read = _of_parquet if source.suffix.lower() == _PARQUET else _of_csv
    return read(source, label, by_class, rows)


def chosen(labels: Sequence[object], *, by_class: bool, rows: int) -> list[int]:
    """Choose positions: evenly spread over each class, so that what comes early and what comes late is there."""
    groups: dict[object, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        groups[label if by_class else None].append(position)
    taken: list[int] = []
    for positions in groups.values():
        share = min(len(positions), max(_LEAST, round(rows * len(positions) / len(labels))))
        taken += [positions[place * len(positions) // share] for place in range(share)]
    return sorted(taken)


def _of_csv(source: Path, label: str, by_class: bool, rows: int) -> tuple[bytes, int]:  # noqa: FBT001 - as `take` has it
    with source.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        place = next(reader).index(label)
        wanted = chosen([row[place] for row in reader if row], by_class=by_class, rows=rows)
    positions = set(wanted)
    with source.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader)
        kept = [row for number, row in enumerate(each for each in reader if each) if number in positions]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *kept])
    return text.getvalue().encode(), len(kept)


def _of_parquet(source: Path, label: str, by_class: bool, rows: int) -> tuple[bytes, int]:  # noqa: FBT001 - as above
    from pyarrow import BufferOutputStream, parquet  # noqa: PLC0415 - it takes a moment, and most tables are CSV

    table = parquet.read_table(source)
    wanted = chosen(table.column(label).to_pylist(), by_class=by_class, rows=rows)
    buffer = BufferOutputStream()
    parquet.write_table(table.take(wanted), buffer)
    return buffer.getvalue().to_pybytes(), len(wanted)
