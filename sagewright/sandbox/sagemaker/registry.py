"""Why: the model registry is where a version waits for its approver; a group never gives a number twice."""

import threading
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ..clients import Clients
from ..protocol import ApiError, Caller
from .artifacts import object_exists, require_ecr_image, split_s3_uri
from .group_policy import check_policy
from .identity import owner_and_name, user_context
from .listing import matching, only, ordered, page
from .store import MODEL_PACKAGE, MODEL_PACKAGE_GROUP, Record, Store

GROUP_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageGroupArn",
    "ModelPackageGroupDescription",
    "CreationTime",
    "ModelPackageGroupStatus",
)
PACKAGE_SUMMARY = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)
MAX_METADATA_PROPERTIES = 50


class Registry:
    """Model package groups and the versions in them."""

    def __init__(self, store: Store, clients: Clients) -> None:
        self._store = store
        self._clients = clients
        self._numbering = threading.Lock()
        self._last_version: dict[str, int] = {}
        self._policies: dict[str, str] = {}
        self._by_token: dict[tuple[str, str, str], str] = {}

    def policy_of(self, arn: str) -> str | None:
        """Return the resource policy that says who of other accounts may do what with this group or version."""
        prefix, _, resource = arn.partition(":model-package/")
        group = f"{prefix}:model-package-group/{resource.partition('/')[0]}" if resource else arn
        return self._policies.get(group)

    def create_model_package_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create a group; its name is unique in the account and region."""
        name = params["ModelPackageGroupName"]
        record = only(params, ("ModelPackageGroupName", "ModelPackageGroupDescription", "ManagedConfiguration")) | {
            "ModelPackageGroupArn": self._store.arn(MODEL_PACKAGE_GROUP, caller, name),
            "CreationTime": self._store.now(),
            "CreatedBy": user_context(caller),
            "ModelPackageGroupStatus": "Completed",
        }
        return {
            "ModelPackageGroupArn": self._store.put(MODEL_PACKAGE_GROUP, caller, name, record, params.get("Tags", ()))
        }

    def describe_model_package_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one group, named or by ARN."""
        return self._store.get(MODEL_PACKAGE_GROUP, *owner_and_name(params["ModelPackageGroupName"], caller))

    def list_model_package_groups(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the groups of the account."""
        found = matching(self._store.all(MODEL_PACKAGE_GROUP, caller), params, name="ModelPackageGroupName")
        keys = {"Name": "ModelPackageGroupName", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Ascending"))
        return page("ModelPackageGroupSummaryList", [only(group, GROUP_SUMMARY) for group in found], params)

    def delete_model_package_group(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete an empty group; one that holds versions is refused."""
        owner, name = owner_and_name(params["ModelPackageGroupName"], caller)
        group = self._store.get(MODEL_PACKAGE_GROUP, owner, name)
        with self._numbering:
            if self._packages_of(name, owner):
                raise ApiError(
                    "ConflictException",
                    f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted since it still contains"
                    " Model Packages. Delete all the Model Packages in the group first.",
                )
            self._store.delete(MODEL_PACKAGE_GROUP, owner, name)
            self._last_version.pop(group["ModelPackageGroupArn"], None)
            self._policies.pop(group["ModelPackageGroupArn"], None)
        return {}

    def put_model_package_group_policy(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Attach a resource policy, which has to be a policy document."""
        group = self._store.get(MODEL_PACKAGE_GROUP, caller, params["ModelPackageGroupName"])
        check_policy(params["ResourcePolicy"])
        self._policies[group["ModelPackageGroupArn"]] = params["ResourcePolicy"]
        return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}

    def get_model_package_group_policy(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the group's resource policy."""
        return {"ResourcePolicy": self._policies[self._arn_with_policy(params, caller)]}

    def delete_model_package_group_policy(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Detach the group's resource policy."""
        del self._policies[self._arn_with_policy(params, caller)]
        return {}

    def create_model_package(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Register the next version of a group; the model artifact has to exist, as AWS looks it up."""
        group = self._group_of(params, caller)
        owner, group_name = owner_and_name(group, caller)
        self._store.get(MODEL_PACKAGE_GROUP, owner, group_name)
        self._check_containers(params, caller)
        if params.get("Tags"):
            raise ApiError(
                "ValidationException",
                "Tags are not supported for versioned model packages. Tag the model package group instead.",
            )
        group_arn = self._store.arn(MODEL_PACKAGE_GROUP, owner, group_name)
        token = (caller.account, group_arn, params.get("ClientToken", ""))
        with self._numbering:
            if params.get("ClientToken") and token in self._by_token:
                return {"ModelPackageArn": self._by_token[token]}
            version = self._last_version.get(group_arn, 0) + 1
            self._last_version[group_arn] = version
            name = f"{group_name}/{version}"
            arn = self._store.arn(MODEL_PACKAGE, owner, name)
            self._store.put(MODEL_PACKAGE, owner, name, self._record(params, caller, group_name, version, arn))
            self._by_token[token] = arn
        return {"ModelPackageArn": arn}

    def describe_model_package(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one version, by its ARN or as group/version."""
        return self._store.get(MODEL_PACKAGE, *owner_and_name(params["ModelPackageName"], caller))

    def list_model_packages(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return versions: those of one group where it is named, as AWS does; else none, as all are versioned."""
        if "ModelPackageGroupName" in params:
            owner, name = owner_and_name(params["ModelPackageGroupName"], caller)
            self._store.get(MODEL_PACKAGE_GROUP, owner, name)
            found = self._packages_of(name, owner)
        elif params.get("ModelPackageType") in ("Versioned", "Both"):
            found = self._store.all(MODEL_PACKAGE, caller)
        else:
            found = list[Record]()
        found = matching(found, params, name="ModelPackageGroupName")
        if "ModelApprovalStatus" in params:
            found = [each for each in found if each.get("ModelApprovalStatus") == params["ModelApprovalStatus"]]
        keys = {"Name": "ModelPackageVersion", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Ascending"))
        return page("ModelPackageSummaryList", [only(each, PACKAGE_SUMMARY) for each in found], params)

    def update_model_package(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Change the approval and the metadata of a version."""
        owner, name = owner_and_name(params["ModelPackageArn"], caller)
        package = self._store.get(MODEL_PACKAGE, owner, name)
        changes = only(
            params,
            (
                "ModelApprovalStatus",
                "ApprovalDescription",
                "ModelPackageRegistrationType",
                "InferenceSpecification",
                "SourceUri",
                "ModelCard",
                "ModelLifeCycle",
            ),
        )
        self._check_containers(changes, caller)
        properties = package.get("CustomerMetadataProperties", {}) | params.get("CustomerMetadataProperties", {})
        for key in params.get("CustomerMetadataPropertiesToRemove", ()):
            properties.pop(key, None)
        if len(properties) > MAX_METADATA_PROPERTIES:
            raise ApiError(
                "ValidationException",
                f"A model package has at most {MAX_METADATA_PROPERTIES} CustomerMetadataProperties;"
                f" this one would have {len(properties)}.",
            )
        if "AdditionalInferenceSpecificationsToAdd" in params:
            changes["AdditionalInferenceSpecifications"] = (
                package.get("AdditionalInferenceSpecifications", []) + params["AdditionalInferenceSpecificationsToAdd"]
            )
        self._store.update(
            MODEL_PACKAGE,
            owner,
            name,
            **changes,
            CustomerMetadataProperties=properties or None,
            LastModifiedTime=self._store.now(),
            LastModifiedBy=user_context(caller),
        )
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete_model_package(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete one version; its number is never given again."""
        self._store.delete(MODEL_PACKAGE, *owner_and_name(params["ModelPackageName"], caller))
        return {}

    def _record(
        self, params: dict[str, Any], caller: Caller, group_name: str, version: int, arn: str
    ) -> dict[str, Any]:
        left_out = ("ClientToken", "Tags", "ModelPackageName")
        statuses: dict[str, list[Record]] = {"ValidationStatuses": [], "ImageScanStatuses": []}
        return {key: value for key, value in params.items() if key not in left_out} | {
            "ModelPackageGroupName": group_name,
            "ModelPackageVersion": version,
            "ModelPackageArn": arn,
            "ModelPackageRegistrationType": params.get("ModelPackageRegistrationType", "Registered"),
            "CreationTime": self._store.now(),
            "CreatedBy": user_context(caller),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": statuses,
            "CertifyForMarketplace": params.get("CertifyForMarketplace", False),
            "ModelApprovalStatus": params.get("ModelApprovalStatus", "PendingManualApproval"),
        }

    def _packages_of(self, group_name: str, owner: Caller) -> list[Record]:
        return [each for each in self._store.all(MODEL_PACKAGE, owner) if each["ModelPackageGroupName"] == group_name]

    def _arn_with_policy(self, params: dict[str, Any], caller: Caller) -> str:
        group = self._store.get(MODEL_PACKAGE_GROUP, caller, params["ModelPackageGroupName"])
        if group["ModelPackageGroupArn"] not in self._policies:
            raise ApiError("ValidationException", f"Cannot find resource policy for: {group['ModelPackageGroupArn']}")
        return group["ModelPackageGroupArn"]

    def _group_of(self, params: dict[str, Any], caller: Caller) -> str:
        if "ModelPackageName" in params and "ModelPackageGroupName" in params:
            raise ApiError(
                "ValidationException",
                "Both ModelPackageName and ModelPackageGroupName are provided in the input."
                " Cannot determine which one to use.",
            )
        if "ModelPackageName" in params:
            raise ApiError(
                "UnsupportedOperation",
                "The sandbox does not have model packages outside a group (ModelPackageName);"
                f" received {params['ModelPackageName']!r} from account {caller.account}. Give ModelPackageGroupName.",
                501,
            )
        if "ModelPackageGroupName" not in params:
            raise ApiError("ValidationException", "Missing ARN.")
        return params["ModelPackageGroupName"]

    def _check_containers(self, params: dict[str, Any], caller: Caller) -> None:
        for container in _containers(params):
            if "Image" in container:
                require_ecr_image(container["Image"])
            if "ModelDataUrl" in container:
                self._require_object(container["ModelDataUrl"], caller)

    def _require_object(self, uri: str, caller: Caller) -> None:
        """Look up the artifact as the caller, as AWS does: who registers a model must be able to read it."""
        bucket, key = split_s3_uri(uri)
        client = self._clients.acting(caller.access_key).get("s3", caller.account, caller.region)
        try:
            found = object_exists(client, bucket, key)
        except ClientError as error:
            raise ApiError(
                "ValidationException",
                f"Access denied for bucket: {bucket}, object key: {key}. {error.response['Error']['Message']}",
            ) from error
        if not found:
            raise ApiError(
                "ValidationException",
                f"Cannot find S3 object: {key} in bucket {bucket}."
                " Please check if your S3 object exists and has proper permissions for SageMaker.",
            )


def _containers(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from params.get("InferenceSpecification", {}).get("Containers", ())
    for specification in params.get("AdditionalInferenceSpecifications", ()):
        yield from specification.get("Containers", ())
