"""A job's lines are shown as it writes them, each once."""

import time
import uuid
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from sagewright.cli.log_tail import Lines
from sagewright.cli.terminal import Terminal
from sagewright.runtime.functions.training_progress import Step

GROUP = "/aws/sagemaker/ProcessingJobs"
STEP = Step("Ingest", "Executing", 1.0, cached=False, failure=None, job_kind="ProcessingJob", job="job-1", metadata={})


def client() -> Any:
    return boto3.client("logs", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")


def test_each_line_is_shown_once_and_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        logs, shown = client(), Lines(client(), Terminal())
        shown.show(STEP)  # nothing has been written, and nowhere
        assert capsys.readouterr().err == ""
        stream = f"job-1/{uuid.uuid4()}"
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)

        def write(*lines: str) -> str:
            events = [{"timestamp": int(time.time() * 1000), "message": line} for line in lines]
            logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
            shown.show(STEP)
            return capsys.readouterr().err

        assert write("sky: [1] of 2") == "  sky: [1] of 2\n"
        shown.show(STEP)
        assert capsys.readouterr().err == ""
        assert write("sky: 2", "done") == "  sky: 2\n  done\n"


def test_who_may_not_read_logs_is_shown_none(capsys: pytest.CaptureFixture[str]) -> None:
    logs = client()
    with Stubber(logs) as stubber:
        stubber.add_client_error("describe_log_streams", "AccessDeniedException", "not authorized", 400)
        shown = Lines(logs, Terminal())
        shown.show(STEP)
        shown.show(STEP)  # and nobody is asked again
    assert capsys.readouterr().err == ""
