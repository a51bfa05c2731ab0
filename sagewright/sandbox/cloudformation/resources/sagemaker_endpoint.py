"""Why: an endpoint is there when it serves, and changed when it serves the new configuration: both take waiting."""

import time
from typing import Any

from typing_extensions import override

from ..resource import Context, HandlerError, Properties
from .api_call import call, found
from .api_resource import ApiResource

_IN_PROGRESS = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
_POLL_S = 0.2
# AWS's own limit for CloudFormation to wait is longer than any start on one machine can take.
_TIMEOUT_S = 3600.0
_DEPLOYMENT = (
    "RetainAllVariantProperties",
    "ExcludeRetainedVariantProperties",
    "DeploymentConfig",
    "RetainDeploymentConfig",
)


class Endpoint(ApiResource):
    """An endpoint; one that SageMaker rolled back is a failure, although it is in service."""

    @override
    def named(self, context: Context, properties: Properties) -> Properties:
        """Leave out what only an update takes."""
        created = {
            key: value
            for key, value in properties.items()
            if key not in {"RetainAllVariantProperties", "ExcludeRetainedVariantProperties", "RetainDeploymentConfig"}
        }
        return super().named(context, created)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the endpoint by the last part of its ARN."""
        return {"EndpointName": physical_id.rpartition("/")[2]}

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Move to the new configuration, unless the endpoint serves it: again, or still, after a failed update."""
        client, where = self.client(context), self.where(context, physical_id, new)
        if _settled(client, where).get("EndpointConfigName") != new["EndpointConfigName"]:
            how = {name: new[name] for name in _DEPLOYMENT if name in new}
            call(client, "update_endpoint", **where, EndpointConfigName=new["EndpointConfigName"], **how)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Wait until the endpoint serves the configuration."""
        client, where = self.client(context), self.where(context, physical_id, new)
        endpoint = _settled(client, where)
        if endpoint["EndpointStatus"] != "InService":
            raise HandlerError(_reason(endpoint, physical_id))
        if endpoint["EndpointConfigName"] != new["EndpointConfigName"]:
            raise HandlerError(
                f"The update of endpoint {where['EndpointName']} was rolled back: it still serves"
                f" {endpoint['EndpointConfigName']}, not {new['EndpointConfigName']}. {_reason(endpoint, physical_id)}"
            )

    @override
    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the endpoint and wait until it is gone."""
        client, where = self.client(context), self.where(context, physical_id, properties)
        endpoint = _settled(client, where)
        if endpoint:
            call(client, self.delete_operation, **where)
            _settled(client, where)


def _settled(client: Any, where: dict[str, Any]) -> dict[str, Any]:
    """Return the endpoint once nothing is in progress any more; empty when it is gone."""
    until = time.monotonic() + _TIMEOUT_S
    while (endpoint := found(client, "describe_endpoint", **where)) is not None:
        if endpoint["EndpointStatus"] not in _IN_PROGRESS:
            return endpoint
        if time.monotonic() > until:
            raise HandlerError(f"Endpoint {where['EndpointName']} is {endpoint['EndpointStatus']} for too long.")
        time.sleep(_POLL_S)
    return {}


def _reason(endpoint: dict[str, Any], physical_id: str) -> str:
    if not endpoint:
        return f"Endpoint {physical_id} was deleted meanwhile."
    return str(endpoint.get("FailureReason") or f"Endpoint {physical_id} is {endpoint['EndpointStatus']}.")
