"""Why: the API of models, configurations and endpoints, and the runtime's door to the fleets that serve."""

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from ...clients import Clients
from ...images.containers import Containers
from ...protocol import ApiError, Caller
from ..instances.available import refuse_others, unavailable
from ..instances.where import Where
from ..listing import matching, only, ordered, page
from ..store import ENDPOINT, ENDPOINT_CONFIG, MODEL, Record, Store
from .configs import EndpointConfigs
from .fleet import Deployment
from .invocation import TIMEOUT_S, ModelError, model_error, refusal, refuse_request, send, success
from .models import Models
from .rollout import Rollout

SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")


class Endpoints:
    """Models, endpoint configurations and endpoints, with InvokeEndpoint."""

    invocation_timeout_s: float = TIMEOUT_S

    def __init__(self, store: Store, clients: Clients, data: Path, containers: Containers) -> None:
        self._store = store
        self._where = Where(store, clients, containers, data / "endpoints")
        self._lock = threading.Lock()
        self._rollouts: dict[str, Rollout] = {}
        models, configs = Models(store, clients), EndpointConfigs(store)
        self.create_model, self.describe_model = models.create, models.describe
        self.delete_model, self.list_models = models.delete, models.list
        self.create_endpoint_config, self.describe_endpoint_config = configs.create, configs.describe
        self.delete_endpoint_config, self.list_endpoint_configs = configs.delete, configs.list

    def create_endpoint(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to bring up an endpoint on a configuration."""
        name = params["EndpointName"]
        refuse_others("CreateEndpoint", params, {"EndpointName", "EndpointConfigName", "DeploymentConfig", "Tags"})
        policy = _policy("CreateEndpoint", params)
        deployment = self._deployment(name, params["EndpointConfigName"], caller)
        arn = self._store.arn(ENDPOINT, caller, name)
        now = self._store.now()
        record: Record = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": params["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
        } | ({"LastDeploymentConfig": params["DeploymentConfig"]} if policy else {})
        with self._lock:
            self._store.put(ENDPOINT, caller, name, record, params.get("Tags", ()))
            rollout = Rollout(name, caller, self._where)
            self._rollouts[arn] = rollout
            rollout.create(deployment)
        return {"EndpointArn": arn}

    def update_endpoint(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to replace the fleet: the new one takes over when it is healthy, else the old one stays."""
        name = params["EndpointName"]
        refuse_others(
            "UpdateEndpoint",
            params,
            {
                *("EndpointName", "EndpointConfigName", "DeploymentConfig", "RetainDeploymentConfig"),
                *("RetainAllVariantProperties", "ExcludeRetainedVariantProperties"),
            },
        )
        policy = _policy("UpdateEndpoint", params)
        with self._lock:
            endpoint = self._store.get(ENDPOINT, caller, name)
            if endpoint["EndpointStatus"] == "Failed":
                raise ApiError(
                    "ValidationException",
                    f'Cannot update failed endpoint "{endpoint["EndpointArn"]}": it can only be deleted.',
                )
            _refuse_in_progress(endpoint)
            # AWS looks up the configuration that is being left, too.
            self._store.get(ENDPOINT_CONFIG, caller, endpoint["EndpointConfigName"])
            count = _retained_count(endpoint, params)
            deployment = self._deployment(name, params["EndpointConfigName"], caller, count)
            now = self._store.now()
            changes: Record = {"LastDeploymentConfig": params["DeploymentConfig"]} if policy else {}
            self._store.update(
                ENDPOINT,
                caller,
                name,
                EndpointStatus="Updating",
                LastModifiedTime=now,
                PendingDeploymentSummary={"EndpointConfigName": params["EndpointConfigName"], "StartTime": now},
                **changes,
            )
            self._rollouts[endpoint["EndpointArn"]].update(deployment, policy)
        return {"EndpointArn": endpoint["EndpointArn"]}

    def describe_endpoint(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one endpoint."""
        return self._store.get(ENDPOINT, caller, params["EndpointName"])

    def list_endpoints(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the endpoints of the account and region."""
        found = matching(self._store.all(ENDPOINT, caller), params, name="EndpointName", status="EndpointStatus")
        keys = {"Name": "EndpointName", "CreationTime": "CreationTime", "Status": "EndpointStatus"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        return page("Endpoints", [only(each, SUMMARY) for each in found], params)

    def delete_endpoint(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to take an endpoint down; its configuration and model stay."""
        name = params["EndpointName"]
        with self._lock:
            endpoint = self._store.get(ENDPOINT, caller, name)
            _refuse_in_progress(endpoint)
            self._store.update(ENDPOINT, caller, name, EndpointStatus="Deleting", LastModifiedTime=self._store.now())
            self._rollouts.pop(endpoint["EndpointArn"]).delete()
        return {}

    def invoke(self, endpoint_name: str, headers: Mapping[str, str], body: bytes, caller: Caller) -> Response:
        """Answer the runtime's InvokeEndpoint."""
        given = Headers(list(headers.items()))
        rollout = self._rollouts.get(self._store.arn(ENDPOINT, caller, endpoint_name))
        try:
            with rollout.serving() if rollout is not None else nullcontext() as fleet:
                if fleet is None:
                    raise ApiError(
                        "ValidationError", f"Endpoint {endpoint_name} of account {caller.account} not found."
                    )
                variant = fleet.deployment.variant["VariantName"]
                refuse_request(given, body, variant, endpoint_name)
                return success(send(fleet, given, body, self.invocation_timeout_s), variant)
        except ApiError as error:
            return refusal(error)
        except ModelError as error:
            return model_error(error, endpoint_name, caller)

    def close(self) -> None:
        """Stop every server process."""
        with self._lock:
            rollouts = list(self._rollouts.values())
        for rollout in rollouts:
            rollout.close()

    def _deployment(self, endpoint: str, config_name: str, caller: Caller, count: int | None = None) -> Deployment:
        config = self._store.get(ENDPOINT_CONFIG, caller, config_name)
        variant = config["ProductionVariants"][0]
        model = self._store.get(MODEL, caller, variant["ModelName"])
        return Deployment(endpoint, config, model, count or variant["InitialInstanceCount"])


def _refuse_in_progress(endpoint: Record) -> None:
    if endpoint["EndpointStatus"] not in {"InService", "Failed"}:
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _retained_count(endpoint: Record, params: dict[str, Any]) -> int | None:
    """Return the instance count that the update keeps, where it asks for that."""
    excluded = {each["VariantPropertyType"] for each in params.get("ExcludeRetainedVariantProperties", ())}
    if not params.get("RetainAllVariantProperties") or "DesiredInstanceCount" in excluded:
        return None
    return endpoint["ProductionVariants"][0]["DesiredInstanceCount"]


def _policy(operation: str, params: dict[str, Any]) -> Record:
    """Return the blue/green policy; the sandbox moves all traffic at once, and refuses other ways by name."""
    config = params.get("DeploymentConfig", {})
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise ApiError(
            "ValidationException",
            f"{operation}.DeploymentConfig: specify either BlueGreenUpdatePolicy or RollingUpdatePolicy, not both.",
        )
    refuse_others(f"{operation}.DeploymentConfig", config, {"BlueGreenUpdatePolicy"})
    policy: Record = config.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {}).get("Type", "ALL_AT_ONCE")
    if routing != "ALL_AT_ONCE":
        raise unavailable(f"{operation}.DeploymentConfig.BlueGreenUpdatePolicy: {routing} traffic routing")
    return policy
