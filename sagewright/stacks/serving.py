"""What answers: deployed only by a release, with a version."""

from aws_cdk import CfnOutput
from constructs import Construct

from sagewright.project import Environment, names
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.lookup_variables import LookupVariables
from sagewright.stacks.place import Place
from sagewright.stacks.realtime_endpoint import RealtimeEndpoint
from sagewright.stacks.release_record import ReleaseRecord
from sagewright.stacks.released_version import ReleasedVersion


class ServingStack(EnvironmentStack):
    """A template that is the same for every release: no assets, no bootstrap parameter, nothing that runs code."""

    def __init__(self, scope: Construct, *, place: Place, environment: Environment, first: Place) -> None:
        super().__init__(
            scope,
            names.serving_stack(place.project, place.environment),
            place=place,
            description=f"Endpoint of {place.project} in {place.environment}",
            static=True,
        )
        version = ReleasedVersion(self, "Version", place=place)
        lookup = LookupVariables.of(environment, first)
        serving = RealtimeEndpoint(
            self, "Serving", place=place, environment=environment, version=version, lookup=lookup
        )
        ReleaseRecord(self, "Record", place=place, version=version, serving=serving)
        CfnOutput(self, "EndpointName", value=serving.endpoint.attr_endpoint_name)
        CfnOutput(self, "EndpointConfigName", value=serving.config.attr_endpoint_config_name)
