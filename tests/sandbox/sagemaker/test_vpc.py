"""Jobs and endpoints in a VPC: what has to be there, what the role has to be allowed, and what outlives them."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.sagemaker.instances import network as interfaces

WRITES = "import sys; open(sys.argv[2] + '/result/x', 'w').write('x'); print('done')"
ASKS = """
import sys
import boto3
from botocore.exceptions import ClientError

try:
    said = boto3.client("sts").get_caller_identity()["Arn"]
except ClientError as error:
    said = str(error)
open(sys.argv[2] + "/result/x", "w").write(said)
"""
WAITS = "import time; print('waiting', flush=True); time.sleep(300)"
LOOK = [
    *("ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"),
    *("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
]
MAKE = ["ec2:CreateNetworkInterface"]
ATTACH = ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"]
LONGEST_S = 30


@dataclass(frozen=True)
class Vpc:
    """A VPC with one subnet that has a way to S3, one that has none, and a group."""

    account: Any
    id: str
    subnet: str
    dead_end: str
    table: str
    gateway: str
    group: str

    @property
    def ec2(self) -> Any:
        return self.account.client("ec2")

    @property
    def config(self) -> dict[str, Any]:
        return {"Subnets": [self.subnet], "SecurityGroupIds": [self.group]}

    def inside(self, **changes: Any) -> dict[str, Any]:
        """What makes a processing job run in the VPC."""
        return {"NetworkConfig": {"EnableNetworkIsolation": True, "VpcConfig": self.config | changes}}

    def on_the_network(self) -> dict[str, Any]:
        """The same for one whose program may ask services itself."""
        return {"NetworkConfig": {"VpcConfig": self.config}}

    def way_to(self, service: str, **more: Any) -> str:
        """Make an interface to a service with a private name; the group that lets in what the job's group sends."""
        self.ec2.modify_vpc_attribute(VpcId=self.id, EnableDnsHostnames={"Value": True})
        group = self.ec2.create_security_group(GroupName=f"in-{self.group}", Description="In", VpcId=self.id)["GroupId"]
        pairs = [{"GroupId": self.group}]
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs}
        self.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        asked = {"VpcId": self.id, "SubnetIds": [self.subnet], "SecurityGroupIds": [group], "PrivateDnsEnabled": True}
        self.ec2.create_vpc_endpoint(
            ServiceName=f"com.amazonaws.eu-west-1.{service}", VpcEndpointType="Interface", **asked | more
        )
        return str(group)

    def interfaces(self) -> list[dict[str, Any]]:
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [self.id]}])
        return [each for each in found["NetworkInterfaces"] if "SageMaker" in each["Description"]]

    def emptied(self) -> None:
        """Block until no interface is left."""
        over = time.monotonic() + LONGEST_S
        while self.interfaces():
            assert time.monotonic() < over, self.interfaces()

    def allow(self, without: Sequence[str] = (), subnets: Sequence[str] = ("*",)) -> None:
        """Let the account's role use the VPC."""
        where = {"ArnLike": {"ec2:Subnet": [f"arn:aws:ec2:eu-west-1:111111111111:subnet/{each}" for each in subnets]}}
        lists: list[tuple[list[str], dict[str, Any]]] = [(LOOK, {}), (MAKE, {}), (ATTACH, {"Condition": where})]
        statements = [
            {"Effect": "Allow", "Action": [each for each in actions if each not in without], "Resource": "*", **more}
            for actions, more in lists
        ]
        kept = [statement for statement in statements if statement["Action"]]
        document = json.dumps({"Version": "2012-10-17", "Statement": kept})
        self.account.client("iam").put_role_policy(
            RoleName=self.account.name, PolicyName="Network", PolicyDocument=document
        )


@pytest.fixture(autouse=True)
def short_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let interfaces go almost at once where a test is not about that."""
    monkeypatch.setattr(interfaces, "LINGER_S", 0.1)


@pytest.fixture
def vpc(account: Any) -> Vpc:
    ec2 = account.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet, dead_end = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.0.{start}/25")["Subnet"]["SubnetId"] for start in (0, 128)
    )
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    s3 = {"VpcId": vpc, "ServiceName": "com.amazonaws.eu-west-1.s3", "VpcEndpointType": "Gateway"}
    gateway = ec2.create_vpc_endpoint(**s3, RouteTableIds=[table])["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(GroupName=account.name, Description="Jobs", VpcId=vpc)["GroupId"]
    made = Vpc(account, vpc, subnet, dead_end, table, gateway, group)
    made.allow()
    return made


def refused(call: Callable[..., Any], request: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.mark.parametrize("kind", ["processing", "training"])
def test_a_job_runs_in_a_vpc_and_holds_an_interface_there_meanwhile(
    account: Any, jobs: Any, vpc: Vpc, kind: str
) -> None:
    sagemaker = account.client("sagemaker")
    if kind == "processing":
        arn = sagemaker.create_processing_job(**jobs.processing_request(WAITS, **vpc.inside()))["ProcessingJobArn"]
    else:
        arn = sagemaker.create_training_job(**jobs.training_request(WAITS, VpcConfig=vpc.config))["TrainingJobArn"]
    jobs.wait_for_line(f"{kind}-job", "waiting")

    (interface,) = vpc.interfaces()
    assert (interface["SubnetId"], interface["Groups"][0]["GroupId"]) == (vpc.subnet, vpc.group)

    getattr(sagemaker, f"stop_{kind}_job")(**{f"{kind.capitalize()}JobName": account.name})
    account.finished(arn)
    vpc.emptied()


def test_what_a_job_reads_and_writes_goes_through_the_vpc(account: Any, jobs: Any, vpc: Vpc) -> None:
    job = jobs.process(WRITES, **vpc.inside())

    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    assert job["NetworkConfig"]["VpcConfig"] == vpc.config
    assert account.get("result/x") == b"x"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Subnets": ["subnet-11111111111111111"]}, "The subnet ID 'subnet-11111111111111111' does not exist"),
        ({"SecurityGroupIds": ["sg-11111111111111111"]}, "The security group 'sg-11111111111111111' does not exist"),
    ],
)
def test_a_vpc_that_is_not_there_is_refused(
    jobs: Any, serving: Any, vpc: Vpc, changes: dict[str, Any], said: str
) -> None:
    sagemaker, config = serving.client, vpc.config | changes

    for call, request in (
        (sagemaker.create_processing_job, jobs.processing_request(WRITES, **vpc.inside(**changes))),
        (sagemaker.create_training_job, jobs.training_request(WRITES, VpcConfig=config)),
        (sagemaker.create_model, serving.model_request("one", VpcConfig=config)),
    ):
        code, message = refused(call, request)
        assert code == "ValidationException"
        assert message.startswith(said)


def test_a_group_of_another_vpc_is_refused(account: Any, jobs: Any, vpc: Vpc) -> None:
    other = vpc.ec2.create_vpc(CidrBlock="10.1.0.0/24")["Vpc"]["VpcId"]
    group = vpc.ec2.create_security_group(GroupName="other", Description="Other", VpcId=other)["GroupId"]
    subnet = vpc.ec2.create_subnet(VpcId=other, CidrBlock="10.1.0.0/25")["Subnet"]["SubnetId"]
    create = account.client("sagemaker").create_processing_job

    _, message = refused(create, jobs.processing_request(WRITES, **vpc.inside(SecurityGroupIds=[group])))
    assert message == f"The security group '{group}' does not exist in VPC '{vpc.id}'"
    _, message = refused(create, jobs.processing_request(WRITES, **vpc.inside(Subnets=[vpc.subnet, subnet])))
    assert message.startswith("All subnets must be in the same VPC")


@pytest.mark.parametrize("action", [*LOOK, *MAKE, ATTACH[0]])
def test_a_role_that_may_not_make_interfaces_fails_the_job(account: Any, jobs: Any, vpc: Vpc, action: str) -> None:
    vpc.allow(without=[action])

    job = jobs.process(WRITES, **vpc.inside())

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Failed to create a network interface in the VPC:")
    assert account.denial(action) in job["FailureReason"]


def test_a_role_that_is_held_to_other_subnets_fails_the_job(account: Any, jobs: Any, vpc: Vpc) -> None:
    vpc.allow(subnets=[vpc.dead_end])

    job = jobs.process(WRITES, **vpc.inside())

    assert account.denial("ec2:CreateNetworkInterfacePermission") in job["FailureReason"]


@pytest.mark.parametrize("action", ATTACH[1:])
def test_an_interface_that_the_role_may_not_remove_stays(jobs: Any, vpc: Vpc, action: str, capfd: Any) -> None:
    vpc.allow(without=[action])
    arn = jobs.process(WRITES, **vpc.inside())["ProcessingJobArn"]
    (interface,) = vpc.interfaces()
    said, over = "", time.monotonic() + LONGEST_S
    while f"{interface['NetworkInterfaceId']} of {arn} stays" not in said:
        assert time.monotonic() < over, said
        said += capfd.readouterr().err
    assert vpc.interfaces() == [interface]


def test_a_subnet_without_a_way_to_s3_fails_the_job(jobs: Any, vpc: Vpc) -> None:
    job = jobs.process(WRITES, **vpc.inside(Subnets=[vpc.dead_end]))

    assert job["FailureReason"].startswith("ClientError: Data download failed: Please ensure that the subnet's route")


@pytest.mark.parametrize(
    ("action", "resource"), [("s3:GetObject", "code/program.py"), ("s3:PutObject", "result/-"), ("s3:ListBucket", "")]
)
def test_what_the_gateways_policy_keeps_back_fails_the_job(
    account: Any, jobs: Any, vpc: Vpc, action: str, resource: str
) -> None:
    allowed = sorted({"s3:GetObject", "s3:PutObject", "s3:ListBucket"} - {action})
    statement = {"Effect": "Allow", "Principal": "*", "Action": allowed, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=vpc.gateway, PolicyDocument=policy)

    reason = jobs.process(WRITES, **vpc.inside())["FailureReason"]

    arn = f"arn:aws:s3:::{account.bucket}/{resource}".rstrip("/")
    assert f"is not authorized to perform: {action} on resource: {arn} because no VPC endpoint policy allows" in reason


def test_a_program_reaches_no_service_that_the_vpc_has_no_way_to(account: Any, jobs: Any, vpc: Vpc) -> None:
    vpc.way_to("monitoring")
    assert jobs.process(ASKS, **vpc.on_the_network())["ProcessingJobStatus"] == "Completed"
    said = account.get("result/x").decode()
    assert f"no route that leads out of {vpc.id}, and {vpc.id} no com.amazonaws.eu-west-1.sts" in said


def test_a_program_reaches_a_service_by_an_interface_of_it(account: Any, jobs: Any, vpc: Vpc) -> None:
    vpc.way_to("sts")
    jobs.process(ASKS, **vpc.on_the_network())
    assert f"assumed-role/{account.name}" in account.get("result/x").decode()


def test_an_interface_that_lets_the_program_not_in_is_no_way(account: Any, jobs: Any, vpc: Vpc) -> None:
    vpc.way_to("sts", SecurityGroupIds=[vpc.group])
    jobs.process(ASKS, **vpc.on_the_network())
    assert f"lets no HTTPS in from {vpc.group}" in account.get("result/x").decode()


def test_what_the_policy_of_an_interface_keeps_back_is_refused(account: Any, jobs: Any, vpc: Vpc) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
    vpc.way_to("sns", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    jobs.process(ASKS.replace("sts", "sns").replace("get_caller_identity", "list_topics"), **vpc.on_the_network())
    assert "no VPC endpoint policy allows the sns:ListTopics action" in account.get("result/x").decode()


def test_an_endpoints_interfaces_hold_on_to_their_group_and_outlive_it(
    account: Any, serving: Any, vpc: Vpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interfaces, "LINGER_S", 3.0)
    variant = {"InitialInstanceCount": 2}
    endpoint = serving.create("one", VpcConfig=vpc.config, EnableNetworkIsolation=True, variant=variant)
    assert endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason")

    assert json.loads(serving.invoke()["Body"])["model"] == "one"
    assert len(vpc.interfaces()) == 2
    assert refused(vpc.ec2.delete_security_group, {"GroupId": vpc.group})[0] == "DependencyViolation"

    serving.client.delete_endpoint(EndpointName=serving.name)
    account.deleted(serving.name)
    assert refused(vpc.ec2.delete_security_group, {"GroupId": vpc.group})[0] == "DependencyViolation"
    vpc.emptied()
    vpc.ec2.delete_security_group(GroupId=vpc.group)


def test_captured_requests_that_the_gateways_policy_keeps_back_are_lost(account: Any, serving: Any, vpc: Vpc) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=vpc.gateway, PolicyDocument=policy)
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{account.bucket}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    serving.client.create_model(**serving.model_request("one", VpcConfig=vpc.config))
    serving.client.create_endpoint_config(**serving.config_request("one", DataCaptureConfig=capture))
    serving.client.create_endpoint(EndpointName=serving.name, EndpointConfigName=f"{serving.name}-one")
    assert account.settled(serving.name)["EndpointStatus"] == "InService"

    serving.invoke()
    serving.client.delete_endpoint(EndpointName=serving.name)
    account.deleted(serving.name)

    assert "Contents" not in account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix="capture/")
    lines = account.log_lines(f"/aws/sagemaker/Endpoints/{serving.name}", "AllTraffic/")
    (said,) = [line for line in lines if "captured" in line]
    assert "s3:PutObject" in said
    assert "because no VPC endpoint policy allows" in said


def test_an_endpoint_whose_role_may_not_enter_the_vpc_does_not_come_up(account: Any, serving: Any, vpc: Vpc) -> None:
    vpc.allow(without=MAKE)

    endpoint = serving.create("one", VpcConfig=vpc.config)

    assert endpoint["EndpointStatus"] == "Failed"
    assert account.denial("ec2:CreateNetworkInterface") in endpoint["FailureReason"]


@pytest.mark.parametrize("action", ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents", None])
def test_a_flow_log_is_written_by_its_role_and_says_so_when_it_may_not(
    account: Any, jobs: Any, vpc: Vpc, action: str | None
) -> None:
    iam, logs = account.client("iam"), account.client("logs")
    logs.create_log_group(logGroupName=account.name)
    name = f"{account.name}-flows"
    service = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [service]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    actions = [
        each for each in ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents") if each != action
    ]
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="Write", PolicyDocument=document)
    (log,) = vpc.ec2.create_flow_logs(
        ResourceIds=[vpc.id],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=account.name,
        DeliverLogsPermissionArn=role,
    )["FlowLogIds"]

    assert jobs.process(WRITES, **vpc.inside())["ProcessingJobStatus"] == "Completed"

    status = vpc.ec2.describe_flow_logs(FlowLogIds=[log])["FlowLogs"][0]
    written = account.log_lines(account.name, "eni-")
    if action is None:
        assert status["DeliverLogsStatus"] == "SUCCESS"
        assert written
        assert all(line.endswith("NODATA") for line in written)
    else:
        assert (status["DeliverLogsStatus"], status["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
        assert not written
