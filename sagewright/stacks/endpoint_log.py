"""What an endpoint's containers wrote, for as long as the project wants it."""

from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagewright.project import names
from sagewright.stacks import retention
from sagewright.stacks.place import Place


class EndpointLog(Construct):
    """The log group that SageMaker would make by itself, and then keep for ever and under no key of the customer's.

    It is with the data and not with the release: a release goes, and what it wrote is looked at afterwards. Jobs write
    to groups of the whole account, which are no project's to set.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, key: kms.IKey, kept_days: int) -> None:
        super().__init__(scope, construct_id)
        group = logs.CfnLogGroup(
            self,
            "Group",
            log_group_name=names.endpoint_log(place.project, place.environment),
            retention_in_days=kept_days,
            kms_key_id=key.key_arn,
        )
        retention.settle(group, place.removal)
