"""Descriptions and units of features: CloudFormation has none, so the ingestion writes those that differ.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureMetadata.html
"""

from typing import Any

from sagewright.runtime.jobs.declaration import Group

UNIT = "unit"


def update(sagemaker: Any, group: Group) -> list[str]:
    """Make the store's descriptions and units those declared; return the features that had others."""
    changed: list[str] = []
    for feature in group.features:
        found = sagemaker.describe_feature_metadata(FeatureGroupName=group.feature_group, FeatureName=feature.name)
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
