"""Why: a flow log whose role may not write is a flow log in name only, and nobody notices before it is needed."""

import sys
from typing import Any

from botocore.exceptions import ClientError

from ... import networks
from ...clients import Clients
from ...clock import Clock
from ...protocol import ApiError, Caller

_PRINCIPAL = "vpc-flow-logs.amazonaws.com"


def record_flows(clients: Clients, clock: Clock, caller: Caller, subnet: dict[str, Any], interface: str) -> None:
    """Write what the flow logs around a new interface hold of it: that no traffic was seen, which is all there is.

    A record that may not be written fails nothing but itself, as in AWS; the flow log says so from then on.
    """
    over = {subnet["VpcId"], subnet["SubnetId"]}
    ec2 = clients.get("ec2", caller.account, caller.region)
    for log in ec2.describe_flow_logs()["FlowLogs"]:
        if log["ResourceId"] in over and log.get("LogGroupName"):
            try:
                _write(clients, clock, caller, log, interface)
            except (ApiError, ClientError) as denial:
                _note_failure(caller, log["FlowLogId"])
                sys.stderr.write(f"{log['FlowLogId']} does not reach {log['LogGroupName']}: {denial}\n")


def _write(clients: Clients, clock: Clock, caller: Caller, log: dict[str, Any], interface: str) -> None:
    source = f"arn:aws:ec2:{caller.region}:{caller.account}:vpc-flow-log/{log['FlowLogId']}"
    role = log["DeliverLogsPermissionArn"]
    acting = clients.as_role(role, service=_PRINCIPAL, region=caller.region, source_arn=source)
    logs = acting.get("logs", caller.account, caller.region)
    group, stream = log["LogGroupName"], f"{interface}-all"
    if not logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(clock.now())
    message = f"2 {caller.account} {interface} - - - - - - - {now} {now} - NODATA"
    logs.put_log_events(
        logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now * 1000, "message": message}]
    )


def _note_failure(caller: Caller, flow_log: str) -> None:
    # moto has no API by which a log's delivery fails later.
    log = networks.of(caller.account, caller.region).flow_logs[flow_log]
    log.deliver_logs_status = "FAILED"
    log.deliver_logs_error_message = "Access error"
