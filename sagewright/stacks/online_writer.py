"""Who writes the online store of a later environment: the ingestion of the first one, through this role."""

from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import feature_rights, permissions
from sagewright.stacks.place import Place


class OnlineWriter(Construct):
    """A role for the ingestion's own role, which may not exist yet: its account is trusted, and only that one of it."""

    def __init__(  # noqa: PLR0913 (who writes what, where, and under which key)
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, first: Place, key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        trusted = iam.PrincipalWithConditions(
            permissions.account(first.account), {"ArnEquals": {"aws:PrincipalArn": first.ingestion_role_arn}}
        )
        role = iam.Role(
            self,
            "Role",
            role_name=names.online_writer_role(place.project, place.environment),
            description=f"Writes the feature groups of {place.project} in {place.environment}",
            # The CDK's classes name some parameters differently from the interfaces that they implement.
            assumed_by=cast("iam.IPrincipal", trusted),
        )
        groups = [
            names.feature_group(place.project, name, each.version, place.environment)
            for name, each in project.own_features.items()
            if each.online
        ]
        feature_rights.write_online(role, place, groups, key)
