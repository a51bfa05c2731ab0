"""Why: a job's instance tells CloudWatch how busy it was, as the job's role."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from .run import End

PERCENT = 100


def put_metrics(client: Any, namespace: str, host: str, end: "End", folder: Path) -> None:
    """Put what the container used, as the client's role: averages over its run, where SageMaker puts a point a minute.

    CPU is in percent of one core, memory (its highest) and disk in percent of what this machine has. A role that may
    not put metrics does not fail its job.
    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
    """
    disk = shutil.disk_usage(folder)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    values = {
        "CPUUtilization": end.how.cpu_s / max(end.seconds, end.how.cpu_s / (os.cpu_count() or 1), 1e-3),
        "MemoryUtilization": end.how.most_memory_bytes / memory,
        "DiskUtilization": disk.used / disk.total,
    }
    data = [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "Host", "Value": host}],
            "Unit": "Percent",
            "Value": PERCENT * value,
        }
        for name, value in values.items()
    ]
    try:
        client.put_metric_data(Namespace=namespace, MetricData=data)
    except ClientError as error:
        sys.stderr.write(f"The metrics of {host} are not in CloudWatch: {error}\n")
