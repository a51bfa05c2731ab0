"""Why: a program in a VPC reaches a service only through an endpoint of it, or by a route that leads out.

What SageMaker does beside the program, such as writing its log, does not come this way; what it reads and writes in S3
for it is asked for elsewhere.
"""

import ipaddress
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import networks
from .iam.asked import Asked
from .iam.decision import Access, Policies, decide
from .iam.demand import Demand
from .iam.documents import parse
from .iam.principal import Principal
from .protocol import ApiError

# What the last part of an endpoint's service is called, for each service that the sandbox has; others by their names.
# https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
NAMES: Mapping[str, str] = {
    "cloudwatch": "monitoring",
    "sagemaker": "sagemaker.api",
    "sagemaker-runtime": "sagemaker.runtime",
    "sagemaker-featurestore-runtime": "sagemaker.featurestore-runtime",
    **{
        name: name
        for name in (
            *("athena", "cloudformation", "codebuild", "codepipeline", "ec2", "events", "glue", "kms", "lambda"),
            *("logs", "s3", "scheduler", "secretsmanager", "sns", "ssm", "sts"),
        )
    },
}
_HTTPS = 443
_ANYWHERE = "0.0.0.0/0"
_ANY_PROTOCOL = "-1"


@dataclass(frozen=True)
class Place:
    """Where a program's network interface is."""

    account: str
    region: str
    subnet: str
    groups: tuple[str, ...]


@dataclass
class WaysOut:
    """The programs that run in VPCs, by the keys that they have, and what each gets to from there."""

    _places: dict[str, Place] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, access_key: str, place: Place) -> None:
        """Hold a program to its VPC from now on."""
        with self._lock:
            self._places[access_key] = place

    def leave(self, access_key: str) -> None:
        """Forget a program that has ended."""
        with self._lock:
            self._places.pop(access_key, None)

    def of(self, access_key: str) -> Place | None:
        """Return the place of whoever has these keys; None for whoever is in no VPC."""
        return self._places.get(access_key)


def require(place: Place, who: Principal, asked: Asked, demands: Sequence[Demand]) -> None:
    """Refuse what does not get out of its VPC, where a program in AWS would wait until it gives up."""
    ec2 = networks.of(place.account, place.region)
    vpc = ec2.get_subnet(place.subnet).vpc_id
    name = NAMES.get(_service(asked), _service(asked))
    service = f"com.amazonaws.{asked.caller.region}.{name}"
    table = _table(ec2, place.subnet, vpc)
    endpoints = [
        each
        for each in list(ec2.vpc_end_points.values())
        if (each.vpc_id, each.service_name, each.state) == (vpc, service, "available") and _serves(each, table)
    ]
    if not endpoints:
        if any(_leads_out(route) for route in table.routes):
            return
        raise _unreachable(f"{table.id} of {place.subnet} has no route that leads out of {vpc}, and {vpc} no {service}")
    # An interface with a private name goes before a gateway: that name is what the program looks up.
    endpoint = min(endpoints, key=lambda each: not is_interface(each))
    if is_interface(endpoint) and not _lets_in(ec2, endpoint, place):
        groups = ", ".join(endpoint.security_group_ids)
        raise _unreachable(f"{groups} of {endpoint.id} lets no HTTPS in from {', '.join(place.groups)}")
    _judge(endpoint, who, asked, demands)


def is_interface(endpoint: Any) -> bool:
    """Tell interface endpoints from gateways."""
    return (endpoint.vpc_endpoint_type or "Gateway").lower() == "interface"


def _service(asked: Asked) -> str:
    return "sagemaker-runtime" if asked.operation.startswith("InvokeEndpoint") else asked.service


def _unreachable(why: str) -> ApiError:
    return ApiError("EndpointConnectionError", f"The service is out of reach; in AWS the call would time out: {why}.")


def _judge(endpoint: Any, who: Principal, asked: Asked, demands: Sequence[Demand]) -> None:
    policy = parse(endpoint.policy_document, f"policy of {endpoint.id}", "resource")
    # For what a request needs beside, such as a key, the service asks from where it is.
    through = [each for each in demands if each.action.partition(":")[0] == demands[0].action.partition(":")[0]]
    for demand in through:
        owner = demand.account or who.account
        access = Access(who, demand.action, demand.resource, owner, demand.context, demand.anywhere)
        if not decide(access, Policies(resource=policy)).allowed:
            raise ApiError(
                "AccessDenied" if asked.service == "s3" else "AccessDeniedException",
                f"User: {who.arn} is not authorized to perform: {demand.action} on resource: {demand.resource} because"
                f" no VPC endpoint policy allows the {demand.action} action ({policy.name})",
                403 if asked.service == "s3" else 400,
            )


def _table(ec2: Any, subnet: str, vpc: str) -> Any:
    """Return the route table that a subnet's traffic follows: its own, or the VPC's main one."""
    tables = [each for each in list(ec2.route_tables.values()) if each.vpc_id == vpc]
    own = [each for each in tables if any(tied.get("SubnetId") == subnet for tied in each.associations)]
    return (own or [each for each in tables if each.main_association_id is not None])[0]


def _serves(endpoint: Any, table: Any) -> bool:
    if is_interface(endpoint):
        return bool(endpoint.private_dns_enabled)
    return table.id in (endpoint.route_table_ids or ())


def _leads_out(route: Any) -> bool:
    """Tell whether traffic to anywhere goes on; an internet gateway takes none of interfaces without public address."""
    return route.destination_cidr_block == _ANYWHERE and route.gateway is None


def _lets_in(ec2: Any, endpoint: Any, place: Place) -> bool:
    block = ipaddress.ip_network(ec2.get_subnet(place.subnet).cidr_block)
    return any(
        rule.source_group.get("GroupId") in place.groups or _covers(rule.ip_range.get("CidrIp"), block)
        for rule in _rules(ec2, endpoint)
        if rule.ip_protocol == _ANY_PROTOCOL
        or (rule.ip_protocol == "tcp" and (rule.from_port or 0) <= _HTTPS <= (rule.to_port or 0))
    )


def _rules(ec2: Any, endpoint: Any) -> Iterator[Any]:
    for each in endpoint.security_group_ids:
        yield from ec2.get_security_group_from_id(each).ingress_rules


def _covers(cidr: str | None, block: Any) -> bool:
    return cidr is not None and block.subnet_of(ipaddress.ip_network(cidr))
