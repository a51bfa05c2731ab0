"""What makes versions: the pipeline, in the first environment."""

from aws_cdk import CfnOutput
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import freshness_alarms
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.freshness_alarms import FreshnessAlarms
from sagewright.stacks.ingestion_pipeline import IngestionPipeline
from sagewright.stacks.place import Place
from sagewright.stacks.training_pipeline import TrainingPipeline


class TrainingStack(EnvironmentStack):
    """Code and roles of training: it changes with every push, and nothing that must stay is in it."""

    def __init__(self, scope: Construct, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(
            scope,
            names.training_stack(project.name),
            place=place,
            description=f"Training of {project.name}: pipeline and the roles of its jobs",
        )
        training = TrainingPipeline(self, "Training", project=project, place=place, key=key)
        CfnOutput(self, "PipelineName", value=training.pipeline.ref)
        CfnOutput(self, "PipelineArn", value=training.arn)
        if project.own_features:
            bundle = training.bundle
            ingestion = IngestionPipeline(self, "Ingestion", project=project, place=place, key=key, bundle=bundle)
            CfnOutput(self, "IngestionPipelineName", value=ingestion.pipeline.ref)
            if freshness_alarms.wanted(project):
                FreshnessAlarms(self, "Freshness", project=project, place=place, key=key)
