"""What CloudFormation must be allowed to do for the stacks that watch endpoints.

Everything in them but what SageMaker keeps has a name that project.names gives, so names hold what it may change.
"""

from collections.abc import Iterator

from sagewright.stacks.execution_statements import Allow, arns

_NAMED = "They are named after projects that do not exist yet; the rest of the name is exact."


def monitoring() -> Iterator[Allow]:
    """Allow functions, what calls them and what they write to."""
    yield Allow(
        "KeepFunctions", [f"lambda:{each}" for each in FUNCTIONS], arns("lambda", "function:*-findings"), _NAMED
    )
    yield Allow("KeepTopics", [f"sns:{each}" for each in TOPICS], arns("sns", "*-notices"), _NAMED)
    yield Allow("KeepRules", [f"events:{each}" for each in RULES], arns("events", "rule/*-monitored"), _NAMED)
    yield Allow(
        "KeepSchedules",
        [f"scheduler:{each}Schedule" for each in ("Create", "Delete", "Get", "Update")],
        arns("scheduler", "schedule/default/*-data-quality"),
        _NAMED,
    )
    yield Allow(
        "KeepDashboards",
        [f"cloudwatch:{each}" for each in _DASHBOARDS],
        ["arn:${AWS::Partition}:cloudwatch::${AWS::AccountId}:dashboard/*-*"],
        _NAMED,
    )


FUNCTIONS = (
    *("AddPermission", "CreateFunction", "DeleteFunction", "GetFunction", "GetFunctionCodeSigningConfig"),
    *("GetFunctionRecursionConfig", "GetFunctionScalingConfig", "GetPolicy", "GetRuntimeManagementConfig", "ListTags"),
    *("RemovePermission", "TagResource", "UntagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
)
TOPICS = (
    *("CreateTopic", "DeleteTopic", "GetDataProtectionPolicy", "GetSubscriptionAttributes", "GetTopicAttributes"),
    *("ListSubscriptionsByTopic", "ListTagsForResource", "SetSubscriptionAttributes", "SetTopicAttributes"),
    *("Subscribe", "TagResource", "Unsubscribe", "UntagResource"),
)
RULES = (
    *("DeleteRule", "DescribeRule", "ListTagsForResource", "ListTargetsByRule", "PutRule", "PutTargets"),
    *("RemoveTargets", "TagResource", "UntagResource"),
)
_DASHBOARDS = (
    *("DeleteDashboards", "GetDashboard", "ListTagsForResource", "PutDashboard", "TagResource", "UntagResource"),
)
