"""Compare two Parquet files with Evidently's drift preset: `drift_evidently.py baseline current`."""

import sys

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """Print how many columns have drifted."""
    baseline, current = (pd.read_parquet(path) for path in sys.argv[1:])
    snapshot = Report([DataDriftPreset()]).run(current_data=current, reference_data=baseline)
    print(int(snapshot.dict()["metrics"][0]["value"]["count"]))


if __name__ == "__main__":
    main()
