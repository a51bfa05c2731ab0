"""What each step of delivery asks of AWS, whoever runs it: the same for a build and for another system's job.

Trust is what differs between them: a build's role is CodeBuild's, a job's role its token's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sagewright.project import Environment, Project, names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import BASELINE, EVALUATED

_NUMBERED = "Versions are numbered."
_LATER = "A version's artifacts lie with the training run that made them, which has not happened yet."
_EXECUTIONS = "SageMaker names an execution when it starts."
_NAMED_LATER = "Which tables there are is not known before they are pushed."


@dataclass(frozen=True)
class StepRights:
    """Allows roles what the commands of steps.py do; `key` encrypts what is in the first environment."""

    project: Project
    places: Mapping[str, Place]
    key: kms.IKey

    @property
    def _place(self) -> Place:
        return self.places[self.project.first.name]

    @property
    def published(self) -> str:
        """Where the last build has left the project and its assembly."""
        return f"s3://{self._place.data_bucket}/{names.PUBLISHED}"

    def deploy(self, role: iam.Role) -> None:
        """Allow deploying the first environment, and publishing what was deployed."""
        purposes = ("deploy", "file-publishing", "lookup")
        _take_on(role, "Deploy", *(self._place.bootstrap_role_arn(each) for each in purposes))
        permissions.allow(role, "Publish", ["s3:PutObject"], [self._place.objects(names.PUBLISHED)])
        permissions.allow(role, "UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn])

    def train(self, role: iam.Role) -> None:
        """Allow starting a training, after a look whether one is needed."""
        pipeline = self._place.arn("sagemaker", f"pipeline/{names.training_pipeline(self.project.name)}")
        start = ("DescribePipeline", "ListPipelineExecutions", "StartPipelineExecution")
        permissions.allow(role, "StartTraining", [f"sagemaker:{each}" for each in start], [pipeline])
        compare = ("DescribePipelineDefinitionForExecution", "ListPipelineParametersForExecution")
        permissions.allow(
            role,
            "CompareTrainings",
            [f"sagemaker:{each}" for each in compare],
            [f"{pipeline}/execution/*"],
            because=_EXECUTIONS,
        )
        self._send_data(role)
        if self.project.first.evaluation.champion is not None:
            self._find_champion(role)

    def _find_champion(self, role: iam.Role) -> None:
        """Let it say which version is live in the last environment, or that none is."""
        record = names.release_copy(self.project.name, self.project.first.name, self.project.prod.name)
        permissions.allow(role, "ReadLive", ["ssm:GetParameter"], [self._place.arn("ssm", f"parameter{record}")])
        versions = self._place.arn("sagemaker", f"model-package/{names.model_package_group(self.project.name)}/*")
        permissions.allow(role, "DescribeVersion", ["sagemaker:DescribeModelPackage"], [versions], because=_NUMBERED)
        permissions.allow(role, "SayNobody", ["s3:PutObject"], [self._place.objects(names.NO_CHAMPION)])
        permissions.allow(role, "EncryptNobody", ["kms:GenerateDataKey"], [self.key.key_arn])

    def _send_data(self, role: iam.Role) -> None:
        """Let it look which data there is, and send up what the project holds of it: the list's hash is its version."""
        source = self.project.first.data.s3_place
        if source is None:
            # Without a condition: S3 says of an object that is not there that it is not to those alone who may list.
            permissions.allow(role, "ListData", ["s3:ListBucket"], [self._place.data_bucket_arn])
            data = [self._place.objects(f"{names.RAW}/*")]
            sends = ("AbortMultipartUpload", "DeleteObject", "GetObject", "PutObject")
            permissions.allow(role, "SendData", [f"s3:{each}" for each in sends], data, because=_NAMED_LATER)
            permissions.allow(role, "UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn])
        else:
            bucket, prefix = source
            exact = {"StringLike": {"s3:prefix": list(dict.fromkeys([prefix.removesuffix("/"), f"{prefix}*"]))}}
            bucket_arn = f"arn:{self._place.partition}:s3:::{bucket}"
            permissions.allow(role, "ListData", ["s3:ListBucket"], [bucket_arn], conditions=exact)

    def resolve(self, role: iam.Role) -> None:
        """Allow deciding about a version: what it is, what was published, what the environments hold."""
        self._read_registry(role)
        pipeline = self._place.arn("sagemaker", f"pipeline/{names.training_pipeline(self.project.name)}")
        permissions.allow(
            role,
            "ReadThreshold",
            ["sagemaker:ListPipelineParametersForExecution"],
            [f"{pipeline}/execution/*"],
            because=_EXECUTIONS,
        )
        evaluation = [self._place.objects(f"{EVALUATED}/*")]
        permissions.allow(role, "ReadEvaluation", ["s3:GetObject"], evaluation, because=_LATER)
        permissions.list_folders(role, "ListBaseline", self._place.data_bucket_arn, [BASELINE])
        records = [self._copy_of(each) for each in self.project.serving]
        permissions.allow(role, "ReadReleases", ["ssm:GetParameter"], records)
        self._look(role)

    def go_back(self, role: iam.Role) -> None:
        """Allow deciding how to go back, and settling what is in between."""
        self._read_registry(role)
        self._look(role)
        places = [self.places[each.name] for each in self.project.serving]
        # A stack in the middle of an update is told to stop, and a first release that failed is deleted.
        _take_on(role, "SettleStacks", *{each.deploy_role_arn: None for each in places})
        _take_on(role, "LookAtReleases", *(each.release_role_arn for each in places))

    def stop_promotions(self, role: iam.Role) -> None:
        """Allow reading what the rollback was started for, and stopping the promotion that is on its way."""
        pipeline = self._place.arn("codepipeline", names.rollback_pipeline(self.project.name))
        permissions.allow(role, "ReadWish", ["codepipeline:GetPipelineExecution"], [pipeline])
        stop = ("GetPipelineExecution", "GetPipelineState", "StopPipelineExecution")
        promotion = self._place.arn("codepipeline", names.promotion_pipeline(self.project.name))
        permissions.allow(role, "StopPromotions", [f"codepipeline:{each}" for each in stop], [promotion])

    def release(self, role: iam.Role, environment: Environment) -> None:
        """Allow copying a version to an environment, deploying it, and verifying it there."""
        place = self.places[environment.name]
        _take_on(role, "Release", place.release_role_arn)
        _take_on(role, "Settle", place.deploy_role_arn)
        permissions.allow(role, "KeepCopy", ["ssm:GetParameter", "ssm:PutParameter"], [self._copy_of(environment)])

    def take_wishes(self, role: iam.Role) -> None:
        """Allow finding what the delivery function has left to be done, and noting in it that it has begun."""
        waiting = [self._place.objects(f"{names.WAITING}/*")]
        because = "Each is named after the decision that it comes of, which has not been made yet."
        permissions.allow(role, "TakeWishes", ["s3:GetObject", "s3:PutObject"], waiting, because=because)
        permissions.list_folders(role, "ListWishes", self._place.data_bucket_arn, [names.WAITING])
        permissions.allow(role, "UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [self.key.key_arn])

    def _copy_of(self, environment: Environment) -> str:
        """Name what repeats here which version is live there."""
        record = names.release_copy(self.project.name, self.project.first.name, environment.name)
        return self._place.arn("ssm", f"parameter{record}")

    def _read_registry(self, role: iam.Role) -> None:
        """Let it read what was published, and the versions as they are now."""
        versions = self._place.arn("sagemaker", f"model-package/{names.model_package_group(self.project.name)}/*")
        permissions.allow(role, "DescribeVersion", ["sagemaker:DescribeModelPackage"], [versions], because=_NUMBERED)
        permissions.allow(role, "ReadPublished", ["s3:GetObject"], [self._place.objects(names.PUBLISHED)])
        permissions.allow(role, "UseKey", ["kms:Decrypt"], [self.key.key_arn])

    def _look(self, role: iam.Role) -> None:
        """Let it look at environments as the bootstraps' roles that look."""
        places = [self.places[each.name] for each in self.project.serving]
        _take_on(role, "Look", *{each.bootstrap_role_arn("lookup"): None for each in places})


def _take_on(role: iam.Role, sid: str, *roles: str) -> None:
    permissions.allow(role, sid, ["sts:AssumeRole"], list(roles))
