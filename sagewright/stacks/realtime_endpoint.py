"""An endpoint that answers at once: model, config, endpoint."""

from aws_cdk import CfnDeletionPolicy, CfnResource, Tags
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines.registration import HANDLERS
from sagewright.project import Environment, names
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import ReleasedVersion

# Says on a resource which version it runs.
VERSION_TAG = "sagewright:version"
# Variant names must stay the same for as long as the endpoint lives.
_VARIANT = "AllTraffic"
_LONGEST_UPDATE_S = 3600


class RealtimeEndpoint(Construct):
    """Runs one version behind a name that clients keep.

    Model and config cannot be changed, so a release makes new ones: they have no names, which would collide, and the
    old ones are kept, because an update that SageMaker rolls back still runs them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, place: Place, environment: Environment, version: ReleasedVersion
    ) -> None:
        super().__init__(scope, construct_id)
        model = self._model(place, version)
        self.config = self._config(place, environment, model)
        self.endpoint = self._endpoint(place, self.config)
        for resource in (model, self.config, self.endpoint):
            Tags.of(resource).add(VERSION_TAG, version.model_package_arn)

    def _model(self, place: Place, version: ReleasedVersion) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=place.endpoint_role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=version.image_uri, model_data_url=version.model_data_url, environment=HANDLERS
            ),
        )
        _keep_replaced(model)
        return model

    def _config(self, place: Place, environment: Environment, model: sagemaker.CfnModel) -> sagemaker.CfnEndpointConfig:
        instances = environment.serving.instances
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=place.key_alias_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=_VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=instances.type,
                    initial_instance_count=instances.min,
                    initial_variant_weight=1,
                )
            ],
        )
        _keep_replaced(config)
        return config

    def _endpoint(self, place: Place, config: sagemaker.CfnEndpointConfig) -> sagemaker.CfnEndpoint:
        """Update by a second fleet beside the first: traffic moves only when every new instance answers.

        SageMaker goes back to the first fleet by itself when the second does not come up. Nothing is retained from the
        running variant (retain_all_variant_properties): the template alone says how many instances there are.
        """
        updates = sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                type="ALL_AT_ONCE", wait_interval_in_seconds=0
            ),
            maximum_execution_timeout_in_seconds=_LONGEST_UPDATE_S,
        )
        return sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.endpoint(place.project, place.environment),
            endpoint_config_name=config.attr_endpoint_config_name,
            deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(blue_green_update_policy=updates),
            retain_all_variant_properties=False,
        )


def _keep_replaced(resource: CfnResource) -> None:
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
