"""Who may do what in an environment that serves: the roles that a release finds there."""

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.endpoint_role import EndpointRole
from sagewright.stacks.place import Place
from sagewright.stacks.release_role import ReleaseRole


class AccessStack(Stack):
    """Roles apart from releases, so that releasing a version never needs the right to change a permission."""

    def __init__(self, scope: Construct, *, place: Place, first: Place, key: kms.IKey) -> None:
        super().__init__(
            scope,
            names.access_stack(place.project, place.environment),
            env=place.deployment,
            description=f"Roles of releases of {place.project} in {place.environment}",
        )
        EndpointRole(self, "Endpoint", place=place, key=key)
        ReleaseRole(self, "Release", place=place, first=first, key=key)
