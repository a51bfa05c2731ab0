"""Ingest a Parquet file with the SageMaker SDK: `ingest_sdk.py GROUP FILE WORKERS PROCESSES`."""

import sys
import time

import ingest_memory  # pyrefly: ignore[missing-import] - it lies beside this program
import pandas as pd
from sagemaker.mlops.feature_store import ingest_dataframe


def main() -> None:
    """Print the seconds that it took, without those of the import, and the peak of its memory in megabytes."""
    group, file, workers, processes = sys.argv[1:]
    began = time.perf_counter()
    rows = pd.read_parquet(file)
    ingest_dataframe(group, rows, max_workers=int(workers), max_processes=int(processes))
    print(time.perf_counter() - began, ingest_memory.peak_megabytes())


if __name__ == "__main__":
    main()
