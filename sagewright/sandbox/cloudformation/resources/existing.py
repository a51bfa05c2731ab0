"""Why: taking over what is there already begins with finding it by what identifies its type."""

from collections.abc import Callable, Mapping

from ..resource import Context
from ..schema import schema_for
from .api_call import call, found

Identifier = Mapping[str, str]
Lookup = Callable[[Context, str], bool]


def identifying(type_name: str, region: str) -> tuple[str, ...]:
    """Return the properties that identify a resource of the type, or nothing where the sandbox cannot look it up."""
    schema = schema_for(type_name, region)
    if schema is None or type_name not in _LOOKUPS:
        return ()
    return tuple(pointer.rpartition("/")[2] for pointer in schema.document["primaryIdentifier"])


def exists(context: Context, type_name: str, physical_id: str) -> bool:
    """Whether the account has such a resource."""
    return _LOOKUPS[type_name](context, physical_id)


def _bucket(context: Context, name: str) -> bool:
    # Another account's bucket can be headed, too, where its policy allows that; only an owner lists a bucket.
    owned = call(context.bookkeeping("s3"), "list_buckets")["Buckets"]
    return any(bucket["Name"] == name for bucket in owned)


def _alias(context: Context, name: str) -> bool:
    pages = context.client("kms").get_paginator("list_aliases").paginate()
    return any(alias["AliasName"] == name for page in pages for alias in page["Aliases"])


def _key(context: Context, key_id: str) -> bool:
    answer = found(context.client("kms"), "describe_key", KeyId=key_id)
    # A key that waits for its deletion is as good as gone.
    return answer is not None and answer["KeyMetadata"]["KeyState"] != "PendingDeletion"


def _model_package_group(context: Context, arn: str) -> bool:
    name = arn.rpartition("/")[2]
    group = found(context.client("sagemaker"), "describe_model_package_group", ModelPackageGroupName=name)
    return group is not None and group["ModelPackageGroupArn"] == arn


def _alarm(context: Context, name: str) -> bool:
    return bool(call(context.client("cloudwatch"), "describe_alarms", AlarmNames=[name])["MetricAlarms"])


def _log_group(context: Context, name: str) -> bool:
    groups = call(context.client("logs"), "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in groups)


def _described(service: str, operation: str, parameter: str) -> Lookup:
    """Look up by the operation that describes one resource."""
    return lambda context, name: found(context.client(service), operation, **{parameter: name}) is not None


_LOOKUPS: dict[str, Lookup] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::Glue::Database": _described("glue", "get_database", "Name"),
    "AWS::IAM::ManagedPolicy": _described("iam", "get_policy", "PolicyArn"),
    "AWS::IAM::Role": _described("iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _described("s3", "get_bucket_policy", "Bucket"),
    "AWS::SageMaker::FeatureGroup": _described("sagemaker", "describe_feature_group", "FeatureGroupName"),
    "AWS::SageMaker::ModelPackageGroup": _model_package_group,
    "AWS::SageMaker::Pipeline": _described("sagemaker", "describe_pipeline", "PipelineName"),
    "AWS::SSM::Parameter": _described("ssm", "get_parameter", "Name"),
}
