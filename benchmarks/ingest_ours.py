"""Ingest what lies at a place in S3 as the job of the ingestion pipeline does: `ingest_ours.py BUNDLE ARGUMENT…`."""

import sys
import time
from pathlib import Path

# Loaded within the program, so that other programs of the bundle need not wait for it: not counted, as for the peer.
import boto3  # noqa: F401 - see above
import ingest_memory  # pyrefly: ignore[missing-import] - it lies beside this program

from sagewright.runtime.jobs import programs


def main() -> None:
    """Print the seconds that it took, without those of the import, and the peak of its memory in megabytes."""
    bundle, *arguments = sys.argv[1:]
    began = time.perf_counter()
    failed = programs.run(["ingest", *arguments], Path(bundle))
    print(time.perf_counter() - began, ingest_memory.peak_megabytes())
    sys.exit(failed)


if __name__ == "__main__":
    main()
