"""A Parquet table with a boolean label and every type that Parquet has for a cell of a table."""

import datetime as dt
import decimal
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300
DAY = dt.date(2024, 2, 28)

generator = np.random.default_rng(7)
amount = generator.integers(1, 90, ROWS)
gaps = generator.random(ROWS) < 0.1
repaid = (amount + generator.normal(0, 15, ROWS)) < 55
moments = [dt.datetime.combine(DAY, dt.time(row % 24, 5, 0, row), dt.UTC) for row in range(ROWS)]
columns = {
    "loan": pa.array([f"L-{row:04}" for row in range(ROWS)]),
    "repaid": pa.array([None if row in (3, 77) else bool(value) for row, value in enumerate(repaid)]),
    "amount": pa.array(amount.astype("int16")),
    "children": pa.array(
        [None if gap else int(value) for gap, value in zip(gaps, amount % 5, strict=True)], pa.uint8()
    ),
    "rate": pa.array([decimal.Decimal(int(value)) / 8 for value in amount], pa.decimal128(9, 3)),
    "income": pa.array([None if gap else value / 3 for gap, value in zip(gaps, amount.tolist(), strict=True)]),
    "urban": pa.array([bool(value % 2) for value in amount]),
    "owner": pa.array([None if gap else bool(value % 3) for gap, value in zip(gaps, amount.tolist(), strict=True)]),
    "città": pa.array([["Zürich", "", "東京", None, "NA"][row % 5] for row in range(ROWS)]).dictionary_encode(),
    "postcode": pa.array([f"{value:03}" for value in amount]),
    "account": pa.array([2**60 + row if row % 7 else None for row in range(ROWS)], pa.int64()),
    "opened": pa.array([DAY + dt.timedelta(days=row) for row in range(ROWS)]),
    "signed": pa.array(moments, pa.timestamp("us", "UTC")),
    "notes": pa.nulls(ROWS),
}
target = Path(sys.argv[1]) / "year=2024"
target.mkdir(parents=True)
(target / "_SUCCESS").touch()
pq.write_table(pa.table(columns).slice(0, 200), target / "part-0.parquet")
pq.write_table(pa.table(columns).slice(200), target / "part-1.parquet")
