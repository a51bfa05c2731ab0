import io
import json
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from sagewright.cli import log_tail
from sagewright.cli.asking import Endpoint, Request, ask
from sagewright.cli.errors import CommandError


def stubbed(service: Any) -> tuple[Any, Stubber]:
    client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def runtime() -> tuple[Endpoint, Stubber]:
    client, stubber = stubbed("sagemaker-runtime")
    return Endpoint("leavers-dev", client, stubbed("logs")[0]), stubber


def test_labels_and_values_are_both_predictions() -> None:
    endpoint, stubber = runtime()
    body = json.dumps(
        {"predictions": [{"label": 1, "probabilities": {"0": 0.2, "1": 0.8}}, {"label": "x"}, {"value": 3.5}]}
    ).encode()
    stubber.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(body), len(body))})
    label, bare, value = ask(endpoint, Request(b"1", "text/csv"))
    assert (label.value, label.probability) == (1, 0.8)
    assert (bare.value, bare.probability) == ("x", None)
    assert value.value == 3.5


def test_a_refusal_of_the_container_is_told_in_its_own_words() -> None:
    endpoint, stubber = runtime()
    stubber.add_client_error(
        "invoke_endpoint",
        "ModelError",
        "Received client error (400) from primary with message ...",
        424,
        response_meta={},
        modeled_fields={
            "OriginalStatusCode": 400,
            "OriginalMessage": '{"error": "row 2, column age: \'abc\' is not a number"}',
        },
    )
    with pytest.raises(CommandError, match="answered 400: row 2, column age: 'abc' is not a number"):
        ask(endpoint, Request(b"1", "text/csv"))


LOG = "arn:aws:logs:eu-west-1:111111111111:log-group:/aws/sagemaker/Endpoints/leavers-dev"


@pytest.mark.parametrize(
    ("arn", "streams"),
    [
        (LOG, {"orderBy": "LastEventTime", "descending": True, "limit": ANY}),
        (f"{LOG}:log-stream:AllTraffic/i-1", {"logStreamNamePrefix": "AllTraffic/i-1"}),
    ],
)
def test_a_container_that_failed_is_told_with_its_log_instead_of_a_web_servers_page(
    arn: str, streams: dict[str, Any]
) -> None:
    client, stubber = stubbed("sagemaker-runtime")
    logs, written = stubbed("logs")
    said = {
        "OriginalStatusCode": 500,
        "OriginalMessage": "<!doctype html><title>500</title>",
        "LogStreamArn": arn,
    }
    stubber.add_client_error("invoke_endpoint", "ModelError", "Received server error", 424, modeled_fields=said)
    group = {"logGroupName": "/aws/sagemaker/Endpoints/leavers-dev"}
    written.add_response("describe_log_streams", {"logStreams": [{"logStreamName": "AllTraffic/i-1"}]}, group | streams)
    events = [{"timestamp": 1, "message": "KeyError: 'plan'\n"}]
    where = {"logStreamName": "AllTraffic/i-1", "limit": ANY, "startFromHead": False, "startTime": ANY}
    written.add_response("get_log_events", {"events": events}, group | where)
    with pytest.raises(CommandError) as failed:
        ask(Endpoint("leavers-dev", client, logs), Request(b"1", "text/csv"))
    first, line = str(failed.value).splitlines()
    assert first.startswith("Endpoint leavers-dev answered 500: the container failed. The last lines of")
    assert line == "  KeyError: 'plan'"
    assert "html" not in first


def test_a_log_that_may_not_be_read_does_not_hide_the_failure() -> None:
    logs, stubber = stubbed("logs")
    stubber.add_client_error("describe_log_streams", "AccessDeniedException", "no")
    told = log_tail.of_job(logs, "/aws/sagemaker/TrainingJobs", "job")
    assert told == " The credentials in use may not read the container's log (/aws/sagemaker/TrainingJobs, job)."


def test_an_endpoint_that_is_not_there_says_to_release() -> None:
    endpoint, stubber = runtime()
    message = "Endpoint leavers-dev of account 111111111111 not found."
    stubber.add_client_error("invoke_endpoint", "ValidationError", message, 400)
    with pytest.raises(CommandError, match="Nothing is released there yet: `sagewright release`"):
        ask(endpoint, Request(b"1", "text/csv"))


@pytest.mark.parametrize(("row", "reason"), [("{age: 1}", "is not JSON"), ("[1]", "is not an object")])
def test_a_row_that_is_no_object_is_refused_with_an_example(row: str, reason: str) -> None:
    with pytest.raises(CommandError, match=f"{reason}.*age"):
        Request.of_objects([row])


def test_texts_go_as_csv_with_their_commas_quoted() -> None:
    request = Request.of_texts([{"age": "42", "plan": "a, b"}])
    assert request == Request(b'age,plan\n42,"a, b"\n', "text/csv")
