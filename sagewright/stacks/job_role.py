"""What the jobs of a training run may do, each kind for itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.pipelines.dataset import DATASET, MANIFEST, ROWS
from sagewright.pipelines.training import EVALUATE, PREPROCESS, TRAIN
from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.code_bundle import CodeBundle
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import of_step


@dataclass(frozen=True)
class JobKind:
    """What one kind of job needs: the folders that it reads of other steps, and the one that only it writes."""

    step: str
    api: Literal["Processing", "Training"]
    reads: Sequence[str] = ()

    @property
    def writes(self) -> str:
        """Its own folder in every execution."""
        return of_step(self.step)


JOINING = JobKind(DATASET, "Processing", [of_step(DATASET)])
PREPROCESSING = JobKind(PREPROCESS, "Processing")
# Where rows are joined, what is preprocessed is what came of it.
PREPROCESSING_JOINED = JobKind(PREPROCESS, "Processing", [of_step(DATASET, ROWS), of_step(DATASET, MANIFEST)])
TRAINING = JobKind(TRAIN, "Training", [of_step(PREPROCESS, "train"), of_step(PREPROCESS, "baseline")])
EVALUATION = JobKind(EVALUATE, "Processing", [of_step(PREPROCESS, "test"), of_step(TRAIN)])
# What is compared answers the rows as callers send them; the model of a champion lies with the training that made it.
COMPARISON = JobKind(EVALUATE, "Processing", [*EVALUATION.reads, of_step(PREPROCESS, "held_out")])


class JobRole(Construct):
    """The execution role of one kind of job, because what trains must not be able to rewrite what it is judged on."""

    def __init__(  # noqa: PLR0913 (each is another thing that a job works with)
        self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, bundle: CodeBundle, kind: JobKind
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            description=f"Runs the {kind.step} jobs of {place.project}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        bundle.grant_read(self.role)
        because = "What a job reads and writes lies in folders of executions, which have no name before they start."
        if kind.reads:
            permissions.read_objects(self.role, "Inputs", place, kind.reads, because=because)
        permissions.write_objects(self.role, "Outputs", place, kind.writes, because=because)
        permissions.use_key(self.role, key, "Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey")
        permissions.encrypt_volumes(self.role, key)
        jobs = f"/aws/sagemaker/{kind.api}Jobs"
        permissions.report(self.role, place, jobs, jobs)
        permissions.pull_image(self.role, place)

    def grant_read_source(self, place: Place, source: tuple[str, str] | None) -> None:
        """Allow reading raw data: what was sent up from the project, or below a prefix of a bucket that is not ours."""
        because = "Which tables lie at the source is not known before they are there."
        if source is None:
            permissions.read_objects(self.role, "Source", place, [names.RAW], because=because)
        else:
            bucket, prefix = source
            bucket_arn = f"arn:{place.partition}:s3:::{bucket}"
            permissions.read_prefix(self.role, "Source", bucket_arn, prefix, because=because)
            # Whose key that bucket's objects are under, if under one at all, is known to its owner alone.
            keys = f"arn:{place.partition}:kms:{place.region}:*:key/*"
            permissions.decrypt_objects(
                self.role, "Source", place, keys=keys, bucket_arn=bucket_arn, pattern=f"{prefix}*", because=because
            )
