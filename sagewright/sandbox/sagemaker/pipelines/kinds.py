"""Why: what a type of step does is a row of facts: its request, its Describe response, what the cache looks at."""

from dataclasses import dataclass

import botocore.session
from botocore.model import StructureShape

MODEL = botocore.session.get_session().get_service_model("sagemaker")


@dataclass(frozen=True)
class Kind:
    """A type of step that calls one SageMaker operation.

    `cache_keys` are the arguments that AWS documents for the step cache; a kind without them cannot be cached
    (https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html).
    `supplied` are members of the request that the pipeline fills in, so that a definition may not.
    `create_group` is called first, with the request's `group_member`, by a kind that has one.
    """

    create: str
    describe: str
    stop: str
    name_member: str
    arn_member: str
    metadata: str
    status_member: str
    cache_keys: tuple[str, ...] = ()
    supplied: tuple[str, ...] = ()
    create_group: str = ""
    group_member: str = ""

    @property
    def request(self) -> StructureShape:
        """The shape that the step's arguments have."""
        return _structure(MODEL.operation_model(self.create).input_shape)

    @property
    def response(self) -> StructureShape:
        """The shape that references to the step's properties follow."""
        return _structure(MODEL.operation_model(self.describe).output_shape)


CALLS = {
    "Processing": Kind(
        create="CreateProcessingJob",
        describe="DescribeProcessingJob",
        stop="StopProcessingJob",
        name_member="ProcessingJobName",
        arn_member="ProcessingJobArn",
        metadata="ProcessingJob",
        status_member="ProcessingJobStatus",
        cache_keys=("AppSpecification", "Environment", "ProcessingInputs"),
        supplied=("ProcessingJobName",),
    ),
    "Training": Kind(
        create="CreateTrainingJob",
        describe="DescribeTrainingJob",
        stop="StopTrainingJob",
        name_member="TrainingJobName",
        arn_member="TrainingJobArn",
        metadata="TrainingJob",
        status_member="TrainingJobStatus",
        cache_keys=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
        supplied=("TrainingJobName",),
    ),
    "RegisterModel": Kind(
        create="CreateModelPackage",
        describe="DescribeModelPackage",
        stop="",
        name_member="ModelPackageName",
        arn_member="ModelPackageArn",
        metadata="RegisterModel",
        status_member="ModelPackageStatus",
        supplied=("ModelPackageName", "ClientToken"),
        create_group="CreateModelPackageGroup",
        group_member="ModelPackageGroupName",
    ),
}
LOCAL = ("Condition", "Fail")
# Types that SageMaker has and the sandbox does not.
ABSENT = (
    "AutoML",
    "Callback",
    "ClarifyCheck",
    "EMR",
    "EMRServerless",
    "Endpoint",
    "EndpointConfig",
    "InferenceComponent",
    "Lambda",
    "Lineage",
    "Model",
    "NotebookJob",
    "QualityCheck",
    "Transform",
    "Tuning",
)


def _structure(shape: object) -> StructureShape:
    if not isinstance(shape, StructureShape):
        raise TypeError(f"botocore's model has no structure here, but {shape!r}")
    return shape
