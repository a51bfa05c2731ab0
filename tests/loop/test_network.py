"""The whole loop in a network, made for the project or there before, and taking it down in the order that AWS needs."""

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

import boto3
import pytest
from botocore.config import Config
from sklearn import datasets

from tests.loop.accounts import until

pytestmark = pytest.mark.slow

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
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.variables["AWS_ENDPOINT_URL"],
                region_name=REGION,
                aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
                config=Config(proxies={}),
            )
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

    def vpc_of(self, subnets: list[str]) -> str:
        return self.client("ec2").describe_subnets(SubnetIds=subnets)["Subnets"][0]["VpcId"]

    def interfaces(self, vpc: str) -> list[str]:
        """The descriptions of the interfaces in a VPC."""
        found = self.client("ec2").describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
        return [each["Description"] for each in found["NetworkInterfaces"]]

    def emptied(self, vpc: str) -> None:
        """Block until SageMaker has taken its interfaces out of a VPC."""
        until(lambda: not self.interfaces(vpc))

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


def vpc_configs(home: Home, name: str) -> list[dict[str, list[str]]]:
    """In which network the project's jobs ran and its model runs."""
    sagemaker = home.client("sagemaker")
    executions = sagemaker.list_pipeline_executions(PipelineName=f"{name}-training")["PipelineExecutionSummaries"]
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=executions[0]["PipelineExecutionArn"])
    jobs = [each["Metadata"] for each in steps["PipelineExecutionSteps"]]
    processing = [each["ProcessingJob"]["Arn"].rpartition("/")[2] for each in jobs if "ProcessingJob" in each]
    (training,) = [each["TrainingJob"]["Arn"].rpartition("/")[2] for each in jobs if "TrainingJob" in each]
    (model,) = sagemaker.list_models(NameContains=f"{name}-dev-serving")["Models"]
    return [
        *(
            sagemaker.describe_processing_job(ProcessingJobName=each)["NetworkConfig"]["VpcConfig"]
            for each in processing
        ),
        sagemaker.describe_training_job(TrainingJobName=training)["VpcConfig"],
        sagemaker.describe_model(ModelName=model["ModelName"])["VpcConfig"],
    ]


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
    assert vpc_configs(home, "own") == [jobs, jobs, jobs, {**jobs, "SecurityGroupIds": [known["EndpointGroup"]]}]
    assert any("own-dev" in description for description in home.interfaces(home.vpc_of(subnets)))


@pytest.mark.soak
def test_a_network_goes_last_and_stays_while_interfaces_of_an_endpoint_are_in_it(
    home: Home, own: Any, request: pytest.FixtureRequest
) -> None:
    known = outputs(home, "own-dev-network")
    vpc, ec2 = home.vpc_of([known["Subnet1"]]), home.client("ec2")

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
    ec2 = home.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.30.0.0/25")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    s3 = {"ServiceName": f"com.amazonaws.{REGION}.s3", "VpcEndpointType": "Gateway"}
    ec2.create_vpc_endpoint(VpcId=vpc, RouteTableIds=[table], **s3)
    group = ec2.create_security_group(GroupName="ml", Description="ML", VpcId=vpc)["GroupId"]
    ids = {"vpc_id": vpc, "subnets": [subnet], "security_groups": [group]}
    released(home.project("guest", {"mode": "import", **ids}))
    return ids


def test_a_project_runs_in_a_network_that_is_there(home: Home, guest: Mapping[str, Any]) -> None:
    given = {"Subnets": guest["subnets"], "SecurityGroupIds": guest["security_groups"]}
    assert vpc_configs(home, "guest") == [given] * 4
    assert any("guest-dev" in description for description in home.interfaces(guest["vpc_id"]))
