"""What is live, written down where everybody who releases, monitors or rolls back looks first."""

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from sagewright.project import names
from sagewright.stacks.place import Place
from sagewright.stacks.realtime_endpoint import RealtimeEndpoint
from sagewright.stacks.released_version import ReleasedVersion


class ReleaseRecord(Construct):
    """Changes only after the endpoint has, so that it never names a version that failed to start."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        version: ReleasedVersion,
        serving: RealtimeEndpoint,
    ) -> None:
        super().__init__(scope, construct_id)
        record = {
            "version": version.model_package_arn,
            "config": serving.config.attr_endpoint_config_name,
            "baseline": version.baseline_uri,
        }
        parameter = ssm.CfnParameter(
            self,
            "Parameter",
            type="String",
            name=names.release_parameter(place.project, place.environment),
            description=f"What {serving.endpoint.endpoint_name} serves",
            value=Stack.of(self).to_json_string(record),
        )
        parameter.add_resource_dependency(serving.endpoint)
