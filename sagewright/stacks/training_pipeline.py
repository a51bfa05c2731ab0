"""The training pipeline as AWS holds it: its definition, and the roles that it and its jobs run as."""

import json

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines import Bindings, training
from sagewright.project import Project, names
from sagewright.stacks.attachment import Attachment
from sagewright.stacks.code_bundle import CodeBundle
from sagewright.stacks.job_role import COMPARISON, EVALUATION, PREPROCESSING, TRAINING, JobKind, JobRole
from sagewright.stacks.pipeline_role import PipelineRole
from sagewright.stacks.place import Place


class TrainingPipeline(Construct):
    """Turns the project into a pipeline whose every job has a role of its own."""

    def __init__(self, scope: Construct, construct_id: str, *, project: Project, place: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._place, self._key = place, key
        self._bundle = CodeBundle(self, "Code", project=project)
        preprocess = self._job_role("Preprocess", PREPROCESSING)
        preprocess.grant_read_source(place, project.first.data.s3_place)
        train = self._job_role("Train", TRAINING)
        compares = project.first.evaluation.champion is not None
        evaluate = self._job_role("Evaluate", COMPARISON if compares else EVALUATION)
        jobs = [each.role for each in (preprocess, train, evaluate)]
        network = Attachment.of_jobs(place, project.first)
        for each in jobs:
            network.grant(each, place)
        role = PipelineRole(self, "Execution", place=place, key=key, jobs=jobs)
        bindings = Bindings(
            data_bucket=place.data_bucket,
            key_arn=key.key_arn,
            bundle_uri=self._bundle.uri,
            bundle_name=self._bundle.name,
            preprocess_role_arn=preprocess.role.role_arn,
            training_role_arn=train.role.role_arn,
            evaluate_role_arn=evaluate.role.role_arn,
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

    def _job_role(self, construct_id: str, kind: JobKind) -> JobRole:
        return JobRole(self, construct_id, place=self._place, key=self._key, bundle=self._bundle, kind=kind)
