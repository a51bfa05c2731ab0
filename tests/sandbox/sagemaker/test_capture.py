import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.clock import Clock
from sagewright.sandbox.sagemaker.endpoints.capture import Captures, Exchange, Payload

BOTH = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
HEADERS = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}
LAYOUT = re.compile(r"s3://data/capture/shop/AllTraffic/(\d{4}/\d\d/\d\d/\d\d)/\d\d-\d\d-\d{3}-[0-9a-f-]{36}\.jsonl")
LATE_S = 10_000_000


def settings(uri: str, **changes: Any) -> dict[str, Any]:
    known = {"DestinationS3Uri": uri, "InitialSamplingPercentage": 100, "CaptureOptions": BOTH}
    return known | {"EnableCapture": True, "CaptureContentTypeHeader": HEADERS} | changes


def exchange(body: str | bytes = "1,2", content_type: str = "text/csv", **ids: str) -> Exchange:
    asked = Payload(content_type, body if isinstance(body, bytes) else body.encode())
    return Exchange("request-1", asked, Payload("application/json; charset=utf-8", b"[0.5]"), **ids)


class Written:
    """A capture of its own on a clock of its own, and what it has written."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.forward(self.clock.now() + LATE_S)  # so that a minute's end is not waited for by chance
        assert self.clock.arrived(10)
        self.captures = Captures(self.clock)
        self.files: dict[str, bytes] = {}

    def open(self, **changes: Any) -> Any:
        return self.captures.open("shop", "AllTraffic", settings("s3://data/capture/", **changes), self._write)

    def _write(self, uri: str, body: bytes) -> None:
        self.files[uri] = body

    def pass_time(self, seconds: float) -> None:
        self.clock.forward(self.clock.now() + seconds)
        assert self.clock.arrived(10)

    def records(self) -> list[dict[str, Any]]:
        self.pass_time(60)
        return [json.loads(line) for body in self.files.values() for line in body.splitlines()]


@pytest.fixture
def written() -> Iterator[Written]:
    made = Written()
    yield made
    made.clock.close()


def test_requests_of_a_minute_are_one_file_in_the_layout_of_sagemaker(written: Written) -> None:
    capture = written.open()
    began = datetime.fromtimestamp(written.clock.now(), UTC)
    capture.record(exchange(inference_id="order-7", custom_attributes="trace=9"))
    capture.record(exchange("3,4"))
    assert not written.files
    written.pass_time(60)
    ((uri, body),) = written.files.items()
    layout = LAYOUT.fullmatch(uri)
    assert layout is not None
    assert layout[1] == f"{began:%Y/%m/%d/%H}"
    first, second = map(json.loads, body.splitlines())
    time = first["eventMetadata"].pop("inferenceTime")
    assert abs(datetime.fromisoformat(time) - began).total_seconds() < 5
    assert first == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json; charset=utf-8",
                "mode": "OUTPUT",
                "data": "[0.5]",
                "encoding": "JSON",
            },
        },
        "eventMetadata": {"eventId": "request-1", "customAttributes": ["trace=9"], "inferenceId": "order-7"},
        "eventVersion": "0",
    }
    assert second["captureData"]["endpointInput"]["data"] == "3,4"


def test_each_hour_has_a_folder_of_its_own(written: Written) -> None:
    capture = written.open()
    capture.record(exchange())
    written.pass_time(3600)
    capture.record(exchange())
    written.pass_time(60)
    folders = [match[1] for match in map(LAYOUT.fullmatch, sorted(written.files)) if match]
    assert len(set(folders)) == 2


@pytest.mark.parametrize(
    ("content_type", "body", "encoding"),
    [
        ("text/csv; charset=utf-8", "ä,1", "CSV"),
        ("Application/JSON", '{"a": 1}', "JSON"),
        ("application/x-npy", b"\x93NUMPY", "BASE64"),
        ("text/csv", b"\xff\xfe", "BASE64"),
        ("", "1", "BASE64"),
    ],
)
def test_content_types_decide_the_encoding(
    written: Written, content_type: str, body: str | bytes, encoding: str
) -> None:
    capture = written.open()
    capture.record(exchange(body, content_type))
    (record,) = written.records()
    found = record["captureData"]["endpointInput"]
    data = body if isinstance(body, bytes) else body.encode()
    assert (found["observedContentType"], found["encoding"]) == (content_type, encoding)
    assert (base64.b64decode(found["data"]) if encoding == "BASE64" else found["data"].encode()) == data


def test_without_content_types_everything_is_in_base64(written: Written) -> None:
    capture = written.open(CaptureContentTypeHeader={"CsvContentTypes": ["text/plain"]})
    capture.record(exchange())
    (record,) = written.records()
    assert {part["encoding"] for part in record["captureData"].values()} == {"BASE64"}


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["Input"], {"endpointInput"}),
        (["Output"], {"endpointOutput"}),
        (["InputAndOutput"], {"endpointInput", "endpointOutput"}),
    ],
)
def test_only_what_the_options_name_is_captured(written: Written, options: list[str], parts: set[str]) -> None:
    capture = written.open(CaptureOptions=[{"CaptureMode": mode} for mode in options])
    capture.record(exchange())
    (record,) = written.records()
    assert set(record["captureData"]) == parts


@pytest.mark.parametrize(("percent", "least", "most"), [(0, 0, 0), (50, 300, 700), (100, 1000, 1000)])
def test_a_sample_of_the_requests_is_captured(written: Written, percent: int, least: int, most: int) -> None:
    capture = written.open(InitialSamplingPercentage=percent)
    for _ in range(1000):
        capture.record(exchange())
    assert least <= len(written.records()) <= most


def test_what_is_left_is_written_when_the_fleet_goes(written: Written) -> None:
    capture = written.open()
    capture.record(exchange())
    written.captures.close(capture)
    assert len(written.files) == 1


def captured(serving: Any, prefix: str = "capture") -> list[dict[str, Any]]:
    """Return what an endpoint has captured, once it is deleted, which writes the rest."""
    serving.client.delete_endpoint(EndpointName=serving.name)
    serving.account.deleted(serving.name)
    s3, bucket = serving.account.client("s3"), serving.account.bucket
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{serving.name}/AllTraffic/").get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


def serve(serving: Any, **changes: Any) -> dict[str, Any]:
    serving.client.create_model(**serving.model_request("one"))
    config = settings(f"s3://{serving.account.bucket}/capture", **changes)
    serving.client.create_endpoint_config(**serving.config_request("one", DataCaptureConfig=config))
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=f"{serving.name}-one")
    return serving.account.settled(serving.name)


def test_an_endpoint_captures_what_it_answers_under_the_id_that_the_client_got(serving: Any) -> None:
    endpoint = serve(serving)
    assert endpoint["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{serving.account.bucket}/capture",
        "KmsKeyId": "",
    }
    answer = serving.invoke("1,2", InferenceId="order-7", CustomAttributes="trace=9", Accept="application/json")
    with pytest.raises(ClientError, match="row 1: bad"):
        serving.invoke("bad")
    (record,) = captured(serving)
    assert record["captureData"]["endpointInput"]["data"] == "1,2"
    assert json.loads(record["captureData"]["endpointOutput"]["data"]) == json.loads(answer["Body"])
    request_id = answer["ResponseMetadata"]["RequestId"]
    metadata = record["eventMetadata"]
    assert (metadata["eventId"], metadata["inferenceId"]) == (request_id, "order-7")
    assert metadata["customAttributes"] == ["trace=9"]


@pytest.mark.parametrize("by_alias", [False, True])
def test_captured_files_are_encrypted_with_the_key_of_the_configuration(serving: Any, *, by_alias: bool) -> None:
    kms = serving.account.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=f"alias/{serving.name}", TargetKeyId=key)
    alias = f"arn:aws:kms:eu-west-1:111111111111:alias/{serving.name}"
    serve(serving, KmsKeyId=alias if by_alias else key)
    serving.invoke()
    assert len(captured(serving)) == 1
    s3, bucket = serving.account.client("s3"), serving.account.bucket
    (file,) = s3.list_objects_v2(Bucket=bucket, Prefix="capture/")["Contents"]
    head = s3.head_object(Bucket=bucket, Key=file["Key"])
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] in ({key, alias} if by_alias else {key})


@pytest.mark.parametrize("action", ["s3:PutObject", "kms:GenerateDataKey"])
def test_a_role_that_may_not_write_loses_what_is_captured_and_the_log_says_so(serving: Any, action: str) -> None:
    key = serving.account.client("kms").create_key()["KeyMetadata"]["Arn"]
    serve(serving, KmsKeyId=key)
    serving.account.forbid(action)
    serving.invoke()
    assert captured(serving) == []
    lines = serving.account.log_lines(f"/aws/sagemaker/Endpoints/{serving.name}", "AllTraffic/")
    (said,) = [line for line in lines if "captured" in line]
    assert said.startswith("[sandbox] 1 captured requests are not in S3: ")
    assert serving.account.denial(action) in said


def test_capture_that_is_switched_off_writes_nothing(serving: Any) -> None:
    endpoint = serve(serving, EnableCapture=False)
    assert endpoint["DataCaptureConfig"]["CaptureStatus"] == "Stopped"
    serving.invoke()
    assert captured(serving) == []


@pytest.mark.parametrize("retained", [True, False])
def test_an_update_captures_as_its_configuration_says_unless_it_retains_the_old_way(
    serving: Any, *, retained: bool
) -> None:
    serve(serving)
    serving.client.create_model(**serving.model_request("two"))
    new = settings(f"s3://{serving.account.bucket}/new")
    serving.client.create_endpoint_config(**serving.config_request("two", DataCaptureConfig=new))
    excluded = [] if retained else [{"VariantPropertyType": "DataCaptureConfig"}]
    kept = {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": excluded}
    endpoint = serving.update(f"{serving.name}-two", **kept)
    place = "capture" if retained else "new"
    assert endpoint["DataCaptureConfig"]["DestinationS3Uri"].endswith(f"/{place}")
    serving.invoke()
    assert len(captured(serving, place)) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"DestinationS3Uri": "https://data/capture"}, "is not an S3 URI"),
        ({"CaptureOptions": [BOTH[0], BOTH[0]]}, "CaptureOptions: input is given more than once"),
        ({"CaptureContentTypeHeader": {}}, "CaptureContentTypeHeader is empty"),
        (
            {"CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["text/CSV"]}},
            "text/csv is given more than once",
        ),
    ],
)
def test_a_configuration_that_could_not_capture_is_refused(serving: Any, changes: dict[str, Any], message: str) -> None:
    serving.client.create_model(**serving.model_request("one"))
    config = settings(f"s3://{serving.account.bucket}/capture", **changes)
    with pytest.raises(ClientError, match=message):
        serving.client.create_endpoint_config(**serving.config_request("one", DataCaptureConfig=config))
