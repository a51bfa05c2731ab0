"""The real CDK command line, as a user has it, against a sandbox with three accounts."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sagewright.sandbox.clients import Clients

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGION = "eu-central-1"

APP = """
import os
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3, aws_s3_assets as assets, aws_ssm as ssm

app = cdk.App()


class Storage(cdk.Stack):
    def __init__(self, scope, id, **props):
        super().__init__(scope, id, **props)
        self.bucket = s3.Bucket(self, "Bucket", enforce_ssl=True, removal_policy=cdk.RemovalPolicy.DESTROY)
        program = assets.Asset(self, "Program", path=__file__)
        ssm.StringParameter(self, "Where", string_value=program.s3_object_url)
        cdk.CfnOutput(self, "BucketName", value=self.bucket.bucket_name)


class Reader(cdk.Stack):
    def __init__(self, scope, id, *, bucket, **props):
        super().__init__(scope, id, **props)
        ssm.StringParameter(self, "Uses", string_value=f"{bucket.bucket_name} {os.environ.get('WORD', 'one')}")


for account in os.environ["ACCOUNTS"].split():
    env = cdk.Environment(account=account, region=os.environ["AWS_REGION"])
    storage = Storage(app, f"storage-{account}", env=env, termination_protection=account.startswith("3"))
    Reader(app, f"reader-{account}", bucket=storage.bucket, env=env)
cdk.Tags.of(app).add("team", "ml")
app.synth()
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(APP)
    (folder / "cdk.json").write_text(f'{{"app": "{sys.executable} app.py"}}')
    return folder


def cdk(sandbox: Any, project: Path, *arguments: str, fails: bool = False, **environment: str) -> str:
    """Run the CDK with the environment a user would set, and return what it says."""
    result = subprocess.run(
        ["cdk", *arguments, "--no-notices", "--ci"],
        cwd=project,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": sandbox.endpoint,
            "AWS_ACCESS_KEY_ID": f"AKIASBOX{ACCOUNTS[0]}",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_REGION": REGION,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "ACCOUNTS": " ".join(ACCOUNTS),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert (result.returncode != 0) == fails, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def bootstrapped(sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Bootstrap all accounts, each with its own administrator's key, side by side."""
    policy = "arn:aws:iam::aws:policy/AdministratorAccess"
    options = ("--trust", ACCOUNTS[0], "--cloudformation-execution-policies", policy)

    def bootstrap(account: str) -> str:
        empty = tmp_path_factory.mktemp("empty")
        environment = f"aws://{account}/{REGION}"
        return cdk(sandbox, empty, "bootstrap", environment, *options, AWS_ACCESS_KEY_ID=f"AKIASBOX{account}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(bootstrap, ACCOUNTS))


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.usefixtures("bootstrapped")
def test_three_accounts_are_deployed_updated_and_taken_down(sandbox: Any, project: Path) -> None:
    deploy = ("deploy", "--all", "--require-approval", "never", "--concurrency", "3")

    said = cdk(sandbox, project, *deploy)

    assert said.count("✅") == 6
    for account in ACCOUNTS:
        stacks = sandbox.client("cloudformation", account, REGION)
        stack = stacks.describe_stacks(StackName=f"storage-{account}")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert stack["Tags"] == [{"Key": "team", "Value": "ml"}]
        assert stack["EnableTerminationProtection"] == account.startswith("3")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        sandbox.client("s3", account, REGION).head_bucket(Bucket=outputs["BucketName"])

    said = cdk(sandbox, project, *deploy, WORD="two")
    assert said.count("(no changes)") == 3
    assert said.count("UPDATE_COMPLETE ") >= 3

    said = cdk(sandbox, project, "diff", f"reader-{ACCOUNTS[0]}", "--exclusively", WORD="three")
    assert re.search(r"\[-\] .*two.*\[\+\] .*three", said, re.DOTALL)

    said = cdk(sandbox, project, "destroy", "--all", "--force", "--app", "cdk.out", fails=True)
    assert f"Stack [storage-{ACCOUNTS[2]}] cannot be deleted while TerminationProtection is enabled" in said
    left = {
        stack["StackName"]
        for account in ACCOUNTS
        for stack in sandbox.client("cloudformation", account, REGION).describe_stacks()["Stacks"]
        if stack["StackName"] != "CDKToolkit"
    }
    assert left == {f"storage-{ACCOUNTS[2]}"}


BROKEN_APP = """
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "broken", synthesizer=cdk.LegacyStackSynthesizer())
cdk.CfnResource(stack, "Bucket", type="AWS::S3::Bucket", properties={"BucketName": "Not_A_Bucket"})
app.synth()
"""


@pytest.mark.slow
def test_a_failed_deployment_tells_the_resource_and_the_reason(sandbox: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(BROKEN_APP)
    (tmp_path / "cdk.json").write_text(f'{{"app": "{sys.executable} app.py"}}')

    said = cdk(sandbox, tmp_path, "deploy", "--require-approval", "never", fails=True)

    assert "ROLLBACK_COMPLETE" in said
    assert "Bucket name should not contain uppercase characters (Service: S3, Status Code: 400," in said
    assert "HandlerErrorCode: InvalidRequest" in said


BEGUN_APP = """
import aws_cdk as cdk

app = cdk.App()
stack = cdk.Stack(app, "begun", synthesizer=cdk.LegacyStackSynthesizer())
cdk.CfnResource(stack, "Word", type="AWS::SSM::Parameter", properties={"Type": "String", "Value": "one"})
app.synth()
"""


@pytest.mark.slow
def test_a_deployment_that_was_interrupted_before_it_began_is_simply_repeated(sandbox: Any, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(BEGUN_APP)
    (tmp_path / "cdk.json").write_text(f'{{"app": "{sys.executable} app.py"}}')
    stacks = sandbox.client("cloudformation", ACCOUNTS[0], REGION)
    # What an interrupted deployment leaves: a change set that nobody has executed.
    body = '{"Resources": {"Word": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "one"}}}}'
    stacks.create_change_set(StackName="begun", ChangeSetName="left", ChangeSetType="CREATE", TemplateBody=body)
    stacks.get_waiter("change_set_create_complete").wait(StackName="begun", ChangeSetName="left")

    cdk(sandbox, tmp_path, "deploy", "--require-approval", "never")

    assert stacks.describe_stacks(StackName="begun")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


PARAMETER = "/moved/word"
# What an app would leave, so that none has to run.
ASSEMBLY = {
    "version": "36.0.0",
    "artifacts": {
        "moved": {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://{ACCOUNTS[0]}/{REGION}",
            "properties": {"templateFile": "moved.template.json"},
        }
    },
}
PROPERTIES = {"Type": "String", "Value": "one", "Name": PARAMETER}
MOVED = {"Resources": {"Word": {"Type": "AWS::SSM::Parameter", "Properties": PROPERTIES}}}


@dataclass(frozen=True)
class OwnSandbox:
    """A sandbox in a process of its own: a clock that was moved stays so, which no other test wants."""

    endpoint: str

    def client(self, service: str) -> Any:
        return Clients(self.endpoint).get(service, ACCOUNTS[0], REGION)

    def forward(self, hours: float) -> None:
        body = json.dumps({"forward_seconds": 3600 * hours})
        moving = self._clock("POST", body)["moving_to"]
        while moving is not None:
            moving = self._clock("GET")["moving_to"]

    def _clock(self, method: str, body: str | None = None) -> dict[str, Any]:
        address = urlsplit(self.endpoint)
        connection = HTTPConnection(address.hostname or "", address.port)
        connection.request(method, "/_sandbox/clock", body)
        with connection.getresponse() as answer:
            return json.load(answer)


@pytest.mark.slow
def test_the_cdk_deploys_while_the_sandboxs_clock_is_ahead(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(ASSEMBLY))
    (tmp_path / "moved.template.json").write_text(json.dumps(MOVED))
    command = [sys.executable, "-m", "sagewright.sandbox", "--parent-pid", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        own = OwnSandbox(json.loads(process.stdout.readline())["endpoint"])
        own.forward(hours=30)
        said = cdk(own, tmp_path, "deploy", "--app", ".", "--require-approval", "never")
        (stack,) = own.client("cloudformation").describe_stacks(StackName="moved")["Stacks"]
        parameter = own.client("ssm").get_parameter(Name=PARAMETER)["Parameter"]
        process.terminate()
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    # The CDK shows only events that are newer than its own beginning, and it measures that by the machine's clock.
    assert re.search(r"CREATE_COMPLETE\s+\| AWS::SSM::Parameter", said)
    now = datetime.now(UTC)
    assert abs(stack["CreationTime"] - now) < timedelta(hours=1)
    assert abs(parameter["LastModifiedDate"] - now - timedelta(hours=30)) < timedelta(hours=1)
