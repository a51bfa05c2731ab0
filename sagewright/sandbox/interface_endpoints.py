"""Why: moto's interface endpoints are in no security group, and may be of services that AWS does not have.

https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import random_private_ip

from .ways_out import NAMES, is_interface


def check(ec2: Any, vpc_id: str, service_name: str, asked: Mapping[str, Any]) -> None:
    """Refuse what EC2 does: services without such an endpoint, foreign subnets and groups, a second private name."""
    if service_name not in {f"com.amazonaws.{ec2.region_name}.{name}" for name in NAMES.values()}:
        raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")
    vpc = ec2.get_vpc(vpc_id)
    _check_subnets(ec2, vpc_id, asked.get("subnet_ids") or ())
    _check_groups(ec2, vpc_id, asked.get("security_group_ids") or ())
    if not asked.get("private_dns_enabled"):
        return
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise EC2ClientError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for"
            f" {vpc_id}",
        )
    for other in list(ec2.vpc_end_points.values()):
        there = (other.vpc_id, other.service_name, other.state) == (vpc_id, service_name, "available")
        if there and is_interface(other) and other.private_dns_enabled:
            name = service_name.rpartition(f"{ec2.region_name}.")[2]
            raise EC2ClientError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for"
                f" {name}.{ec2.region_name}.amazonaws.com in the VPC {vpc_id}",
            )


def settle(ec2: Any, endpoint: Any) -> None:
    """Put the endpoint's interfaces into its groups; without any it is in the VPC's default group."""
    if not endpoint.security_group_ids:
        groups = list(ec2.groups.get(endpoint.vpc_id, {}).values())
        endpoint.security_group_ids = [group.id for group in groups if group.is_default]
    groups = [ec2.get_security_group_from_id(each) for each in endpoint.security_group_ids]
    for interface in endpoint.network_interface_ids:
        ec2.enis[interface]._group_set = list(groups)  # noqa: SLF001 - moto has no other way


def change(ec2: Any, endpoint: Any, changes: Mapping[str, Any]) -> None:
    """Make and remove interfaces as subnets come and go, before moto writes down that they did."""
    added, removed = changes.get("add_subnets") or (), changes.get("remove_subnets") or ()
    kept = [each for each in endpoint.subnet_ids or () if each not in removed]
    _check_subnets(ec2, endpoint.vpc_id, [*kept, *added])
    _check_groups(ec2, endpoint.vpc_id, changes.get("add_security_groups") or ())
    for interface in list(endpoint.network_interface_ids):
        if ec2.enis[interface].subnet.id in removed:
            del ec2.enis[interface]
            endpoint.network_interface_ids.remove(interface)
    for subnet in added:
        made = ec2.create_network_interface(subnet, random_private_ip())
        endpoint.network_interface_ids.append(made.id)


def _check_subnets(ec2: Any, vpc_id: str, subnets: Iterable[str]) -> None:
    zones: set[str] = set()
    for each in subnets:
        subnet = ec2.get_subnet(each)
        if subnet.vpc_id != vpc_id:
            raise EC2ClientError("InvalidParameter", f"Subnet {each} belongs to another VPC than {vpc_id}")
        if subnet.availability_zone in zones:
            raise EC2ClientError(
                "DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of {each}"
            )
        zones.add(subnet.availability_zone)


def _check_groups(ec2: Any, vpc_id: str, groups: Iterable[str]) -> None:
    for each in groups:
        if each not in ec2.groups.get(vpc_id, {}):
            raise EC2ClientError("InvalidGroup.NotFound", f"The security group '{each}' does not exist in {vpc_id}")
