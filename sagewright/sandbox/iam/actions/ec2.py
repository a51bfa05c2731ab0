"""Why: EC2's requests name many things by ids that tell their kind, and tagging what is made is a permission apart."""

from collections.abc import Iterator
from typing import Any

from ... import networks
from ..asked import Asked
from ..demand import Context, Demand
from .arns import ANY, own_arn, tag_keys

_KINDS = {
    "vpc": "vpc",
    "subnet": "subnet",
    "sg": "security-group",
    "rtb": "route-table",
    "vpce": "vpc-endpoint",
    "fl": "vpc-flow-log",
    "eni": "network-interface",
    "igw": "internet-gateway",
    "acl": "network-acl",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "sgr": "security-group-rule",
}
_MADE = {
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "CreateSecurityGroup": "security-group",
    "CreateRouteTable": "route-table",
    "CreateVpcEndpoint": "vpc-endpoint",
    "CreateFlowLogs": "vpc-flow-log",
    "CreateNetworkInterface": "network-interface",
    "CreateInternetGateway": "internet-gateway",
}
_RULES = {
    *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress"),
    *("RevokeSecurityGroupEgress",),
}
_ZONES = "arn:aws:route53:::hostedzone/*"
_IGNORED = {"IpPermissions", "Filters", "TagSpecifications"}


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield what a request to EC2 needs; what only describes knows no resources."""
    action = f"ec2:{asked.operation}"
    made = _MADE.get(asked.operation)
    specifications = asked.params.get("TagSpecifications") or []
    tags = [tag for each in specifications for tag in each.get("Tags", [])] or asked.params.get("Tags")
    context: dict[str, Any] = dict(tag_keys(tags))
    # One attribute of one VPC is all that can be allowed for one VPC alone.
    if asked.operation.startswith("Describe") and asked.operation != "DescribeVpcAttribute":
        yield Demand(action, ANY)
        return
    named = sorted({*_named(asked), *_tied(asked)})
    if made:
        yield Demand(action, own_arn("ec2", asked, f"{made}/*"), context)
    for kind, name in named:
        yield Demand(action, own_arn("ec2", asked, f"{kind}/{name}"), {**context, **_tags_of(asked, name)})
    if not made and not named:
        note = " (the sandbox knows no narrower resource for this operation than *)"
        yield Demand(action, ANY, context, note=note, anywhere=True)
    if asked.operation == "CreateVpcEndpoint" and _is_named(asked):
        # EC2 puts the private name into a zone of its own for the VPC, in the caller's name.
        yield Demand("route53:AssociateVPCWithHostedZone", _ZONES, account=asked.caller.account)
    if made and tags:
        arn = own_arn("ec2", asked, f"{made}/*")
        yield Demand("ec2:CreateTags", arn, {**context, "ec2:CreateAction": asked.operation})


def _is_named(asked: Asked) -> bool:
    """Tell whether an endpoint gets a private name, as interfaces do that do not say otherwise."""
    return asked.text("VpcEndpointType") == "Interface" and asked.params.get("PrivateDnsEnabled", True) is not False


def _named(asked: Asked) -> Iterator[tuple[str, str]]:
    for member, value in asked.params.items():
        if member in _IGNORED:
            continue
        for each in value if isinstance(value, list) else [value]:
            prefix, _, rest = each.partition("-") if isinstance(each, str) else ("", "", "")
            if rest and prefix in _KINDS and not (asked.operation in _RULES and _KINDS[prefix] != "security-group"):
                yield _KINDS[prefix], each


def _tied(asked: Asked) -> Iterator[tuple[str, str]]:
    """Yield what an association ties together, which its id does not tell."""
    association = asked.text("AssociationId")
    for table in list(networks.of(asked.caller.account, asked.caller.region).route_tables.values()):
        for tied in table.associations if association else ():
            if association == tied["RouteTableAssociationId"] and "SubnetId" in tied:
                yield from (("route-table", table.id), ("subnet", str(tied["SubnetId"])))


def _tags_of(asked: Asked, name: str) -> Context:
    tags: dict[str, str] = networks.of(asked.caller.account, asked.caller.region).tags.get(name, {})
    keys = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    return keys | {f"ec2:ResourceTag/{key}": value for key, value in tags.items()}
