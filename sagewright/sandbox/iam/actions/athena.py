"""Why: everything in Athena is permitted by its workgroup, though most requests name nothing but a query.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonathena.html
"""

from ..asked import Asked
from . import named
from .arns import ANY, Table, own_arn

_PRIMARY = "primary"
_GROUP_OF: dict[str, str] = {}


def remember(query: str, group: str) -> None:
    """Keep in which workgroup a query runs."""
    _GROUP_OF[query] = group


def _own(asked: Asked) -> list[str]:
    return [own_arn("athena", asked, f"workgroup/{asked.text('WorkGroup') or _PRIMARY}")]


def _of_query(asked: Asked) -> list[str]:
    """Return the workgroups of the queries that a request names; what nobody started is asked of every one."""
    several = asked.params.get("QueryExecutionIds")
    names = several if isinstance(several, list) else [asked.text("QueryExecutionId")]
    groups = {_GROUP_OF.get(name, "*") for name in names}
    return [own_arn("athena", asked, f"workgroup/{group}") for group in sorted(groups)]


ATHENA = Table(
    "athena",
    {
        "CreateWorkGroup": "workgroup/{Name}",
        **dict.fromkeys(
            ("GetWorkGroup", "UpdateWorkGroup", "DeleteWorkGroup", "StartQueryExecution", "ListQueryExecutions"), _own
        ),
        **dict.fromkeys(
            ("GetQueryExecution", "GetQueryResults", "StopQueryExecution", "BatchGetQueryExecution"), _of_query
        ),
        "ListWorkGroups": ANY,
        **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), "{ResourceARN}"),
    },
    context=named.tags,
)
