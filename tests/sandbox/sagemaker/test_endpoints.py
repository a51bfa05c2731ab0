import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_an_endpoint_answers_an_unchanged_client(serving: Any) -> None:
    endpoint = serving.create("one")
    assert endpoint["EndpointStatus"] == "InService"
    variant = endpoint["ProductionVariants"][0]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    answer = serving.invoke(Accept="application/json")
    assert json.loads(answer["Body"]) == {"model": "one", "kind": "str", "type": "text/csv"}
    assert answer["ContentType"] == "application/json"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert serving.client.describe_endpoint(EndpointName=serving.name)["EndpointStatus"] == "InService"
    listed = serving.client.list_endpoints(NameContains=serving.name, StatusEquals="InService")["Endpoints"]
    assert [each["EndpointName"] for each in listed] == [serving.name]


def test_contents_other_than_csv_and_json_are_bytes_and_json_is_the_default_answer(serving: Any) -> None:
    serving.create("one")
    answer = serving.invoke(b"\x00", ContentType="application/x-parquet")
    assert json.loads(answer["Body"])["kind"] == "bytes"
    assert answer["ContentType"] == "application/json"


def test_the_container_logs_to_cloudwatch(serving: Any) -> None:
    serving.create("one")
    serving.client.delete_endpoint(EndpointName=serving.name)
    serving.account.deleted(serving.name)
    lines = serving.account.log_lines(f"/aws/sagemaker/Endpoints/{serving.name}", "AllTraffic/i-")
    assert "loading model" in lines


def test_an_answer_of_400_is_a_model_error_with_its_message(serving: Any) -> None:
    serving.create("one")
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke("bad")
    response = error.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"]) == {"error": "row 1: bad"}
    group = f"/aws/sagemaker/Endpoints/{serving.name}"
    assert response["LogStreamArn"].startswith(f"arn:aws:logs:eu-west-1:111111111111:log-group:{group}")
    assert response["Error"]["Message"] == (
        'Received client error (400) from primary with message "{"error": "row 1: bad"}". See'
        " https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logEventViewer:group="
        f"{group} in account 111111111111 for more information."
    )


def test_an_exception_in_a_handler_is_a_model_error_of_500(serving: Any) -> None:
    serving.create("one")
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke("raise")
    assert error.value.response["OriginalStatusCode"] == 500
    assert "Received server error (500) from primary" in str(error.value)
    assert "not handled" not in str(error.value)


def wait_for_replacement(serving: Any, pid: int) -> None:
    """Until then requests are answered with ServiceUnavailable, which boto3 tries again only twice."""
    fleet = serving.fleet()
    with fleet._changed:
        assert fleet._changed.wait_for(lambda: serving.pids() != [pid], 60)


def test_a_container_that_dies_over_a_request_answers_502_and_is_replaced(serving: Any) -> None:
    serving.create("one")
    (first,) = serving.pids()
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke("die")
    assert error.value.response["OriginalStatusCode"] == 502
    wait_for_replacement(serving, first)
    assert json.loads(serving.invoke()["Body"])["model"] == "one"


def wait_for_end(pid: int) -> None:
    """Wait until the kernel has ended a process, whether or not its parent has noticed."""
    with suppress(FileNotFoundError, ProcessLookupError):  # the second where it ends between opening and reading
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            pass


def test_a_killed_instance_is_replaced_while_the_other_serves(serving: Any) -> None:
    serving.create("one", variant={"InitialInstanceCount": 2})
    killed, other = serving.pids()
    os.kill(killed, signal.SIGKILL)
    wait_for_end(killed)  # a request that it is answering at that moment is lost with it
    while killed in serving.pids():
        assert json.loads(serving.invoke()["Body"])["model"] == "one"
    assert len(serving.pids()) == 2
    assert other in serving.pids()


def test_losing_the_warm_process_brings_the_endpoint_back(serving: Any) -> None:
    serving.create("one")
    (first,) = serving.pids()
    os.kill(serving.account._sagemaker._containers.pid, signal.SIGKILL)
    wait_for_replacement(serving, first)
    assert json.loads(serving.invoke()["Body"])["model"] == "one"


def test_a_request_that_takes_too_long_is_a_model_error_of_0(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    serving.create("one")
    monkeypatch.setattr(serving.account._sagemaker.endpoints, "invocation_timeout_s", 0.2)
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke("wait")
    assert error.value.response["OriginalStatusCode"] == 0
    assert "Your invocation timed out while waiting for a response from container primary" in str(error.value)


def test_bodies_beyond_the_limit_are_refused_both_ways(serving: Any) -> None:
    serving.create("one")
    assert "exceeded 6291456 bytes" in refused(serving.invoke, body="1" * 6_291_457)[1]
    with pytest.raises(serving.runtime.exceptions.ModelError, match="could not load the entire response body"):
        serving.invoke("large")


def test_an_unknown_endpoint_is_a_validation_error(serving: Any) -> None:
    assert refused(serving.invoke) == (
        "ValidationError",
        f"Endpoint {serving.name} of account 111111111111 not found.",
    )


def test_an_unknown_variant_and_other_targets_are_refused(serving: Any) -> None:
    serving.create("one")
    assert refused(serving.invoke, TargetVariant="Blue")[1].startswith("Variant Blue not found")
    assert refused(serving.invoke, TargetModel="a.tar.gz")[1].endswith("is not available in the sandbox.")
    assert json.loads(serving.invoke(TargetVariant="AllTraffic")["Body"])["model"] == "one"


@pytest.mark.parametrize(
    "handlers",
    ["def model_fn(model_dir): raise RuntimeError('corrupt')", "import no_such_module", "x = 1"],
)
def test_an_endpoint_whose_container_does_not_answer_ping_fails(serving: Any, handlers: str) -> None:
    endpoint = serving.create("broken", handlers)
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"] == (
        "The primary container for production variant AllTraffic did not pass the ping health check. Please check"
        " CloudWatch logs for this endpoint."
    )
    assert refused(serving.invoke)[0] == "ValidationError"
    assert serving.account.log_lines(f"/aws/sagemaker/Endpoints/{serving.name}", "AllTraffic/")
    message = refused(
        serving.client.update_endpoint, EndpointName=serving.name, EndpointConfigName=f"{serving.name}-broken"
    )[1]
    assert message.startswith("Cannot update failed endpoint")


def test_a_container_that_hangs_fails_when_its_time_is_over(serving: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sagewright.sandbox.sagemaker.endpoints.fleet.STARTUP_TIMEOUT_S", 1)
    monkeypatch.setattr("sagewright.sandbox.sagemaker.endpoints.instance.PING_TIMEOUT_S", 0.2)
    endpoint = serving.create("slow", "import time; time.sleep(300)")
    assert "did not pass the ping health check" in endpoint["FailureReason"]


def test_the_image_serves_a_model_that_has_only_model_fn(serving: Any) -> None:
    handlers = """
class Sums:
    def predict(self, rows):
        return rows.sum(axis=1)

def model_fn(model_dir):
    return Sums()
"""
    serving.create("plain", handlers)
    assert serving.invoke("1,2\n3,4", Accept="application/json")["Body"] == b"[3.0, 7.0]"
    assert serving.invoke("[[1, 2]]", ContentType="application/json", Accept="text/csv")["Body"].strip() == b"3.0"
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke(b"x", ContentType="image/png")
    assert error.value.response["OriginalStatusCode"] == 415
    with pytest.raises(serving.runtime.exceptions.ModelError) as error:
        serving.invoke("1,2\n3,4", Accept="image/png")
    assert error.value.response["OriginalStatusCode"] == 406


def test_an_isolated_model_is_reached_and_reaches_nothing(serving: Any) -> None:
    handlers = f"""
import os, urllib.request
def model_fn(model_dir):
    try:
        urllib.request.urlopen("{serving.account.sandbox.endpoint}", timeout=5)
        return "reached the network"
    except OSError as error:
        return "isolated" if "HTTP" not in str(error) else "reached the network"
def input_fn(content, content_type): return [name for name in os.environ if "KEY" in name]
def predict_fn(data, model): return [model, *data]
"""
    serving.create("isolated", handlers, EnableNetworkIsolation=True)
    seen = json.loads(serving.invoke(Accept="application/json")["Body"])
    logs = "\n".join(log.read_text() for log in (serving.fleet()._folder).glob("*.log"))
    assert seen == ["isolated"] or "network isolation is not enforced" in logs


def test_deleting_an_endpoint_stops_its_processes_and_keeps_the_rest(
    serving: Any, is_gone: Callable[[int], bool]
) -> None:
    serving.create("one")
    pids = serving.pids()
    serving.client.delete_endpoint(EndpointName=serving.name)
    serving.account.deleted(serving.name)
    said = refused(serving.client.describe_endpoint, EndpointName=serving.name)[1]
    assert said.startswith("Could not find endpoint")
    assert all(is_gone(pid) for pid in pids)
    assert refused(serving.invoke)[0] == "ValidationError"
    serving.client.describe_endpoint_config(EndpointConfigName=f"{serving.name}-one")
    serving.client.describe_model(ModelName=f"{serving.name}-one")
