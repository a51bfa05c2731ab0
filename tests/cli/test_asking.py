import io
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from sagewright.cli.asking import Request, ask
from sagewright.cli.errors import CommandError


def runtime() -> tuple[Any, Stubber]:
    client = boto3.client(
        "sagemaker-runtime", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stubber = Stubber(client)
    stubber.activate()
    return client, stubber


def test_labels_and_values_are_both_predictions() -> None:
    client, stubber = runtime()
    body = json.dumps(
        {"predictions": [{"label": 1, "probabilities": {"0": 0.2, "1": 0.8}}, {"label": "x"}, {"value": 3.5}]}
    ).encode()
    stubber.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(body), len(body))})
    label, bare, value = ask(client, "leavers-dev", Request(b"1", "text/csv"))
    assert (label.value, label.probability) == (1, 0.8)
    assert (bare.value, bare.probability) == ("x", None)
    assert value.value == 3.5


def test_a_refusal_of_the_container_is_told_in_its_own_words() -> None:
    client, stubber = runtime()
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
        ask(client, "leavers-dev", Request(b"1", "text/csv"))


def test_an_endpoint_that_is_not_there_says_to_release() -> None:
    client, stubber = runtime()
    message = "Endpoint leavers-dev of account 111111111111 not found."
    stubber.add_client_error("invoke_endpoint", "ValidationError", message, 400)
    with pytest.raises(CommandError, match="Nothing is released there yet: `sagewright release`"):
        ask(client, "leavers-dev", Request(b"1", "text/csv"))


@pytest.mark.parametrize(("row", "reason"), [("{age: 1}", "is not JSON"), ("[1]", "is not an object")])
def test_a_row_that_is_no_object_is_refused_with_an_example(row: str, reason: str) -> None:
    with pytest.raises(CommandError, match=f"{reason}.*age"):
        Request.of_objects([row])


def test_texts_go_as_csv_with_their_commas_quoted() -> None:
    request = Request.of_texts([{"age": "42", "plan": "a, b"}])
    assert request == Request(b'age,plan\n42,"a, b"\n', "text/csv")


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "rows.JSON"
    file.write_bytes(b'[{"age": 1}]')
    assert Request.of_file(file) == Request(b'[{"age": 1}]', "application/json")


@pytest.mark.parametrize(("name", "reason"), [("rows.xlsx", "neither CSV nor JSON"), ("rows.csv", "is not there")])
def test_a_file_that_cannot_be_sent_is_told(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        Request.of_file(tmp_path / name)
