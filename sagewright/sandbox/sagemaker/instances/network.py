"""Why: an instance in a VPC has a network interface there, which the role has to be allowed and which outlives it."""

import sys
import threading
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from ...clients import ActingClients, Clients
from ...clock import Clock
from ...protocol import ApiError, Caller
from ...ways_out import Place
from ..store import Record
from .failure import InstanceError
from .flow_records import record_flows
from .s3_route import require_s3

# SageMaker removes interfaces minutes after an endpoint is gone, so that deleting its network at once fails:
# https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1327
LINGER_S = 5.0

_LOOK = (
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeSecurityGroups",
    "DescribeDhcpOptions",
    "DescribeNetworkInterfaces",
)
_RELEASE = ("ec2:DeleteNetworkInterfacePermission", "ec2:DeleteNetworkInterface")


def require_vpc(clients: Clients, caller: Caller, vpc: Record | None) -> None:
    """Refuse a VpcConfig whose subnets and groups are not there, in this account and region and in one VPC."""
    if not vpc:
        return
    ec2 = clients.get("ec2", caller.account, caller.region)
    vpcs = {}
    for subnet in vpc["Subnets"]:
        found = _found(ec2.describe_subnets, SubnetIds=[subnet])
        if found is None:
            raise ApiError("ValidationException", f"The subnet ID '{subnet}' does not exist")
        vpcs[subnet] = found["Subnets"][0]["VpcId"]
    if len(set(vpcs.values())) > 1:
        places = ", ".join(f"{subnet} in {vpc_id}" for subnet, vpc_id in vpcs.items())
        raise ApiError("ValidationException", f"All subnets must be in the same VPC, but are {places}")
    vpc_id = next(iter(vpcs.values()))
    for group in vpc["SecurityGroupIds"]:
        found = _found(ec2.describe_security_groups, GroupIds=[group])
        if found is None or found["SecurityGroups"][0]["VpcId"] != vpc_id:
            raise ApiError("ValidationException", f"The security group '{group}' does not exist in VPC '{vpc_id}'")


def vpc_of(request: Record) -> Record | None:
    """Return the VPC of a job's request: processing jobs have it beside the isolation, all others at the top."""
    found: Record | None = request.get("VpcConfig") or request.get("NetworkConfig", {}).get("VpcConfig")
    return found


class Interfaces:
    """The network interfaces of what runs on instances: one for each instance, while it runs and a little longer."""

    def __init__(self, clients: Clients, clock: Clock, caller: Caller, vpc: Record | None, owner: str) -> None:
        """Leaving `vpc` empty makes none: the instances run in SageMaker's own network."""
        self._clients = clients
        self._clock = clock
        self._caller = caller
        self._vpc = vpc
        self._owner = owner
        self._lock = threading.Lock()
        self._made: dict[int, tuple[str, ActingClients]] = {}
        self._held: set[str] = set()

    @property
    def _ec2(self) -> Any:
        return self._clients.get("ec2", self._caller.account, self._caller.region)

    def attach(self, acting: ActingClients, instance: int, request: Record) -> None:
        """Put an instance into the VPC as its role; `request` names what in S3 it has to reach from there."""
        if not self._vpc:
            return
        subnets = self._vpc["Subnets"]
        subnet = subnets[instance % len(subnets)]
        try:
            for action in _LOOK:
                self._require(acting, f"ec2:{action}", "*", {})
            place = self._place(subnet)
            context = {"ec2:Subnet": self._arn("subnet", subnet), "ec2:Vpc": self._arn("vpc", place["VpcId"])}
            for arn in self._named(subnet):
                self._require(acting, "ec2:CreateNetworkInterface", arn, context)
            interface = self._create(subnet)
            with self._lock:
                self._made[instance] = (interface, acting)
            arn = self._arn("network-interface", interface)
            self._require(acting, "ec2:CreateNetworkInterfacePermission", arn, context)
        except (ApiError, ClientError) as denial:
            message = denial.message if isinstance(denial, ApiError) else str(denial)
            raise InstanceError(f"ClientError: Failed to create a network interface in the VPC: {message}") from denial
        require_s3(self._ec2, acting, self._caller, place, request)
        self.hold(acting)
        record_flows(self._clients, self._clock, self._caller, place, interface)

    def hold(self, acting: ActingClients) -> None:
        """Hold programs that have these keys to the VPC."""
        if self._vpc:
            groups, subnet = tuple(self._vpc["SecurityGroupIds"]), self._vpc["Subnets"][0]
            place = Place(self._caller.account, self._caller.region, subnet, groups)
            self._clients.ways_out.enter(acting.keys.access_key, place)
            self._held.add(acting.keys.access_key)

    def reach(self, acting: ActingClients, request: Record) -> None:
        """Require that instances in a VPC get from there to what `request` names in S3."""
        if self._vpc:
            require_s3(self._ec2, acting, self._caller, self._place(self._vpc["Subnets"][0]), request)

    def detach(self, instance: int) -> None:
        """Let the interface of an instance go, which takes a while; without permission to remove it, it stays."""
        with self._lock:
            made = self._made.pop(instance, None)
        # Judged now, because what is taken down next may be the role.
        if made is not None and self._may_remove(*made):
            later = threading.Timer(LINGER_S, self._remove, made[:1])
            later.daemon = True
            later.start()

    def close(self) -> None:
        """Let all interfaces go."""
        for instance in list(self._made):
            self.detach(instance)
        for access_key in self._held:
            self._clients.ways_out.leave(access_key)

    def _place(self, subnet: str) -> dict[str, Any]:
        """Return the subnet, which was there when the request was accepted and may be gone by now."""
        place: dict[str, Any] = self._ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]
        return place

    def _named(self, subnet: str) -> list[str]:
        groups = self._vpc["SecurityGroupIds"] if self._vpc else []
        return [
            self._arn("subnet", subnet),
            *(self._arn("security-group", group) for group in groups),
            self._arn("network-interface", "*"),
        ]

    def _create(self, subnet: str) -> str:
        groups = self._vpc["SecurityGroupIds"] if self._vpc else []
        description = f"[DO NOT DELETE] ENI managed by SageMaker for {self._owner}"
        made = self._ec2.create_network_interface(SubnetId=subnet, Groups=groups, Description=description)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def _may_remove(self, interface: str, acting: ActingClients) -> bool:
        try:
            found = self._ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"][0]
            context = {
                "ec2:Subnet": self._arn("subnet", found["SubnetId"]),
                "ec2:Vpc": self._arn("vpc", found["VpcId"]),
            }
            for action in _RELEASE:
                self._require(acting, action, self._arn("network-interface", interface), context)
        except (ApiError, ClientError) as denial:
            message = denial.message if isinstance(denial, ApiError) else str(denial)
            sys.stderr.write(f"The network interface {interface} of {self._owner} stays: {message}\n")
            return False
        except EndpointConnectionError:
            return False  # the sandbox has stopped, and its networks with it
        return True

    def _remove(self, interface: str) -> None:
        with suppress(ClientError, EndpointConnectionError):  # somebody was faster, or the sandbox has stopped
            self._ec2.delete_network_interface(NetworkInterfaceId=interface)

    def _require(self, acting: ActingClients, action: str, arn: str, context: dict[str, str]) -> None:
        region, account = self._caller.region, self._caller.account
        acting.require(action, arn, region=region, account=account, context=context)

    def _arn(self, kind: str, identifier: str) -> str:
        return f"arn:aws:ec2:{self._caller.region}:{self._caller.account}:{kind}/{identifier}"


def _found(describe: Any, **ids: Any) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = describe(**ids)
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("Invalid"):
            return None
        raise
    return found
