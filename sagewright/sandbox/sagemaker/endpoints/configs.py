"""Why: an endpoint's configuration never changes, so what it asks for is checked once, when it is made."""

from typing import Any

from ...protocol import ApiError, Caller
from ..instances.available import refuse_others, unavailable
from ..instances.keys import refuse_key_for_local_storage
from ..listing import matching, only, ordered, page
from ..store import ENDPOINT_CONFIG, MODEL, Store
from . import capture

OPERATION = "CreateEndpointConfig"
SUMMARY = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")


class EndpointConfigs:
    """The endpoint configurations of every account and region."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Keep a configuration of one real-time variant."""
        name = params["EndpointConfigName"]
        known = {"EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId", "DataCaptureConfig"}
        refuse_others(OPERATION, params, known)
        if "DataCaptureConfig" in params:
            capture.check(f"{OPERATION}.DataCaptureConfig", params["DataCaptureConfig"])
        variants = params["ProductionVariants"]
        if len(variants) > 1:
            raise unavailable(f"{OPERATION}.ProductionVariants with {len(variants)} variants (one is)")
        self._check_variant(variants[0], params.get("KmsKeyId"), caller)
        arn = self._store.arn(ENDPOINT_CONFIG, caller, name)
        record = {key: value for key, value in params.items() if key != "Tags"} | {
            "EndpointConfigArn": arn,
            "CreationTime": self._store.now(),
            "ProductionVariants": [{"InitialVariantWeight": 1.0} | variant for variant in variants],
        }
        self._store.put(ENDPOINT_CONFIG, caller, name, record, params.get("Tags", ()))
        return {"EndpointConfigArn": arn}

    def describe(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one configuration."""
        return self._store.get(ENDPOINT_CONFIG, caller, params["EndpointConfigName"])

    def delete(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Forget a configuration; an endpoint on it serves on but can be updated no more, as in AWS."""
        self._store.delete(ENDPOINT_CONFIG, caller, params["EndpointConfigName"])
        return {}

    def list(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the configurations of the account and region."""
        found = matching(self._store.all(ENDPOINT_CONFIG, caller), params, name="EndpointConfigName")
        keys = {"Name": "EndpointConfigName", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        return page("EndpointConfigs", [only(each, SUMMARY) for each in found], params)

    def _check_variant(self, variant: dict[str, Any], key: str | None, caller: Caller) -> None:
        where = f"{OPERATION}.ProductionVariants[{variant['VariantName']}]"
        refuse_others(
            where,
            variant,
            {
                *("VariantName", "ModelName", "InitialInstanceCount", "InstanceType", "InitialVariantWeight"),
                *("VolumeSizeInGB", "ModelDataDownloadTimeoutInSeconds", "RoutingConfig"),
                "ContainerStartupHealthCheckTimeoutInSeconds",
            },
        )
        if "ModelName" not in variant:
            raise unavailable(f"{where} without ModelName (inference components)")
        for member in ("InitialInstanceCount", "InstanceType"):
            if member not in variant:
                raise ApiError("ValidationException", f"{where}.{member} is required for an instance-based variant.")
        self._store.get(MODEL, caller, variant["ModelName"])
        refuse_key_for_local_storage("KmsKeyId", key, variant["InstanceType"])
