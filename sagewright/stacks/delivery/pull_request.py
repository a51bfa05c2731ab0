"""What a pull request is tried with, wherever the repository is."""

from aws_cdk import aws_codebuild as codebuild
from constructs import Construct

from sagewright.project import names
from sagewright.project.repository import Repository, RepositoryProvider
from sagewright.stacks.delivery import buildspec
from sagewright.stacks.delivery.artifact_store import ArtifactStore
from sagewright.stacks.delivery.build_project import BuildProject, Step
from sagewright.stacks.place import Place
from sagewright.stacks.tool_bundle import ToolBundle

_Source = codebuild.CfnProject.SourceProperty
# CodeBuild's name of a provider, and where its repositories are.
_PROVIDERS: dict[RepositoryProvider, tuple[str, str]] = {
    "github": ("GITHUB", "https://github.com"),
    "gitlab": ("GITLAB", "https://gitlab.com"),
    "bitbucket": ("BITBUCKET", "https://bitbucket.org"),
}
SUPPORTED = ("codecommit", *_PROVIDERS)
"""Where pull requests are tried: CodeBuild knows no pull requests of Azure DevOps."""
_CREATED, _CHANGED = "PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED"


class PullRequestBuild(Construct):
    """Runs what every push is tried with on somebody's proposal, and tells the provider what came out.

    Whoever may propose a change has their code run here: so the role reads the repository and the tool, writes its log
    and its reports, and may do nothing else.
    """

    def __init__(  # noqa: PLR0913 (whose pull requests, and with what)
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: Repository,
        place: Place,
        store: ArtifactStore,
        tools: ToolBundle,
    ) -> None:
        super().__init__(scope, construct_id)
        spec = buildspec.test(hands_on=False)
        step = Step(
            names.build_project(place.project, "pull-request"),
            names.delivery_role(place.project, "pull-request"),
            f"Tries pull requests of {place.project}",
            spec,
            60,
            "MEDIUM",
        )
        hosted = repository.provider == "codecommit"
        made = BuildProject(
            self,
            "Build",
            step=step,
            place=place,
            store=store,
            source=_codecommit(repository, place, spec) if hosted else _connected(repository, spec, step.name),
            more=[_tools(tools)],
            triggers=None if hosted else _proposals(repository),
        )
        made.report()
        bucket = f"arn:{place.partition}:s3:::{tools.bucket_name}"
        made.allow("ReadTools", ["s3:GetObject", "s3:GetObjectVersion"], [f"{bucket}/{tools.key}"])
        # https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
        made.allow("LookAtTools", ["s3:GetBucketAcl", "s3:GetBucketLocation"], [bucket])
        if hosted:
            made.allow("ReadRepository", ["codecommit:GitPull"], [place.arn("codecommit", repository.name)])
        else:
            _read_connected(made, repository)


def _codecommit(repository: Repository, place: Place, spec: str) -> _Source:
    address = f"https://git-codecommit.{place.region}.{place.domain}/v1/repos/{repository.name}"
    return _Source(type="CODECOMMIT", location=address, build_spec=spec, git_clone_depth=1)


def _connected(repository: Repository, spec: str, told: str) -> _Source:
    kind, host = _PROVIDERS[repository.provider]
    return _Source(
        type=kind,
        location=f"{host}/{repository.name}.git",
        build_spec=spec,
        git_clone_depth=1,
        auth=codebuild.CfnProject.SourceAuthProperty(type="CODECONNECTIONS", resource=repository.connection_arn),
        report_build_status=True,
        build_status_config=codebuild.CfnProject.BuildStatusConfigProperty(context=told),
    )


def _tools(tools: ToolBundle) -> _Source:
    location = f"{tools.bucket_name}/{tools.key}"
    return _Source(type="S3", location=location, source_identifier=buildspec.TOOLS)


def _proposals(repository: Repository) -> codebuild.CfnProject.ProjectTriggersProperty:
    """Start at pull requests to the branch; those from copies of the repository wait for somebody's word first.

    https://docs.aws.amazon.com/codebuild/latest/userguide/pull-request-build-policy.html
    """
    wanted = [
        ("EVENT", f"{_CREATED},{_CHANGED},PULL_REQUEST_REOPENED"),
        ("BASE_REF", f"^refs/heads/{_exactly(repository.branch)}$"),
    ]
    if repository.provider == "gitlab":
        wanted[0] = ("EVENT", f"{_CREATED},{_CHANGED}")
    return codebuild.CfnProject.ProjectTriggersProperty(
        webhook=True,
        filter_groups=[
            [codebuild.CfnProject.WebhookFilterProperty(type=kind, pattern=pattern) for kind, pattern in wanted]
        ],
        pull_request_build_policy=codebuild.CfnProject.PullRequestBuildPolicyProperty(
            requires_comment_approval="FORK_PULL_REQUESTS"
        ),
    )


def _exactly(branch: str) -> str:
    return "".join(each if each.isalnum() or each in "/_-" else f"\\{each}" for each in branch)


def _read_connected(made: BuildProject, repository: Repository) -> None:
    """Allow what CodeBuild asks of a connection, by the service's old name and by its new one.

    https://docs.aws.amazon.com/codebuild/latest/userguide/connections-github-app.html
    """
    services = ("codeconnections", "codestar-connections")
    made.allow(
        "UseConnection",
        [
            f"{each}:{action}"
            for each in services
            for action in ("GetConnection", "GetConnectionToken", "UseConnection")
        ],
        [repository.connection_arn or ""],
    )
