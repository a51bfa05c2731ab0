"""Why: a target is registered, not created, and must be of something that exists."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import already_exists, call, discard, found, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed
from .tags import Tagging

_PLACE = ("ServiceNamespace", "ResourceId", "ScalableDimension")
_ENDPOINT_PARTS = 4


class ScalableTarget(ApiResource):
    """What may be scaled, between which bounds; Ref joins its three keys."""

    @override
    def create(self, context: Context, properties: Properties) -> str:
        """Register the target, unless somebody has."""
        client, place = self.client(context), {name: properties[name] for name in _PLACE}
        physical_id = "|".join(properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
        self.check(context, properties)
        with self._one_at_a_time:
            present = call(
                client,
                "describe_scalable_targets",
                ServiceNamespace=place["ServiceNamespace"],
                ResourceIds=[place["ResourceId"]],
                ScalableDimension=place["ScalableDimension"],
            )
            if present["ScalableTargets"]:
                raise already_exists(self.type_name, physical_id)
            call(client, self.create_operation, **self._create_parameters(context, properties))
        self.complete(context, physical_id, {}, properties)
        return physical_id

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse a variant of an endpoint that is not there."""
        parts = properties["ResourceId"].split("/")
        if properties["ServiceNamespace"] != "sagemaker" or len(parts) != _ENDPOINT_PARTS or parts[0] != "endpoint":
            return
        endpoint = found(context.client("sagemaker"), "describe_endpoint", EndpointName=parts[1])
        variants = [variant["VariantName"] for variant in (endpoint or {}).get("ProductionVariants", [])]
        if parts[3] not in variants:
            message = f"SageMaker Production Variant doesn't exist: {properties['ResourceId']}"
            raise refusal("ValidationException", message, "RegisterScalableTarget")

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the target's id."""
        return {"Id": physical_id}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Register anew, which overwrites the bounds."""
        call(self.client(context), self.create_operation, **self._create_parameters(context, new))
        self.complete(context, physical_id, old, new)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the scheduled actions, and take away those that are gone."""
        client, place = self.client(context), {name: new[name] for name in _PLACE}
        for action in new.get("ScheduledActions", []):
            if action not in old.get("ScheduledActions", []):
                parameters, _ = parameters_of(client, "put_scheduled_action", action)
                call(client, "put_scheduled_action", **place, **parameters)
        kept = {action["ScheduledActionName"] for action in new.get("ScheduledActions", [])}
        for action in old.get("ScheduledActions", []):
            name = action["ScheduledActionName"]
            if name not in kept:
                discard(client, "delete_scheduled_action", **place, ScheduledActionName=name)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the target by its three keys."""
        return {name: properties[name] for name in _PLACE}


class ScalingPolicy(ApiResource):
    """A policy of a target; Ref is its ARN."""

    @override
    def named(self, context: Context, properties: Properties) -> Properties:
        """Return the properties with the target's keys, which its id may stand for."""
        if "ScalingTargetId" not in properties:
            return properties
        resource, dimension, namespace = properties["ScalingTargetId"].split("|")
        place = {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
        return {**{key: value for key, value in properties.items() if key != "ScalingTargetId"}, **place}

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the policy's ARN."""
        return {"Arn": physical_id}

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the policy anew."""
        if any(changed(old, new, key) for key in new):
            named = self.named(context, new)
            call(self.client(context), self.create_operation, **self._create_parameters(context, named))

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the policy and its target."""
        named = self.named(context, properties)
        return {name: named[name] for name in ("PolicyName", *_PLACE)}


TYPES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ScalableTarget(
        type_name="AWS::ApplicationAutoScaling::ScalableTarget",
        service="application-autoscaling",
        create_operation="register_scalable_target",
        delete_operation="deregister_scalable_target",
        apart=frozenset({"ScheduledActions"}),
        tagging=Tagging("ResourceARN", add=""),
    ),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ScalingPolicy(
        type_name="AWS::ApplicationAutoScaling::ScalingPolicy",
        service="application-autoscaling",
        create_operation="put_scaling_policy",
        delete_operation="delete_scaling_policy",
        reference="PolicyARN",
        exists=lambda client, _, properties: any(
            policy["PolicyName"] == properties["PolicyName"]
            for policy in call(client, "describe_scaling_policies", **{name: properties[name] for name in _PLACE})[
                "ScalingPolicies"
            ]
        ),
    ),
}
