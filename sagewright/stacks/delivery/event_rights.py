"""What the delivery function may do: ask what really is, start what follows, write it down once."""

from collections.abc import Mapping

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sagewright.project import Project, names
from sagewright.stacks import permissions
from sagewright.stacks.delivery.patterns import heard_stacks
from sagewright.stacks.place import Place

# A note for each message that went out, so that an event that comes again tells nobody twice.
_TOLD = f"{names.DELIVERY}/told"
# The steps of pipelines that are builds of no environment.
_STEPS = ("test", "deploy", "train", "resolve", "rollback")


def grant(role: iam.Role, project: Project, places: Mapping[str, Place], key: kms.IKey) -> None:
    """Allow the role all of it."""
    first = places[project.first.name]
    _write_down(role, first, key)
    _ask_registry(role, first)
    _ask_environments(role, project, first)
    _read_stacks(role, project, first)
    if project.delivery.elsewhere:
        _leave_to_others(role, first)
        return
    _drive(role, project, first)
    _read_failures(role, project, first)
    repository = project.repository
    if repository is not None and repository.provider == "codecommit":
        _test(role, project.name, first.arn("codecommit", repository.name), first)


def _write_down(role: iam.Role, first: Place, key: kms.IKey) -> None:
    named = "Entries are named after what they tell of, which has not happened yet."
    permissions.allow(
        role,
        "WriteDown",
        ["s3:PutObject"],
        [first.objects(f"{names.AUDIT}/*"), first.objects(f"{_TOLD}/*")],
        because=named,
    )
    # A note of a message that could not be sent is taken back; nothing of the audit ever is.
    permissions.allow(role, "TakeBack", ["s3:DeleteObject"], [first.objects(f"{_TOLD}/*")], because=named)
    permissions.use_key(role, key, "Decrypt", "GenerateDataKey")


def _leave_to_others(role: iam.Role, first: Place) -> None:
    """Allow writing down what is to begin, for jobs that AWS cannot start."""
    because = "Each is named after the decision that it comes of, which has not been made yet."
    waiting = [first.objects(f"{names.WAITING}/*")]
    permissions.allow(role, "LeaveToOthers", ["s3:PutObject"], waiting, because=because)


def _ask_registry(role: iam.Role, first: Place) -> None:
    group = names.model_package_group(first.project)
    numbered = "Versions are numbered."
    permissions.allow(
        role,
        "ReadVersions",
        ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
        [first.arn("sagemaker", f"model-package/{group}/*")],
        because=numbered,
    )
    pipeline = first.arn("sagemaker", f"pipeline/{names.training_pipeline(first.project)}")
    permissions.allow(
        role,
        "ReadTrainings",
        [
            "sagemaker:DescribePipelineExecution",
            "sagemaker:ListPipelineExecutionSteps",
            "sagemaker:ListPipelineParametersForExecution",
        ],
        [f"{pipeline}/execution/*"],
        because="An execution gets its id when it starts; the pipeline is exact.",
    )


def _ask_environments(role: iam.Role, project: Project, first: Place) -> None:
    """Allow reading what every environment serves, and since when, as releases have written it down here."""
    permissions.allow(
        role,
        "ReadReleases",
        ["ssm:GetParameter", "ssm:GetParameterHistory"],
        [
            first.arn("ssm", f"parameter{names.release_copy(first.project, first.environment, each.name)}")
            for each in project.serving
        ],
    )
    permissions.allow(
        role,
        "WriteMetrics",
        ["cloudwatch:PutMetricData"],
        ["*"],
        conditions={
            "StringEquals": {
                "cloudwatch:namespace": [names.metric_namespace(first.project, each.name) for each in project.serving]
            }
        },
        because="PutMetricData knows no resources; the namespaces of the metrics are exact.",
    )


def _drive(role: iam.Role, project: Project, first: Place) -> None:
    started = [each(project.name) for each in (names.promotion_pipeline, names.rollback_pipeline)]
    permissions.allow(
        role,
        "StartPipelines",
        ["codepipeline:StartPipelineExecution"],
        [first.arn("codepipeline", each) for each in started],
    )
    permissions.allow(
        role,
        "StopPromotions",
        ["codepipeline:StopPipelineExecution"],
        [first.arn("codepipeline", names.promotion_pipeline(project.name))],
    )
    permissions.allow(
        role,
        "ReadPipelines",
        [
            "codepipeline:GetPipelineExecution",
            "codepipeline:GetPipelineState",
            "codepipeline:ListActionExecutions",
            "codepipeline:ListPipelineExecutions",
        ],
        [first.arn("codepipeline", each) for each in (names.build_pipeline(project.name), *started)],
    )


def _read_failures(role: iam.Role, project: Project, first: Place) -> None:
    """Allow reading why a build failed."""
    builds = [names.build_project(project.name, step) for step in _STEPS]
    builds += [names.release_project(project.name, each.name) for each in project.serving]
    permissions.allow(
        role,
        "ReadBuilds",
        ["codebuild:BatchGetBuilds"],
        [first.arn("codebuild", f"project/{build}") for build in builds],
    )
    # At other providers, CodeBuild itself reports what came of a pull request.
    if project.repository is not None and project.repository.provider == "codecommit":
        builds.append(names.build_project(project.name, "pull-request"))
    permissions.allow(
        role,
        "ReadBuildLogs",
        ["logs:GetLogEvents"],
        [first.arn("logs", f"log-group:{names.build_log(build)}:*") for build in builds],
        because="CodeBuild names a log stream after a build that does not exist yet; the log groups are exact.",
    )


def _read_stacks(role: iam.Role, project: Project, first: Place) -> None:
    """Allow reading who deployed a stack that was changed."""
    stacks = [stack for _, listed in heard_stacks(project, first) for stack in listed]
    permissions.allow(
        role,
        "ReadStacks",
        ["cloudformation:DescribeStacks"],
        [first.arn("cloudformation", f"stack/{stack}/*") for stack in stacks],
        because="CloudFormation gives a stack its id when it is made; the names are exact.",
    )


def _test(role: iam.Role, project: str, repository: str, first: Place) -> None:
    """Allow testing pull requests and saying below them what came of it."""
    build = first.arn("codebuild", f"project/{names.build_project(project, 'pull-request')}")
    permissions.allow(role, "TestRequests", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"], [build])
    permissions.allow(
        role, "AnswerRequests", ["codecommit:GetPullRequest", "codecommit:PostCommentForPullRequest"], [repository]
    )
