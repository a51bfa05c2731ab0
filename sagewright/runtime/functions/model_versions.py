"""The registry as a person sees it: numbered versions with a decision, and the decisions themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from .client import Client
from .refusal import Refused

PENDING, APPROVED, REJECTED = "PendingManualApproval", "Approved", "Rejected"
RETIRED = "Retired"
# The only status that a stage of ours has.
_DONE = "Done"
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelLifeCycle.html
_NOTE_LENGTH = 1024
_ONCE_MORE = re.compile(r" ?\(once more, [^)]*\)$")


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
    changed: datetime | None = None
    """When it was last changed: a decision is told apart from an earlier one by it."""
    changed_by: str | None = None
    """The ARN of who changed it last, where SageMaker knows."""
    stage: str | None = None
    """Where it is in its life cycle; None where nobody has said so."""
    stage_note: str | None = None
    """Why it is there, in the words of who said so."""

    @property
    def is_retired(self) -> bool:
        """Whether its time is over: it is not released any more, and nothing goes back to it."""
        return self.stage == RETIRED

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
    cycle: dict[str, str] = package.get("ModelLifeCycle", {})
    return Version(
        number=package["ModelPackageVersion"],
        arn=package["ModelPackageArn"],
        status=package["ModelApprovalStatus"],
        created=package["CreationTime"],
        note=package.get("ApprovalDescription"),
        image=container["Image"],
        model_data=container["ModelDataUrl"],
        metadata=package.get("CustomerMetadataProperties", {}),
        changed=package.get("LastModifiedTime", package["CreationTime"]),
        changed_by=_person(package.get("LastModifiedBy", package.get("CreatedBy", {}))),
        stage=cycle.get("Stage"),
        stage_note=cycle.get("StageDescription") or None,
    )


def _person(context: dict[str, Any]) -> str | None:
    return context.get("UserProfileArn") or context.get("IamIdentity", {}).get("Arn")


def existing(sagemaker: Client, arn: str) -> Version | None:
    """Read one version by its ARN; None where it was deleted."""
    try:
        return describe(sagemaker, arn)
    except ClientError as error:
        # SageMaker has no error code of its own for what is not there.
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise


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
    """Return the newest version in that state of approval that is not retired, None where there is none."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus=status, SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for summary in page["ModelPackageSummaryList"]:
            version = describe(sagemaker, summary["ModelPackageArn"])
            if not version.is_retired:
                return version
    return None


def decide(sagemaker: Client, version: Version, status: str, note: str | None, *, anew: bool = False) -> bool:
    """Approve or reject; False where the version already says exactly that, so that repeating it changes nothing.

    Leaving the note out keeps the one that is there when the decision stands, and clears it when the decision changes.
    A retired version is not approved: nothing would release it. `anew` says the same once more: it adds the moment to
    the note, because SageMaker tells only of what has changed.
    """
    if status == APPROVED and version.is_retired:
        because = f" ({version.stage_note})" if version.stage_note else ""
        raise Refused(
            f"Version {version.number} is retired{because}, for good: it cannot be approved. Approve another one, see "
            "`sagewright models`; or train a new one from the same commit: `sagewright train`."
        )
    if version.status == status and note in (None, version.note):
        if not anew:
            return False
        note = _once_more(version.note)
    description = note if note is not None else ""
    sagemaker.update_model_package(
        ModelPackageArn=version.arn, ModelApprovalStatus=status, ApprovalDescription=description
    )
    return True


def _once_more(note: str | None) -> str:
    said = _ONCE_MORE.sub("", note or "")
    again = f"(once more, {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f})"
    return f"{said[: _NOTE_LENGTH - len(again) - 1]} {again}".lstrip()


def retire(sagemaker: Client, version: Version, note: str) -> bool:
    """End a version's life cycle, with a note; False where it has ended already."""
    if version.is_retired:
        return False
    stage = {"Stage": RETIRED, "StageStatus": _DONE, "StageDescription": " ".join(note.split())[:_NOTE_LENGTH]}
    sagemaker.update_model_package(ModelPackageArn=version.arn, ModelLifeCycle=stage)
    return True
