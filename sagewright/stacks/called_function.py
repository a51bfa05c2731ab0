"""What every function of ours has beside its code: who may call it, and where its log is."""

from typing import cast

from aws_cdk import CfnResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import permissions
from sagewright.stacks.place import Place

EVENTS = "events.amazonaws.com"
RUNTIME = "python3.14"


def admit(  # noqa: PLR0913 (what a permission of Lambda's says)
    scope: Construct, construct_id: str, *, function: lambda_.CfnFunction, place: Place, service: str, source_arn: str
) -> None:
    """Let a service of this account call the function for one thing of its own, whose ARN names the account.

    EventBridge says no account beside it: a permission that asks for one never lets it in, without a word.
    https://github.com/awsdocs/aws-cloudformation-user-guide/pull/481
    """
    lambda_.CfnPermission(
        scope,
        construct_id,
        action="lambda:InvokeFunction",
        function_name=function.attr_arn,
        principal=service,
        source_account=None if service == EVENTS else place.account,
        source_arn=source_arn,
    )


def keep_log(  # noqa: PLR0913 (whose log it is, and how it is kept)
    scope: Construct,
    *,
    function: lambda_.CfnFunction,
    role: iam.Role,
    place: Place,
    name: str,
    key: kms.IKey,
    kept_days: int | None,
) -> None:
    """Let the function write its log; leave `kept_days` out to let Lambda make the log, and keep it."""
    group = names.function_log(name)
    arn = place.arn("logs", f"log-group:{group}")
    make = ["logs:CreateLogGroup"] if kept_days is None else []
    permissions.allow(
        role,
        "WriteLogs",
        [*make, "logs:CreateLogStream", "logs:PutLogEvents"],
        [arn, f"{arn}:*"],
        because="Lambda names a log stream after an instance that does not exist yet; the log group is exact.",
    )
    if kept_days is not None:
        kept = logs.CfnLogGroup(scope, "Log", log_group_name=group, retention_in_days=kept_days, kms_key_id=key.key_arn)
        function.node.add_dependency(cast("CfnResource", kept))
