"""Why: what SageMaker reads and writes for an instance in a VPC goes through that VPC, if there is a way at all.

https://docs.aws.amazon.com/sagemaker/latest/dg/train-vpc.html#train-vpc-s3
"""

from collections.abc import Iterator
from typing import Any

from ...clients import ActingClients
from ...iam.decision import Access, Policies, decide
from ...iam.documents import parse
from ...protocol import Caller
from ..artifacts import split_s3_uri
from ..store import Record
from .failure import InstanceError

_READ, _LIST, _WRITE = "s3:GetObject", "s3:ListBucket", "s3:PutObject"
# The main table is of the subnets that have none of their own.
_MAIN = "association.main"
_ANYWHERE = "0.0.0.0/0"


def require_s3(ec2: Any, acting: ActingClients, caller: Caller, subnet: dict[str, Any], request: Record) -> None:
    """End what cannot reach in S3 what its request names: for want of a route, or by the endpoint's policy."""
    table = _table(ec2, subnet)
    gateways = [each for each in _endpoints(ec2, caller, subnet["VpcId"]) if _serves(each, table)]
    if not gateways:
        if any(_leads_out(route) for route in table["Routes"]):
            return
        raise InstanceError(
            f"ClientError: Data download failed: Please ensure that the subnet's route table configuration has a way to"
            f" S3, such as a VPC endpoint: {table['RouteTableId']} of {subnet['SubnetId']} has none."
        )
    who = acting.authorizer.principal_of(acting.keys.access_key)
    document = gateways[0].get("PolicyDocument")
    if not document:  # what an endpoint has that was made without one lets everything through
        return
    policy = parse(document, f"policy of {gateways[0]['VpcEndpointId']}", "resource")
    for action, resource, context in _accesses(request):
        access = Access(who, action, resource, caller.account, context)
        if not decide(access, Policies(resource=policy)).allowed:
            raise InstanceError(
                f"ClientError: User: {who.arn} is not authorized to perform: {action} on resource: {resource} because"
                f" no VPC endpoint policy allows the {action} action ({policy.name})"
            )


def _table(ec2: Any, subnet: dict[str, Any]) -> dict[str, Any]:
    """Return the route table that a subnet's traffic follows."""
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}]
    of_vpc = [{"Name": "vpc-id", "Values": [subnet["VpcId"]]}, {"Name": _MAIN, "Values": ["true"]}]
    own = ec2.describe_route_tables(Filters=of_subnet)["RouteTables"]
    found: dict[str, Any] = (own or ec2.describe_route_tables(Filters=of_vpc)["RouteTables"])[0]
    return found


def _endpoints(ec2: Any, caller: Caller, vpc_id: str) -> list[dict[str, Any]]:
    service = f"com.amazonaws.{caller.region}.s3"
    everyone = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    return [
        each
        for each in everyone
        if (each["VpcId"], each["ServiceName"], each["State"].lower()) == (vpc_id, service, "available")
    ]


def _serves(endpoint: dict[str, Any], table: dict[str, Any]) -> bool:
    if endpoint["VpcEndpointType"] == "Gateway":
        return table["RouteTableId"] in endpoint.get("RouteTableIds", ())
    return bool(endpoint.get("PrivateDnsEnabled"))


def _leads_out(route: dict[str, Any]) -> bool:
    """Tell whether traffic to anywhere goes on; an internet gateway takes none of interfaces without public address."""
    return route.get("DestinationCidrBlock") == _ANYWHERE and not route.get("GatewayId", "").startswith("igw-")


def _accesses(value: Any, *, output: bool = False) -> Iterator[tuple[str, str, dict[str, str]]]:
    """List what a request has SageMaker do in S3: action, resource and context."""
    if isinstance(value, list):
        for each in value:
            yield from _accesses(each, output=output)
        return
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        if key == "S3OutputPath" or (key == "S3Uri" and output):
            yield _WRITE, f"{_arn(each)}/-", {}
        elif key == "S3Uri":
            yield _READ, _arn(each), {}
            bucket, prefix = split_s3_uri(each)
            yield _LIST, f"arn:aws:s3:::{bucket}", {"s3:prefix": prefix}
        elif key == "ModelDataUrl":
            yield _READ, _arn(each), {}
        else:
            yield from _accesses(each, output=output or key == "S3Output")


def _arn(uri: str) -> str:
    bucket, key = split_s3_uri(uri)
    return f"arn:aws:s3:::{bucket}/{key.rstrip('/')}"
