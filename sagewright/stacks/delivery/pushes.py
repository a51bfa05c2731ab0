"""How a push comes to the build pipeline: by an event of CodeCommit's, or over a connection."""

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagewright.project import names
from sagewright.project.repository import Repository
from sagewright.stacks import permissions
from sagewright.stacks.called_function import EVENTS
from sagewright.stacks.delivery.actions import Action, source
from sagewright.stacks.delivery.buildspec import SOURCE
from sagewright.stacks.place import Place

# What no build reads. Only a connection can tell which files a push changed.
_DOCUMENTS = ["**/*.md", "*.md", "docs/**"]
_ARCHIVE = ("CancelUploadArchive", "GetBranch", "GetCommit", "GetUploadArchiveStatus", "UploadArchive")
_CONNECTIONS = "CodeStarSourceConnection"


class CodeCommitPushes(Construct):
    """The rule by which a push to the branch starts the pipeline, as a role that may do nothing else."""

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, repository: Repository, pipeline_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._repository = repository
        self._arn = place.arn("codecommit", repository.name)
        name = names.source_rule(place.project)
        role = iam.Role(
            self,
            "Role",
            role_name=names.delivery_role(place.project, "push"),
            description=f"Starts the build of {place.project} at a push",
            assumed_by=permissions.service_of(place, EVENTS.partition(".")[0], place.arn("events", f"rule/{name}")),
        )
        permissions.allow(role, "StartBuild", ["codepipeline:StartPipelineExecution"], [pipeline_arn])
        events.CfnRule(
            self,
            "Rule",
            name=name,
            description=f"Pushes to {repository.branch} of {repository.name}",
            event_pattern=pattern(self._arn, repository.branch, place.account),
            targets=[events.CfnRule.TargetProperty(id="Build", arn=pipeline_arn, role_arn=role.role_arn)],
        )

    def source(self, role: iam.Role) -> Action:
        """Bring the branch's files in."""
        permissions.allow(role, "ReadRepository", [f"codecommit:{each}" for each in _ARCHIVE], [self._arn])
        configuration = {
            "RepositoryName": self._repository.name,
            "BranchName": self._repository.branch,
            "PollForSourceChanges": "false",
        }
        return source(SOURCE, "CodeCommit", configuration)


def pattern(repository_arn: str, branch: str, account: str) -> dict[str, object]:
    """Match pushes to a branch, its first one included.

    https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
    """
    return {
        "source": ["aws.codecommit"],
        "account": [account],
        "detail-type": ["CodeCommit Repository State Change"],
        "resources": [repository_arn],
        "detail": {
            "event": ["referenceCreated", "referenceUpdated"],
            "referenceType": ["branch"],
            "referenceName": [branch],
        },
    }


def use_connection(role: iam.Role, repository: Repository) -> None:
    """Allow reading over the connection: IAM knows the right by the service's old name and by its new one.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/rename.html
    """
    actions = ["codeconnections:UseConnection", "codestar-connections:UseConnection"]
    permissions.allow(role, "UseConnection", actions, [repository.connection_arn or ""])


def connected_source(role: iam.Role, repository: Repository) -> Action:
    """Bring the branch's files in over the connection. A trigger finds changes, so the action itself looks for none."""
    use_connection(role, repository)
    configuration = {
        "ConnectionArn": repository.connection_arn or "",
        "FullRepositoryId": repository.name,
        "BranchName": repository.branch,
        "OutputArtifactFormat": "CODE_ZIP",
        "DetectChanges": "false",
    }
    return source(SOURCE, _CONNECTIONS, configuration)


def triggers(repository: Repository) -> list[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty]:
    """Start at pushes to the branch, but for those that change documents alone."""
    push = codepipeline.CfnPipeline.GitPushFilterProperty(
        branches=codepipeline.CfnPipeline.GitBranchFilterCriteriaProperty(includes=[repository.branch]),
        file_paths=codepipeline.CfnPipeline.GitFilePathFilterCriteriaProperty(excludes=_DOCUMENTS),
    )
    return [
        codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty(
            provider_type=_CONNECTIONS,
            git_configuration=codepipeline.CfnPipeline.GitConfigurationProperty(source_action_name=SOURCE, push=[push]),
        )
    ]
