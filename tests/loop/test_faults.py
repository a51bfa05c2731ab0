"""What goes wrong around a release and a training, caused for real: nothing unfinished goes live, and all mends."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.loop.accounts import archive
from tests.loop.client_of import client_of

pytestmark = pytest.mark.slow

PROJECT = """
name: ferries
environments:
  dev: {region: eu-west-1}
data:
  source: ferries.csv
  problem: binary_classification
  label: late
training: {code: ferries}
evaluation: {metric: roc_auc, minimum: 0.5}
monitoring: {engine: none}
"""
# What the data says under `fault` happens while the model is fitted.
CODE = """
import os, signal, threading
from sklearn.linear_model import LogisticRegression

KILLED, DISK_FULL, ENDLESS, RAISED = 1, 2, 3, 4


def fit(X, y, hyperparameters):
    fault = int(X["fault"].max())
    if fault == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == DISK_FULL:
        with open("/dev/full", "w") as disk:
            disk.write("a checkpoint")
    if fault == ENDLESS:
        print("waiting", flush=True)
        threading.Event().wait()
    if fault == RAISED:
        print("about to fit")
        raise ValueError("no such animal")
    return LogisticRegression().fit(X, y)
"""
NONE, KILLED, DISK_FULL, ENDLESS, RAISED = range(5)
BROKEN = "import sys; sys.exit('no such library')"
ENDPOINT, STACK = "ferries-dev", "ferries-dev-serving"
RECORD, COPY = "/sagewright/ferries/dev/release", "/sagewright/ferries/dev/releases/dev"
LONGEST_S = 60


def until(reached: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + LONGEST_S
    while not reached():
        assert time.monotonic() < deadline, "it never happened"
        threading.Event().wait(0.05)


@dataclass
class Ferries:
    """A project that is deployed to a sandbox of its own, with one version that was trained and approved."""

    cli: Any
    variables: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        if service not in self.clients:
            self.clients[service] = client_of(self.variables, service)
        return self.clients[service]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as a process and group of its own, as a terminal does."""
        call = [sys.executable, "-m", "sagewright.cli", *arguments]
        process = subprocess.Popen(
            call,
            cwd=self.cli.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def version(self, content: bytes) -> str:
        """Register an approved version like the first, with another archive as its model; its number."""
        sagemaker = self.client("sagemaker")
        listed = sagemaker.list_model_packages(ModelPackageGroupName="ferries", SortOrder="Ascending")
        arn = listed["ModelPackageSummaryList"][0]["ModelPackageArn"]
        package = sagemaker.describe_model_package(ModelPackageName=arn)
        container = package["InferenceSpecification"]["Containers"][0]
        bucket, _, _ = container["ModelDataUrl"].removeprefix("s3://").partition("/")
        key = f"executions/{uuid.uuid4().hex}/Train/output/model.tar.gz"
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        container = {"Image": container["Image"], "ModelDataUrl": f"s3://{bucket}/{key}"}
        made = sagemaker.create_model_package(
            ModelPackageGroupName="ferries",
            ModelApprovalStatus="Approved",
            InferenceSpecification=package["InferenceSpecification"] | {"Containers": [container]},
            CustomerMetadataProperties=package["CustomerMetadataProperties"],
        )
        return made["ModelPackageArn"].rpartition("/")[2]

    def model(self) -> bytes:
        """The first version's own archive."""
        package = self.client("sagemaker").describe_model_package(ModelPackageName=self.cli.ok("show", "1")["arn"])
        url = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def endpoint(self) -> dict[str, Any]:
        return self.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)

    def stack(self) -> dict[str, Any]:
        return self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]

    def live(self) -> str:
        """The number of the version that the endpoint runs."""
        sagemaker, config = self.client("sagemaker"), self.endpoint()["EndpointConfigName"]
        arn = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
        tags = {each["Key"]: each["Value"] for each in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        return tags["sagewright:version"].rpartition("/")[2]

    def other(self, second: str) -> str:
        """The one of the two good versions that is not live."""
        return "1" if self.live() == second else second

    def configs(self) -> list[str]:
        """The endpoint configs that there are, the newest first."""
        listed = self.client("sagemaker").list_endpoint_configs(SortBy="CreationTime", SortOrder="Descending")
        return [each["EndpointConfigName"] for each in listed["EndpointConfigs"]]

    def outputs(self) -> dict[str, str]:
        return {each["OutputKey"]: each["OutputValue"] for each in self.stack()["Outputs"]}

    def records(self) -> list[str]:
        """What the environment's record and its copy say is live."""
        ssm = self.client("ssm")
        return [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in (RECORD, COPY)]

    def wait_for_turn(self, release: subprocess.Popen[str]) -> None:
        """Wait until a release that was started has the turn."""
        until(lambda: f'"process": {release.pid}' in self.turn() or release.poll() is not None)
        assert release.poll() is None, release.communicate()

    def turn(self) -> str:
        """Who has the turn to release."""
        bucket = "ferries-dev-data-111111111111-eu-west-1"
        try:
            note = self.client("s3").get_object(Bucket=bucket, Key="releases/in-progress.json")
        except ClientError:
            return ""
        return note["Body"].read().decode()


def write_data(folder: Path, fault: int) -> None:
    """Write the table, with what is to happen in its training."""
    rows = ["minutes,wind,fault,late"]
    drawn = random.Random(fault)  # noqa: S311 - a table, no secret
    for _ in range(240):
        wind = drawn.uniform(0, 30)
        late = "Yes" if wind + drawn.gauss(0, 4) > 15 else "No"
        rows.append(f"{drawn.randint(10, 90)},{wind:.2f},{fault},{late}")
    (folder / "ferries.csv").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def ferries(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Ferries]:
    cli = command_line(tmp_path_factory.mktemp("faults"))
    (cli.folder / "project.yaml").write_text(PROJECT)
    (cli.folder / "ferries").mkdir()
    (cli.folder / "ferries" / "__init__.py").write_text(textwrap.dedent(CODE))
    write_data(cli.folder, NONE)
    made = Ferries(cli, cli.ok("sandbox", "up")["environment"])
    try:
        cli.ok("deploy")
        cli.ok("approve", str(cli.ok("train")["version"]))
        yield made
    finally:
        for process in made.started:
            if process.poll() is None:
                process.kill()
            process.communicate()
        cli.run("sandbox", "down")


@pytest.fixture(scope="module")
def second(ferries: Ferries) -> str:
    """A second version, as good as the first; something is live."""
    if ferries.client("sagemaker").list_endpoints()["Endpoints"] == []:
        ferries.cli.ok("release", "1")
    return ferries.version(ferries.model())


def test_a_first_release_that_fails_leaves_nothing_live_and_the_next_one_comes_up(ferries: Ferries) -> None:
    number = ferries.version(archive(BROKEN))
    told = ferries.cli.refused("release", number)
    assert "the ping health check" in told, told
    assert "Now nothing serves in dev yet." in told
    assert "no such library" in told
    assert ferries.stack()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ferries.cli.ok("release", "1")["version"] == 1
    assert all("/1" in record for record in ferries.records())


def test_of_two_releases_at_once_the_second_is_refused_and_the_first_goes_live(ferries: Ferries, second: str) -> None:
    first = ferries.start("release", second)
    ferries.wait_for_turn(first)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        told = ferries.cli.refused("release", "1")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert f"Another release to this environment is in progress: version {second}, started" in told
    assert f"(process {first.pid}). Nothing was done." in told
    _, error = first.communicate()
    assert first.returncode == 0, error
    assert all(f"/{second}" in record for record in ferries.records())


def test_a_release_that_was_killed_gives_its_turn_to_the_next_one_at_once(ferries: Ferries, second: str) -> None:
    killed = ferries.start("release", second)
    ferries.wait_for_turn(killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert ferries.cli.ok("release", second)["version"] == int(second)


def test_a_release_that_was_interrupted_is_waited_for_when_it_is_repeated(ferries: Ferries, second: str) -> None:
    number = ferries.other(second)
    interrupted = ferries.start("release", number)
    until(lambda: ferries.endpoint()["EndpointStatus"] == "Updating")
    os.killpg(interrupted.pid, signal.SIGINT)
    _, error = interrupted.communicate()
    assert interrupted.returncode == 130, error
    assert "repeating the command is safe" in error
    assert '"holder": null' in ferries.turn()

    done = ferries.cli.run("release", number)

    assert done.returncode == 0, done.stderr
    assert ferries.live() == number
    assert ferries.endpoint()["EndpointConfigName"] == ferries.outputs()["EndpointConfigName"]
    assert all(f"/{number}" in record for record in ferries.records())


def test_a_config_that_the_endpoint_left_behind_its_stacks_back_is_applied(ferries: Ferries, second: str) -> None:
    if len(ferries.configs()) == 1:
        ferries.cli.ok("release", second)
    wanted, number = ferries.endpoint()["EndpointConfigName"], ferries.live()
    by_hand = next(name for name in ferries.configs() if name != wanted)
    ferries.client("sagemaker").update_endpoint(EndpointName=ENDPOINT, EndpointConfigName=by_hand)
    until(lambda: ferries.endpoint()["EndpointStatus"] == "InService")
    before = int(ferries.live())

    released = ferries.cli.ok("release", number)

    assert (released["before"], released["version"], released["endpoint_config"]) == (before, int(number), wanted)
    assert ferries.endpoint()["EndpointConfigName"] == wanted


def test_a_corrupt_artifact_is_told_and_what_was_live_serves_on(ferries: Ferries) -> None:
    running, live, content = ferries.endpoint()["EndpointConfigName"], ferries.live(), ferries.model()
    number = ferries.version(content[: len(content) // 2])

    told = ferries.cli.refused("release", number)

    assert "Failed to extract model data archive" in told
    assert f"Now version {live} serves in dev." in told
    endpoint = ferries.endpoint()
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", running)
    assert all(running in record for record in ferries.records())


REFUSING = """
def model_fn(folder):
    return None

def input_fn(content, content_type):
    return content

def predict_fn(content, model):
    raise LookupError("no such tariff")

def output_fn(prediction, accept):
    return prediction
"""


def test_a_request_at_which_the_container_fails_tells_what_it_wrote(ferries: Ferries, second: str) -> None:
    good = ferries.other(second)
    ferries.cli.ok("release", ferries.version(archive(REFUSING)))
    try:
        done = ferries.cli.run("invoke", "--row", "{}")
    finally:
        ferries.cli.ok("release", good)
    assert done.returncode == 1
    assert "answered 500: the container failed. The last lines of" in done.stderr
    assert "LookupError: no such tariff" in done.stderr
    assert "<html" not in done.stderr.lower()


def test_after_many_releases_the_last_two_superseded_configs_are_kept(ferries: Ferries, second: str) -> None:
    while len(ferries.configs()) < 3:
        ferries.cli.ok("release", ferries.other(second))
    newest, middle, oldest = ferries.configs()
    released = ferries.cli.ok("release", ferries.other(second))
    assert ferries.configs() == [released["endpoint_config"], newest, middle]
    assert released["deleted"]["endpoint_configs"] == [oldest]
    assert len(ferries.client("sagemaker").list_models()["Models"]) == 3


# The next two change project.yaml, and come last of the releases: each that finds another file synthesizes anew.
def test_a_deployment_that_was_interrupted_is_waited_for_when_it_is_repeated(ferries: Ferries) -> None:
    file = ferries.cli.folder / "project.yaml"
    text = file.read_text()
    file.write_text(f"{text}tags: {{cost-center: '1'}}\n")
    api = ferries.client("cloudformation")

    def updates() -> dict[str, Any]:
        return {each["StackName"]: each.get("LastUpdatedTime") for each in api.describe_stacks()["Stacks"]}

    before = updates()
    try:
        interrupted = ferries.start("deploy")
        until(lambda: updates() != before or interrupted.poll() is not None)
        os.killpg(interrupted.pid, signal.SIGINT)
        _, error = interrupted.communicate()
        assert interrupted.returncode == 130, error
        ferries.cli.ok("deploy")
    finally:
        file.write_text(text)
    states = {each["StackName"]: each["StackStatus"] for each in api.describe_stacks()["Stacks"]}
    assert {states[name] for name in ("ferries-dev-data", "ferries-training")} == {"UPDATE_COMPLETE"}


CANARY = "serving: {instances: {min: 2}, rollout: {strategy: canary, percent: 50, bake_minutes: 10}}\n"


def test_an_alarm_takes_a_release_back_and_the_version_before_comes_back_all_at_once(
    ferries: Ferries, second: str
) -> None:
    if len(ferries.configs()) == 1:
        ferries.cli.ok("release", second)
    live, running, number = ferries.live(), ferries.endpoint()["EndpointConfigName"], ferries.version(archive(REFUSING))
    earlier = ferries.other(second)
    file = ferries.cli.folder / "project.yaml"
    text = file.read_text()
    file.write_text(text + CANARY)
    runtime = ferries.client("sagemaker-runtime")
    try:
        releasing = ferries.start("release", number)
        while releasing.poll() is None:
            with suppress(ClientError):
                runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="text/csv", Body=b"30,12.5,0")
            threading.Event().wait(0.05)
        _, error = releasing.communicate()
        again = ferries.cli.run("release", earlier)
    finally:
        file.write_text(text)

    assert releasing.returncode == 1, error
    told = " ".join(error.split())
    assert "are in ALARM state: ferries-dev/" in told
    assert f"Now version {live} serves in dev." in told
    assert "An alarm has taken the release back." in told
    assert again.returncode == 0, again.stderr
    assert f"All traffic moves at once: version {earlier} served here before." in again.stderr
    assert ferries.live() == earlier
    assert ferries.endpoint()["EndpointConfigName"] != running
    assert all(f"/{earlier}" in record for record in ferries.records())


@pytest.mark.parametrize(("fault", "said"), [(KILLED, "137"), (DISK_FULL, "No space left on device")])
def test_a_training_job_that_dies_registers_nothing(ferries: Ferries, fault: int, said: str) -> None:
    sagemaker = ferries.client("sagemaker")
    before = len(sagemaker.list_model_packages(ModelPackageGroupName="ferries")["ModelPackageSummaryList"])
    write_data(ferries.cli.folder, fault)
    done = ferries.cli.run("train")
    assert done.returncode == 1
    assert "The training failed at step Train" in done.stderr
    assert said in done.stderr
    after = sagemaker.list_model_packages(ModelPackageGroupName="ferries")["ModelPackageSummaryList"]
    assert len(after) == before


def test_a_training_that_fails_tells_step_reason_and_log(ferries: Ferries) -> None:
    write_data(ferries.cli.folder, RAISED)
    done = ferries.cli.run("train")
    assert done.returncode == 1
    first, *log = done.stderr[done.stderr.index("Error:") :].splitlines()
    assert "failed at step Train" in first
    assert "no such animal" in first
    assert any("about to fit" in line for line in log)
    assert any("__init__.py" in line and "in fit" in line for line in log), "the user's own line is in the log"


def children(of: int) -> set[int]:
    """Every process below that one, as long as it is there."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, grown = {of}, True
    while grown:
        new = {pid for pid, parent in parents.items() if parent in found} - found
        found, grown = found | new, bool(new)
    return found - {of}


def is_there(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_sandbox_that_is_killed_takes_its_children_with_it_and_comes_up_again(ferries: Ferries) -> None:
    cli = ferries.cli
    pid = cli.ok("sandbox", "up")["pid"]
    write_data(cli.folder, ENDLESS)
    training = ferries.start("train")
    logs = ferries.client("logs")

    def is_fitting() -> bool:
        found = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
        return any("waiting" in each["message"] for each in found)

    until(is_fitting)
    below = children(pid)
    assert len(below) > 2, "the image, the job and the endpoint"
    os.kill(pid, signal.SIGKILL)

    _, error = training.communicate(timeout=LONGEST_S)
    assert training.returncode == 1
    said = " ".join(error.split())
    assert f"(process {pid}, up since" in said
    assert "has ended unexpectedly" in said
    until(lambda: not any(is_there(child) for child in below))
    told = cli.refused("models")
    assert "What was deployed to it is lost" in told
    assert "`sagewright sandbox up`, then `sagewright deploy`" in told
    assert cli.ok("sandbox", "status")["ended_unexpectedly"]["pid"] == pid

    again = cli.ok("sandbox", "up")
    assert again["pid"] != pid
    assert cli.ok("sandbox", "status")["contents"][0]["stacks"] == {}
    assert "run `sagewright deploy` first" in cli.refused("train")
