"""The policy that CloudFormation deploys with, proved by what it did: enough, and not one statement too many.

The sandbox writes down which statements allowed each request. A statement that was at some time the only one of ours to
allow what CloudFormation had to do cannot be removed without a deployment being denied.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from ruamel.yaml import YAML

from sagewright.cli import seeds
from sagewright.stacks import execution_delivery
from sagewright.stacks.execution_policy import statements

pytestmark = [pytest.mark.slow, pytest.mark.soak]

ACCOUNTS = {"dev": "111111111111", "prod": "333333333333"}
REGION = "eu-west-1"
OURS = "sagewright-execution-"
# SageMaker takes a grant on the volumes' key from the endpoint's role or from who makes the endpoint, and the role of
# ours gives it; in AWS, who makes the endpoint is asked for it first.
ASKED_FOR_IN_AWS_ALONE = {"EncryptVolumes"}
# This project has no repository and no features: what delivery needs is needed where one is delivered, here or by
# another system, and what feature groups need where there are some.
OTHERS, ELSEWHERE = {"Delivery", "Features"}, {each.sid for each in execution_delivery.issuers()}


@dataclass(frozen=True)
class Loop:
    """A project of two accounts, in a sandbox of its own."""

    folder: Path
    cli: Any
    variables: dict[str, str]

    @property
    def assembly(self) -> Path:
        return self.folder / ".sagewright" / "cdk.out"

    def client(self, service: Any, environment: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id=f"AKIASBOX{ACCOUNTS[environment]}",
            aws_secret_access_key="sandbox",
            config=Config(proxies={}),
        )

    def declare(self, **sections: Any) -> None:
        yaml, file = YAML(), self.folder / "project.yaml"
        yaml.dump(yaml.load(file) | sections, file)

    def cdk(self, *arguments: str, app: str = "") -> str:
        """Run the CDK with the sandbox's variables, on the assembly that was deployed or by an app."""
        folder = Path(sys.executable).parent
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        call = ["cdk", *arguments, "--app", app or str(self.assembly), "--no-notices", "--ci"]
        environment = {**os.environ, **self.variables, "PATH": path}
        done = subprocess.run(call, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def destroy(self) -> None:
        """Take everything down; what the data stacks keep stays."""
        # As the README says.
        self.cdk("destroy", "release/*", "--force", app=f"{sys.executable} -m sagewright.app")
        for environment in ACCOUNTS:
            self.client("cloudformation", environment).update_termination_protection(
                StackName=f"churn-{environment}-data", EnableTerminationProtection=False
            )
        self.cdk("destroy", "--all", "--force")

    def adopt(self) -> None:
        """Take the data of prod over again."""
        key = self.client("kms", "prod").describe_key(KeyId="alias/churn-prod-data")["KeyMetadata"]["KeyId"]
        names = {"EncryptionKey": {"KeyId": key}, "EncryptionAlias": {"AliasName": "alias/churn-prod-data"}}
        template = json.loads((self.assembly / "churn-prod-data.template.json").read_text())
        mapping = self.folder / "import.json"
        mapping.write_text(
            json.dumps(
                {found: names[start] for found in template["Resources"] for start in names if found.startswith(start)}
            )
        )
        self.cdk("import", "churn-prod-data", "--resource-mapping", str(mapping), "--force")


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> list[dict[str, Any]]:
    """What CloudFormation's roles asked for while a project was deployed, released, changed, taken down and adopted."""
    folder = tmp_path_factory.mktemp("execution") / "churn"
    seeds.plant("churn", folder, "churn")
    cli = command_line(folder)
    loop = Loop(folder, cli, cli.ok("sandbox", "up")["environment"])
    try:
        loop.declare(
            environments={name: {"account": account, "region": REGION} for name, account in ACCOUNTS.items()},
            network={"mode": "create"},
            security={"log_retention_days": 30},
        )
        cli.ok("deploy")
        cli.ok("data", "put")
        cli.ok("train")
        cli.ok("approve", "1")
        cli.ok("release", "prod")
        change(loop)
        cli.ok("deploy")
        cli.ok("release", "prod")
        loop.destroy()
        loop.adopt()
    finally:
        cli.run("sandbox", "down")
    log = folder / ".sagewright" / "sandbox" / "access.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if "-cfn-exec-role-" in line["role"]]


def change(loop: Loop) -> None:
    """Ask for what changes everything that can change in place."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for environment in ACCOUNTS:
        loop.client("iam", environment).create_policy(
            PolicyName="platform", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        )
    loop.declare(
        owner="another-team@example.com",
        security={"log_retention_days": 60, "permissions_boundary": "platform"},
    )


def test_nothing_that_a_deployment_does_is_denied(decisions: list[dict[str, Any]]) -> None:
    denied = [(line["action"], line["resource"], line["reason"]) for line in decisions if not line["allowed"]]

    assert denied == []


def test_each_statement_is_at_some_time_the_only_one_that_allows(decisions: list[dict[str, Any]]) -> None:
    alone: set[str] = set()
    for line in decisions:
        matched = {sid for policy, sid in line["matched"] if OURS in policy}
        alone |= matched if len(matched) == 1 else set()
    policies = statements("hnb659fds", "platform")
    every = {each.sid for about, policy in policies.items() if about not in OTHERS for each in policy}

    assert sorted(every - alone - ASKED_FOR_IN_AWS_ALONE - ELSEWHERE) == []


def test_cloudformation_acts_under_our_policies_alone(decisions: list[dict[str, Any]]) -> None:
    policies = {
        policy for line in decisions for policy, _ in line["matched"] if "role" not in policy.partition(" of ")[2]
    }

    assert not any("AdministratorAccess" in policy for policy in policies)
