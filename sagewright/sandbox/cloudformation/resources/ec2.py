"""Why: a network of a project's own is a VPC, its subnets and where their traffic may go."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call
from .api_resource import changed
from .ec2_resource import Ec2Resource

_DNS = {"EnableDnsSupport": True, "EnableDnsHostnames": False}


class Vpc(Ec2Resource):
    """A VPC; how it resolves names has an operation of its own, one setting at a time."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set how names are resolved."""
        for name, default in _DNS.items():
            if old.get(name, default) != new.get(name, default):
                setting = {name: {"Value": new.get(name, default)}}
                call(self.client(context), "modify_vpc_attribute", VpcId=physical_id, **setting)

    @override
    def described(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Return what EC2 made with the VPC."""
        ec2 = context.clients.get("ec2", context.account, context.region)
        of_vpc = [{"Name": "vpc-id", "Values": [physical_id]}]
        default_group = [*of_vpc, {"Name": "group-name", "Values": ["default"]}]
        groups = call(ec2, "describe_security_groups", Filters=default_group)["SecurityGroups"]
        acls = call(ec2, "describe_network_acls", Filters=[*of_vpc, {"Name": "default", "Values": ["true"]}])
        vpc = call(ec2, "describe_vpcs", VpcIds=[physical_id])["Vpcs"][0]
        return {
            "VpcId": physical_id,
            "DefaultSecurityGroup": groups[0]["GroupId"],
            "DefaultNetworkAcl": acls["NetworkAcls"][0]["NetworkAclId"],
            "CidrBlockAssociations": [each["AssociationId"] for each in vpc["CidrBlockAssociationSet"]],
        }


class Subnet(Ec2Resource):
    """A subnet; whether its instances get public addresses can change."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Say whether instances get public addresses."""
        if changed(old, new, "MapPublicIpOnLaunch"):
            public = {"Value": new.get("MapPublicIpOnLaunch", False)}
            call(self.client(context), "modify_subnet_attribute", SubnetId=physical_id, MapPublicIpOnLaunch=public)

    @override
    def described(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Return the zone, which EC2 chooses where the template does not."""
        ec2 = context.clients.get("ec2", context.account, context.region)
        subnet = call(ec2, "describe_subnets", SubnetIds=[physical_id])["Subnets"][0]
        return {
            "SubnetId": physical_id,
            "AvailabilityZone": subnet["AvailabilityZone"],
            "AvailabilityZoneId": subnet["AvailabilityZoneId"],
        }


class RouteTable(Ec2Resource):
    """A table of routes."""

    @override
    def described(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Return the id under the name that the type gives it."""
        del context
        return {"RouteTableId": physical_id}


class Association(Ec2Resource):
    """Says which table a subnet's traffic follows; it carries no tags."""

    @override
    def retag(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Leave it untagged."""


TYPES = {
    "AWS::EC2::VPC": Vpc(
        type_name="AWS::EC2::VPC",
        service="ec2",
        create_operation="create_vpc",
        delete_operation="delete_vpc",
        identifier="VpcId",
        reference="Vpc.VpcId",
        apart=frozenset(_DNS),
    ),
    "AWS::EC2::Subnet": Subnet(
        type_name="AWS::EC2::Subnet",
        service="ec2",
        create_operation="create_subnet",
        delete_operation="delete_subnet",
        identifier="SubnetId",
        reference="Subnet.SubnetId",
        apart=frozenset({"MapPublicIpOnLaunch"}),
    ),
    "AWS::EC2::RouteTable": RouteTable(
        type_name="AWS::EC2::RouteTable",
        service="ec2",
        create_operation="create_route_table",
        delete_operation="delete_route_table",
        identifier="RouteTableId",
        reference="RouteTable.RouteTableId",
    ),
    "AWS::EC2::SubnetRouteTableAssociation": Association(
        type_name="AWS::EC2::SubnetRouteTableAssociation",
        service="ec2",
        create_operation="associate_route_table",
        delete_operation="disassociate_route_table",
        identifier="AssociationId",
        reference="AssociationId",
    ),
}
