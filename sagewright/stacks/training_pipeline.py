"""The training pipeline as AWS holds it: its definition, and the roles that it and its jobs run as."""

import json

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines import Bindings, training
from sagewright.project import Project, names
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.code_bundle import CodeBundle
from sagewright.stacks.job_role import (
    COMPARISON,
    EVALUATION,
    JOINING,
    PREPROCESSING,
    PREPROCESSING_JOINED,
    TRAINING,
    JobKind,
    JobRole,
)
from sagewright.stacks.pipeline_role import PipelineRole
from sagewright.stacks.place import Place
from sagewright.stacks.query_workgroup import QueryWorkgroup


class TrainingPipeline(Construct):
    """Turns the project into a pipeline whose every job has a role of its own."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._place, self._key = place, key
        self.bundle = CodeBundle(self, "Code", project=project)
        dataset = self._dataset(project)
        preprocess = self._job_role("Preprocess", PREPROCESSING_JOINED if dataset else PREPROCESSING)
        (dataset or preprocess).grant_read_source(place, project.first.data.s3_place)
        train = self._job_role("Train", TRAINING)
        compares = project.first.evaluation.champion is not None
        evaluate = self._job_role("Evaluate", COMPARISON if compares else EVALUATION)
        jobs = [each.role for each in (dataset, preprocess, train, evaluate) if each is not None]
        network = Attachment.of_jobs(place, project.first)
        for each in jobs:
            network.grant(each, place)
        role = PipelineRole(self, "Execution", place=place, key=key, jobs=jobs)
        bindings = Bindings(
            data_bucket=place.data_bucket,
            key_arn=key.key_arn,
            bundle_uri=self.bundle.uri,
            bundle_name=self.bundle.name,
            preprocess_role_arn=preprocess.role.role_arn,
            training_role_arn=train.role.role_arn,
            evaluate_role_arn=evaluate.role.role_arn,
            dataset_role_arn=dataset.role.role_arn if dataset else None,
            subnets=network.subnets,
            security_groups=network.security_groups,
        )
        name = names.training_pipeline(project.name)
        self.pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=name,
            pipeline_description=project.description or None,
            pipeline_definition={"PipelineDefinitionBody": json.dumps(training.definition(project, bindings))},
            role_arn=role.role.role_arn,
        )
        # A run may start as soon as the pipeline is there, so what its roles may do must be there before.
        for each in (*jobs, role.role):
            self.pipeline.node.add_dependency(each.node.find_child("DefaultPolicy"))
        self.arn = place.arn("sagemaker", f"pipeline/{name}")

    def _dataset(self, project: Project) -> JobRole | None:
        """Make the role of the job that joins, where the project has one, and the workgroup that it asks."""
        if not project.first.data.join:
            return None
        dataset = self._job_role("Dataset", JOINING)
        workgroup = QueryWorkgroup(self, "Queries", project=project, place=self._place, key=self._key)
        workgroup.grant_join(dataset.role)
        return dataset

    def _job_role(self, construct_id: str, kind: JobKind) -> JobRole:
        return JobRole(self, construct_id, place=self._place, key=self._key, bundle=self.bundle, kind=kind)
