"""From a push to an endpoint and back, once; then what can go wrong on the way. Everything is seen from outside."""

import json
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import sandbox_person
from tests.loop.accounts import CODE, Lifts, Sandbox
from tests.loop.delivered import ENVIRONMENTS, ROW, Delivered, Traffic, event, until

pytestmark = pytest.mark.slow

# Versions as they come by commits of people who mean well.
DUMMY = """
    from sklearn.dummy import DummyClassifier


    def fit(X, y, hyperparameters):
        return DummyClassifier().fit(X, y)
    """
COMPANY = """
    def features(raw):
        return raw - raw.mean()  # of whatever rows came along: in an endpoint, of one
    """
NEW_LIFTS = """
    def features(raw):
        if (raw["age"] < 0).any():
            raise ValueError("no lift is as young as that")
        return raw
    """
SAME = """
    def features(raw):
        return raw
    """
UNBORN = "-1.00,300"


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Delivered]:
    """The project, deployed and in Git; its owner has said yes to messages."""
    with Sandbox.up(tmp_path_factory.mktemp("delivery")) as sandbox:
        lifts = Lifts.planted("lifts", sandbox, command_line)
        code_of(lifts).write_text(textwrap.dedent(DUMMY).lstrip())
        delivered = Delivered.planted(lifts)
        deployed = delivered.lifts.cli.ok("deploy")
        assert deployed["git"]["push"] == "git push sandbox main"
        delivered.lifts.cli.ok("sandbox", "inbox", "--confirm")
        yield delivered


def code_of(lifts: Lifts) -> Path:
    return lifts.cli.folder / "lifts" / "__init__.py"


def test_from_a_push_to_every_endpoint_and_back(delivery: Delivered) -> None:
    refused_by_the_evaluation(delivery)
    registered_by_a_push(delivery)
    promoted(delivery, 1, replaced=None)
    broken_in_staging(delivery, delivery.version(COMPANY))
    failing = delivery.version(NEW_LIFTS)
    taken_back_by_its_canary(delivery, failing)
    good = delivery.version(SAME)
    promoted(delivery, good, replaced=1)
    taken_back_by_a_rejection(delivery, good, before={"staging": failing, "prod": 1})
    taken_back_by_hand(delivery, good)


def refused_by_the_evaluation(delivery: Delivered) -> None:
    """What a person deployed knows nothing: it is trained and judged, and its model is not registered."""
    (seeded,) = delivery.executions("build")
    kill(delivery, seeded["pipelineExecutionId"])  # it would train as well
    assert delivery.ended("build", seeded["pipelineExecutionId"]) == "Failed"
    assert "roc_auc" in delivery.lifts.cli.refused("train")
    message = delivery.told("not good enough", "roc_auc")
    assert "Nothing was registered" in message.text
    assert delivery.lifts.packages() == []


def registered_by_a_push(delivery: Delivered) -> None:
    """A push of something better is built, although its build is killed once; what it has trained waits."""
    code_of(delivery.lifts).write_text(textwrap.dedent(CODE).lstrip())
    delivery.commit("learn from the table")
    delivery.git("push", "sandbox", "main")
    identity = until(lambda: delivery.executions("build")[:-1])[0]["pipelineExecutionId"]
    kill(delivery, identity)
    assert delivery.ended("build", identity) == "Failed"
    assert "retry-stage-execution" in delivery.told("Build failed at Test", identity).text
    assert delivery.lifts.packages() == []

    delivery.codepipeline.retry_stage_execution(
        pipelineName=delivery.pipeline("build"),
        pipelineExecutionId=identity,
        stageName="Test",
        retryMode="FAILED_ACTIONS",
    )
    until(lambda: delivery.status("build", identity) == "InProgress")
    assert delivery.ended("build", identity) == "Succeeded", delivery.actions("build", identity)
    until(delivery.lifts.packages)
    shown = delivery.lifts.cli.ok("show", "1")
    assert shown["status"] == "PendingManualApproval"
    assert shown["record"]["GitCommit"] == delivery.git("rev-parse", "HEAD")
    assert (delivery.serving("staging"), delivery.serving("prod")) == (None, None)


def kill(delivery: Delivered, execution: str) -> None:
    """Stop the build by which an execution tries what was pushed."""
    build = until(lambda: delivery.build_of("build", execution, "Test/Test"))
    delivery.client("codebuild").stop_build(id=build)


def promoted(delivery: Delivered, number: int, *, replaced: int | None) -> None:
    """An approved version is verified in staging, waits at the gate, and then serves in prod."""
    assert delivery.lifts.cli.ok("approve", str(number), "--note", "good numbers")["changed"]
    identity = until(lambda: delivery.promotion_of(number))
    delivery.at_gate(identity)
    assert (delivery.serving("staging"), delivery.serving("prod")) == (number, replaced)
    assert delivery.answer("staging")
    gate = f"Version {number} waits at the gate of prod since"
    assert gate in delivery.lifts.cli.run("approve", str(number)).stdout
    told = delivery.lifts.cli.ok("approve", "--gate", "prod", "--note", "as discussed")
    assert (told["version"], told["execution"]) == (number, identity)
    assert delivery.ended("promotion", identity) == "Succeeded", delivery.actions("promotion", identity)
    assert (delivery.serving("staging"), delivery.serving("prod")) == (number, number)
    assert delivery.answer("prod")
    _, live = delivery.lifts.cli.ok("releases")["live"]
    assert (live["environment"], live["version"], live["replaced"]) == ("prod", number, replaced)
    assert live["approved"]["words"] == "good numbers"
    assert live["gate"]["words"] == "as discussed"
    assert live["gate"]["who"].endswith("administrator")


def broken_in_staging(delivery: Delivered, number: int) -> None:
    """A version that answers otherwise than it was judged by is taken back before it comes to the gate."""
    delivery.lifts.cli.ok("approve", str(number))
    identity = until(lambda: delivery.promotion_of(number))
    assert delivery.ended("promotion", identity) == "Failed"
    actions = delivery.actions("promotion", identity)
    assert actions["staging/Verify"] == "Failed"
    assert not [each for each in actions if each.startswith(("Approve", "prod"))]
    assert "predicts something else than the evaluation" in delivery.told(f"version {number}", "staging", "Verify").text
    delivery.rollback_of("staging", number)
    assert (delivery.serving("staging"), delivery.serving("prod")) == (1, 1)
    assert (delivery.recorded("staging"), delivery.recorded("prod")) == (1, 1)


def taken_back_by_its_canary(delivery: Delivered, number: int) -> None:
    """A version that fails at rows which no evaluation had goes back by an alarm, and all others are answered."""
    delivery.lifts.cli.ok("approve", str(number))
    identity = until(lambda: delivery.promotion_of(number))
    delivery.at_gate(identity)
    before = delivery.answer("prod"), delivery.answer("prod", UNBORN)
    with Traffic(delivery, "prod", [ROW, ROW]) as usual, Traffic(delivery, "prod", [UNBORN, UNBORN]) as new:
        delivery.lifts.cli.ok("approve", "--gate", "prod")
        assert delivery.ended("promotion", identity) == "Failed"
        delivery.rollback_of("prod", number)
    assert delivery.actions("promotion", identity)["prod/Serving"] == "Failed"
    assert (usual.failures, delivery.serving("prod")) == ([], 1)
    assert usual.answers
    assert all("no lift is as young as that" in each or "500" in each for each in new.failures)
    assert new.failures
    assert (delivery.answer("prod"), delivery.answer("prod", UNBORN)) == before
    assert "prod" in delivery.told(f"version {number}", "prod", "Serving").text
    assert delivery.recorded("prod") == 1


def taken_back_by_a_rejection(delivery: Delivered, number: int, *, before: dict[str, int]) -> None:
    """Rejecting what serves brings back what was verified there before, in each environment; who and why are kept."""
    with Traffic(delivery, "prod", [ROW, ROW]) as usual:
        told = delivery.lifts.cli.run("reject", str(number), "--note", "half of the answers are wrong").stdout
        assert "It serves in staging, prod: the rollback starts by itself" in told
        for environment in before:
            delivery.rollback_of(environment, number)
    assert usual.failures == []
    assert {environment: delivery.serving(environment) for environment in before} == before
    assert {environment: delivery.recorded(environment) for environment in before} == before
    ended = [
        each for each in delivery.audit("rollback") if "succeeded" in each["what"] and f"{number}" in each["words"]
    ]
    assert len(ended) == 2
    assert all("half of the answers are wrong" in each["words"] for each in ended)
    assert {each["who"].rpartition("/")[2] for each in ended} == {"administrator"}


def taken_back_by_hand(delivery: Delivered, rejected: int) -> None:
    """A person goes back to what was verified, and to nothing else; the command follows it to the end."""
    cli = delivery.lifts.cli
    back = cli.ok("rollback", "staging", "--to", "1", "--reason", 'it says "No" \\ since noon')
    assert (back["status"], back["version"]) == ("Succeeded", 1)
    assert "Version 1, which was verified here, serves again" in back["summary"]
    assert (delivery.serving("staging"), delivery.serving("prod")) == (1, 1)
    entry = delivery.audit("rollback")[-1]
    assert (entry["words"], entry["who"].rpartition("/")[2]) == ("it says 'No' / since noon", "administrator")
    refused = cli.refused("rollback", "prod", "--to", str(rejected), "--reason", "it was better after all")
    assert f"Version {rejected} is Rejected: approve it again" in refused
    assert delivery.serving("prod") == 1


def test_the_same_event_three_times_starts_one_promotion(delivery: Delivered) -> None:
    before = delivery.executions("promotion"), delivery.audit()
    detail = {"ModelPackageArn": delivery.arn(1), "ModelApprovalStatus": "Approved"}
    for _ in range(3):
        assert "promotion" in hear(delivery, detail)
    assert (delivery.executions("promotion"), delivery.audit()) == before


def test_an_approval_that_is_heard_of_after_the_rejection_starts_nothing(delivery: Delivered) -> None:
    rejected = next(each for each in delivery.lifts.cli.ok("models") if each["status"] == "Rejected")
    before = delivery.executions("promotion"), delivery.executions("rollback")
    answered = hear(delivery, {"ModelPackageArn": rejected["arn"], "ModelApprovalStatus": "Approved"})
    assert answered == {"rollbacks": {}}
    assert (delivery.executions("promotion"), delivery.executions("rollback")) == before


def hear(delivery: Delivered, detail: dict[str, Any]) -> Any:
    """Hand the delivery function an event of the registry, as its rule does."""
    heard = event("SageMaker Model Package State Change", delivery, detail, datetime.now(UTC).isoformat())
    answer = delivery.client("lambda").invoke(FunctionName="lifts-delivery", Payload=json.dumps(heard).encode())
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def test_a_version_that_is_deleted_after_its_approval_goes_nowhere(delivery: Delivered) -> None:
    number = delivery.version(SAME)
    way_in = {"pipelineName": delivery.pipeline("promotion"), "stageName": "Resolve", "transitionType": "Inbound"}
    delivery.codepipeline.disable_stage_transition(**way_in, reason="the test deletes what waits")
    delivery.lifts.cli.ok("approve", str(number))
    identity = until(lambda: delivery.promotion_of(number))
    delivery.client("sagemaker").delete_model_package(ModelPackageName=delivery.arn(number))
    delivery.codepipeline.enable_stage_transition(**way_in)
    assert delivery.ended("promotion", identity) == "Failed"
    assert "was deleted from the registry" in delivery.told(f"version {number}", "Resolve").text
    assert number not in {delivery.serving("staging"), delivery.serving("prod")}


def test_an_approval_that_nobody_gives_in_time_ends_the_promotion(delivery: Delivered) -> None:
    number = delivery.version(SAME)
    delivery.lifts.cli.ok("approve", str(number))
    identity = until(lambda: delivery.promotion_of(number))
    delivery.at_gate(identity)
    delivery.lifts.cli.ok("sandbox", "clock", "+2h5m")
    assert delivery.ended("promotion", identity) == "Failed"
    assert f"Promotion of version {number}" in delivery.told(f"version {number}", "Approve").text
    assert (delivery.serving("staging"), delivery.serving("prod")) == (number, 1)
    assert "Nothing waits at the gate of prod" in delivery.lifts.cli.refused("approve", "--gate", "prod")
    assert sandbox_person.clock(delivery.running).ahead_s > 0
    approved_once_more(delivery, number, identity)


def approved_once_more(delivery: Delivered, number: int, before: str) -> None:
    """What ended at the gate goes on by another approval; a further one, meanwhile, begins nothing."""
    cli = delivery.lifts.cli
    told = cli.run("approve", str(number)).stdout
    assert "now it is approved once more. Its promotion starts by itself" in " ".join(told.split())
    identity = until(lambda: found if (found := delivery.promotion_of(number)) != before else None)
    delivery.at_gate(identity)
    count = len(delivery.executions("promotion"))
    assert "waits at the gate of prod" in " ".join(cli.run("approve", str(number), "--note", "now").stdout.split())
    cli.ok("reject", "--gate", "prod")
    assert delivery.ended("promotion", identity) == "Failed"
    assert len(delivery.executions("promotion")) == count


def test_a_version_that_serves_cannot_be_retired(delivery: Delivered) -> None:
    refused = delivery.lifts.cli.refused("models", "retire", "1")
    assert "Version 1 serves in prod, so it cannot be retired" in refused
    rejected = next(each for each in delivery.lifts.cli.ok("models") if each["status"] == "Rejected")
    assert delivery.lifts.cli.ok("models", "retire", str(rejected["version"]), "--note", "wrong")["changed"]
    (entry,) = delivery.lifts.cli.ok("audit", "--kind", "retirement")
    assert (entry["words"], entry["sources"]["version"]) == ("wrong", rejected["arn"])


def test_a_repository_without_a_commit_is_told_as_such_and_the_next_push_is_built(delivery: Delivered) -> None:
    codecommit, name = delivery.client("codecommit"), delivery.lifts.name
    codecommit.delete_repository(repositoryName=name)
    codecommit.create_repository(repositoryName=name)
    started = delivery.codepipeline.start_pipeline_execution(name=delivery.pipeline("build"))["pipelineExecutionId"]
    assert delivery.ended("build", started) == "Failed"
    assert "main" in delivery.told("Build failed at Source", started).text

    delivery.git("push", "sandbox", "main")
    pushed = delivery.executions("build")[0]["pipelineExecutionId"]
    until(lambda: delivery.actions("build", pushed).get("Source/Source") == "Succeeded")
    kill(delivery, pushed)


def test_a_connection_that_nobody_has_agreed_to_is_told_as_such_and_then_its_push_is_built(
    delivery: Delivered, command_line: Callable[[Path], Any]
) -> None:
    connections = delivery.client("codeconnections")
    arn = connections.create_connection(ProviderType="GitHub", ConnectionName="cranes")["ConnectionArn"]
    lifts = Lifts.planted("cranes", delivery.lifts.sandbox, command_line)
    repository = {"provider": "github", "name": "example/cranes", "connection_arn": arn}
    cranes = Delivered.planted(lifts, repository=repository, environments={"dev": ENVIRONMENTS["dev"]})
    assert "is PENDING: it cannot be used before a person has completed it" in lifts.cli.refused("deploy")

    sandbox_person.complete(cranes.running, arn)
    lifts.cli.ok("deploy")
    before = len(cranes.executions("build"))
    cranes.git("push", "sandbox", "main")
    pushed = until(lambda: cranes.executions("build")[:-before])[0]["pipelineExecutionId"]
    until(lambda: cranes.actions("build", pushed).get("Source/Source") == "Succeeded")
    kill(cranes, pushed)
