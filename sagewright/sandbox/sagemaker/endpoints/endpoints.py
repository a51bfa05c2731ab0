"""Why: the API of models, configurations and endpoints, and the runtime's door to the fleets that serve."""

import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from ...clients import Clients
from ...cloudwatch.api import CloudWatch
from ...cloudwatch.metrics import Place
from ...cloudwatch.samples import AlarmError
from ...cloudwatch.watch import AlarmWatch
from ...images.containers import Containers
from ...protocol import ApiError, Caller
from ..instances.available import refuse_others
from ..instances.role import require_role
from ..instances.where import Where
from ..listing import matching, only, ordered, page
from ..store import ENDPOINT, ENDPOINT_CONFIG, MODEL, MONITORING_SCHEDULE, Record, Store
from .capture import Captures
from .configs import EndpointConfigs
from .fleet import Fleet
from .instance import Deployment, Instance
from .invocation import TIMEOUT_S, Answer, ModelError, exchange, model_error, refusal, refuse_request, send, success
from .metrics import count_invocation
from .models import Models
from .plan import Plan, plan
from .rollout import Rollout

SUMMARY = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")


class Endpoints:
    """Models, endpoint configurations and endpoints, with InvokeEndpoint."""

    invocation_timeout_s: float = TIMEOUT_S

    def __init__(
        self, store: Store, clients: Clients, data: Path, containers: Containers, cloudwatch: CloudWatch
    ) -> None:
        """Let what SageMaker waits for during an update pass at CloudWatch's pace."""
        self.pace = cloudwatch.metrics.pace
        self._cloudwatch = cloudwatch
        self._store = store
        self._where = Where(store, clients, containers, data / "endpoints")
        self._captures = Captures(store.clock)
        self._lock = threading.Lock()
        self._rollouts: dict[str, Rollout] = {}
        self._leaving: list[Rollout] = []
        models, configs = Models(store, clients), EndpointConfigs(store)
        self.create_model, self.describe_model = models.create, models.describe
        self.delete_model, self.list_models = models.delete, models.list
        self.create_endpoint_config, self.describe_endpoint_config = configs.create, configs.describe
        self.delete_endpoint_config, self.list_endpoint_configs = configs.delete, configs.list

    def create_endpoint(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Start to bring up an endpoint on a configuration."""
        name = params["EndpointName"]
        refuse_others("CreateEndpoint", params, {"EndpointName", "EndpointConfigName", "DeploymentConfig", "Tags"})
        deployment = self._deployment(name, params["EndpointConfigName"], caller)
        if "DeploymentConfig" in params:
            self._watch(
                plan("CreateEndpoint", params["DeploymentConfig"], deployment.instance_count), deployment, caller
            )
        arn = self._store.arn(ENDPOINT, caller, name)
        now = self._store.now()
        record: Record = {
            "EndpointName": name,
            "EndpointArn": arn,
            "EndpointConfigName": params["EndpointConfigName"],
            "EndpointStatus": "Creating",
            "CreationTime": now,
            "LastModifiedTime": now,
        } | ({"LastDeploymentConfig": params["DeploymentConfig"]} if "DeploymentConfig" in params else {})
        with self._lock:
            self._store.put(ENDPOINT, caller, name, record, params.get("Tags", ()))
            rollout = Rollout(name, caller, self._where, self._captures)
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
            deployment = self._deployment(name, params["EndpointConfigName"], caller, self._retained(endpoint, params))
            how = _deployment_config(endpoint, params)
            planned = plan("UpdateEndpoint", how, deployment.instance_count)
            watch = self._watch(planned, deployment, caller)
            now = self._store.now()
            self._store.update(
                ENDPOINT,
                caller,
                name,
                EndpointStatus="Updating",
                LastModifiedTime=now,
                FailureReason=None,
                PendingDeploymentSummary={"EndpointConfigName": params["EndpointConfigName"], "StartTime": now},
                **({"LastDeploymentConfig": how} if how else {}),
            )
            self._rollouts[endpoint["EndpointArn"]].update(deployment, planned, watch, self.pace)
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
            self._refuse_monitored(name, caller)
            self._store.update(ENDPOINT, caller, name, EndpointStatus="Deleting", LastModifiedTime=self._store.now())
            rollout = self._rollouts.pop(endpoint["EndpointArn"])
            self._leaving = [*(each for each in self._leaving if each.is_busy), rollout]
            rollout.delete()
        return {}

    def invoke(self, endpoint_name: str, headers: Mapping[str, str], body: bytes, caller: Caller) -> Response:
        """Answer the runtime's InvokeEndpoint."""
        given = Headers(list(headers.items()))
        rollout = self._rollouts.get(self._store.arn(ENDPOINT, caller, endpoint_name))
        try:
            with rollout.traffic.lend() if rollout is not None else nullcontext() as lent:
                if lent is None:
                    raise ApiError(
                        "ValidationError", f"Endpoint {endpoint_name} of account {caller.account} not found."
                    )
                fleet, instance = lent
                variant = fleet.deployment.variant["VariantName"]
                refuse_request(given, body, variant, endpoint_name)
                answer = self._counted(fleet, instance, given, body, caller)
                request_id = str(uuid.uuid4())
                fleet.capture(exchange(request_id, given, body, answer))
                return success(answer, variant, request_id)
        except ApiError as error:
            return refusal(error)
        except ModelError as error:
            return model_error(error, endpoint_name, caller)

    def close(self) -> None:
        """Stop every server process."""
        with self._lock:
            rollouts = [*self._rollouts.values(), *self._leaving]
        for rollout in rollouts:
            rollout.close()

    def _counted(
        self, fleet: Fleet, instance: Instance | None, headers: Headers, body: bytes, caller: Caller
    ) -> Answer:
        """Send the request to the instance, and count what came of it."""
        began = time.monotonic()
        status, model_s = 0, 0.0
        try:
            answer = send(instance, headers, body, self.invocation_timeout_s)
            status, model_s = answer.status, answer.seconds
        except ModelError as error:
            status, model_s = error.status, time.monotonic() - began
            raise
        except ApiError as error:
            status = error.status
            raise
        else:
            return answer
        finally:
            deployment = fleet.deployment
            dimensions = {
                "EndpointName": deployment.endpoint,
                "VariantName": deployment.variant["VariantName"],
                "EndpointConfigName": deployment.config["EndpointConfigName"],
            }
            overhead_s = time.monotonic() - began - model_s
            place = Place(caller.account, caller.region)
            count_invocation(
                self._cloudwatch.metrics,
                place,
                dimensions,
                status=status,
                model_s=model_s,
                overhead_s=max(0.0, overhead_s),
            )

    def _watch(self, planned: Plan, deployment: Deployment, caller: Caller) -> AlarmWatch | None:
        """Return the watch on the plan's alarms, which must exist, and be described to the caller and to the role."""
        if not planned.alarms:
            return None
        role, arn = deployment.model["ExecutionRoleArn"], self._store.arn(ENDPOINT, caller, deployment.endpoint)
        acting = require_role(self._where.clients, caller, role, arn)
        place = Place(caller.account, caller.region)
        for clients in (self._where.clients.acting(caller.access_key), acting):
            client = clients.get("cloudwatch", *place)
            watch = self._cloudwatch.watch(place, planned.alarms, client)
            _require_alarms(watch)
        return watch

    def _deployment(
        self, endpoint: str, config_name: str, caller: Caller, retained: Record | None = None
    ) -> Deployment:
        """Return what a new fleet is made from; `retained` is what it keeps of the fleet before."""
        config = self._store.get(ENDPOINT_CONFIG, caller, config_name)
        variant = config["ProductionVariants"][0]
        model = self._store.get(MODEL, caller, variant["ModelName"])
        kept = {"InitialInstanceCount": variant["InitialInstanceCount"]} | only(config, ["DataCaptureConfig"])
        kept |= retained or {}
        return Deployment(endpoint, config, model, kept["InitialInstanceCount"], kept.get("DataCaptureConfig"))

    def _refuse_monitored(self, name: str, caller: Caller) -> None:
        """Refuse to delete an endpoint before the schedules that monitor it, as AWS does."""
        watching = [each for each in self._store.all(MONITORING_SCHEDULE, caller) if each["EndpointName"] == name]
        if watching:
            names = ", ".join(each["MonitoringScheduleName"] for each in watching)
            raise ApiError(
                "ValidationException",
                f"Cannot delete endpoint {name} while monitoring schedules are attached to it: {names}. Delete them"
                " first.",
            )

    def _retained(self, endpoint: Record, params: dict[str, Any]) -> Record:
        """Return the variant properties that the update keeps, where it asks for that."""
        if not params.get("RetainAllVariantProperties"):
            return {}
        excluded = {each["VariantPropertyType"] for each in params.get("ExcludeRetainedVariantProperties", ())}
        kept: Record = {}
        if "DesiredInstanceCount" not in excluded:
            kept["InitialInstanceCount"] = endpoint["ProductionVariants"][0]["DesiredInstanceCount"]
        fleets = self._rollouts[endpoint["EndpointArn"]].traffic.fleets
        if "DataCaptureConfig" not in excluded and fleets:
            kept["DataCaptureConfig"] = fleets[0].deployment.capture
        return kept


def _refuse_in_progress(endpoint: Record) -> None:
    if endpoint["EndpointStatus"] not in {"InService", "Failed", "UpdateRollbackFailed"}:
        raise ApiError("ValidationException", f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _deployment_config(endpoint: Record, params: dict[str, Any]) -> Record:
    """Return how to deploy: as the request says, else as the last time if that is asked for."""
    if "DeploymentConfig" in params:
        return params["DeploymentConfig"]
    return endpoint.get("LastDeploymentConfig", {}) if params.get("RetainDeploymentConfig") else {}


def _require_alarms(watch: AlarmWatch) -> None:
    where = "DeploymentConfig.AutoRollbackConfiguration.Alarms"
    try:
        watch.require()
    except AlarmError as error:
        raise ApiError("ValidationException", f"{where}: {error}") from error
