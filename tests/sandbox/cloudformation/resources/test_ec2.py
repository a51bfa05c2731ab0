"""A private network: made, read, changed and removed, in the order that EC2 insists on."""

import threading
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resource import HandlerError
from sagewright.sandbox.cloudformation.resources import ec2_resource
from sagewright.sandbox.cloudformation.schema import schema_for

S3, STS = "com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.sts"
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Network:
    """The smallest private network: each part is a resource of the stack."""

    stack: Any
    vpc: Any
    subnet: Any
    table: Any
    association: Any
    group: Any

    def interface(self) -> str:
        """Put an interface into the subnet and the group, as SageMaker does for an instance."""
        made = self.stack.client("ec2").create_network_interface(SubnetId=self.subnet.id, Groups=[self.group.id])
        return str(made["NetworkInterface"]["NetworkInterfaceId"])


@pytest.fixture
def network(stack: Any) -> Network:
    vpc = stack.create("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/24", "EnableDnsHostnames": True}, "Vpc")
    subnet = stack.create("AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.0.0/25"}, "Subnet")
    table = stack.create("AWS::EC2::RouteTable", {"VpcId": vpc.id}, "Table")
    both = {"SubnetId": subnet.id, "RouteTableId": table.id}
    association = stack.create("AWS::EC2::SubnetRouteTableAssociation", both, "Association")
    group = stack.create("AWS::EC2::SecurityGroup", {"GroupDescription": "Jobs", "VpcId": vpc.id}, "Group")
    return Network(stack, vpc, subnet, table, association, group)


def round_trip(stack: Any, type_name: str, properties: dict[str, Any], change: dict[str, Any]) -> None:
    """Create, read, change back and forth, and delete twice, which is a success both times."""
    resource = stack.create(type_name, properties)
    schema = schema_for(type_name, stack.region)
    assert schema is not None
    assert resource.attributes.keys() <= schema.attributes
    changed = resource.update({**properties, **change}, tags={"team": "data"})
    restored = changed.update(properties)
    restored.delete()
    restored.delete()


def test_every_part_of_a_network_goes_from_creation_to_removal(network: Network) -> None:
    stack, vpc, table = network.stack, network.vpc, network.table
    round_trip(stack, "AWS::EC2::VPC", {"CidrBlock": "10.1.0.0/24"}, {"EnableDnsSupport": False})
    round_trip(
        stack, "AWS::EC2::Subnet", {"VpcId": vpc.id, "CidrBlock": "10.0.0.128/25"}, {"MapPublicIpOnLaunch": True}
    )
    round_trip(stack, "AWS::EC2::RouteTable", {"VpcId": vpc.id}, {})
    endpoint = {"VpcId": vpc.id, "ServiceName": S3, "PolicyDocument": EVERYTHING}
    round_trip(stack, "AWS::EC2::VPCEndpoint", endpoint, {"RouteTableIds": [table.id]})
    rule = {"GroupId": network.group.id, "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/24"}
    round_trip(stack, "AWS::EC2::SecurityGroupIngress", rule, {})
    round_trip(stack, "AWS::EC2::SecurityGroupEgress", rule, {})
    group = network.group.id
    esp = {"GroupId": group, "IpProtocol": "50"}
    round_trip(stack, "AWS::EC2::SecurityGroupIngress", {**esp, "SourceSecurityGroupId": group}, {})
    round_trip(stack, "AWS::EC2::SecurityGroupEgress", {**esp, "DestinationSecurityGroupId": group}, {})
    role = stack.role("vpc-flow-logs.amazonaws.com").attributes["Arn"]
    log = {"ResourceType": "VPC", "ResourceId": vpc.id, "TrafficType": "ALL", "DeliverLogsPermissionArn": role}
    round_trip(stack, "AWS::EC2::FlowLog", {**log, "LogGroupName": "flows"}, {})


def test_a_network_is_there_as_the_template_says(network: Network) -> None:
    ec2 = network.stack.client("ec2")

    vpc = ec2.describe_vpcs(VpcIds=[network.vpc.id])["Vpcs"][0]
    assert {"Key": "team", "Value": "ml"} in vpc["Tags"]
    assert {"Key": "aws:cloudformation:logical-id", "Value": "Vpc"} in vpc["Tags"]
    names = ec2.describe_vpc_attribute(VpcId=network.vpc.id, Attribute="enableDnsHostnames")
    assert names["EnableDnsHostnames"]["Value"] is True
    default = network.vpc.attributes["DefaultSecurityGroup"]
    assert ec2.describe_security_groups(GroupIds=[default])["SecurityGroups"][0]["GroupName"] == "default"
    (association,) = ec2.describe_route_tables(RouteTableIds=[network.table.id])["RouteTables"][0]["Associations"]
    assert association["SubnetId"] == network.subnet.id


def test_rules_of_a_group_replace_what_it_lets_out_by_default_and_change_in_place(network: Network) -> None:
    def let_out(group: str) -> list[tuple[str, int | None]]:
        ec2 = network.stack.client("ec2")
        rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
        return [(rule["IpProtocol"], rule.get("FromPort")) for rule in rules]

    https, http = ({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "CidrIp": "0.0.0.0/0"} for port in (443, 80))
    named = {"GroupDescription": "Out", "VpcId": network.vpc.id}
    group = network.stack.create("AWS::EC2::SecurityGroup", {**named, "SecurityGroupEgress": [https]}, "Out")

    assert let_out(network.group.id) == [("-1", None)]
    assert let_out(group.id) == [("tcp", 443)]
    changed = group.update({**named, "SecurityGroupEgress": [http]})
    assert let_out(group.id) == [("tcp", 80)]
    changed.update(named)
    assert let_out(group.id) == [("-1", None)]


def test_subnet_and_group_wait_for_an_interface_that_is_about_to_go(network: Network) -> None:
    interface, ec2 = network.interface(), network.stack.client("ec2")
    going = threading.Timer(0.5, ec2.delete_network_interface, kwargs={"NetworkInterfaceId": interface})
    going.start()

    network.group.delete()
    network.subnet.delete()

    going.join()
    assert (
        ec2.describe_network_interfaces(Filters=[{"Name": "network-interface-id", "Values": [interface]}])[
            "NetworkInterfaces"
        ]
        == []
    )


def test_subnet_and_group_stay_while_an_interface_is_in_them(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ec2_resource, "INTERFACES_LEAVE_S", 0)
    interface = network.interface()

    with pytest.raises(ClientError, match=f"DependencyViolation.*resource {network.group.id} has a dependent object"):
        network.group.delete()
    with pytest.raises(ClientError, match=f"The subnet '{network.subnet.id}' has dependencies and cannot be deleted"):
        network.subnet.delete()

    network.stack.client("ec2").delete_network_interface(NetworkInterfaceId=interface)
    network.group.delete()
    network.subnet.delete()


def test_a_group_that_anothers_rule_names_stays(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ec2_resource, "INTERFACES_LEAVE_S", 0)
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "SourceSecurityGroupId": network.group.id}
    properties = {"GroupDescription": "Ours", "VpcId": network.vpc.id, "SecurityGroupIngress": [rule]}
    other = network.stack.create("AWS::EC2::SecurityGroup", properties, "Other")

    with pytest.raises(ClientError, match="DependencyViolation"):
        network.group.delete()

    other.delete()
    network.group.delete()


def test_a_vpc_goes_last(network: Network) -> None:
    endpoint = {"VpcId": network.vpc.id, "ServiceName": S3, "RouteTableIds": [network.table.id]}
    gateway = network.stack.create("AWS::EC2::VPCEndpoint", endpoint, "S3")
    order = [gateway, network.association, network.table, network.group, network.subnet]

    for part in order:
        with pytest.raises(ClientError, match=f"The vpc '{network.vpc.id}' has dependencies and cannot be deleted"):
            network.vpc.delete()
        part.delete()
    network.vpc.delete()


def test_a_default_group_cannot_be_deleted(network: Network) -> None:
    ec2 = network.stack.client("ec2")

    with pytest.raises(ClientError, match=r"CannotDelete.* cannot be deleted by a user"):
        ec2.delete_security_group(GroupId=network.vpc.attributes["DefaultSecurityGroup"])


@pytest.mark.parametrize(
    ("properties", "refusal"),
    [
        ({"GroupDescription": "Jobs", "GroupName": "sg-jobs"}, "cannot begin with sg-"),
        ({"GroupDescription": "Jobs", "VpcId": "vpc-11111111111111111"}, "vpc-11111111111111111"),
    ],
)
def test_a_group_that_ec2_would_refuse_is_refused(network: Network, properties: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        network.stack.create("AWS::EC2::SecurityGroup", {"VpcId": network.vpc.id, **properties}, "Refused")


def test_a_description_that_ec2_would_refuse_is_refused_without_a_template_too(network: Network) -> None:
    described = {"GroupName": "jobs", "Description": "The jobs' own", "VpcId": network.vpc.id}

    with pytest.raises(ClientError, match="Invalid security group description"):
        network.stack.client("ec2").create_security_group(**described)


@pytest.mark.parametrize(
    ("properties", "refusal"),
    [
        ({"ServiceName": "com.amazonaws.eu-west-1.sagemaker.api"}, "InvalidServiceName"),
        ({"ServiceName": "com.amazonaws.us-east-1.s3"}, "InvalidServiceName"),
        ({"ServiceName": S3, "VpcEndpointType": "GatewayLoadBalancer"}, "does not have VpcEndpointType GatewayLoad"),
        ({"ServiceName": f"{STS}.nowhere", "VpcEndpointType": "Interface"}, "does not exist"),
        ({"ServiceName": STS, "VpcEndpointType": "Interface", "SecurityGroupIds": ["sg-1"]}, "does not exist"),
    ],
)
def test_an_endpoint_that_would_lead_nowhere_is_refused(
    network: Network, properties: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(ClientError, match=refusal):
        network.stack.create("AWS::EC2::VPCEndpoint", {"VpcId": network.vpc.id, **properties}, "Refused")


def test_an_interface_is_in_its_subnets_and_groups_until_it_goes(network: Network) -> None:
    ec2, group = network.stack.client("ec2"), network.group.id
    more = {"VpcId": network.vpc.id, "CidrBlock": "10.0.0.128/25", "AvailabilityZone": "eu-west-1b"}
    other = network.stack.create("AWS::EC2::Subnet", more, "Other")
    asked = {"VpcId": network.vpc.id, "ServiceName": STS, "VpcEndpointType": "Interface", "PrivateDnsEnabled": True}
    asked |= {"SubnetIds": [network.subnet.id], "SecurityGroupIds": [group], "PolicyDocument": EVERYTHING}
    made = network.stack.create("AWS::EC2::VPCEndpoint", asked, "Sts")

    def places() -> set[tuple[str, str]]:
        found = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [network.vpc.id]}])
        return {(each["SubnetId"], each["Groups"][0]["GroupId"]) for each in found["NetworkInterfaces"]}

    assert places() == {(network.subnet.id, group)}
    moved = made.update({**asked, "SubnetIds": [other.id]})
    assert places() == {(other.id, group)}
    with pytest.raises((ClientError, HandlerError), match="conflicting DNS domain"):
        network.stack.create("AWS::EC2::VPCEndpoint", asked, "Again")
    moved.delete()
    assert places() == set()


def test_a_second_way_to_the_same_service_is_refused(network: Network) -> None:
    endpoint = {"VpcId": network.vpc.id, "ServiceName": S3, "RouteTableIds": [network.table.id]}
    network.stack.create("AWS::EC2::VPCEndpoint", endpoint, "S3")

    with pytest.raises(ClientError, match="RouteAlreadyExists"):
        network.stack.create("AWS::EC2::VPCEndpoint", endpoint, "S3Again")


def test_a_flow_log_of_nothing_is_refused(network: Network) -> None:
    role = network.stack.role("vpc-flow-logs.amazonaws.com").attributes["Arn"]
    log = {"ResourceType": "VPC", "TrafficType": "ALL", "DeliverLogsPermissionArn": role, "LogGroupName": "flows"}

    with pytest.raises((ClientError, HandlerError), match="vpc-11111111111111111"):
        network.stack.create("AWS::EC2::FlowLog", {**log, "ResourceId": "vpc-11111111111111111"})


def test_a_flow_log_whose_role_does_not_let_it_is_refused(network: Network) -> None:
    role = network.stack.role("lambda.amazonaws.com").attributes["Arn"]
    log = {"ResourceType": "VPC", "TrafficType": "ALL", "DeliverLogsPermissionArn": role, "LogGroupName": "flows"}

    with pytest.raises(ClientError, match="Unable to assume given IAM role"):
        network.stack.create("AWS::EC2::FlowLog", {**log, "ResourceId": network.vpc.id})
