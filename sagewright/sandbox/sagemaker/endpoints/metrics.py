"""Why: alarms and scaling follow what an endpoint measures, so each request and each instance leaves its numbers.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import os
import shutil
from pathlib import Path
from typing import Any

from ...cloudwatch.metrics import Metrics, Place
from ...cloudwatch.samples import Metric

INVOCATIONS = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
_MICROSECONDS = 1_000_000
_PERCENT = 100
_CLIENT_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)
_OK = range(200, 300)


def count_invocation(  # noqa: PLR0913 - what one request leaves
    metrics: Metrics, place: Place, dimensions: dict[str, str], *, status: int, model_s: float, overhead_s: float
) -> None:
    """Count a request that a fleet got; status 0 is that of a container that did not answer.

    `dimensions` name endpoint, variant and configuration: the points come with the last and without it.
    """
    values = [
        ("Invocations", 1, "None"),
        ("Invocation4XXErrors", int(status in _CLIENT_ERRORS), "None"),
        ("Invocation5XXErrors", int(status in _SERVER_ERRORS), "None"),
        ("InvocationModelErrors", int(status not in _OK), "None"),
        ("OverheadLatency", overhead_s * _MICROSECONDS, "Microseconds"),
        ("ModelLatency", model_s * _MICROSECONDS, "Microseconds"),
    ]
    variant = {name: value for name, value in dimensions.items() if name != "EndpointConfigName"}
    for each in (variant, dimensions):
        for name, value, unit in values:
            metrics.add(place, Metric.of(INVOCATIONS, name, each), value, unit)


def put_instance_metrics(client: Any, endpoint: str, variant: str, pids: list[int], folder: Path) -> None:
    """Put how busy the instances are: CPU in percent of one core since the start, memory and disk of this machine."""
    disk = shutil.disk_usage(folder)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    data = [("DiskUtilization", disk.used / disk.total)]
    for cpu, resident in filter(None, map(_used, pids)):
        data += [("CPUUtilization", cpu), ("MemoryUtilization", resident / memory)]
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
    client.put_metric_data(
        Namespace=INSTANCES,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Unit": "Percent", "Value": _PERCENT * value}
            for name, value in data
        ],
    )


def _used(pid: int) -> tuple[float, float] | None:
    """Return a process's share of a core and its bytes of memory, where the kernel tells them (Linux)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, IndexError):
        return None
    # Of proc(5), counted from the third field on: utime 14, stime 15, starttime 22 (in ticks), rss 24 (in pages).
    ticks = os.sysconf("SC_CLK_TCK")
    running = max(uptime - int(stat[19]) / ticks, 1 / ticks)
    return (int(stat[11]) + int(stat[12])) / ticks / running, int(stat[21]) * os.sysconf("SC_PAGE_SIZE")
