"""Who may do what in an environment that serves: the roles that a release finds there."""

from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Environment, Project, names
from sagewright.stacks import feature_rights
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.endpoint_role import EndpointRole
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.online_writer import OnlineWriter
from sagewright.stacks.place import Place
from sagewright.stacks.release_role import ReleaseRole


class AccessStack(EnvironmentStack):
    """Roles apart from releases, so that releasing a version never needs the right to change a permission."""

    def __init__(  # noqa: PLR0913 (whose roles they are, and what for)
        self,
        scope: Construct,
        *,
        project: Project,
        place: Place,
        first: Place,
        key: kms.IKey,
        environment: Environment,
        delivers: bool = False,
    ) -> None:
        """Leave `delivers` out where a person releases, who asks the endpoint with rights of his own."""
        super().__init__(
            scope,
            names.access_stack(place.project, place.environment),
            place=place,
            description=f"Roles of releases of {place.project} in {place.environment}",
        )
        endpoint = EndpointRole(
            self, "Endpoint", place=place, key=key, captures=environment.serving.capture_percent > 0
        )
        Attachment.of_endpoint(place, environment).grant(endpoint.role, place)
        if project.first.data.join:
            feature_rights.read_online(endpoint.role, place, project)
        release = ReleaseRole(self, "Release", place=place, first=first, key=key)
        if place.environment != first.environment and any(each.online for each in project.own_features.values()):
            OnlineWriter(self, "OnlineWriter", project=project, place=place, first=first, key=key)
            feature_rights.look_at_records(release.role, place, project)
        if environment.monitoring.engine != "none":
            release.watch(place, environment.monitoring.engine)
        if delivers:
            release.verify(place, first)
