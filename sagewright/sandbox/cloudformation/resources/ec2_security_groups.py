"""Why: a security group's rules stand in its own properties or beside it, and each rule has an id."""

from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, discard, refusal
from .api_resource import changed
from .ec2_resource import Ec2Resource

_DIRECTIONS = {"SecurityGroupIngress": "ingress", "SecurityGroupEgress": "egress"}
# What a group lets out until its first rule for going out replaces it.
_EVERYTHING_OUT = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}
_OTHER_END = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
}
_PORTS = ("FromPort", "ToPort", "IpProtocol")
# EC2 reads no ports of a protocol that has none, and its stand-in asks for them all the same.
_ALL_PORTS = {"FromPort": -1, "ToPort": -1}


class SecurityGroup(Ec2Resource):
    """A group with its rules, which change in place."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Let in and out exactly what the template says; no rule for going out means that everything may."""
        for name, direction in _DIRECTIONS.items():
            nothing_said = [_EVERYTHING_OUT] if direction == "egress" else []
            before, after = ((each.get(name) or nothing_said) if each else nothing_said for each in (old, new))
            client = self.client(context)
            for rule in (rule for rule in before if rule not in after):
                permission = [_permission(self.type_name, rule)]
                discard(client, f"revoke_security_group_{direction}", GroupId=physical_id, IpPermissions=permission)
            for rule in (rule for rule in after if rule not in before):
                permission = [_permission(self.type_name, rule)]
                call(client, f"authorize_security_group_{direction}", GroupId=physical_id, IpPermissions=permission)

    @override
    def described(self, context: Context, physical_id: str) -> Mapping[str, Any]:
        """Return the group's id and name."""
        ec2 = context.clients.get("ec2", context.account, context.region)
        group = call(ec2, "describe_security_groups", GroupIds=[physical_id])["SecurityGroups"][0]
        return {"Id": physical_id, "GroupId": physical_id, "GroupName": group["GroupName"], "VpcId": group["VpcId"]}


class Rule(Ec2Resource):
    """One rule beside its group."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Add the rule and return its id."""
        permission = [_permission(self.type_name, properties)]
        operation = self.create_operation
        answer = call(self.client(context), operation, GroupId=_group(properties), IpPermissions=permission)
        return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Refuse another description, the only thing of a rule that can change in place."""
        if changed(old, new, "Description"):
            message = f"The sandbox does not have a change of Description of {self.type_name}."
            raise refusal("UnsupportedOperation", message, "UpdateSecurityGroupRuleDescriptions")

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove the rule, unless its group is gone already."""
        rule = {"GroupId": _group(properties), "SecurityGroupRuleIds": [physical_id]}
        discard(self.client(context), self.delete_operation, **rule)


def _group(properties: Properties) -> str:
    if "GroupId" not in properties:
        message = "The sandbox does not have rules of groups given by GroupName."
        raise refusal("UnsupportedOperation", message, "Create")
    return str(properties["GroupId"])


def _permission(type_name: str, rule: Properties) -> dict[str, Any]:
    """Return a rule as the API takes it: one other end, with the description at that."""
    ends = [key for key in rule if key in _OTHER_END]
    unknown = rule.keys() - {*_OTHER_END, *_PORTS, "Description", "GroupId"}
    if unknown or len(ends) != 1:
        message = f"The sandbox takes rules of {type_name} with one other end ({', '.join(_OTHER_END)}) and no others."
        raise refusal("UnsupportedOperation", message, "AuthorizeSecurityGroup")
    several, one = _OTHER_END[ends[0]]
    other = {one: rule[ends[0]], **({"Description": rule["Description"]} if "Description" in rule else {})}
    ports = {key: (int(rule[key]) if key.endswith("Port") else str(rule[key])) for key in _PORTS if key in rule}
    return {**_ALL_PORTS, **ports, several: [other]}


TYPES = {
    "AWS::EC2::SecurityGroup": SecurityGroup(
        type_name="AWS::EC2::SecurityGroup",
        service="ec2",
        create_operation="create_security_group",
        delete_operation="delete_security_group",
        name="GroupName",
        name_limit=255,
        identifier="GroupId",
        reference="GroupId",
        renames={"GroupDescription": "Description"},
        apart=frozenset(_DIRECTIONS),
    ),
    "AWS::EC2::SecurityGroupIngress": Rule(
        type_name="AWS::EC2::SecurityGroupIngress",
        service="ec2",
        create_operation="authorize_security_group_ingress",
        delete_operation="revoke_security_group_ingress",
    ),
    "AWS::EC2::SecurityGroupEgress": Rule(
        type_name="AWS::EC2::SecurityGroupEgress",
        service="ec2",
        create_operation="authorize_security_group_egress",
        delete_operation="revoke_security_group_egress",
    ),
}
