"""Every physical name of a project, in one place, with what AWS allows for each.

Names are pure functions of strings: an account or region may be a token that only CloudFormation resolves. No two of
them can be equal, within a project or between two projects of one account: an environment's name holds no hyphen, so
`<project>-<env>-…` reads back to one project and one environment only. For the same reason no name of delivery ends
like another one's beginning with a hyphen: of the projects `churn` and `churn-rollback`, each has builds of its own.

Where the limits come from:

- S3 bucket, 63 characters, lower case, some prefixes reserved:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
- IAM role, 64 characters: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
- SageMaker endpoint and model package group, 63 characters:
  https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
- SageMaker pipeline, 256 characters: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html
- CloudFormation stack, 128 characters:
  https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
- KMS alias, 256 characters: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
- Lambda function, 64 characters: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
- EventBridge Scheduler schedule, 64 characters:
  https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
- SageMaker monitoring schedule, 63 characters:
  https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMonitoringSchedule.html
- SNS topic, 256 characters: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
- CodePipeline pipeline, 100 characters, and CodeBuild project, 150:
  https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
  https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
- SageMaker feature group, 64 characters:
  https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
- CloudWatch metric namespace, 255 characters, alarm and dashboard:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html

Stacks, aliases, pipelines, topics and what CloudWatch holds are looser than buckets, roles, functions, schedules and
endpoints of the same project, so only these are held.
"""

import re

RAW = "raw"
EXECUTIONS = "executions"
RELEASES = "releases"
CAPTURE = "capture"
MONITORING = "monitoring"
DELIVERY = "delivery"
AUDIT = "audit"
# The files of the project that feature groups come from, as they were sent up; the offline store; what ingestion
# remembers of what it has done; results of queries, which go after a week.
SOURCES = "sources"
FEATURES = "features"
INGESTION = "ingestion"
QUERIES = "queries"

# What a training is given in a champion's place where nothing is live. No execution's id has a hyphen.
NO_CHAMPION = f"{EXECUTIONS}/no-champion/Train/nothing-is-live.txt"

# What is in DELIVERY: the project's files and its assembly, as the last build published them.
PUBLISHED = f"{DELIVERY}/project.zip"
# What another system than AWS's own is to begin, each until it has begun.
WAITING = f"{DELIVERY}/waiting"

# S3's own: a bucket whose name starts with one of these cannot be created.
RESERVED_BUCKET_PREFIXES = ("amzn-s3-demo-", "sthree-", "xn--")
ACCOUNT_DIGITS = 12


def data_stack(project: str, env: str) -> str:
    """Name the stack that stays: key, buckets, registry."""
    return f"{project}-{env}-data"


def access_stack(project: str, env: str) -> str:
    """Name the stack of the roles that a release uses."""
    return f"{project}-{env}-access"


def network_stack(project: str, env: str) -> str:
    """Name the stack of the environment's own VPC."""
    return f"{project}-{env}-network"


def training_stack(project: str) -> str:
    """Name the stack of job roles and the training pipeline."""
    return f"{project}-training"


def serving_stack(project: str, env: str) -> str:
    """Name the stack that only a release deploys."""
    return f"{project}-{env}-serving"


def monitoring_stack(project: str, env: str) -> str:
    """Name the stack of what watches the endpoint, which only a release deploys."""
    return f"{project}-{env}-monitoring"


def execution_stack(qualifier: str) -> str:
    """Name the stack of what CloudFormation may do, of one bootstrap and for all projects."""
    return f"sagewright-execution-{qualifier}"


def execution_policy(qualifier: str, region: str, what: str) -> str:
    """Name one of the policies in it; names of policies are the account's, stacks the region's."""
    return f"sagewright-execution-{qualifier}-{region}-{what}"


def data_bucket(project: str, env: str, account: str, region: str) -> str:
    """Name the bucket of raw data, executions and releases; bucket names are global, hence account and region."""
    return f"{project}-{env}-data-{account}-{region}"


def log_bucket(project: str, env: str, account: str, region: str) -> str:
    """Name the bucket of the data bucket's access logs."""
    return f"{project}-{env}-logs-{account}-{region}"


def key_alias(project: str, env: str) -> str:
    """Name the alias of the environment's key."""
    return f"alias/{project}-{env}-data"


def model_package_group(project: str) -> str:
    """Name the registry of the project's versions."""
    return project


def training_pipeline(project: str) -> str:
    """Name the SageMaker pipeline that trains."""
    return f"{project}-training"


def monitoring_pipeline(project: str, env: str) -> str:
    """Name the SageMaker pipeline that compares what an endpoint was asked with what it was trained on."""
    return f"{project}-{env}-monitoring"


def monitoring_schedule(project: str, env: str) -> str:
    """Name the schedule of it: EventBridge Scheduler's, or Model Monitor's own."""
    return f"{project}-{env}-data-quality"


def findings_function(project: str, env: str) -> str:
    """Name the function that makes metrics and messages of what the monitor found."""
    return f"{project}-{env}-findings"


def function_log(function: str) -> str:
    """Name the log group of a function: Lambda's own name for it."""
    return f"/aws/lambda/{function}"


def findings_rule(project: str, env: str) -> str:
    """Name the rule that hands finished runs of the monitor to that function."""
    return f"{project}-{env}-monitored"


def notice_topic(project: str, env: str) -> str:
    """Name the topic that people subscribe to."""
    return f"{project}-{env}-notices"


def metric_namespace(project: str, env: str) -> str:
    """Name the namespace of an environment's metrics."""
    return f"Sagewright/{project}/{env}"


def monitor(engine: str, schedule: str) -> str:
    """Name a way to watch, as a dimension of metrics: another one begins anew."""
    return f"{engine}-{schedule}"


def drift_alarm(project: str, env: str) -> str:
    """Name the alarm that fires at drift that lasts."""
    return f"{endpoint(project, env)}/drift"


def silence_alarm(project: str, env: str) -> str:
    """Name the alarm that fires when the monitor's runs do not happen."""
    return f"{endpoint(project, env)}/monitor-silent"


def dashboard(project: str, env: str) -> str:
    """Name the page of graphs in CloudWatch."""
    return f"{project}-{env}"


def endpoint(project: str, env: str) -> str:
    """Name the endpoint that clients call."""
    return f"{project}-{env}"


def endpoint_log(project: str, env: str) -> str:
    """Name the log group of the endpoint's containers: SageMaker's own name for it."""
    return f"/aws/sagemaker/Endpoints/{endpoint(project, env)}"


def rollback_alarm(project: str, env: str, endpoint_config: str, what: str) -> str:
    """Name an alarm that takes back what a config of the endpoint serves; endpoint names hold no slash."""
    return f"{endpoint(project, env)}/{endpoint_config}/{what}"


def endpoint_role(project: str, env: str) -> str:
    """Name the execution role of the endpoint."""
    return f"{project}-{env}-endpoint"


def release_role(project: str, env: str) -> str:
    """Name the role that copies a version into the environment."""
    return f"{project}-{env}-release"


def release_parameter(project: str, env: str) -> str:
    """Name the SSM parameter that says what is live."""
    return f"/sagewright/{project}/{env}/release"


def release_copy(project: str, first: str, env: str) -> str:
    """Name the SSM parameter in the first environment that repeats what the environment's own says."""
    return f"/sagewright/{project}/{first}/releases/{env}"


def feature_group(project: str, group: str, version: int, env: str | None = None) -> str:
    """Name a feature group: that of the first environment, where `env` is left out, has the history and no suffix."""
    name = f"{project}-{group}-v{version}"
    return name if env is None else f"{name}-{env}"


def group_of(project: str, feature_group_name: str) -> tuple[str, int, str | None] | None:
    """Read a feature group's name back: group, version, and environment but the first; None for another project's."""
    found = re.fullmatch(rf"{re.escape(project)}-([a-z][a-z0-9]*)-v(\d+)(?:-([a-z][a-z0-9]*))?", feature_group_name)
    return None if found is None else (found[1], int(found[2]), found[3])


def catalog_database(project: str) -> str:
    """Name the database of Glue's catalog with the tables of the project's offline store; SQL reads no hyphen."""
    return f"{project.replace('-', '_')}_features"


def feature_table(group: str, version: int) -> str:
    """Name the table of a feature group in it."""
    return f"{group}_v{version}"


def ingestion_pipeline(project: str) -> str:
    """Name the SageMaker pipeline that fills the feature groups."""
    return f"{project}-ingestion"


def arrival_rule(project: str, group: str) -> str:
    """Name the rule that starts it for a group when a file of the group has arrived."""
    return f"{project}-{group}-arrival"


def ingestion_schedule(project: str, cadence: str) -> str:
    """Name the schedule that starts it for the groups of one cadence, such as `hourly`."""
    return f"{project}-ingestion-{cadence}"


def freshness_alarm(project: str, group: str, version: int) -> str:
    """Name the alarm that fires when nothing was ingested into a group for too long."""
    return f"{feature_group(project, group, version)}/freshness"


def feature_role(project: str, env: str) -> str:
    """Name the role with which SageMaker itself writes the offline store: a group never changes it."""
    return f"{project}-{env}-features"


def ingestion_role(project: str) -> str:
    """Name the role of the ingestion's job, so that policies of other accounts can name it."""
    return f"{project}-ingestion"


def online_writer_role(project: str, env: str) -> str:
    """Name the role of a later environment that the ingestion assumes to write the online store there."""
    return f"{project}-{env}-features-write"


def ingestion_topic(project: str) -> str:
    """Name the topic of groups that have not been fed for too long."""
    return f"{project}-ingestion"


def feature_export(project: str, what: str) -> str:
    """Name what the data stack tells projects that use its groups: `bucket` and `key`. A group is exported by name."""
    return f"{project}-features-{what}"


def workgroup(project: str) -> str:
    """Name the workgroup of Athena in which training sets are joined."""
    return f"{project}-features"


def delivery_stack(project: str) -> str:
    """Name the stack of what builds, promotes and takes back."""
    return f"{project}-delivery"


def build_pipeline(project: str) -> str:
    """Name the CodePipeline that a push starts."""
    return f"{project}-build"


def promotion_pipeline(project: str) -> str:
    """Name the CodePipeline that an approved version goes through."""
    return f"{project}-promotion"


def rollback_pipeline(project: str) -> str:
    """Name the CodePipeline that takes a release back."""
    return f"{project}-rollback"


def build_project(project: str, step: str) -> str:
    """Name the CodeBuild project of a step that is of no environment."""
    return f"{project}-{step}"


def release_project(project: str, env: str) -> str:
    """Name the CodeBuild project that copies a version into an environment and verifies it there."""
    return f"{project}-{env}-release"


def build_log(build: str) -> str:
    """Name the log group of a CodeBuild project: CodeBuild's own name for it."""
    return f"/aws/codebuild/{build}"


def delivery_role(project: str, what: str) -> str:
    """Name a role of delivery, so that policies of other accounts can name it."""
    return f"{project}-delivery-{what}"


def releasing_role(project: str, env: str) -> str:
    """Name the role of the builds that release to an environment."""
    return f"{project}-delivery-{env}-releasing"


def delivery_function(project: str) -> str:
    """Name the function that hears of versions, builds and releases."""
    return f"{project}-delivery"


def delivery_topic(project: str) -> str:
    """Name the topic of what goes wrong on the way, and of what waits for somebody."""
    return f"{project}-delivery"


def delivery_alias(project: str) -> str:
    """Name the alias of the key that artifacts of pipelines are encrypted with."""
    return f"alias/{project}-delivery"


def artifact_bucket(project: str, account: str, region: str) -> str:
    """Name the bucket of what one stage of a pipeline hands to the next."""
    return f"{project}-artifacts-{account}-{region}"


def source_rule(project: str) -> str:
    """Name the rule that starts the build pipeline at a push."""
    return f"{project}-pushed"


def delivery_rule(project: str, what: str) -> str:
    """Name a rule that hands events to the delivery function."""
    return f"{project}-delivery-{what}"


def delivery_queue(project: str) -> str:
    """Name the queue of events that the delivery function could not handle."""
    return f"{project}-delivery"


def lost_alarm(project: str) -> str:
    """Name the alarm that fires when something is in that queue."""
    return f"{delivery_function(project)}/lost"


def age_alarm(project: str, env: str) -> str:
    """Name the alarm that fires when what serves is due for a review."""
    return f"{endpoint(project, env)}/age"


def faults(project: str, env: str, region: str, *, delivers: bool = False) -> list[str]:
    """Say which derived names AWS would refuse, the tightest limit first; account ids count with their 12 digits.

    Leave `delivers` out for a project without a repository, which needs fewer names.
    """
    account = "0" * ACCOUNT_DIGITS
    limits = [
        ("S3 bucket", data_bucket(project, env, account, region), 63),
        ("SageMaker endpoint", endpoint(project, env), 63),
        ("SageMaker model package group", model_package_group(project), 63),
        ("IAM role", endpoint_role(project, env), 64),
        ("Lambda function", findings_function(project, env), 64),
        ("SageMaker monitoring schedule", monitoring_schedule(project, env), 63),
    ]
    if delivers:
        limits += [
            ("S3 bucket", artifact_bucket(project, account, region), 63),
            ("IAM role", releasing_role(project, env), 64),
            ("IAM role", delivery_role(project, "pull-request"), 64),
        ]
    too_long = [(len(name) - longest, kind, name, longest) for kind, name, longest in limits if len(name) > longest]
    found = [
        f"gives the {kind} name '{name}' of {len(name)} characters, more than AWS allows (at most {longest}); "
        f"make {_both(env, name)} {excess} characters shorter"
        for excess, kind, name, longest in sorted(too_long, reverse=True)[:1]
    ]
    reserved = next((prefix for prefix in RESERVED_BUCKET_PREFIXES if f"{project}-".startswith(prefix)), None)
    if reserved is not None:
        found.append(f"would start S3 bucket names with '{reserved}', which S3 keeps for itself; choose another name")
    return found


def feature_fault(project: str, group: str, version: int, env: str | None = None) -> str | None:
    """Say when a name made of a feature group's would be longer than AWS allows.

    `env` is left out for the first environment, where it has a rule as well:
    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    """
    longest = 64
    made = {"feature group": feature_group(project, group, version, env)}
    if env is None:
        made["rule"] = arrival_rule(project, group)
    for kind, name in made.items():
        if len(name) > longest:
            return (
                f"gives the {kind} name '{name}' of {len(name)} characters, more than AWS allows (at most {longest}); "
                f"make the group's or the project's name {len(name) - longest} characters shorter"
            )
    return None


def _both(env: str, name: str) -> str:
    return "the names of project and environment together" if f"-{env}" in name else "the project's name"
