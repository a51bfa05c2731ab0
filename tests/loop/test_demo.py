"""The whole loop, once, as a newcomer runs it; then what can go wrong around the version that is live."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import sagewright
from sagewright.cli import sandbox_process
from tests.loop.client_of import client_of

pytestmark = pytest.mark.slow

MINIMUM = 0.60


@dataclass(frozen=True)
class Demo:
    """A demo that was kept: its report, its project, and the environment variables of its sandbox."""

    report: dict[str, Any]
    cli: Any
    variables: dict[str, str]

    def client(self, service: Any) -> Any:
        return client_of(self.variables, service)

    def invoke(self, body: str, content_type: str = "text/csv", **options: Any) -> Any:
        runtime = self.client("sagemaker-runtime")
        response = runtime.invoke_endpoint(
            EndpointName="churn-dev", Body=body.encode(), ContentType=content_type, **options
        )
        return response["Body"].read().decode()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Demo]:
    out = tmp_path_factory.mktemp("loop") / "demo"
    cli = command_line(out / "churn")
    try:
        done = command_line(out.parent).run("demo", "--keep", "--out", str(out), "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads((out / "report.json").read_text())
        assert json.loads(done.stdout) == report
        yield Demo(report, cli, cli.ok("sandbox", "up")["environment"])
    finally:
        cli.run("sandbox", "down")


@pytest.fixture(scope="session")
def row(demo: Demo) -> dict[str, str]:
    """A customer whom the model has never seen, as texts."""
    record = demo.client("sagemaker").describe_model_package(ModelPackageName=demo.cli.ok("show", "1")["arn"])
    bucket, _, prefix = record["CustomerMetadataProperties"]["HeldOutUri"].removeprefix("s3://").partition("/")
    text = demo.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/rows.csv")["Body"].read().decode()
    header, first = text.splitlines()[:2]
    return dict(zip(header.split(","), first.split(","), strict=True))


def test_the_report_tells_what_each_step_took_and_what_came_out(demo: Demo) -> None:
    report = demo.report
    steps = {step["name"]: step["seconds"] for step in report["steps"]}
    assert list(steps) == [
        *("new", "sandbox up", "bootstrap", "deploy", "data put", "train", "approve", "release", "invoke"),
        *("watch", "drift", "report"),
    ]
    assert sum(steps.values()) <= report["seconds"] + 0.1
    assert report["metrics"]["average_precision"] >= MINIMUM
    assert report["version"] == 1
    assert report["endpoint"]["name"] == "churn-dev"
    assert (report["requests"]["sent"], report["requests"]["rows"]) == (22, 520)


def test_held_out_rows_are_no_drift_and_then_exactly_what_was_shifted_is_named(demo: Demo) -> None:
    watched = demo.report["monitoring"]
    calm, *shifted = [run for run in watched["runs"] if run["rows"]]
    assert calm["drifted"] == []
    assert [run["drifted"] for run in shifted] == [watched["shifted"]["columns"]] * 3
    assert len(watched["shifted"]["columns"]) == 2


def test_the_alarm_goes_off_once_and_one_message_names_what_drifted(demo: Demo) -> None:
    watched = demo.report["monitoring"]
    assert [each["alarm"] for each in watched["fired"]] == ["churn-dev/drift"]
    (message,) = watched["messages"]
    assert message["to"] == "you@example.com"
    assert all(column in message["text"] for column in watched["shifted"]["columns"])
    assert {each["name"]: each["state"] for each in demo.cli.ok("drift")["alarms"]} == {
        "churn-dev/drift": "ALARM",
        "churn-dev/monitor-silent": "OK",
    }


def test_the_demo_ends_with_a_page_about_all_of_it(demo: Demo) -> None:
    page = Path(demo.report["page"]).read_text(encoding="utf-8")
    for expected in ("churn", *demo.report["monitoring"]["shifted"]["columns"], "churn-dev/drift"):
        assert expected in page


def test_nothing_that_runs_knows_the_columns_that_the_demo_shifts(demo: Demo) -> None:
    package = Path(sagewright.__file__).parent
    rooms = [package / room for room in ("sandbox", "runtime", "cli")]
    sources = [path for room in rooms for path in room.rglob("*") if path.suffix in {".py", ".j2", ".js", ".css"}]
    named = {
        str(path)
        for path in sources
        for column in demo.report["monitoring"]["shifted"]["columns"]
        if re.search(rf"\b{column}\b", path.read_text(encoding="utf-8"))
    }
    assert named == set()


def test_the_endpoint_predicts_what_the_evaluation_judged(demo: Demo) -> None:
    assert demo.report["agreement"]["with_evaluation"] == 1.0
    assert demo.report["agreement"]["with_truth"] > 0.7


def test_an_ordinary_boto3_client_gets_predictions(demo: Demo, row: dict[str, str]) -> None:
    label, probability = demo.invoke(",".join(row.values())).strip().split(",")
    assert label in ("Yes", "No")
    assert 0.5 <= float(probability) <= 1 or label == "Yes"
    answer = json.loads(demo.invoke(",".join(row.values()), Accept="application/json"))
    assert answer["predictions"][0]["label"] == label


def test_a_wrong_row_is_a_model_error_that_names_row_and_column(demo: Demo, row: dict[str, str]) -> None:
    rows = [",".join(row.values()), ",".join((row | {"tenure": "abc"}).values())]
    with pytest.raises(ClientError) as refused:
        demo.invoke("\n".join(rows))
    response: Any = refused.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == 400
    assert json.loads(response["OriginalMessage"])["error"].startswith("row 2, column tenure: 'abc'")


def test_a_content_type_that_the_model_does_not_take_is_refused_by_the_container(demo: Demo) -> None:
    with pytest.raises(ClientError) as refused:
        demo.invoke("<row/>", content_type="application/xml")
    response: Any = refused.value.response
    assert (response["Error"]["Code"], response["OriginalStatusCode"]) == ("ModelError", 415)


def test_the_command_line_shows_truth_beside_prediction(demo: Demo) -> None:
    answers = demo.cli.ok("invoke", "--held-out", "3")
    assert [set(answer) for answer in answers] == [{"prediction", "probabilities", "record", "truth"}] * 3
    told = demo.cli.run("invoke", "--row", '{"tenure": "abc"}')
    assert told.returncode == 1
    assert "answered 400: row 1, column" in told.stderr


def test_an_approver_finds_everything_on_one_page(demo: Demo) -> None:
    record = demo.cli.ok("show", "1")
    assert record["status"] == "Approved"
    assert record["note"] == "approved by the demo"
    assert record["live_in"] == ["dev"]
    assert record["baseline"]["manifest"]["rows"] == 7043
    assert record["hyperparameters"] == {"learning_rate": 0.05, "max_iter": 120, "max_leaf_nodes": 8}
    assert record["evaluation"]["classification_report"]["Yes"]["recall"] > 0.5
    page = demo.cli.run("show", "1").stdout
    for expected in (
        "average_precision",
        "Data version",
        "learning_rate",
        "Git commit",
        "leavers_reached",
        "churn.csv",
    ):
        assert expected in page


def test_an_unknown_version_is_refused_with_those_that_there_are(demo: Demo) -> None:
    assert "churn has no version 99. Registered versions: 1" in demo.cli.refused("show", "99")


def test_training_again_on_the_same_data_comes_from_the_cache_and_waits_for_its_own_approval(demo: Demo) -> None:
    trained = demo.cli.ok("train")
    cached = {step["name"]: step["cached"] for step in trained["steps"]}
    assert {name for name, is_cached in cached.items() if is_cached} == {"Preprocess", "Train", "Evaluate"}
    assert trained["status"] == "PendingManualApproval"

    number = str(trained["version"])
    assert "PendingManualApproval: only an approved version can be released" in demo.cli.refused("release", number)
    assert demo.cli.ok("reject", number, "--note", "same as before")["changed"]
    assert not demo.cli.ok("reject", number)["changed"]
    assert f"Version {number} is Rejected: only an approved version" in demo.cli.refused("release", "dev", number)
    listed = {each["version"]: each for each in demo.cli.ok("models")}
    assert listed[1]["live_in"] == ["dev"]
    assert (listed[trained["version"]]["note"], listed[trained["version"]]["live_in"]) == ("same as before", [])


def test_a_rejected_version_may_be_approved_after_all_and_takes_over(demo: Demo, row: dict[str, str]) -> None:
    number = str(demo.cli.ok("train")["version"])
    demo.cli.ok("reject", number, "--note", "too hasty")
    assert "had been rejected (too hasty); now it is Approved" in demo.cli.run("approve", number).stdout
    before = demo.client("sagemaker").describe_endpoint(EndpointName="churn-dev")["EndpointConfigName"]
    released = demo.cli.ok("release", number)
    assert (released["before"], released["version"]) == (1, int(number))
    assert released["endpoint_config"] != before
    assert demo.invoke(",".join(row.values()))
    assert demo.cli.ok("release", "1")["before"] == int(number)


def test_a_model_that_is_not_good_enough_is_refused_with_the_numbers(demo: Demo) -> None:
    value = demo.report["metrics"]["average_precision"]
    told = demo.cli.refused("train", "--threshold", "0.99")
    assert f"average_precision is {value:.4f}, less than the minimum of 0.9900" in told
    assert "roc_auc" in told


def test_a_run_with_a_threshold_of_its_own_is_judged_by_that(demo: Demo) -> None:
    trained = demo.cli.ok("train", "--threshold", "0.2")
    assert trained["threshold"] == 0.2
    assert "minimum 0.2000" in demo.cli.run("show", str(trained["version"])).stdout
    assert demo.cli.ok("show", "1")["threshold"] == MINIMUM


@pytest.mark.parametrize("file", ["project.yaml", "src/churn/model.py"])
def test_what_has_changed_is_deployed_before_it_is_trained(demo: Demo, file: str) -> None:
    path, before = demo.cli.folder / file, len(demo.cli.ok("models"))
    text = path.read_text()
    path.write_text(text.replace("max_iter: 120", "max_iter: 121") if file == "project.yaml" else f"{text}\n# new\n")
    try:
        told = demo.cli.refused("train", "--json")
    finally:
        path.write_text(text)
    expected = "The code or project.yaml has changed since the last deployment: run `sagewright deploy` first."
    assert told == f"Error: {expected}"
    assert len(demo.cli.ok("models")) == before


def registered(demo: Demo, handlers: str) -> str:
    """Register an approved version like the first, but whose endpoint runs other handlers; its number."""
    sagemaker, s3 = demo.client("sagemaker"), demo.client("s3")
    package = sagemaker.describe_model_package(ModelPackageName=demo.cli.ok("show", "1")["arn"])
    container = package["InferenceSpecification"]["Containers"][0]
    bucket, _, _ = container["ModelDataUrl"].removeprefix("s3://").partition("/")
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(handlers.encode())
        archive.addfile(entry, io.BytesIO(handlers.encode()))
    key = f"executions/{uuid.uuid4().hex}/Train/one/output/model.tar.gz"  # where the release role may read
    s3.put_object(Bucket=bucket, Key=key, Body=written.getvalue())
    container = {name: container[name] for name in ("Image", "Environment")} | {"ModelDataUrl": f"s3://{bucket}/{key}"}
    arn = sagemaker.create_model_package(
        ModelPackageGroupName="churn",
        ModelApprovalStatus="Approved",
        InferenceSpecification=package["InferenceSpecification"] | {"Containers": [container]},
        CustomerMetadataProperties=package["CustomerMetadataProperties"],
    )["ModelPackageArn"]
    return arn.rpartition("/")[2]


def test_a_release_whose_container_does_not_come_up_tells_what_it_wrote(demo: Demo) -> None:
    number = registered(demo, "raise RuntimeError('no such library')")
    done = demo.cli.run("release", number)
    assert done.returncode == 1
    assert "Now version 1 serves in dev." in " ".join(done.stderr.split())
    first, *log = done.stderr[done.stderr.index("Error:") :].splitlines()
    assert "container's log (/aws/sagemaker/Endpoints/churn-dev)" in " ".join([first, *log])
    assert any("RuntimeError: no such library" in line for line in log)


def test_a_file_of_the_training_data_is_asked_without_what_the_model_never_sees(demo: Demo) -> None:
    done = demo.cli.run("invoke", "--file", "data/churn.csv", "--json")
    assert len(json.loads(done.stdout)) == 7043
    assert "Left out of churn.csv, because the model is not given it: churn" in done.stderr


def test_deploying_again_changes_nothing(demo: Demo) -> None:
    told = demo.cli.run("deploy").stderr
    assert told.count("unchanged") == 3


def test_a_demo_that_is_interrupted_stops_what_it_started(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    call = [sys.executable, "-m", "sagewright.cli", "demo", "--out", str(out)]
    with subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("3/12"):
                break
        pid = json.loads((out / "churn" / ".sagewright" / "sandbox.json").read_text())["pid"]
        os.kill(process.pid, signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert sandbox_process._command_line(pid) == "", "the process is gone"


def test_a_demo_that_fails_says_where(tmp_path: Path, command_line: Callable[[Path], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = command_line(tmp_path).run("demo", "--out", str(tmp_path / "demo"), "--port", port)
    assert done.returncode == 1
    assert "The demo failed at step 2 of 12, sandbox up" in " ".join(done.stderr.split())
    assert "sandbox.log" in done.stderr


def test_a_demo_leaves_a_folder_alone_that_is_not_its_own(tmp_path: Path, command_line: Callable[[Path], Any]) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = command_line(tmp_path).run("demo", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "not from an earlier demo" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
