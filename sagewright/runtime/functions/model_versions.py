"""The registry as a person sees it: numbered versions with a decision, and the decisions themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .client import Client
from .refusal import Refused

PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"


@dataclass(frozen=True)
class Version:
    """One registered version: what its model package says, under the names that people use."""

    number: int
    arn: str
    status: str
    created: datetime
    note: str | None
    image: str
    model_data: str
    metadata: dict[str, str]

    @property
    def metric(self) -> str:
        """The name of the metric that the gate judged."""
        return self.metadata["Metric"]


def versions(sagemaker: Client, group: str) -> Iterator[Version]:
    """Every version of the group, the newest first; each is described only when it is reached."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for summary in page["ModelPackageSummaryList"]:
            yield describe(sagemaker, summary["ModelPackageArn"])


def describe(sagemaker: Client, arn: str) -> Version:
    """Read one version by its ARN."""
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    container: dict[str, Any] = package["InferenceSpecification"]["Containers"][0]
    return Version(
        number=package["ModelPackageVersion"],
        arn=package["ModelPackageArn"],
        status=package["ModelApprovalStatus"],
        created=package["CreationTime"],
        note=package.get("ApprovalDescription"),
        image=container["Image"],
        model_data=container["ModelDataUrl"],
        metadata=package.get("CustomerMetadataProperties", {}),
    )


def find(sagemaker: Client, group: str, number: int) -> Version:
    """Read the version of that number; where there is none, say which there are."""
    numbers: dict[int, str] = {}
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    for page in pages:
        for summary in page["ModelPackageSummaryList"]:
            numbers[summary["ModelPackageVersion"]] = summary["ModelPackageArn"]
    if number in numbers:
        return describe(sagemaker, numbers[number])
    known = ", ".join(str(each) for each in sorted(numbers)) or "none yet"
    raise Refused(f"{group} has no version {number}. Registered versions: {known}.")


def newest(sagemaker: Client, group: str, status: str) -> Version | None:
    """Return the newest version in that state of approval, None where there is none."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus=status, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for summary in page["ModelPackageSummaryList"]:
            return describe(sagemaker, summary["ModelPackageArn"])
    return None


def decide(sagemaker: Client, version: Version, status: str, note: str | None) -> bool:
    """Approve or reject; False where the version already says exactly that, so that repeating it changes nothing.

    Leaving the note out keeps the one that is there when the decision stands, and clears it when the decision changes.
    """
    if version.status == status and note in (None, version.note):
        return False
    description = note if note is not None else ""
    sagemaker.update_model_package(
        ModelPackageArn=version.arn, ModelApprovalStatus=status, ApprovalDescription=description
    )
    return True
