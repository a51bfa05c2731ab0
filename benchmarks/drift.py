"""Drift of a million rows against a million, ours beside Evidently's drift preset: whole processes, from Parquet.

Absolute times drift with the machine, so the figure to compare between commits is the ratio of the two, taken in one
run. Both must find the same columns: two of 18 are shifted. Run with `make bench`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 1_000_000
ROUNDS = 3
SHIFTED = 2

LEAST_RATIO = 15
MOST_MEGABYTES = 500


def table(seed: int, *, shifted: bool) -> pa.Table:
    """Draw 8 columns of floats, 4 of integers and 6 of texts, with 3 to 3,072 different ones."""
    random = np.random.default_rng(seed)
    columns: dict[str, object] = {f"float_{number}": random.normal(number, 1 + number, ROWS) for number in range(8)}
    columns |= {f"integer_{number}": random.integers(0, 10 ** (number + 1), ROWS) for number in range(4)}
    for number in range(6):
        texts = np.array([f"value {value}" for value in range(3 * 4**number)])
        columns[f"text_{number}"] = pa.array(texts[random.integers(0, len(texts), ROWS)])
    if shifted:
        columns["float_3"] = random.normal(6, 4, ROWS)
        columns["text_0"] = pa.array(random.choice(["value 0", "value 1", "value 2"], ROWS, p=[0.7, 0.2, 0.1]))
    return pa.table(columns)


def measure(python: str, program: str, *files: Path) -> tuple[float, float]:
    """Return seconds and peak memory in megabytes of one run, which must find the shifted columns."""
    command = [python, Path(__file__).with_name(program), *files]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:  # noqa: S603  our own programs
        said = run.stdout.read() if run.stdout else ""
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if run.returncode or said.split()[-1:] != [str(SHIFTED)]:
        sys.exit(f"{program} ended with {run.returncode} and found {said.strip()!r} columns, not {SHIFTED}")
    # Kilobytes on Linux, bytes on macOS.
    return seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def main() -> None:
    """Measure the two in turn, so that a slow moment of the machine falls on both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--evidently", required=True, help="Python of the environment that Evidently is in")
    evidently = parser.parse_args().evidently
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "baseline.parquet", Path(folder) / "current.parquet"
        for seed, path in enumerate(files):
            pq.write_table(table(seed, shifted=seed > 0), path)
        for number in range(ROUNDS):
            ours.append(measure(sys.executable, "drift_ours.py", *files))
            if number < ROUNDS - 1:
                theirs.append(measure(evidently, "drift_evidently.py", *files))
    seconds, peer_seconds = (statistics.median(run[0] for run in runs) for runs in (ours, theirs))
    megabytes, peer_megabytes = (max(run[1] for run in runs) for runs in (ours, theirs))
    print(f"drift, 1 million rows x 18 columns against as many, from Parquet ({pa.__version__})")
    print(f"ours                {seconds:6.2f} s  {megabytes:5.0f} MB (at most {MOST_MEGABYTES})")
    print(f"Evidently's preset  {peer_seconds:6.2f} s  {peer_megabytes:5.0f} MB")
    print(f"ratio               {peer_seconds / seconds:6.2f} (at least {LEAST_RATIO})")


if __name__ == "__main__":
    main()
