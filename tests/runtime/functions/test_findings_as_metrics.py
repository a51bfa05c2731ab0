"""A finished run of either engine becomes the metrics that alarms and the dashboard are made of."""

import ast
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends
from moto.core import DEFAULT_ACCOUNT_ID

import sagewright
from tests.runtime.functions.findings import BUCKET, FINDINGS, account, deployed, put, run_of, violations


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with account(monkeypatch):
        yield deployed()


def event(*uris: str) -> dict[str, Any]:
    outputs = [{"OutputName": "report", "S3Output": {"S3Uri": uri, "S3UploadMode": "END_OF_JOB"}} for uri in uris]
    return {"detail": {"ProcessingJobStatus": "Completed", "ProcessingOutputConfig": {"Outputs": outputs}}}


def published() -> dict[tuple[str, str | None], float]:
    """Every value in the namespace by metric and column; all are of the one endpoint."""
    backend = cloudwatch_backends[DEFAULT_ACCOUNT_ID]["eu-west-1"]
    found: dict[tuple[str, str | None], float] = {}
    data: list[Any] = backend.metric_data
    for each in data:
        dimensions = {dimension.name: dimension.value for dimension in each.dimensions}
        assert each.namespace == "Sagewright/churn/prod"
        assert dimensions.pop("Endpoint") == "churn-prod"
        found[each.name, dimensions.pop("Column", None)] = each.value
        own = {"Monitor": "builtin-hourly", "Version": "7"} if each.name == "DriftedColumns" else {}
        assert dimensions == own
    return found


def test_a_run_that_found_drift_says_how_many_columns_and_how_far_each_is(function: Any) -> None:
    put(f"{FINDINGS}abc/", run_of(10, {"price": 0.42, "tenure": 0.01}))

    function.handler(event(f"{FINDINGS}abc"), None)

    assert published() == {
        ("RunsCompleted", None): 1,
        ("DriftedColumns", None): 1,
        ("Rows", None): 500,
        ("ColumnDrift", "price"): 0.42,
        ("ColumnDrift", "tenure"): 0.01,
    }


def test_a_run_that_found_nothing_says_so(function: Any) -> None:
    put(f"{FINDINGS}abc/", run_of(10, {"price": 0.02}, rows=0))

    function.handler(event(f"{FINDINGS}abc/"), None)

    found = published()
    assert (found["DriftedColumns", None], found["RunsCompleted", None], found["Rows", None]) == (0, 1, 0)


def test_a_run_of_model_monitor_is_read_from_its_words(function: Any) -> None:
    folder = f"{FINDINGS}churn-prod-data-quality/2026/11/21/10/"
    named = {"feature_name": "plan", "constraint_check_type": "completeness_check", "description": "Observed: Only 90%"}
    put(folder, {"constraint_violations": {"violations": [*violations({"price": 4.2e-1}), named]}})

    function.handler(event(folder), None)

    assert published() == {
        ("RunsCompleted", None): 1,
        ("DriftedColumns", None): 2,
        ("ColumnDrift", "price"): 0.42,
    }


def test_a_column_that_fails_two_checks_counts_once(function: Any) -> None:
    found = [*violations({"price": 0.3}), *violations({"price": 0.3})]
    put(f"{FINDINGS}abc/", {"constraint_violations": {"violations": found}})

    function.handler(event(f"{FINDINGS}abc"), None)

    assert published()["DriftedColumns", None] == 1


def test_a_run_of_model_monitor_without_violations_leaves_no_file_and_is_a_run_all_the_same(function: Any) -> None:
    function.handler(event(f"{FINDINGS}churn-prod-data-quality/2026/11/21/10"), None)

    assert published() == {("RunsCompleted", None): 1, ("DriftedColumns", None): 0}


def test_other_outputs_of_a_job_are_no_runs(function: Any) -> None:
    function.handler(event(f"s3://{BUCKET}/elsewhere/abc"), None)

    assert published() == {}


def test_names_of_columns_that_cloudwatch_does_not_take_are_written_in_escapes(function: Any) -> None:
    put(f"{FINDINGS}abc/", run_of(10, {"größe": 0.2, ":x": 0.3, " ": 0.4, "a\nb": 0.5, "客" * 400: 0.6}))

    function.handler(event(f"{FINDINGS}abc"), None)

    columns = {column: value for (metric, column), value in published().items() if metric == "ColumnDrift" and column}
    assert {column: value for column, value in columns.items() if value < 0.6} == {
        "gr\\xf6\\xdfe": 0.2,
        "\\:x": 0.3,
        "' '": 0.4,
        "a\\nb": 0.5,
    }
    assert {len(column) for column in columns if column.startswith("\\u5ba2")} == {1024}


def test_more_columns_than_one_call_takes_are_all_published(function: Any) -> None:
    put(f"{FINDINGS}abc/", run_of(10, {f"column {number}": 0.0 for number in range(1200)}))

    assert function.handler(event(f"{FINDINGS}abc"), None) == {"published": 1203}

    assert len(published()) == 1203


def test_what_may_not_be_read_is_an_error_and_not_an_empty_run(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Denying:
        def get_object(self, **_: str) -> io.BytesIO:
            denied: Any = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError(denied, "GetObject")

    cloudwatch = boto3.client("cloudwatch")

    def client(name: str) -> Any:
        return Denying() if name == "s3" else cloudwatch

    monkeypatch.setattr("boto3.client", client)

    with pytest.raises(ClientError, match="AccessDenied"):
        function.handler(event(f"{FINDINGS}abc"), None)
    assert published() == {}


def test_the_function_is_one_short_file_of_the_standard_library_and_boto3() -> None:
    path = Path(sagewright.__file__).parent / "runtime" / "functions" / "findings.py"
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names} - sys.stdlib_module_names == {"boto3", "botocore"}
    # What CloudFormation takes of code in a template is more; a template in S3 may be a megabyte altogether.
    assert path.stat().st_size < 100_000
