"""SageMaker Model Monitor, for accounts that have it: a job definition and the schedule that it runs by."""

from aws_cdk import Fn
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from sagewright.pipelines.registration import CONSTRAINTS, STATISTICS
from sagewright.project import Environment, Project, image, names
from sagewright.project.monitoring import INSTANCE_TYPE, ScheduleName
from sagewright.stacks import permissions
from sagewright.stacks.monitor_role import MonitorRole
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

# The two forms that Model Monitor takes: each hour, and each day at an hour.
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html
_EXPRESSIONS: dict[ScheduleName, str] = {"hourly": "cron(0 * ? * * *)", "daily": "cron(0 0 ? * * *)"}
# Preprocess writes it beside the baseline: it turns a captured record into columns by name.
RECORD_PREPROCESSOR = "record_preprocessor.py"
_VOLUME_GB = 30
# A run may not take longer than the next one is away.
_MAX_RUNTIME_S = 3600
_INPUT, _OUTPUT = "/opt/ml/processing/input/endpoint", "/opt/ml/processing/output"

_Definition = sagemaker.CfnDataQualityJobDefinition
_Schedule = sagemaker.CfnMonitoringSchedule


class ModelMonitor(Construct):
    """Compares with AWS's own analyzer, against the same files.

    A job definition cannot be changed, so each release makes a new one: it has no name, which would collide.
    """

    def __init__(  # noqa: PLR0913 (what is watched, where, how, against what)
        self,
        scope: Construct,
        construct_id: str,
        *,
        project: Project,
        place: Place,
        environment: Environment,
        key: kms.IKey,
        version: WatchedVersion,
    ) -> None:
        super().__init__(scope, construct_id)
        job = MonitorRole(self, "Job", place=place, environment=environment, key=key)
        permissions.pull_analyzer(job.role, place)
        definition = self._definition(project, place, key, version, job)
        definition.node.add_dependency(job.role.node.find_child("DefaultPolicy"))
        _Schedule(
            self,
            # Not as in the other engine: CloudFormation changes no resource into one of another type.
            "NativeRuns",
            monitoring_schedule_name=names.monitoring_schedule(place.project, place.environment),
            monitoring_schedule_config=_Schedule.MonitoringScheduleConfigProperty(
                # Of arn:…:data-quality-job-definition/<name>.
                monitoring_job_definition_name=Fn.select(1, Fn.split("/", definition.attr_job_definition_arn)),
                monitoring_type="DataQuality",
                schedule_config=_Schedule.ScheduleConfigProperty(
                    schedule_expression=_EXPRESSIONS[environment.monitoring.schedule]
                ),
            ),
        )

    def _definition(
        self, project: Project, place: Place, key: kms.IKey, version: WatchedVersion, job: MonitorRole
    ) -> sagemaker.CfnDataQualityJobDefinition:
        baseline, network = version.baseline_uri, job.network
        return _Definition(
            self,
            "Definition",
            role_arn=job.role.role_arn,
            data_quality_app_specification=_Definition.DataQualityAppSpecificationProperty(
                image_uri=image.analyzer_address(place.region),
                record_preprocessor_source_uri=f"{baseline}/{RECORD_PREPROCESSOR}",
                # Our function makes the metrics, the same for both engines.
                environment={"publish_cloudwatch_metrics": "Disabled"},
            ),
            data_quality_baseline_config=_Definition.DataQualityBaselineConfigProperty(
                constraints_resource=_Definition.ConstraintsResourceProperty(s3_uri=f"{baseline}/{CONSTRAINTS}"),
                statistics_resource=_Definition.StatisticsResourceProperty(s3_uri=f"{baseline}/{STATISTICS}"),
            ),
            data_quality_job_input=_Definition.DataQualityJobInputProperty(
                endpoint_input=_Definition.EndpointInputProperty(
                    endpoint_name=names.endpoint(project.name, place.environment),
                    local_path=_INPUT,
                    s3_data_distribution_type="FullyReplicated",
                    s3_input_mode="File",
                )
            ),
            data_quality_job_output_config=_Definition.MonitoringOutputConfigProperty(
                kms_key_id=key.key_arn,
                # Below it Model Monitor makes folders by endpoint, schedule and hour.
                monitoring_outputs=[
                    _Definition.MonitoringOutputProperty(
                        s3_output=_Definition.S3OutputProperty(
                            local_path=_OUTPUT,
                            s3_uri=f"s3://{place.data_bucket}/{names.MONITORING}",
                            s3_upload_mode="EndOfJob",
                        )
                    )
                ],
            ),
            job_resources=_Definition.MonitoringResourcesProperty(
                cluster_config=_Definition.ClusterConfigProperty(
                    instance_count=1,
                    instance_type=INSTANCE_TYPE,
                    volume_size_in_gb=_VOLUME_GB,
                    volume_kms_key_id=key.key_arn,
                )
            ),
            network_config=_Definition.NetworkConfigProperty(
                enable_inter_container_traffic_encryption=True,
                # What it compares comes to it as inputs.
                enable_network_isolation=True,
                vpc_config=_Definition.VpcConfigProperty(
                    subnets=list(network.subnets), security_group_ids=list(network.security_groups)
                )
                if network
                else None,
            ),
            stopping_condition=_Definition.StoppingConditionProperty(max_runtime_in_seconds=_MAX_RUNTIME_S),
        )
