"""What a release may do in the environment that it releases to."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from sagewright.project import names
from sagewright.project.monitoring import Engine
from sagewright.stacks import permissions
from sagewright.stacks.place import Place
from sagewright.stacks.version_artifacts import COPIED, HELD_OUT


class ReleaseRole(Construct):
    """Copies one version's artifacts from where it was trained, makes sure that the endpoint runs it, and clears up.

    What a release makes has names that CloudFormation thinks of, and that tell nothing of the project: its tags say
    which configs and models are this environment's. The account that trains may take it on. Its name is fixed: the
    first environment's policies admit it by that.
    """

    def __init__(self, scope: Construct, construct_id: str, *, place: Place, first: Place, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            role_name=names.release_role(place.project, place.environment),
            description=f"Releases versions of {place.project} to {place.environment}",
            assumed_by=permissions.account(first.account),
        )
        self._read_version(first)
        if first != place:
            self._decrypt_foreign(first)
        self._keep_release(place, key)
        self._see_what_is_live(place)
        self._apply_config(place)
        self._sweep(place)
        self._read_log(place)

    def watch(self, place: Place, engine: Engine) -> None:
        """Allow reading what the monitor has found, and saying once that it begins."""
        endpoint = names.endpoint(place.project, place.environment)
        because = "Each run has a folder of its own, which has no name before it starts."
        permissions.read_objects(self.role, "Findings", place, [f"{names.MONITORING}/{endpoint}"], because=because)
        alarms = (each(place.project, place.environment) for each in (names.drift_alarm, names.silence_alarm))
        permissions.allow(
            self.role,
            "ReadAlarms",
            ["cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"],
            [place.arn("cloudwatch", f"alarm:{alarm}") for alarm in alarms],
        )
        permissions.write_metrics(self.role, names.metric_namespace(place.project, place.environment))
        if engine == "builtin":
            self._watch_pipeline(place)
        else:
            self._watch_schedule(place)

    def verify(self, place: Place, first: Place) -> None:
        """Allow asking the endpoint what the version was asked before, and finding the releases that stood that."""
        permissions.allow(self.role, "InvokeEndpoint", ["sagemaker:InvokeEndpoint"], [_endpoint(place)])
        permissions.allow(
            self.role,
            "ReadHeldOut",
            ["s3:GetObject"],
            [first.objects(f"{HELD_OUT}/*")],
            because="The rows lie with the training run that set them aside, which has not happened yet.",
        )
        permissions.list_folders(self.role, "ListReleases", place.data_bucket_arn, [names.RELEASES])

    def _watch_pipeline(self, place: Place) -> None:
        schedule = names.monitoring_schedule(place.project, place.environment)
        permissions.allow(
            self.role,
            "ReadSchedule",
            ["scheduler:GetSchedule"],
            [place.arn("scheduler", f"schedule/default/{schedule}")],
        )
        pipeline = place.arn("sagemaker", f"pipeline/{names.monitoring_pipeline(place.project, place.environment)}")
        permissions.allow(self.role, "ListRuns", ["sagemaker:ListPipelineExecutions"], [pipeline])
        permissions.allow(
            self.role,
            "ReadRuns",
            [
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListPipelineParametersForExecution",
            ],
            [f"{pipeline}/execution/*"],
            because="A run gets its id when it starts; the pipeline is exact.",
        )
        permissions.allow(
            self.role,
            "ReadJobs",
            ["sagemaker:DescribeProcessingJob"],
            [place.arn("sagemaker", "processing-job/pipelines-*")],
            because="Pipelines names each job pipelines-<execution>-<step>-<random>.",
        )

    def _watch_schedule(self, place: Place) -> None:
        schedule = names.monitoring_schedule(place.project, place.environment)
        permissions.allow(
            self.role,
            "ReadSchedule",
            ["sagemaker:DescribeMonitoringSchedule"],
            [place.arn("sagemaker", f"monitoring-schedule/{schedule}")],
        )
        permissions.allow(
            self.role,
            "ListRuns",
            ["sagemaker:ListMonitoringExecutions"],
            ["*"],
            because="What lists runs of schedules knows no resources.",
        )
        permissions.allow(
            self.role,
            "ReadJobs",
            ["sagemaker:DescribeProcessingJob"],
            [place.arn("sagemaker", "processing-job/model-monitoring-*")],
            because="Model Monitor names each job model-monitoring-<time>-<random>.",
        )

    def _read_version(self, first: Place) -> None:
        because = "A version's artifacts lie with the training run that made them, which has not happened yet."
        permissions.read_objects(self.role, "Version", first, COPIED, because=because)
        versions = first.arn("sagemaker", f"model-package/{names.model_package_group(first.project)}/*")
        permissions.allow(
            self.role,
            "DescribeVersion",
            ["sagemaker:DescribeModelPackage"],
            [versions],
            because="Versions are numbered.",
        )

    def _decrypt_foreign(self, first: Place) -> None:
        """Allow decrypting what S3 keeps in the first environment's bucket, under a key that cannot be named here."""
        because = "The id of another environment's key is not known; the condition is exact about what it decrypts."
        permissions.decrypt_objects(
            self.role,
            "Version",
            first,
            keys=first.arn("kms", "key/*"),
            bucket_arn=first.data_bucket_arn,
            pattern=f"{names.EXECUTIONS}/*",
            because=because,
        )

    def _keep_release(self, place: Place, key: kms.IKey) -> None:
        because = "Each release has a folder of its own, named after a version that does not exist yet."
        # Reading is for the note that keeps two releases apart: S3 compares it before it is written anew.
        permissions.allow(
            self.role, "ReadReleases", ["s3:GetObject"], [place.objects(f"{names.RELEASES}/*")], because=because
        )
        permissions.write_objects(self.role, "Releases", place, names.RELEASES, because=because)
        permissions.use_key(self.role, key, "Decrypt", "GenerateDataKey")

    def _see_what_is_live(self, place: Place) -> None:
        permissions.allow(self.role, "DescribeEndpoint", ["sagemaker:DescribeEndpoint"], [_endpoint(place)])
        # Which version a config runs, and whose it is, stands in its tags; one that is gone has none to ask for.
        permissions.allow(
            self.role,
            "ReadConfigs",
            ["sagemaker:DescribeEndpointConfig", "sagemaker:ListTags"],
            [place.arn("sagemaker", "endpoint-config/*")],
            because="CloudFormation names a config when a release makes it.",
        )
        record = place.arn("ssm", f"parameter{names.release_parameter(place.project, place.environment)}")
        # It writes when SageMaker has gone back to another version than the record names.
        permissions.allow(self.role, "KeepRecord", ["ssm:GetParameter", "ssm:PutParameter"], [record])

    def _apply_config(self, place: Place) -> None:
        """Allow moving the endpoint to a config of its own, where CloudFormation has nothing to do any more."""
        permissions.watch_rollouts(self.role, place)
        permissions.allow(self.role, "UpdateEndpoint", ["sagemaker:UpdateEndpoint"], [_endpoint(place)])
        permissions.allow(
            self.role,
            "UseConfigs",
            ["sagemaker:UpdateEndpoint"],
            [place.arn("sagemaker", "endpoint-config/*")],
            conditions=_own(place),
            because="CloudFormation names a config when a release makes it; the tags are exact.",
        )

    def _sweep(self, place: Place) -> None:
        """Allow deleting what releases have superseded: CloudFormation keeps it until it is known not to be needed."""
        because = "What lists configs knows no resources."
        permissions.allow(self.role, "ListConfigs", ["sagemaker:ListEndpointConfigs"], ["*"], because=because)
        for kind, action in (("endpoint-config", "DeleteEndpointConfig"), ("model", "DeleteModel")):
            permissions.allow(
                self.role,
                action,
                [f"sagemaker:{action}"],
                [place.arn("sagemaker", f"{kind}/*")],
                conditions=_own(place),
                because="CloudFormation names it when a release makes it; the tags are exact.",
            )

    def _read_log(self, place: Place) -> None:
        """Allow reading why a container did not come up: the account that releases may not be the endpoint's."""
        group = place.arn("logs", f"log-group:{names.endpoint_log(place.project, place.environment)}")
        permissions.allow(
            self.role,
            "ReadLog",
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            [group, f"{group}:*"],
            because="SageMaker names a log stream after an instance that does not exist yet; the log group is exact.",
        )


def _endpoint(place: Place) -> str:
    return place.arn("sagemaker", f"endpoint/{names.endpoint(place.project, place.environment)}")


def _own(place: Place) -> permissions.Condition:
    """Hold to what is tagged as this environment's, as every resource of a release is."""
    return {
        "StringEquals": {
            "aws:ResourceTag/sagewright:project": place.project,
            "aws:ResourceTag/sagewright:environment": place.environment,
        }
    }
