"""Why: a repository's policies are calls apart, and its images keep it unless the template gives them up."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_shape, call, discard, operation_model
from .api_resource import ApiResource, changed
from .policy_document import PolicyKind, checked_policy
from .tags import Tagging

_POLICY = PolicyKind(
    "SetRepositoryPolicy",
    "InvalidParameterException",
    "Principal not found",
    "Invalid parameter at 'PolicyText' failed to satisfy constraint: ",
)
_ARN = "arn:aws:ecr:{region}:{account}:repository/{ref}"


class Repository(ApiResource):
    """An image repository."""

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the policies."""
        client, repository = self.client(context), {"repositoryName": physical_id}
        if changed(old, new, "RepositoryPolicyText"):
            if "RepositoryPolicyText" in new:
                policy = checked_policy(new["RepositoryPolicyText"], _POLICY)
                call(client, "set_repository_policy", **repository, policyText=policy)
            else:
                discard(client, "delete_repository_policy", **repository)
        if changed(old, new, "LifecyclePolicy"):
            if text := new.get("LifecyclePolicy", {}).get("LifecyclePolicyText"):
                call(client, "put_lifecycle_policy", **repository, lifecyclePolicyText=text)
            else:
                discard(client, "delete_lifecycle_policy", **repository)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the repository; its images go with it where the template says so."""
        return {"repositoryName": physical_id, "force": properties.get("EmptyOnDelete") is True}

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Set another mutability of tags, another way of scanning."""
        client, repository = self.client(context), {"repositoryName": physical_id}
        if changed(old, new, "ImageTagMutability"):
            mutability = new.get("ImageTagMutability", "MUTABLE")
            call(client, "put_image_tag_mutability", **repository, imageTagMutability=mutability)
        if changed(old, new, "ImageScanningConfiguration"):
            members = operation_model(client, "put_image_scanning_configuration").input_shape
            scanning = {"ImageScanningConfiguration": new.get("ImageScanningConfiguration", {"ScanOnPush": False})}
            shaped = as_shape(members, scanning) if members is not None else scanning
            call(client, "put_image_scanning_configuration", **repository, **shaped)


TYPES = {
    "AWS::ECR::Repository": Repository(
        type_name="AWS::ECR::Repository",
        service="ecr",
        create_operation="create_repository",
        delete_operation="delete_repository",
        name="RepositoryName",
        name_limit=256,
        lower_name=True,
        apart=frozenset({"RepositoryPolicyText", "LifecyclePolicy", "EmptyOnDelete"}),
        tagging=Tagging("resourceArn"),
        tag_by_arn=_ARN,
        values={"Arn": _ARN, "RepositoryUri": "{account}.dkr.ecr.{region}.amazonaws.com/{ref}"},
    ),
}
