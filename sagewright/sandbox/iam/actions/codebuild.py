"""Why: builds and reports have permissions on their projects and groups, though requests name them by ids of their own.

https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html
"""

from ..asked import Asked
from . import named
from .arns import ANY, Resources, Table, own_arn

_OF_KIND = {"build": "project", "report": "report-group"}


def _owners(member: str) -> Resources:
    """Return the projects or groups that a member names, or in which what it names is."""

    def resources(asked: Asked) -> list[str]:
        value = asked.params.get(member)
        names = value if isinstance(value, list) else [value]
        return sorted({_owner(asked, str(name)) for name in names if name}) or [ANY]

    return resources


def _owner(asked: Asked, name: str) -> str:
    """Return the ARN behind a name, an ARN, or the `owner:id` of a build or a report."""
    if not name.startswith("arn:"):
        return own_arn("codebuild", asked, f"project/{name.partition(':')[0]}")
    head, _, resource = name.partition(":codebuild:")
    region, account, what = [*resource.split(":", 2), "", ""][:3]
    kind, _, identity = what.partition("/")
    return f"{head}:codebuild:{region}:{account}:{_OF_KIND.get(kind, kind)}/{identity.partition(':')[0]}"


CODEBUILD = {
    "codebuild": Table(
        "codebuild",
        {
            **dict.fromkeys(
                (
                    *("ListProjects", "ListBuilds", "ListReportGroups", "ListReports", "ListCuratedEnvironmentImages"),
                    *("ListSharedProjects", "ListSharedReportGroups", "ListSourceCredentials"),
                ),
                ANY,
            ),
            **dict.fromkeys(("CreateProject", "UpdateProject", "DeleteProject"), _owners("name")),
            "BatchGetProjects": _owners("names"),
            **dict.fromkeys(
                (
                    *("StartBuild", "ListBuildsForProject", "InvalidateProjectCache"),
                    *("CreateWebhook", "UpdateWebhook", "DeleteWebhook"),
                ),
                _owners("projectName"),
            ),
            **dict.fromkeys(("StopBuild", "RetryBuild"), _owners("id")),
            **dict.fromkeys(("BatchGetBuilds", "BatchDeleteBuilds"), _owners("ids")),
            "CreateReportGroup": "report-group/{name}",
            **dict.fromkeys(("UpdateReportGroup", "DeleteReportGroup", "DeleteReport"), _owners("arn")),
            "BatchGetReportGroups": _owners("reportGroupArns"),
            "ListReportsForReportGroup": _owners("reportGroupArn"),
            "BatchGetReports": _owners("reportArns"),
            **dict.fromkeys(("DescribeTestCases", "DescribeCodeCoverages"), _owners("reportArn")),
        },
        context=named.tags,
    ),
}
