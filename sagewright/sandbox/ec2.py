"""Why: moto's EC2 deletes networks that are still in use and takes names that AWS refuses.

A stack's deletion would then succeed here in an order that fails in AWS, where a SageMaker endpoint's interfaces hold
on to their subnets and security groups.
"""

import re
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroup

from . import interface_endpoints
from .ways_out import is_interface

_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}")
_GATEWAY_SERVICES = ("s3", "dynamodb")

_create_security_group = EC2Backend.create_security_group
_delete_security_group = EC2Backend.delete_security_group
_delete_subnet = EC2Backend.delete_subnet
_delete_vpc = EC2Backend.delete_vpc
_create_vpc_endpoint = EC2Backend.create_vpc_endpoint
_modify_vpc_endpoint = EC2Backend.modify_vpc_endpoint


def apply() -> None:
    """Make moto refuse what EC2 refuses; moto has no hooks for it."""
    EC2Backend.create_security_group = _new_security_group  # pyrefly: ignore[method-assign, bad-assignment]: see above
    EC2Backend.delete_security_group = _drop_security_group  # pyrefly: ignore[method-assign, bad-assignment]: see above
    EC2Backend.delete_subnet = _drop_subnet  # pyrefly: ignore[method-assign, bad-assignment]: see above
    EC2Backend.delete_vpc = _drop_vpc  # pyrefly: ignore[method-assign, bad-assignment]: see above
    EC2Backend.create_vpc_endpoint = _new_vpc_endpoint  # pyrefly: ignore[method-assign, bad-assignment]: see above
    EC2Backend.modify_vpc_endpoint = _changed_vpc_endpoint  # pyrefly: ignore[method-assign, bad-assignment]: see above


def _new_security_group(ec2: Any, name: str, description: str, vpc_id: str | None = None, **more: Any) -> Any:
    """Refuse texts that EC2 does not take, and a VPC that is not there."""
    for what, text in (("name", name), ("description", description or "")):
        if text and not _TEXT.fullmatch(text):
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Invalid security group {what}. Valid {what}s are strings less than 256 characters from the following"
                " set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
            )
    if name.startswith("sg-"):
        raise EC2ClientError("InvalidParameterValue", "Invalid group name: it cannot begin with sg-.")
    if vpc_id is not None:
        ec2.get_vpc(vpc_id)
    return _create_security_group(ec2, name, description, vpc_id=vpc_id, **more)


def _drop_security_group(ec2: Any, name: str | None = None, group_id: str | None = None) -> None:
    """Refuse while an interface is in the group, or another group's rule names it; a default group cannot go."""
    group = ec2.get_security_group_by_name_or_id(group_id or name)
    if group is not None:
        if group.is_default:
            raise EC2ClientError(
                "CannotDelete", f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user'
            )
        if _interfaces_in(ec2, group) or _named_by_others(ec2, group):
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    _delete_security_group(ec2, name, group_id)


def _drop_subnet(ec2: Any, subnet_id: str) -> Any:
    """Refuse while an interface is in the subnet; the subnet's association with a route table goes with it."""
    if any(interface.subnet.id == subnet_id for interface in list(ec2.enis.values())):
        raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    gone = _delete_subnet(ec2, subnet_id)
    for table in ec2.route_tables.values():
        for association in [key for key, subnet in table._associations.items() if subnet == subnet_id]:  # noqa: SLF001 - moto has no other way
            del table._associations[association]  # noqa: SLF001 - see above
    return gone


def _drop_vpc(ec2: Any, vpc_id: str) -> Any:
    """Refuse while the VPC holds groups of its own, endpoints or a gateway; its default group goes with it."""
    groups = list(ec2.groups.get(vpc_id, {}).values())
    endpoints = [each for each in ec2.vpc_end_points.values() if each.vpc_id == vpc_id and each.state != "deleted"]
    gateways = [each for each in ec2.internet_gateways.values() if each.vpc and each.vpc.id == vpc_id]
    own = [group for group in groups if not group.is_default]
    if own or endpoints or gateways or ec2.describe_subnets(filters={"vpc-id": vpc_id}):
        raise DependencyViolationError(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    for group in groups:
        del ec2.groups[vpc_id][group.id]
    return _delete_vpc(ec2, vpc_id)


def _new_vpc_endpoint(ec2: Any, *, vpc_id: str, service_name: str, endpoint_type: str | None, **more: Any) -> Any:
    """Refuse a gateway to a service that has none, tables of other networks, and a second way to the same service."""
    kind = endpoint_type or "Gateway"
    tables = more.get("route_table_ids") or []
    if kind == "Gateway":
        if service_name not in {f"com.amazonaws.{ec2.region_name}.{service}" for service in _GATEWAY_SERVICES}:
            raise EC2ClientError("InvalidServiceName", f"The Vpc Endpoint Service '{service_name}' does not exist")
        for table in tables:
            if ec2.get_route_table(table).vpc_id != vpc_id:
                raise EC2ClientError("InvalidParameter", f"Route table {table} belongs to another VPC than {vpc_id}")
            _refuse_second_route(ec2, service_name, table)
    else:
        interface_endpoints.check(ec2, vpc_id, service_name, more)
    made = _create_vpc_endpoint(ec2, vpc_id=vpc_id, service_name=service_name, endpoint_type=kind, **more)
    if kind != "Gateway":
        interface_endpoints.settle(ec2, made)
    return made


def _changed_vpc_endpoint(ec2: Any, vpc_id: str, **changes: Any) -> None:
    """Bring the routes along that lead to a gateway endpoint; `vpc_id` is what moto calls the endpoint's id."""
    endpoint = ec2.vpc_end_points.get(vpc_id)
    if endpoint is not None and endpoint.destination_prefix_list_id:
        for table in changes.get("add_route_tables") or ():
            _refuse_second_route(ec2, endpoint.service_name, table)
            ec2.create_route(
                table, None, gateway_id=vpc_id, destination_prefix_list_id=endpoint.destination_prefix_list_id
            )
        for table in changes.get("remove_route_tables") or ():
            ec2.delete_route(table, endpoint.destination_prefix_list_id)
    interface = endpoint is not None and is_interface(endpoint)
    if interface:
        interface_endpoints.change(ec2, endpoint, changes)
    _modify_vpc_endpoint(ec2, vpc_id=vpc_id, **changes)
    if interface:
        interface_endpoints.settle(ec2, endpoint)


def _refuse_second_route(ec2: Any, service_name: str, table: str) -> None:
    for other in ec2.vpc_end_points.values():
        if other.service_name == service_name and other.state != "deleted" and table in (other.route_table_ids or ()):
            raise EC2ClientError(
                "RouteAlreadyExists",
                f"route table {table} already has a route with destination-prefix-list-id"
                f" {other.destination_prefix_list_id}",
            )


def _interfaces_in(ec2: Any, group: SecurityGroup) -> list[str]:
    return [
        interface.id
        for interface in list(ec2.enis.values())
        if any(member.id == group.id for member in interface.group_set)
    ]


def _named_by_others(ec2: Any, group: SecurityGroup) -> bool:
    return any(
        rule.source_group and rule.source_group.get("GroupId") == group.id
        for groups in list(ec2.groups.values())
        for other in list(groups.values())
        if other.id != group.id
        for rule in (*other.ingress_rules, *other.egress_rules)
    )
