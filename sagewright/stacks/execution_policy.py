"""The policy that CloudFormation deploys our stacks with, in an account that the CDK is bootstrapped in.

Without one, `cdk bootstrap` makes CloudFormation an administrator. The template is the same for every account and
region and every project in them, and needs no bootstrap itself: it is what a bootstrap needs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sagewright.project import names
from sagewright.stacks import execution_delivery, execution_features, execution_monitoring, execution_statements
from sagewright.stacks.execution_statements import Allow

# IAM's limit for one managed policy, white space aside: hence several.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
CHARACTERS = 6144


def statements(qualifier: str, boundary: str | None) -> Mapping[str, Sequence[Allow]]:
    """Return the statements of each policy, by what the policy is about."""
    return {
        "Storage": [*execution_statements.storage(), *execution_statements.bootstrap(qualifier)],
        "Roles": [*execution_statements.roles(boundary), *execution_delivery.issuers()],
        "Models": [*execution_statements.learning()],
        "Monitors": [*execution_monitoring.monitoring()],
        "Networks": [*execution_statements.network()],
        "Delivery": [*execution_delivery.delivery(qualifier)],
        "Features": [*execution_features.features()],
    }


def template(qualifier: str, boundary: str | None) -> dict[str, Any]:
    """Write the stack of the policies for one bootstrap; with a boundary, it makes roles under that boundary only."""
    about = statements(qualifier, boundary)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What CloudFormation may do to deploy projects of Sagewright",
        "Resources": {
            what: {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": {"Fn::Sub": names.execution_policy(qualifier, "${AWS::Region}", what.lower())},
                    "Description": f"Lets CloudFormation deploy projects of Sagewright: {what.lower()}",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [each.document() for each in allowed],
                    },
                },
            }
            for what, allowed in about.items()
        },
        "Outputs": {what: {"Value": {"Ref": what}} for what in about},
    }
