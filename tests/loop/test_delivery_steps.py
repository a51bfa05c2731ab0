"""The steps of delivery as any system calls them: each by itself, again, and after something came in between.

What CloudFormation's own action does in a pipeline, `sagewright delivery stack` does, with the very files for it.
"""

import io
import json
import re
import shlex
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.runtime.functions import release_turn, waiting_list
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.release_turn import Holder
from tests.loop.accounts import DEV, PROD, REGION, Lifts, Sandbox, until

pytestmark = pytest.mark.slow

SECTIONS: dict[str, Any] = {
    "environments": {"dev": {"account": DEV, "region": REGION}, "prod": {"account": PROD, "region": REGION}},
    "repository": {"provider": "github", "name": "org/lifts"},
    # No pipelines of AWS's, which would go ahead by themselves.
    "delivery": {"provider": "jenkins", "issuer": "https://jenkins.example.com/oidc", "verify": {"rows": 8}},
}
COMMIT, NEXT = "1" * 40, "2" * 40
BUCKET = f"lifts-dev-data-{DEV}-{REGION}"
PUBLISHED = f"s3://{BUCKET}/delivery/project.zip"
STACK = "lifts-prod-serving"
# Answers, but not as the model that was judged did.
CONTRARY = """
import json
def model_fn(folder): return None
def input_fn(content, content_type): return content.decode() if isinstance(content, bytes) else content
def predict_fn(content, model): return content
def output_fn(content, accept):
    rows = len(json.loads(content)["instances"]) if content[:1] == "{" else len(content.strip().splitlines()) - 1
    return json.dumps({"predictions": [{"label": "Perhaps"}] * rows}), "application/json"
"""


@dataclass(frozen=True)
class Steps:
    """The project after its first build, and the folders in which a release works."""

    lifts: Lifts
    builds: Any
    releases: Any
    output: Path
    built: list[dict[str, Any]]

    @property
    def sandbox(self) -> Sandbox:
        return self.lifts.sandbox

    def arn(self, number: int | str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{DEV}:model-package/lifts/{number}"

    def resolve(self, number: int | str, command: str = "resolve", *more: str) -> dict[str, str]:
        """Decide; the variables as a shell reads them."""
        asked = ("--version", self.arn(number)) if command == "resolve" else ("prod", *more)
        file = self.output / "release.env"
        self.releases.ok("delivery", command, *asked, "--output", str(self.output), "--variables", str(file))
        words = (shlex.split(line)[1] for line in file.read_text().splitlines())
        return dict(word.split("=", 1) for word in words)

    def deploy(self) -> str:
        """Deploy serving as a job of another system does; the stack's state afterwards."""
        self.releases.ok("delivery", "stack", "prod", "serving", "--release", str(self.output))
        return str(self.state())

    def state(self) -> str | None:
        try:
            found = self.sandbox.client("cloudformation", PROD).describe_stacks(StackName=STACK)["Stacks"]
        except ClientError:
            return None
        return found[0]["StackStatus"]

    def copy(self, number: int | str, execution: str) -> Any:
        return self.releases.ok("delivery", "copy", "prod", "--version", self.arn(number), "--execution", execution)

    def verify(self, number: int | str, execution: str, *more: str) -> Any:
        asked = ("delivery", "verify", "prod", "--version", self.arn(number), "--execution", execution, *more)
        return self.releases.ok(*asked)

    def release(self, number: int | str, execution: str) -> Any:
        """Promote a version as far as its proof."""
        assert self.resolve(number)["Proceed"] == "yes"
        self.copy(number, execution)
        assert self.deploy().endswith("_COMPLETE")
        return self.verify(number, execution)

    def object(self, key: str) -> Any:
        bucket = f"lifts-prod-data-{PROD}-{REGION}"
        return json.loads(self.sandbox.client("s3", PROD).get_object(Bucket=bucket, Key=key)["Body"].read())

    def running(self) -> int:
        """Which version the endpoint runs."""
        sagemaker = self.sandbox.client("sagemaker", PROD)
        config = sagemaker.describe_endpoint(EndpointName="lifts-prod")["EndpointConfigName"]
        arn = sagemaker.describe_endpoint_config(EndpointConfigName=config)["EndpointConfigArn"]
        tags = {each["Key"]: each["Value"] for each in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        return int(tags["sagewright:version"].rpartition("/")[2])


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Steps]:
    """The project after a push: deployed and trained by the steps of a build, and by them alone."""
    with Sandbox.up(tmp_path_factory.mktemp("steps")) as sandbox, pytest.MonkeyPatch.context() as patch:
        lifts = Lifts.planted("lifts", sandbox, command_line)
        lifts.declare(**SECTIONS)
        for environment in ("dev", "prod"):
            lifts.cli.ok("bootstrap", environment)
        variables = {
            "AWS_ENDPOINT_URL": sandbox.ready["endpoint"],
            "AWS_ACCESS_KEY_ID": f"AKIASBOX{DEV}",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "SAGEWRIGHT_PUBLISHED": PUBLISHED,
        }
        for name, value in variables.items():
            patch.setenv(name, value)
        release = sandbox.folder / "release"
        (release / "project").mkdir(parents=True)
        made = Steps(lifts, lifts.cli, command_line(release / "project"), release / "output", [])
        made.builds.ok("delivery", "synth")
        made.built.append(made.builds.ok("delivery", "deploy", "--commit", COMMIT))
        stacks = ("lifts-prod-data", "lifts-prod-access")
        done = sandbox.cdk(lifts.cli.folder, DEV, "deploy", "--app", "cdk.out", "--exclusively", *stacks)
        assert done.returncode == 0, done.stderr
        made.built.append(made.builds.ok("delivery", "train", "--commit", COMMIT, "--attempt", "1"))
        training = {"PipelineExecutionArn": made.built[1]["execution"]}
        sagemaker = sandbox.client("sagemaker")
        until(lambda: sagemaker.describe_pipeline_execution(**training)["PipelineExecutionStatus"] == "Succeeded")
        sagemaker.update_model_package(ModelPackageArn=made.arn(1), ModelApprovalStatus="Approved")
        made.release(1, "promotion-1")
        yield made


def test_a_build_deploys_the_first_environment_and_publishes_what_it_was_made_of(steps: Steps) -> None:
    deployed, trained = steps.built
    assert deployed == {"stacks": ["lifts-dev-data", "lifts-training"], "published": PUBLISHED}
    s3 = steps.sandbox.client("s3")
    published = s3.get_object(Bucket=BUCKET, Key="delivery/project.zip")
    assert published["Metadata"] == {"commit": COMMIT}
    names = zipfile.ZipFile(io.BytesIO(published["Body"].read())).namelist()
    assert {"project.yaml", "lifts/__init__.py", "lifts.csv", "cdk.out/manifest.json"} <= {*names}
    assert not [name for name in names if name.startswith((".sagewright", ".git/"))]
    assert not trained["skipped"]


def test_a_build_that_is_run_again_publishes_the_same_and_trains_nothing(steps: Steps) -> None:
    s3 = steps.sandbox.client("s3")
    before = s3.head_object(Bucket=BUCKET, Key="delivery/project.zip")["ETag"]
    steps.builds.ok("delivery", "deploy", "--commit", COMMIT)
    assert s3.head_object(Bucket=BUCKET, Key="delivery/project.zip")["ETag"] == before
    again = steps.builds.run("delivery", "train", "--commit", COMMIT, "--attempt", "1")
    assert "Training skipped: code, settings and data are those of the training of commit 111111111111" in again.stdout


def test_a_push_that_changes_nothing_that_trains_says_which_training_it_is_like(steps: Steps) -> None:
    told = steps.builds.ok("delivery", "train", "--commit", NEXT, "--attempt", "2")
    assert told == {"execution": steps.built[1]["execution"], "skipped": True}


def test_nothing_is_decided_where_no_version_is_given_as_after_the_creation_of_a_pipeline(
    steps: Steps, tmp_path: Path, command_line: Callable[[Path], Any]
) -> None:
    empty = command_line(tmp_path)
    out, file = tmp_path / "output", tmp_path / "variables.sh"
    for asked in (("resolve", "--version", "none"), ("rollback-resolve", "none")):
        empty.ok("delivery", *asked, "--output", str(out), "--variables", str(file))
        shown = subprocess.run(["sh", "-c", f'. {file}; echo "$Proceed"'], capture_output=True, text=True, check=True)
        assert shown.stdout == "no\n"
        assert [each.name for each in out.iterdir()] == ["resolved.json"]
    assert steps.running() in {1, 2, 3}


def test_a_version_that_serves_and_was_verified_is_not_promoted_again(steps: Steps) -> None:
    proof = steps.object("releases/1/verified.json")
    assert (proof["number"], proof["execution"], proof["measured"]["rows"]) == (1, "promotion-1", 8)
    copy = steps.sandbox.client("ssm").get_parameter(Name="/sagewright/lifts/dev/releases/prod")["Parameter"]["Value"]
    assert json.loads(copy)["version"] == steps.arn(1)
    decided = steps.resolve(1)
    assert decided["Proceed"] == "no"
    assert decided["Summary"].startswith("Nothing to do: version 1 serves in prod already")


def test_what_an_approver_decides_by_is_in_one_line(steps: Steps) -> None:
    number = steps.lifts.version()
    decided = steps.resolve(number)
    told = r"roc_auc [01](\.\d+)? \(threshold 0\.5\), commit 111111111111, trained \d+-\d+-\d+; replaces version 1"
    assert re.match(rf"Version {number}: {told}", decided["Summary"])
    assert decided["Changes_prod"] == "no"
    assert decided["Evidence"].startswith(f"{REGION}.console.aws.amazon.com/sagemaker/home")


@pytest.mark.parametrize("fault", ["rejected", "deleted"])
def test_a_version_that_was_rejected_or_deleted_after_its_approval_is_neither_resolved_nor_copied(
    steps: Steps, fault: str
) -> None:
    number, sagemaker = steps.lifts.version(), steps.sandbox.client("sagemaker")
    if fault == "rejected":
        sagemaker.update_model_package(
            ModelPackageArn=steps.arn(number), ModelApprovalStatus="Rejected", ApprovalDescription="wrong month"
        )
    else:
        sagemaker.delete_model_package(ModelPackageName=steps.arn(number))
    expected = "is Rejected (wrong month), and not Approved any more" if fault == "rejected" else "was deleted from the"
    out = ("--output", str(steps.output), "--variables", str(steps.output / "release.env"))
    for step in (("resolve", *out), ("copy", "prod", "--execution", "e")):
        told = steps.releases.refused("delivery", *step, "--version", steps.arn(number))
        assert f"Version {number} {expected}" in told
        assert "nothing was released" in told
    assert steps.running() != int(number)


def test_a_copy_that_was_killed_is_made_anew_by_the_same_execution_and_by_no_other(steps: Steps) -> None:
    number, place = steps.lifts.version(), Location(f"lifts-prod-data-{PROD}-{REGION}", "releases")
    s3 = steps.sandbox.client("s3", PROD)
    steps.resolve(number)
    # The note of a build that was killed in the middle.
    killed = Holder.now(int(number), "promotion killed", "killed", 1)
    release_turn._take(s3, place / release_turn.NOTE, killed, lambda _: True)  # it gives nothing back
    told = steps.releases.refused("delivery", "copy", "prod", "--version", steps.arn(number), "--execution", "another")
    assert "Another release to this environment is in progress" in told
    steps.copy(number, "killed")
    copied = s3.list_objects_v2(Bucket=place.bucket, Prefix=f"releases/{number}/")["Contents"]
    assert {"model.tar.gz", "held_out/rows.csv", "before.json"} <= {each["Key"].split("/", 2)[2] for each in copied}


def test_what_answers_otherwise_than_it_was_judged_is_taken_back_and_again_nothing_is_left_to_do(steps: Steps) -> None:
    number = steps.lifts.version(CONTRARY)
    steps.resolve(number)
    steps.copy(number, "promotion-2")
    assert steps.deploy() == "UPDATE_COMPLETE"
    told = steps.releases.refused(
        "delivery", "verify", "prod", "--version", steps.arn(number), "--execution", "promotion-2"
    )
    assert f"Version {number} was not verified in prod: Endpoint lifts-prod predicts something else" in told
    assert "for 8 of 8 held-out rows (text/csv)" in told
    assert f"Now version {number} serves there; it is taken back" in told
    wish = ("rollback-resolve", "--leaving", number, "--who", 'ann\'s "friend"', "--reason", "$(it) is `wrong`")
    decided = steps.resolve(0, *wish)
    assert (decided["Proceed"], decided["Version"], decided["Proceed_prod"]) == ("yes", steps.arn(1), "yes")
    assert decided["Summary"].endswith("""Asked for by ann's "friend": $(it) is `wrong`""")
    assert steps.deploy() == "UPDATE_COMPLETE"
    steps.verify(1, "rollback-1", "--rollback")
    assert steps.running() == 1
    again = steps.resolve(0, *wish)
    assert (again["Proceed"], again["Environment"]) == ("no", "none")
    assert again["Summary"].startswith("Nothing to do in prod: version 1 serves there")


def test_a_release_that_something_came_in_between_of_is_not_verified(steps: Steps) -> None:
    number = steps.lifts.version()
    told = steps.releases.refused("delivery", "verify", "prod", "--version", steps.arn(number), "--execution", "e")
    assert f"Stack {STACK} deploys version 1 and not {number}: the deployment was taken back, or another" in told


def test_a_release_by_hand_has_to_be_asked_for_by_that_name(steps: Steps) -> None:
    told = steps.builds.refused("release", "prod")
    assert "approving a version releases it" in told
    assert "say --by-hand" in told


def test_the_only_version_that_ever_served_is_not_taken_away(steps: Steps) -> None:
    told = steps.releases.refused(
        *("delivery", "rollback-resolve", "prod", "--leaving", "1"),
        *("--output", str(steps.output), "--variables", str(steps.output / "release.env")),
    )
    assert "prod cannot go back" in told
    assert steps.running() == 1


def test_what_is_released_by_hand_is_in_the_audit_and_can_be_gone_back_to(steps: Steps) -> None:
    number, s3 = steps.lifts.version(), steps.sandbox.client("s3")
    assert steps.builds.ok("release", "prod", number, "--by-hand")["version"] == int(number)
    assert steps.object(f"releases/{number}/verified.json")["execution"].startswith("by hand, by arn:aws:")
    (entry,) = s3.list_objects_v2(Bucket=BUCKET, Prefix="audit/")["Contents"]
    written = json.loads(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())
    assert (written["kind"], written["sources"]["version"]) == ("release", steps.arn(number))
    asked = ("rollback-resolve", "--version", number)
    assert steps.resolve(0, *asked)["Summary"] == f"Nothing to do: version {number} serves already."


def test_what_was_taken_back_comes_back_only_where_it_is_named(steps: Steps) -> None:
    number = steps.running()
    assert number != 1
    assert steps.resolve(0, "rollback-resolve", "--leaving", str(number), "--version", "1")["Proceed"] == "yes"
    assert steps.deploy() == "UPDATE_COMPLETE"
    steps.verify(1, "rollback-2", "--rollback")
    assert steps.object(f"releases/{number}/taken-back.json")["execution"] == "rollback-2"
    told = steps.releases.refused(
        *("delivery", "rollback-resolve", "prod", "--leaving", "1"),
        *("--output", str(steps.output), "--variables", str(steps.output / "release.env")),
    )
    assert f"version {number} was taken back" in told
    assert f"`--to {number}`" in told
    named = steps.resolve(0, "rollback-resolve", "--leaving", "1", "--version", str(number))
    assert (named["Proceed"], named["Number"]) == ("yes", str(number))


def test_a_first_release_that_fails_leaves_no_endpoint(steps: Steps) -> None:
    """Last, because it begins with an environment in which nothing was ever released."""
    cloudformation, s3 = steps.sandbox.client("cloudformation", PROD), steps.sandbox.client("s3", PROD)
    cloudformation.delete_stack(StackName=STACK)
    until(lambda: steps.state() is None)
    sagemaker = steps.sandbox.client("sagemaker", PROD)
    for each in sagemaker.list_endpoint_configs()["EndpointConfigs"]:
        sagemaker.delete_endpoint_config(EndpointConfigName=each["EndpointConfigName"])
    bucket = f"lifts-prod-data-{PROD}-{REGION}"
    for each in s3.list_objects_v2(Bucket=bucket, Prefix="releases/")["Contents"]:
        s3.delete_object(Bucket=bucket, Key=each["Key"])
    number = steps.lifts.version(CONTRARY)
    steps.resolve(number)
    steps.copy(number, "first")
    assert steps.deploy() == "CREATE_COMPLETE"
    steps.releases.refused("delivery", "verify", "prod", "--version", steps.arn(number), "--execution", "first")
    decided = steps.resolve(0, "rollback-resolve", "--leaving", number, "--promotion", "first")
    assert decided["Proceed"] == "no"
    assert "no endpoint remains" in decided["Summary"]
    assert steps.state() is None
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_what_was_decided_waits_until_a_job_has_begun_it(steps: Steps, tmp_path: Path) -> None:
    file = tmp_path / "waiting.env"
    decided = {"Version": steps.arn(1)}
    waiting_list.put(
        steps.sandbox.client("s3"), BUCKET, "promotion", decided, when=datetime.now(UTC), because="it was approved"
    )
    found = steps.builds.ok("delivery", "waiting", "promotion", "--variables", str(file))
    assert (found["What"], found["Version"], found["Environment"]) == ("promotion", steps.arn(1), "none")
    shown = subprocess.run(["sh", "-c", f'. {file}; echo "$Version"'], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{steps.arn(1)}\n"
    assert steps.builds.ok("delivery", "waiting", "rollback", "--variables", str(file))["Waiting"] == "none"
    steps.builds.ok("delivery", "begun", found["Waiting"], "--by", "job 7")
    assert steps.builds.ok("delivery", "waiting", "--variables", str(file))["Waiting"] == "none"


def test_a_stack_whose_files_were_not_handed_on_is_not_touched(steps: Steps) -> None:
    told = steps.releases.refused("delivery", "stack", "prod", "data", "--release", str(steps.output / "nowhere"))
    assert "the resolving step writes it" in told
