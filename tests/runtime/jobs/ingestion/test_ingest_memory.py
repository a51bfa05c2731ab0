"""The memory of an ingestion is that of some batches: a file with more rows takes no more of it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# Tells by how much a job's memory grew at most: of rows that go to S3 nothing is kept here, as it would not be there.
PEAK = """
import sys
from pathlib import Path
import boto3.s3.transfer
import ingest_world
from sagewright.runtime.jobs.ingestion import ingest, offline_store, seen_rows, source_batches

folder, batch = Path(sys.argv[1]), int(sys.argv[2])
if batch:
    source_batches.MOST_ROWS, offline_store._MOST_ROWS, seen_rows._RUN = batch, 4 * batch, 4 * batch

class S3(ingest_world.S3):
    def put_object(self, **asked):
        if "/data/" in asked["Key"]:
            asked["Body"] = b""
        return super().put_object(**asked)

    def download_file(self, bucket, key, path, Config):
        Path(path).unlink(missing_ok=True)
        Path(path).symlink_to(folder / "rows.parquet")

class World(ingest_world.World):
    def client(self, service):
        return S3(self) if service == "s3" else super().client(service)

def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

winds = [(f"wind_{number}", "fractional") for number in range(6)]
there = World(folder, ingest_world.declaration(g=ingest_world.group(winds)))
there.put("rows.parquet", b"")
ingest.Account = lambda region: there
before = kilobytes("VmRSS")
code, message = there.run()
assert code == 0, message
(end,) = there.ledger(".end.json")
print(end["written"], len(there.online), kilobytes("VmHWM") - before)
"""


def started(folder: Path, rows: int, batch: int, ids: int) -> subprocess.Popen[str]:
    """Ingest so many rows, in order of time, in a process of its own."""
    folder.mkdir()
    numbers = np.arange(rows)
    columns: dict[str, Any] = {
        "id": pa.array(np.char.add("station-", (numbers % ids).astype(str))),
        "at": pa.array(1_700_000_000_000 + numbers * 500, pa.timestamp("ms")),
    }
    columns |= {f"wind_{number}": np.random.default_rng(number).normal(size=rows) for number in range(6)}
    pq.write_table(pa.table(columns), folder / "rows.parquet", row_group_size=rows)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    call = [sys.executable, "-c", PEAK, str(folder), str(batch)]
    return subprocess.Popen(call, env=environment, text=True, stdout=subprocess.PIPE)


def ended(run: subprocess.Popen[str], rows: int, ids: int) -> int:
    """Return the kilobytes that it took beside those it had when it began."""
    said, _ = run.communicate()
    assert run.returncode == 0
    written, online, kilobytes = map(int, said.split()[-3:])
    assert (written, online) == (rows, ids)
    return kilobytes


def compare(folder: Path, few: int, many: int, batch: int, ids: int) -> tuple[int, int]:
    runs = {rows: started(folder / str(rows), rows, batch, ids) for rows in (few, many)}
    return ended(runs[few], few, ids), ended(runs[many], many, ids)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read where Linux tells it")
def test_fifteen_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    few, many = compare(tmp_path, few=20_000, many=300_000, batch=2_000, ids=50)
    # What is held at once settles with more rows than the few; each of what was found to grow made it 1.8 and more.
    assert many < 1.6 * few


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read where Linux tells it")
def test_four_million_rows_take_no_more_memory_than_one(tmp_path: Path) -> None:
    one, four = compare(tmp_path, few=1_000_000, many=4_000_000, batch=0, ids=1_000)
    assert four < 1.25 * one
    assert four < 200_000
