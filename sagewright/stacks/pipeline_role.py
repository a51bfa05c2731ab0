"""What the pipeline itself may do: start the jobs as their own roles, read the verdict, register the version."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.pipelines.training import EVALUATE, TRAIN
from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import of_step


class PipelineRole(Construct):
    """The role of the pipeline, which can hand SageMaker the three job roles and no other.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, jobs: Sequence[iam.Role]
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description=f"Runs the pipeline {names.training_pipeline(place.project)}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        permissions.run_jobs(self.role, place, "Processing", "Training")
        permissions.pass_job_roles(self.role, jobs)
        self._register(place)
        because = "The report and the model lie with the execution that made them, which has no name before it starts."
        # Of the two it knows the names, so it lists nothing.
        results = [place.objects(f"{folder}/*") for folder in (of_step(EVALUATE, "evaluation"), of_step(TRAIN))]
        permissions.allow(self.role, "ReadResults", ["s3:GetObject"], results, because=because)
        permissions.use_key(self.role, key, "Decrypt")

    def _register(self, place: Place) -> None:
        group = names.model_package_group(place.project)
        permissions.allow(
            self.role,
            "RegisterVersions",
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModelPackage",
                # Pipelines asks for the group before each version, and does not mind that it is there.
                "sagemaker:CreateModelPackageGroup",
                "sagemaker:DescribeModelPackage",
            ],
            [
                place.arn("sagemaker", f"model-package-group/{group}"),
                place.arn("sagemaker", f"model-package/{group}/*"),
            ],
            because="A version gets its number when it is registered.",
        )
