"""The ingestion pipeline as AWS holds it, with the roles that it and its job run as."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines import IngestionBindings, ingestion
from sagewright.project import Environment, Project, names
from sagewright.stacks import permissions
from sagewright.stacks.code_bundle import CodeBundle
from sagewright.stacks.ingestion_role import IngestionRole
from sagewright.stacks.ingestion_triggers import Arrivals, Schedules
from sagewright.stacks.place import Place


class IngestionPipeline(Construct):
    """One pipeline for all groups: who starts it says which of them are meant."""

    def __init__(  # noqa: PLR0913 (what it runs, where, and under which key)
        self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey, bundle: CodeBundle
    ) -> None:
        super().__init__(scope, construct_id)
        self._place = place
        job = IngestionRole(self, "Job", project=project, place=place, key=key, bundle=bundle)
        writers = {each.name: Place.of(project, each).online_writer_arn for each in _elsewhere(project)}
        job.write_elsewhere(list(writers.values()))
        bindings = IngestionBindings(
            data_bucket=place.data_bucket,
            key_arn=key.key_arn,
            bundle_uri=bundle.uri,
            bundle_name=bundle.name,
            ingestion_role_arn=job.role.role_arn,
            online_writer_arns=writers,
            subnets=job.network.subnets,
            security_groups=job.network.security_groups,
        )
        self.pipeline = self._pipeline(ingestion.definition(project, bindings), job.role)
        self.arn = place.arn("sagemaker", f"pipeline/{names.ingestion_pipeline(place.project)}")
        Arrivals(self, "Arrival", project=project, place=place, pipeline=self.pipeline)
        Schedules(self, "Schedule", project=project, place=place, pipeline=self.pipeline)

    def _pipeline(self, definition: dict[str, object], job: iam.Role) -> sagemaker.CfnPipeline:
        place = self._place
        name = names.ingestion_pipeline(place.project)
        role = iam.Role(
            Construct(self, "Execution"),
            "Role",
            description=f"Runs the pipeline {name}",
            assumed_by=permissions.sagemaker_of(place.account),
        )
        permissions.run_jobs(role, place, "Processing")
        permissions.pass_job_roles(role, [job])
        pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_description=f"Brings rows into the feature groups of {place.project}",
            pipeline_definition={"PipelineDefinitionBody": json.dumps(definition)},
            role_arn=role.role_arn,
        )
        # A run may start as soon as the pipeline is there, so what its roles may do must be there before.
        for each in (job, role):
            pipeline.node.add_dependency(each.node.find_child("DefaultPolicy"))
        return pipeline


def _elsewhere(project: Project) -> list[Environment]:
    """List the environments that have online stores of their own beside the first."""
    online = any(each.online for each in project.own_features.values())
    return list(project.environments[1:]) if online else []
