"""The whole loop in a network, made for the project or there before, and taking it down in the order that AWS needs.

In small, the first is in `test_least_privilege.py`, the second in `test_other_tables.py`.
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sklearn import datasets

from tests.loop import networks
from tests.loop.accounts import until
from tests.loop.client_of import client_of

pytestmark = [pytest.mark.slow, pytest.mark.soak]

REGION = "eu-west-1"
PROJECT = """
    name: {name}
    environments:
      dev: {{region: eu-west-1}}
    data: {{source: wines.csv, problem: multiclass_classification, label: target}}
    training: {{code: src/wines}}
    evaluation: {{metric: f1_macro, minimum: 0.8}}
    monitoring: {{engine: none}}
    network: {network}
    """
CODE = """
    from sklearn.ensemble import RandomForestClassifier


    def fit(X, y, hyperparameters):
        return RandomForestClassifier(n_estimators=20, random_state=0).fit(X, y)
    """


@dataclass(frozen=True)
class Home:
    """A sandbox, and the folder in which it serves every project."""

    cli: Any
    variables: Mapping[str, str]
    command_line: Callable[[Path], Any]
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: Any) -> Any:
        if service not in self.clients:
            self.clients[service] = client_of(self.variables, service, REGION)
        return self.clients[service]

    def project(self, name: str, network: Mapping[str, Any]) -> Any:
        """Write a project in a network; its command line."""
        folder = self.cli.folder / name
        (folder / "src" / "wines").mkdir(parents=True)
        (folder / "src" / "wines" / "__init__.py").write_text(textwrap.dedent(CODE))
        (folder / "project.yaml").write_text(textwrap.dedent(PROJECT).format(name=name, network=json.dumps(network)))
        loaded: Any = datasets.load_wine(as_frame=True)
        loaded.frame.to_csv(folder / "wines.csv", index=False)
        return self.command_line(folder)

    def emptied(self, vpc: str) -> None:
        """Block until SageMaker has taken its interfaces out of a VPC."""
        until(lambda: not networks.interfaces(self.client("ec2"), vpc))

    def destroy(self, cli: Any, *stacks: str) -> str:
        """Run the CDK's own command for them, on the assembly that was deployed; what it says."""
        scripts = Path(sys.executable).parent
        call = [str(scripts / "cdk"), "destroy", *stacks, "--force", "--exclusively", "--no-notices", "--ci"]
        variables = {**os.environ, **self.variables, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
        deployed = str(cli.folder / ".sagewright" / "cdk.out")
        done = subprocess.run(
            [*call, "--app", deployed], cwd=cli.folder, env=variables, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Home]:
    cli = command_line(tmp_path_factory.mktemp("networks"))
    yield Home(cli, cli.ok("sandbox", "up")["environment"], command_line)
    cli.ok("sandbox", "down")


def released(cli: Any) -> None:
    """Go from nothing to an endpoint that answers."""
    cli.ok("deploy")
    trained = cli.ok("train")
    cli.ok("approve", str(trained["version"]))
    cli.ok("release", "dev")
    assert len(cli.ok("invoke", "dev", "--held-out", "5")) == 5


def networks_of(home: Home, name: str) -> list[dict[str, list[str]]]:
    """In which network the project's jobs ran and its model runs."""
    sagemaker = home.client("sagemaker")
    return [*networks.of_jobs(sagemaker, name), *networks.of_models(sagemaker, f"{name}-dev")]


def outputs(home: Home, stack: str) -> dict[str, str]:
    found = home.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    return {each["OutputKey"]: each["OutputValue"] for each in found}


@pytest.fixture(scope="module")
def own(home: Home) -> Any:
    """A project with a network of its own and an endpoint in it."""
    cli = home.project("own", {"mode": "create", "cidr": "10.20.0.0/20"})
    released(cli)
    return cli


@pytest.mark.usefixtures("own")
def test_a_project_runs_in_a_network_of_its_own(home: Home) -> None:
    known = outputs(home, "own-dev-network")
    subnets = [known["Subnet1"], known["Subnet2"]]
    jobs = {"Subnets": subnets, "SecurityGroupIds": [known["JobsGroup"]]}
    assert networks_of(home, "own") == [jobs, jobs, jobs, {**jobs, "SecurityGroupIds": [known["EndpointGroup"]]}]
    ec2 = home.client("ec2")
    assert any("own-dev" in description for description in networks.interfaces(ec2, networks.vpc_of(ec2, subnets)))


def test_a_network_goes_last_and_stays_while_interfaces_of_an_endpoint_are_in_it(
    home: Home, own: Any, request: pytest.FixtureRequest
) -> None:
    known = outputs(home, "own-dev-network")
    ec2 = home.client("ec2")
    vpc = networks.vpc_of(ec2, [known["Subnet1"]])

    assert "cannot be deleted as it is in use by own-dev-access" in home.destroy(own, "own-dev-network")
    home.destroy(own, "release/*")
    home.destroy(own, "own-training", "own-dev-access")
    home.emptied(vpc)
    left = ec2.create_network_interface(SubnetId=known["Subnet1"], Groups=[known["EndpointGroup"]])
    with ThreadPoolExecutor() as pool:
        told = pool.submit(home.destroy, own, "own-dev-network")
        request.getfixturevalue("guest")  # CloudFormation waits for interfaces to go, long enough for another project
        assert "has a dependent object" in told.result()
    ec2.delete_network_interface(NetworkInterfaceId=left["NetworkInterface"]["NetworkInterfaceId"])
    home.destroy(own, "own-dev-network")

    stacks = home.client("cloudformation").describe_stacks()["Stacks"]
    assert {each["StackName"] for each in stacks if each["StackName"].startswith("own-")} == {"own-dev-data"}
    assert vpc not in [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"]]


@pytest.fixture(scope="module")
def guest(home: Home) -> Mapping[str, Any]:
    """A project in a network that was there before: what it was given."""
    ids = networks.made_by_hand(home.client("ec2"), REGION)
    released(home.project("guest", {"mode": "import", **ids}))
    return ids


def test_a_project_runs_in_a_network_that_is_there(home: Home, guest: Mapping[str, Any]) -> None:
    given = {"Subnets": guest["subnets"], "SecurityGroupIds": guest["security_groups"]}
    assert networks_of(home, "guest") == [given] * 4
    assert any("guest-dev" in each for each in networks.interfaces(home.client("ec2"), guest["vpc_id"]))
