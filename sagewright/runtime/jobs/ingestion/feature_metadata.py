"""Descriptions and units of features: CloudFormation has none, so the ingestion writes those that differ.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureMetadata.html
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sagewright.runtime.jobs.declaration import Group

UNIT = "unit"

_READERS = 4


def update(sagemaker: Any, group: Group) -> list[str]:
    """Make the store's descriptions and units those declared; return the features that had others."""
    changed: list[str] = []

    def described(name: str) -> dict[str, Any]:
        return sagemaker.describe_feature_metadata(FeatureGroupName=group.feature_group, FeatureName=name)

    # A group may have thousands of features, and each is asked for by itself.
    with ThreadPoolExecutor(_READERS, thread_name_prefix="metadata") as readers:
        there = [*readers.map(described, group.names)]
    for feature, found in zip(group.features, there, strict=True):
        units = [each["Value"] for each in found.get("Parameters", []) if each["Key"] == UNIT]
        request: dict[str, Any] = {}
        if found.get("Description", "") != feature.description:
            request["Description"] = feature.description
        if feature.unit and units != [feature.unit]:
            request["ParameterAdditions"] = [{"Key": UNIT, "Value": feature.unit}]
        if units and not feature.unit:
            request["ParameterRemovals"] = [UNIT]
        if request:
            sagemaker.update_feature_metadata(FeatureGroupName=group.feature_group, FeatureName=feature.name, **request)
            changed.append(feature.name)
    return changed
