"""One step of delivery as CodeBuild holds it, with a role of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import CfnResource
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.delivery.artifact_store import ArtifactStore
from sagewright.stacks.delivery.buildspec import REPORTS
from sagewright.stacks.place import Place

# https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html
IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
_QUEUED_MINUTES = 60
_LOG_DAYS = 90
_PIPELINE = "CODEPIPELINE"


@dataclass(frozen=True)
class Step:
    """What a build is: its names, what it runs, and for how long at most."""

    name: str
    role: str
    does: str
    spec: str
    minutes: int
    size: str = "SMALL"


class BuildProject(Construct):
    """Runs one step in AWS's own image, without Docker, and writes its log where that is kept for so long only.

    Left by itself, a build may write this log and nothing else; everything more is allowed where it is needed.
    """

    def __init__(  # noqa: PLR0913 (what a build is made of)
        self,
        scope: Construct,
        construct_id: str,
        *,
        step: Step,
        place: Place,
        store: ArtifactStore,
        variables: Mapping[str, str] | None = None,
        source: codebuild.CfnProject.SourceProperty | None = None,
        more: Sequence[codebuild.CfnProject.SourceProperty] = (),
        triggers: codebuild.CfnProject.ProjectTriggersProperty | None = None,
    ) -> None:
        """Leave `source` out for a build in a pipeline, which hands it everything."""
        super().__init__(scope, construct_id)
        self.name = step.name
        self.arn = place.arn("codebuild", f"project/{step.name}")
        self._place, self._store = place, store
        self.role = iam.Role(
            self,
            "Role",
            role_name=step.role,
            description=step.does,
            assumed_by=permissions.service_of(place, "codebuild", self.arn),
        )
        log = self._log(place)
        kind = source or codebuild.CfnProject.SourceProperty(type=_PIPELINE, build_spec=step.spec)
        self.project = codebuild.CfnProject(
            self,
            "Project",
            name=step.name,
            description=step.does,
            service_role=self.role.role_arn,
            source=kind,
            secondary_sources=list(more) or None,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS" if source else _PIPELINE),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                image=IMAGE,
                compute_type=f"BUILD_GENERAL1_{step.size}",
                privileged_mode=False,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value)
                    for name, value in (variables or {}).items()
                ]
                or None,
            ),
            encryption_key=store.key.key_arn,
            cache=codebuild.CfnProject.ProjectCacheProperty(type="LOCAL", modes=["LOCAL_CUSTOM_CACHE"]),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=names.build_log(step.name)
                )
            ),
            timeout_in_minutes=step.minutes,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
            triggers=triggers,
        )
        self.project.node.add_dependency(cast("CfnResource", log))
        self.project.node.add_dependency(self.role.node.find_child("DefaultPolicy"))

    def allow(
        self,
        sid: str,
        actions: Sequence[str],
        resources: Sequence[str],
        *,
        conditions: permissions.Condition | None = None,
        because: str | None = None,
    ) -> None:
        """Allow the build more."""
        permissions.allow(self.role, sid, actions, resources, conditions=conditions, because=because)

    def hand_on(self, *pipelines: str, takes: Sequence[str], leaves: Sequence[str] = ()) -> None:
        """Let it read the artifacts that it is handed, and write its own."""
        self._store.grant(self.role, *pipelines, reads=takes, writes=leaves)

    def report(self) -> None:
        """Let it report what its tests found, in groups that CodeBuild makes of the project's name and the report's."""
        self.allow(
            "Report",
            [
                *("codebuild:BatchPutCodeCoverages", "codebuild:BatchPutTestCases", "codebuild:CreateReport"),
                *("codebuild:CreateReportGroup", "codebuild:UpdateReport"),
            ],
            [self._place.arn("codebuild", f"report-group/{self.name}-{each}") for each in REPORTS],
        )

    def _log(self, place: Place) -> logs.CfnLogGroup:
        group = names.build_log(self.name)
        arn = place.arn("logs", f"log-group:{group}")
        self.allow(
            "WriteLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [arn, f"{arn}:*"],
            because="CodeBuild names a log stream after a build that does not exist yet; the log group is exact.",
        )
        return logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=group,
            retention_in_days=place.security.log_retention_days or _LOG_DAYS,
            kms_key_id=self._store.key.key_arn,
        )
