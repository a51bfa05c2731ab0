"""Why: what a feature means is written beside it after the group is made, and nowhere else."""

import threading
from typing import Any

from ..protocol import ApiError, Caller
from ..sagemaker.identity import own_name
from ..sagemaker.store import Record, Store
from .kind import FEATURE_GROUP

MOST_PARAMETERS = 25


class FeatureMetadata:
    """DescribeFeatureMetadata and UpdateFeatureMetadata: a description and up to 25 pairs for each feature."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[tuple[str, str], Record] = {}
        self._changing = threading.Lock()

    def describe_feature_metadata(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return what is known of one feature."""
        group, feature = self._found(params, caller)
        told = self._told.get(_place(group, feature), {})
        answer = {
            "FeatureGroupArn": group["FeatureGroupArn"],
            "FeatureGroupName": group["FeatureGroupName"],
            "FeatureName": feature["FeatureName"],
            "FeatureType": feature["FeatureType"],
            "CreationTime": group["CreationTime"],
            "LastModifiedTime": told.get("LastModifiedTime", group["CreationTime"]),
            "Parameters": [{"Key": key, "Value": value} for key, value in told.get("Parameters", {}).items()],
        }
        return answer | ({"Description": told["Description"]} if "Description" in told else {})

    def update_feature_metadata(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Change the description, or pairs."""
        group, feature = self._found(params, caller)
        place = _place(group, feature)
        with self._changing:
            told = dict(self._told.get(place, {}))
            pairs = dict(told.get("Parameters", {}))
            for key in params.get("ParameterRemovals", ()):
                pairs.pop(key, None)
            for pair in params.get("ParameterAdditions", ()):
                if not pair.get("Key") or not pair.get("Value"):
                    raise ApiError("ValidationException", "Validation Error: a parameter needs both Key and Value.")
                pairs[pair["Key"]] = pair["Value"]
            if len(pairs) > MOST_PARAMETERS:
                raise ApiError(
                    "ResourceLimitExceeded",
                    f"A feature has at most {MOST_PARAMETERS} parameters; this one would have {len(pairs)}.",
                )
            described = {"Description": params["Description"]} if "Description" in params else {}
            self._told[place] = told | described | {"Parameters": pairs, "LastModifiedTime": self._store.now()}
        return {}

    def _found(self, params: dict[str, Any], caller: Caller) -> tuple[Record, Record]:
        group = self._store.get(FEATURE_GROUP, caller, own_name(params["FeatureGroupName"], caller))
        feature = next(
            (each for each in group["FeatureDefinitions"] if each["FeatureName"] == params["FeatureName"]), None
        )
        if feature is None:
            raise ApiError(
                "ResourceNotFound",
                f"Resource Not Found: FeatureGroup {group['FeatureGroupName']} has no feature with name"
                f" {params['FeatureName']}.",
            )
        return group, feature


def _place(group: Record, feature: Record) -> tuple[str, str]:
    """Tell a group from a later one of the same name."""
    return f"{group['FeatureGroupArn']} {group['CreationTime']}", feature["FeatureName"]
