"""A CodePipeline, and the role that it walks through its stages with."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagewright.stacks import permissions
from sagewright.stacks.delivery.actions import Action, Stage, source
from sagewright.stacks.delivery.artifact_store import ArtifactStore
from sagewright.stacks.delivery.build_project import BuildProject
from sagewright.stacks.delivery.buildspec import TOOLS
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle

SUPERSEDED, QUEUED = "SUPERSEDED", "QUEUED"
"""What an execution does that finds another one before it: the latest goes on, or each waits for its turn."""

# https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html
_READ_SOURCE = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"]
_LOOK_AT_SOURCE = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]


class Pipeline(Construct):
    """A pipeline of type V2: the role may do what its actions do, and each of them is allowed where it is made."""

    def __init__(  # noqa: PLR0913 (what a pipeline is made of)
        self, scope: Construct, construct_id: str, *, place: Place, name: str, role_name: str, store: ArtifactStore
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.arn = place.arn("codepipeline", name)
        self._place, self._store = place, store
        self._builds: list[BuildProject] = []
        self._deploys: dict[str, None] = {}
        self.role = iam.Role(
            self,
            "Role",
            role_name=role_name,
            description=f"Walks through the pipeline {name}",
            # CodePipeline is known to say whose account it acts for, as in the roles that its console makes; not more.
            assumed_by=permissions.service_of(place, "codepipeline"),
        )

    def tools(self, bundle: ToolBundle) -> Action:
        """Bring the tool in. It is there before the pipeline is, under a name that changes with it."""
        bucket = f"arn:{self._place.partition}:s3:::{bundle.bucket_name}"
        permissions.allow(self.role, "ReadTools", _READ_SOURCE, [f"{bucket}/{bundle.key}"])
        permissions.allow(self.role, "LookAtTools", _LOOK_AT_SOURCE, [bucket])
        configuration = {"S3Bucket": bundle.bucket_name, "S3ObjectKey": bundle.key, "PollForSourceChanges": "false"}
        return source(TOOLS, "S3", configuration)

    def runs(self, *builds: BuildProject) -> None:
        """Let it run builds, which are there before it is: a pipeline runs as soon as it is made."""
        self._builds += builds

    def deploys(self, *places: Place) -> None:
        """Let it deploy stacks as the bootstraps' roles."""
        self._deploys |= {each.deploy_role_arn: None for each in places}

    def create(  # noqa: PLR0913 (what a pipeline says)
        self,
        stages: Sequence[Stage],
        *,
        mode: str,
        keeps: Sequence[str],
        reads: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        triggers: Sequence[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty] = (),
    ) -> None:
        """Make the pipeline, which keeps and reads artifacts itself; its variables say `none` unless they are given."""
        arns = [each.arn for each in self._builds]
        actions = ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"]
        permissions.allow(self.role, "RunBuilds", actions, arns)
        if self._deploys:
            permissions.allow(self.role, "DeployStacks", ["sts:AssumeRole"], list(self._deploys))
        self._store.grant(self.role, self.name, reads=reads, writes=keeps, with_acl=True)
        made = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=self.name,
            pipeline_type="V2",
            execution_mode=mode,
            role_arn=self.role.role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=self._store.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(type="KMS", id=self._store.key.key_arn),
            ),
            stages=list(stages),
            variables=[
                codepipeline.CfnPipeline.VariableDeclarationProperty(name=name, description=text, default_value="none")
                for name, text in (variables or {}).items()
            ]
            or None,
            triggers=list(triggers) or None,
        )
        for each in (self.role.node.find_child("DefaultPolicy"), *self._builds):
            made.node.add_dependency(each)
