"""Which traffic there was in a network, kept for whoever has to find out."""

from typing import cast

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.private_network import PrivateNetwork

_KEPT_DAYS = 365
_UNDER_NO_KEY_OF_OURS = "Flow records hold addresses and byte counts, nothing that was sent: CloudWatch's key will do."


class NetworkLog(Construct):
    """A flow log of all traffic into a log group, both of which go with the network.

    The group is under CloudWatch's own key, so that the environment's need not admit one more service.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, network: PrivateNetwork, kept_days: int | None
    ) -> None:
        super().__init__(scope, construct_id)
        group = logs.CfnLogGroup(self, "Group", retention_in_days=kept_days or _KEPT_DAYS)
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        group.add_metadata("checkov", {"skip": [{"id": "CKV_AWS_158", "comment": _UNDER_NO_KEY_OF_OURS}]})
        role = self._writer(place, group)
        log = ec2.CfnFlowLog(
            self,
            "Flow",
            resource_type="VPC",
            resource_id=network.vpc.ref,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.ref,
            deliver_logs_permission_arn=role.role_arn,
        )
        # It begins to write at once.
        log.node.add_dependency(role.node.find_child("DefaultPolicy"))

    def _writer(self, place: Place, group: logs.CfnLogGroup) -> iam.Role:
        """Let the flow logs of this account, and of no other, write to the group.

        https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        """
        conditions = {
            "StringEquals": {"aws:SourceAccount": place.account},
            "ArnLike": {"aws:SourceArn": place.arn("ec2", "vpc-flow-log/*")},
        }
        service = iam.ServicePrincipal("vpc-flow-logs.amazonaws.com", conditions=conditions)
        role = iam.Role(
            self,
            "Role",
            description=f"Writes the flow log of {place.project} in {place.environment}",
            # The CDK's classes name some parameters differently from the interfaces that they implement.
            assumed_by=cast("iam.IPrincipal", service),
        )
        permissions.allow(
            role,
            "WriteFlows",
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            # The group's ARN ends in `:*`, which covers its streams.
            [group.attr_arn],
        )
        return role
