"""Compare two Parquet files as the monitor compares a window with a baseline: `drift_ours.py baseline current`."""

import sys

import pyarrow as pa
import pyarrow.parquet as pq

from sagewright.runtime.jobs import constraints, drift
from sagewright.runtime.jobs.profiles import BATCH_ROWS, TableProfile


def profile(path: str) -> TableProfile:
    """Read a file once, batch by batch."""
    schema = pq.read_schema(path)
    texts = [column.name for column in schema if pa.types.is_string(column.type)]
    table = TableProfile.of_schema(schema)
    # Texts as they are stored, by their codes.
    for batch in pq.ParquetFile(path, read_dictionary=texts).iter_batches(BATCH_ROWS):
        table.add(batch)
    return table


def main() -> None:
    """Print how many columns have drifted."""
    baseline, current = profile(sys.argv[1]), profile(sys.argv[2])
    findings = drift.find(baseline, constraints.suggest(baseline), drift.Window(current))
    print(sum(bool(finding.violations) for finding in findings))


if __name__ == "__main__":
    main()
