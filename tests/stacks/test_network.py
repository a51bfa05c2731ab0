import ipaddress
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.app import build, empty
from sagewright.project import load

ACCOUNT = "999999999999"
DATA = f"arn:aws:s3:::churn-dev-data-{ACCOUNT}-eu-west-1"
IDS = {
    "vpc_id": "vpc-0a1b2c3d4e5f67890",
    "subnets": ["subnet-0a1b2c3d4e5f67890", "subnet-0a1b2c3d4e5f67891"],
    "security_groups": ["sg-0a1b2c3d4e5f67890"],
}
IMPORT = {"mode": "import", **IDS}
JOBS = ("Training/Preprocess", "Training/Train", "Training/Evaluate")
OWN = {"LookAtNetwork", "MakeInterfaces", "AttachInterfaces"}

Synthesized = Callable[[Path], Any]


@pytest.fixture(scope="session")
def create(tmp_path_factory: pytest.TempPathFactory, network_project: Callable[..., Path], of_accounts: Any) -> Any:
    """One environment that does everything in a network made for it."""
    folder = network_project(tmp_path_factory.mktemp("create") / "churn", {"mode": "create"})
    return of_accounts(folder, {"dev": ACCOUNT})


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, network_project: Callable[..., Path], of_accounts: Any) -> Any:
    """One environment that does everything in a network that is there."""
    folder = network_project(tmp_path_factory.mktemp("import") / "churn", IMPORT)
    return of_accounts(folder, {"dev": ACCOUNT})


def jobs_of(assembly: Any) -> dict[str, dict[str, Any]]:
    """The requests of the pipeline's jobs, by step."""
    pipeline = assembly["churn-training"].only("AWS::SageMaker::Pipeline")
    definition = json.loads(pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"])
    return {
        each["Name"]: each["Arguments"] for each in definition["Steps"] if each["Type"] in {"Processing", "Training"}
    }


def network_of(request: dict[str, Any]) -> dict[str, Any] | None:
    return request.get("VpcConfig") or request.get("NetworkConfig", {}).get("VpcConfig")


def test_without_a_network_nothing_of_one_is_anywhere(one: Any) -> None:
    assert not [stack for stack in one.stacks if stack.endswith("-network")]
    assert [network_of(request) for request in jobs_of(one).values()] == [None, None, None]
    assert "VpcConfig" not in one["churn-dev-serving"].only("AWS::SageMaker::Model")["Properties"]
    for template in one:
        assert "ec2" not in json.dumps(template.body["Resources"])


def test_nothing_leads_into_a_created_network_and_only_the_way_to_s3_out(create: Any) -> None:
    network = create["churn-dev-network"]

    kinds = {each["Type"] for each in network.body["Resources"].values() if each["Type"].startswith("AWS::EC2::")}
    assert kinds == {
        *("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::SubnetRouteTableAssociation"),
        *("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"),
        *("AWS::EC2::VPCEndpoint", "AWS::EC2::FlowLog"),
    }
    gateway = network.only("AWS::EC2::VPCEndpoint")["Properties"]
    assert (gateway["VpcEndpointType"], gateway["ServiceName"]) == ("Gateway", "com.amazonaws.eu-west-1.s3")
    for group in network.resources("AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group["Properties"]
        (out,) = group["Properties"]["SecurityGroupEgress"]
        assert (out["IpProtocol"], out["FromPort"], out["ToPort"]) == ("tcp", 443, 443)


def test_instances_of_a_job_may_talk_to_each_other_encrypted_and_to_nobody_else(create: Any) -> None:
    network = create["churn-dev-network"]
    ends = {"AWS::EC2::SecurityGroupIngress": "SourceSecurityGroupId"}
    ends["AWS::EC2::SecurityGroupEgress"] = "DestinationSecurityGroupId"

    for kind, other_end in ends.items():
        rules = [each["Properties"] for each in network.resources(kind).values()]
        assert sorted(rule["IpProtocol"] for rule in rules) == ["50", "udp"]
        assert {rule["GroupId"] for rule in rules} == {rule[other_end] for rule in rules}
        assert len({rule["GroupId"] for rule in rules}) == 1


def test_the_subnets_are_two_private_ones_in_two_zones_that_leave_room(create: Any) -> None:
    network = create["churn-dev-network"].body["Resources"].values()
    subnets = [each["Properties"] for each in network if each["Type"] == "AWS::EC2::Subnet"]
    (vpc,) = [each["Properties"] for each in network if each["Type"] == "AWS::EC2::VPC"]

    assert [each["AvailabilityZone"] for each in subnets] == [
        {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        {"Fn::Select": [1, {"Fn::GetAZs": ""}]},
    ]
    assert [each["MapPublicIpOnLaunch"] for each in subnets] == [False, False]
    first, second = (ipaddress.ip_network(each["CidrBlock"]) for each in subnets)
    whole = ipaddress.ip_network(vpc["CidrBlock"])
    assert not first.overlaps(second)
    assert first.num_addresses + second.num_addresses == whole.num_addresses // 2


def test_only_the_projects_buckets_and_the_accounts_roles_pass_the_gateway(create: Any) -> None:
    policy = create["churn-dev-network"].only("AWS::EC2::VPCEndpoint")["Properties"]["PolicyDocument"]
    data, code = policy["Statement"]

    assert data["Resource"] == [DATA, f"{DATA}/*"]
    assert set(data["Action"]) == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:AbortMultipartUpload"}
    assets = f"arn:aws:s3:::cdk-hnb659fds-assets-{ACCOUNT}-eu-west-1"
    assert (code["Resource"], code["Action"]) == ([assets, f"{assets}/*"], ["s3:GetObject", "s3:ListBucket"])
    for statement in (data, code):
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}


UNWATCHED = "serving: {capture_percent: 0}\nmonitoring: {engine: none}\n"


@pytest.mark.parametrize(
    "watched",
    [
        ("", ["GetObject", "ListBucket", "AbortMultipartUpload", "PutObject"], {"JobsGroup", "EndpointGroup"}),
        (UNWATCHED, ["GetObject", "ListBucket"], {"EndpointGroup"}),
    ],
    ids=["watched", "unwatched"],
)
def test_an_environment_that_only_serves_writes_what_it_captures_and_nothing_else_through_its_gateway(
    tmp_path: Path,
    network_project: Callable[..., Path],
    of_accounts: Any,
    watched: tuple[str, list[str], set[str]],
) -> None:
    sections, actions, groups = watched
    folder = network_project(tmp_path / "churn", {"mode": "create"}, several=True)
    with (folder / "project.yaml").open("a") as file:
        file.write(sections)
    assembly = of_accounts(folder, None)

    (data,) = assembly["churn-prod-network"].only("AWS::EC2::VPCEndpoint")["Properties"]["PolicyDocument"]["Statement"]
    assert data["Action"] == [f"s3:{each}" for each in actions]
    assert data["Resource"][0] == "arn:aws:s3:::churn-prod-data-333333333333-eu-west-1"
    assert set(assembly["churn-prod-network"].body["Outputs"]) == {"Subnet1", "Subnet2"} | groups
    assert set(assembly["churn-dev-network"].body["Outputs"]) == {"Subnet1", "Subnet2", "JobsGroup"}


def test_raw_data_that_lies_elsewhere_passes_the_gateway(
    tmp_path: Path, network_project: Callable[..., Path], of_accounts: Any
) -> None:
    folder = network_project(tmp_path / "churn", {"mode": "create"})
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("data/customers.csv", "s3://lake/customers/"))

    policy = of_accounts(folder, {"dev": ACCOUNT})["churn-dev-network"].only("AWS::EC2::VPCEndpoint")["Properties"]

    source = next(each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "Source")
    assert source["Resource"] == ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]
    assert source["Action"] == ["s3:GetObject", "s3:ListBucket"]


def test_jobs_run_in_the_created_network_and_stay_isolated(create: Any) -> None:
    exported = {each["Export"]["Name"] for each in create["churn-dev-network"].body["Outputs"].values()}

    for request in jobs_of(create).values():
        network = network_of(request) or {}
        assert network == {
            "Subnets": ["<import churn-dev-network-Subnet1>", "<import churn-dev-network-Subnet2>"],
            "SecurityGroupIds": ["<import churn-dev-network-JobsGroup>"],
        }
        named = {each.removeprefix("<import ").removesuffix(">") for ids in network.values() for each in ids}
        assert named <= exported
        assert request.get("NetworkConfig", request)["EnableNetworkIsolation"] is True


def test_the_model_runs_in_the_created_network_by_a_template_that_stays_static(create: Any, one: Any) -> None:
    serving = create["churn-dev-serving"]
    model = serving.only("AWS::SageMaker::Model")["Properties"]

    assert model["VpcConfig"] == {
        "Subnets": ["<import churn-dev-network-Subnet1>", "<import churn-dev-network-Subnet2>"],
        "SecurityGroupIds": ["<import churn-dev-network-EndpointGroup>"],
    }
    assert model["EnableNetworkIsolation"] is True
    assert serving.body["Parameters"] == one["churn-dev-serving"].body["Parameters"]
    assert not serving.resources("AWS::EC2::SecurityGroup")


def test_jobs_and_model_run_in_the_network_that_is_there(imported: Any) -> None:
    given = {"Subnets": IDS["subnets"], "SecurityGroupIds": IDS["security_groups"]}

    assert not [stack for stack in imported.stacks if stack.endswith("-network")]
    assert [network_of(request) for request in jobs_of(imported).values()] == [given, given, given]
    assert imported["churn-dev-serving"].only("AWS::SageMaker::Model")["Properties"]["VpcConfig"] == given


@pytest.mark.parametrize("stack", ["churn-training", "churn-dev-access"])
def test_what_names_a_network_is_deployed_after_it(create: Any, stack: str) -> None:
    assert "churn-dev-network" in create.artifact(stack)["dependencies"]


def test_execution_roles_may_put_interfaces_into_their_own_subnets_and_groups_alone(create: Any) -> None:
    owners = {"churn-training": [*JOBS], "churn-dev-access": ["Endpoint"]}
    for stack, roles in owners.items():
        group = "EndpointGroup" if stack == "churn-dev-access" else "JobsGroup"
        for role in roles:
            statements = create[stack].statements(role)
            place = f"arn:aws:ec2:eu-west-1:{ACCOUNT}"
            subnets = [f"{place}:subnet/<import churn-dev-network-Subnet{number}>" for number in (1, 2)]
            assert set(statements["MakeInterfaces"]["Resource"]) == {
                *subnets,
                f"{place}:security-group/<import churn-dev-network-{group}>",
                f"{place}:network-interface/*",
            }
            assert statements["AttachInterfaces"]["Resource"] == [f"{place}:network-interface/*"]
            assert statements["AttachInterfaces"]["Condition"] == {"ArnLike": {"ec2:Subnet": subnets}}
            assert all(action.startswith("ec2:Describe") for action in statements["LookAtNetwork"]["Action"])


def test_shared_subnets_of_another_account_can_be_imported(imported: Any) -> None:
    statements = imported["churn-dev-access"].statements("Endpoint")

    assert statements["AttachInterfaces"]["Condition"] == {
        "ArnLike": {"ec2:Subnet": [f"arn:aws:ec2:eu-west-1:*:subnet/{each}" for each in IDS["subnets"]]}
    }


def test_without_a_network_no_role_may_do_anything_in_one(one: Any) -> None:
    assert not OWN & one["churn-dev-access"].statements("Endpoint").keys()
    assert not [role for role in JOBS if OWN & one["churn-training"].statements(role).keys()]


def test_all_traffic_is_logged_by_a_role_that_only_this_accounts_flow_logs_take_on(create: Any) -> None:
    network = create["churn-dev-network"]

    log = network.only("AWS::EC2::FlowLog")["Properties"]
    assert (log["ResourceType"], log["TrafficType"]) == ("VPC", "ALL")
    (trust,) = network.only("AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:ec2:eu-west-1:{ACCOUNT}:vpc-flow-log/*"},
    }
    group = network.only("AWS::Logs::LogGroup")["Properties"]
    assert group["RetentionInDays"] == 365


def test_an_environment_has_a_network_of_its_own(
    tmp_path: Path, network_project: Callable[..., Path], of_accounts: Any
) -> None:
    folder = network_project(tmp_path / "churn", {"mode": "none"}, several=True)
    file = folder / "project.yaml"
    named = '  prod: {account: "333333333333", region: eu-west-1'
    file.write_text(file.read_text().replace(named, f"{named}, network: {{mode: create, cidr: 10.7.0.0/20}}"))

    assembly = of_accounts(folder, None)

    assert [stack for stack in assembly.stacks if stack.endswith("-network")] == ["churn-prod-network"]
    assert assembly["churn-prod-network"].only("AWS::EC2::VPC")["Properties"]["CidrBlock"] == "10.7.0.0/20"
    assert "VpcConfig" in assembly["churn-prod-serving"].only("AWS::SageMaker::Model")["Properties"]
    assert "VpcConfig" not in assembly["churn-staging-serving"].only("AWS::SageMaker::Model")["Properties"]


def test_synthesizing_a_network_asks_aws_for_nothing(tmp_path: Path, network_project: Callable[..., Path]) -> None:
    app = empty(tmp_path / "cdk.out")
    build(app, load(network_project(tmp_path / "churn", {"mode": "create"}, several=True)))

    assert "missing" not in json.loads((Path(app.synth().directory) / "manifest.json").read_text())
