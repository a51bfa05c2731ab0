"""Why: rules are put, not created, and their targets apart from them; a stack must see what is there before."""

import json
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, discard, found, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed, readable
from .policy_document import PolicyKind, checked_policy, statements
from .tags import Tagging

_BUS_POLICY = PolicyKind("PutPermission", "ValidationException", "Principal {principal} does not exist.")
_DEFAULT_BUS = "default"
_MAX_TARGETS = 5


class Rule(ApiResource):
    """A rule with its targets; Ref is its name, after its bus's where that is not the default one."""

    @override
    def physical_id(self, context: Context, answer: Any, properties: Properties) -> str:
        """Return the name, after the bus's where there is another than the default one."""
        bus = _bus_name(properties)
        return properties["Name"] if bus == _DEFAULT_BUS else f"{bus}|{properties['Name']}"

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the rule's ARN and name."""
        return {"Arn": self._arn(context, physical_id), "RuleName": physical_id.rpartition("|")[2]}

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse too many targets before the rule is made."""
        if len(properties.get("Targets", [])) > _MAX_TARGETS:
            raise refusal(
                "LimitExceededException", "The requested resource exceeds the maximum number allowed.", "PutTargets"
            )

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the rule anew."""
        self.check(context, new)
        named = {**new, "Name": physical_id.rpartition("|")[2]}
        parameters = self._create_parameters(context, named)
        parameters.pop("Tags", None)
        call(self.client(context), "put_rule", **parameters)
        self.complete(context, physical_id, old, new)
        self.retag(context, self._arn(context, physical_id), new)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the targets, and take away those that are gone."""
        client, rule = self.client(context), _rule(physical_id)
        targets = new.get("Targets", [])
        if targets and changed(old, new, "Targets"):
            parameters, _ = parameters_of(client, "put_targets", {"Targets": targets})
            answer = call(client, "put_targets", **rule, **parameters)
            for entry in answer.get("FailedEntries", []):
                raise refusal(entry["ErrorCode"], entry["ErrorMessage"], "PutTargets")
        kept = {target["Id"] for target in targets}
        if gone := [target["Id"] for target in old.get("Targets", []) if target["Id"] not in kept]:
            discard(client, "remove_targets", **rule, Ids=gone)

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Take the targets away first: a rule that still has some is not deleted."""
        client, rule = self.client(context), _rule(physical_id)
        if ids := [target["Id"] for target in properties.get("Targets", [])]:
            discard(client, "remove_targets", **rule, Ids=ids)
        discard(client, "delete_rule", Name=rule["Rule"], EventBusName=rule["EventBusName"])

    def _arn(self, context: Context, physical_id: str) -> str:
        return f"arn:aws:events:{context.region}:{context.account}:rule/{physical_id.replace('|', '/')}"


class EventBus(ApiResource):
    """A bus, with the policy that lets others put events onto it."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the bus's ARN and name beside its properties."""
        arn = f"arn:aws:events:{context.region}:{context.account}:event-bus/{physical_id}"
        return readable(context, self.type_name, {**properties, "Arn": arn, "Name": physical_id})

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the policy."""
        client = self.client(context)
        if changed(old, new, "Policy"):
            if old.get("Policy"):
                discard(client, "remove_permission", EventBusName=physical_id, RemoveAllPermissions=True)
            if new.get("Policy"):
                policy = checked_policy(new["Policy"], _BUS_POLICY)
                call(client, "put_permission", EventBusName=physical_id, Policy=policy)


class EventBusPolicy:
    """One statement of a bus's policy."""

    def create(self, context: Context, properties: Properties) -> str:
        """Add the statement; a Sid that is taken belongs to somebody else."""
        bus, sid = _bus_name(properties), properties["StatementId"]
        answer = call(context.client("events"), "describe_event_bus", Name=bus)
        present = json.loads(answer.get("Policy") or "{}")
        if any(statement.get("Sid") == sid for statement in statements(present)):
            message = f"Statement with id {sid} already exists on event bus {bus}."
            raise refusal("AlreadyExistsException", message, "PutPermission", 409)
        self._put(context, properties)
        return f"{bus}|{sid}"

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return nothing: the type has no attributes."""
        del context, physical_id, properties
        return {}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the statement in the other's place."""
        self.delete(context, physical_id, old)
        self._put(context, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove the statement."""
        del properties
        bus, _, sid = physical_id.partition("|")
        discard(context.client("events"), "remove_permission", EventBusName=bus, StatementId=sid)

    def _put(self, context: Context, properties: Properties) -> None:
        client, bus = context.client("events"), _bus_name(properties)
        if "Statement" not in properties:
            parameters, _ = parameters_of(client, "put_permission", properties)
            call(client, "put_permission", **parameters)
            return
        arn = f"arn:aws:events:{context.region}:{context.account}:event-bus/{bus}"
        statement = {"Resource": arn, **properties["Statement"], "Sid": properties["StatementId"]}
        others = json.loads(call(client, "describe_event_bus", Name=bus).get("Policy") or "{}")
        policy = {"Version": "2012-10-17", "Statement": [*statements(others), statement]}
        call(client, "put_permission", EventBusName=bus, Policy=checked_policy(policy, _BUS_POLICY))


def _bus_name(properties: Properties) -> str:
    """Return the bus's name, which a template may also give as an ARN."""
    return str(properties.get("EventBusName", _DEFAULT_BUS)).rpartition("/")[2]


def _rule(physical_id: str) -> dict[str, str]:
    bus, _, name = physical_id.rpartition("|")
    return {"Rule": name, "EventBusName": bus or _DEFAULT_BUS}


TYPES = {
    "AWS::Events::Rule": Rule(
        type_name="AWS::Events::Rule",
        service="events",
        create_operation="put_rule",
        delete_operation="delete_rule",
        name="Name",
        apart=frozenset({"Targets"}),
        exists=lambda client, name, properties: (
            found(client, "describe_rule", Name=name, EventBusName=_bus_name(properties)) is not None
        ),
        tagging=Tagging("ResourceARN"),
    ),
    "AWS::Events::EventBus": EventBus(
        type_name="AWS::Events::EventBus",
        service="events",
        create_operation="create_event_bus",
        update_operation="update_event_bus",
        delete_operation="delete_event_bus",
        name="Name",
        name_limit=256,
        apart=frozenset({"Policy"}),
        tagging=Tagging("ResourceARN"),
        tag_by_arn="arn:aws:events:{region}:{account}:event-bus/{ref}",
    ),
    "AWS::Events::EventBusPolicy": EventBusPolicy(),
}
