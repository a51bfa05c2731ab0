"""The ingestion pipeline as AWS holds it, with the roles that it and its job run as."""

from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.pipelines import IngestionBindings, ingestion
from sagewright.project import Environment, Project, names
from sagewright.stacks import job_pipeline
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
        name = names.ingestion_pipeline(place.project)
        self.pipeline = job_pipeline.pipeline(
            self,
            place,
            name=name,
            description=f"Brings rows into the feature groups of {place.project}",
            definition=ingestion.definition(project, bindings),
            job=job.role,
        )
        self.arn = place.arn("sagemaker", f"pipeline/{name}")
        Arrivals(self, "Arrival", project=project, place=place, pipeline=self.pipeline)
        Schedules(self, "Schedule", project=project, place=place, pipeline=self.pipeline)


def _elsewhere(project: Project) -> list[Environment]:
    """List the environments that have online stores of their own beside the first."""
    online = any(each.online for each in project.own_features.values())
    return list(project.environments[1:]) if online else []
