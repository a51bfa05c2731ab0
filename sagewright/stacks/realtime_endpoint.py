"""An endpoint that answers at once: model, config, endpoint."""

from aws_cdk import CfnDeletionPolicy, CfnResource, Tags
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines.monitoring import VARIANT
from sagewright.pipelines.registration import HANDLERS
from sagewright.project import Environment, names
from sagewright.project.model import Serving
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.capture import capture
from sagewright.stacks.lookup_variables import LookupVariables
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import ReleasedVersion
from sagewright.stacks.rollback_alarms import RollbackAlarms
from sagewright.stacks.rollout import DeploymentConfig
from sagewright.stacks.rollout_choice import RolloutChoice

# Says on a resource which version it runs.
VERSION_TAG = "sagewright:version"
_LOOKS_UP = "It reads the feature store for rows that are sent by their ids; its role may read nothing else there."


class RealtimeEndpoint(Construct):
    """Runs one version behind a name that clients keep.

    Model and config cannot be changed, so a release makes new ones: they have no names, which would collide, and the
    old ones are kept, because an update that SageMaker rolls back still runs them.
    """

    def __init__(  # noqa: PLR0913 (what answers, where, and what it asks itself)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        environment: Environment,
        version: ReleasedVersion,
        lookup: LookupVariables,
    ) -> None:
        super().__init__(scope, construct_id)
        self._lookup = lookup
        serving = environment.serving
        model = self._model(place, version, serving, Attachment.of_endpoint(place, environment))
        self.config = self._config(place, serving, model)
        alarms = RollbackAlarms(
            self,
            "Rollback",
            place=place,
            config=self.config,
            variant=VARIANT,
            latency_ms=serving.rollout.latency_ms,
        )
        choice = RolloutChoice(self, "Rollout", serving=serving)
        self.endpoint = self._endpoint(place, self.config, choice.deployment_config(alarms.names))
        for resource in (model, self.config, self.endpoint):
            Tags.of(resource).add(VERSION_TAG, version.model_package_arn)

    def _model(
        self, place: Place, version: ReleasedVersion, serving: Serving, network: Attachment
    ) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=place.endpoint_role_arn,
            # Only a container that looks up features asks anybody.
            enable_network_isolation=not self._lookup,
            vpc_config=network.of_model(),
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=version.image_uri,
                model_data_url=version.model_data_url,
                environment={**serving.environment, **HANDLERS, **self._lookup.values},
            ),
        )
        if self._lookup:
            model.add_metadata("checkov", {"skip": [{"id": "CKV_AWS_370", "comment": _LOOKS_UP}]})
        _keep_replaced(model)
        return model

    def _config(self, place: Place, serving: Serving, model: sagemaker.CfnModel) -> sagemaker.CfnEndpointConfig:
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=place.key_alias_arn,
            data_capture_config=capture(place, serving.capture_percent),
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=serving.instances.type,
                    initial_instance_count=serving.instances.min,
                    initial_variant_weight=1,
                )
            ],
        )
        _keep_replaced(config)
        return config

    def _endpoint(
        self, place: Place, config: sagemaker.CfnEndpointConfig, deployment: DeploymentConfig
    ) -> sagemaker.CfnEndpoint:
        """Update beside what runs: SageMaker goes back when new instances do not come up, or when an alarm says so.

        Nothing is retained from the running variant (retain_all_variant_properties): the template alone says how many
        instances there are.
        """
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=names.endpoint(place.project, place.environment),
            endpoint_config_name=config.attr_endpoint_config_name,
            retain_all_variant_properties=False,
        )
        endpoint.add_property_override("DeploymentConfig", deployment)
        return endpoint


def _keep_replaced(resource: CfnResource) -> None:
    resource.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
    resource.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE
