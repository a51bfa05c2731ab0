"""What a role may do, one statement at a time.

The CDK's own grants allow whole families of actions (`s3:GetObject*`, `kms:ReEncrypt*`) and, across accounts, every
key. These allow what SageMaker's documentation asks for. A resource with a wildcard is a finding of cdk-nag; `because`
answers it where the permission is given.
https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from aws_cdk import Acknowledgment, Aws, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sagewright.project import image, names
from sagewright.stacks.place import Place

Condition = Mapping[str, Mapping[str, Any]]

# Whatever is asked of the CDK goes to another process: this once.
_ACCOUNT = Aws.ACCOUNT_ID
# The repository of the managed image in its registry account, which the SageMaker SDK's list names.
_IMAGE_REPOSITORY = "sagemaker-scikit-learn"
_READ_IMAGE = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
_WRITE_LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]


def sagemaker_of(account: str) -> iam.IPrincipal:
    """Trust SageMaker only when it acts for that account, so that nobody else's job can be given the role."""
    conditions = {"StringEquals": {"aws:SourceAccount": account}}
    # The CDK's classes name some parameters differently from the interfaces that they implement: hence the casts.
    return cast("iam.IPrincipal", iam.ServicePrincipal("sagemaker.amazonaws.com", conditions=conditions))


def scheduler_of(place: Place) -> iam.IPrincipal:
    """Trust EventBridge Scheduler for schedules of the account's default group: a group is the least that it tells.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    conditions = {
        "StringEquals": {
            "aws:SourceAccount": place.account,
            "aws:SourceArn": place.arn("scheduler", "schedule-group/default"),
        }
    }
    return cast("iam.IPrincipal", iam.ServicePrincipal("scheduler.amazonaws.com", conditions=conditions))


def lambda_service() -> iam.IPrincipal:
    """Trust Lambda, which gives a role to the functions that were made with it and says of no account."""
    return cast("iam.IPrincipal", iam.ServicePrincipal("lambda.amazonaws.com"))


def service_of(place: Place, service: str, source_arn: str | None = None) -> iam.IPrincipal:
    """Trust a service only when it acts for one thing of its own, such as a build; or at least for this account.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    conditions: dict[str, dict[str, str]] = {"StringEquals": {"aws:SourceAccount": place.account}}
    if source_arn is not None:
        conditions["ArnEquals"] = {"aws:SourceArn": source_arn}
    return cast("iam.IPrincipal", iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions))


def account(account_id: str) -> iam.IPrincipal:
    """Trust an account, which leaves it to that account's own policies who of it may come."""
    return cast("iam.IPrincipal", iam.AccountPrincipal(account_id))


def allow(  # noqa: PLR0913 (the fields of a statement)
    role: iam.Role,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    conditions: Condition | None = None,
    because: str | None = None,
) -> None:
    """Allow actions; `because` says why resources with a wildcard cannot be narrower."""
    role.add_to_policy(
        iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions)
    )
    wide = [resource for resource in resources if "*" in resource]
    if because is not None and wide:
        stack = Stack.of(role)
        read = [_read(stack.resolve(resource)).replace(_ACCOUNT, "<AWS::AccountId>") for resource in wide]
        findings = [Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{each}]", reason=because) for each in read]
        Validations.of(role).acknowledge(*findings)


def read_objects(role: iam.Role, sid: str, place: Place, folders: Sequence[str], *, because: str) -> None:
    """Allow reading and listing folders of a data bucket."""
    allow(role, f"Read{sid}", ["s3:GetObject"], [place.objects(f"{folder}/*") for folder in folders], because=because)
    list_folders(role, f"List{sid}", place.data_bucket_arn, folders)


def list_folders(role: iam.Role, sid: str, bucket_arn: str, folders: Sequence[str]) -> None:
    """Allow listing folders: SageMaker lists an input, and names a folder with or without the slash at its end."""
    prefixes = [prefix for folder in folders for prefix in (folder, f"{folder}/*")]
    allow(role, sid, ["s3:ListBucket"], [bucket_arn], conditions={"StringLike": {"s3:prefix": prefixes}})


def read_prefix(role: iam.Role, sid: str, bucket_arn: str, prefix: str, *, because: str) -> None:
    """Allow reading and listing what starts with a prefix, as S3 reads an input's URI."""
    allow(role, f"Read{sid}", ["s3:GetObject"], [f"{bucket_arn}/{prefix}*"], because=because)
    # A folder's name may come without the slash at its end, see list_folders.
    prefixes = [prefix.removesuffix("/"), f"{prefix}*"] if prefix.endswith("/") else [f"{prefix}*"]
    allow(role, f"List{sid}", ["s3:ListBucket"], [bucket_arn], conditions={"StringLike": {"s3:prefix": prefixes}})


def decrypt_objects(  # noqa: PLR0913 (each narrows what may be decrypted)
    role: iam.Role, sid: str, place: Place, *, keys: str, bucket_arn: str, pattern: str, because: str
) -> None:
    """Allow decrypting what S3 keeps of a bucket in that place's region under a key that has no ARN here.

    S3's encryption context names the object, or the bucket where that has a bucket key, so the condition is as exact as
    a key's ARN would be: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
    """
    allow(
        role,
        f"Decrypt{sid}",
        ["kms:Decrypt"],
        [keys],
        conditions={
            "StringEquals": {"kms:ViaService": f"s3.{place.region}.{place.domain}"},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket_arn, f"{bucket_arn}/{pattern}"]},
        },
        because=because,
    )


def write_objects(role: iam.Role, sid: str, place: Place, folder: str, *, because: str) -> None:
    """Allow writing below a folder of the data bucket; large objects go up in parts."""
    allow(
        role,
        f"Write{sid}",
        ["s3:AbortMultipartUpload", "s3:PutObject"],
        [place.objects(f"{folder}/*")],
        because=because,
    )


def use_key(role: iam.Role, key: kms.IKey, *operations: str) -> None:
    """Allow operations with the key.

    S3 asks for Decrypt to read and GenerateDataKey to write, and where it writes in parts for both. SageMaker asks for
    DescribeKey of a key that it is given, and documents Encrypt for one that a job's output is given.
    """
    allow(role, "UseKey", [f"kms:{operation}" for operation in operations], [key.key_arn])


def encrypt_volumes(role: iam.Role, key: kms.IKey) -> None:
    """Allow SageMaker to hand the key to the disks of its instances, and to nothing that is not an AWS resource."""
    allow(
        role,
        "EncryptVolumes",
        ["kms:CreateGrant"],
        [key.key_arn],
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def catalog(place: Place, database: str, tables: Sequence[str]) -> list[str]:
    """Name tables of Glue's catalog with the database and the catalog that they are in, which Glue asks for, too.

    https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
    """
    resources = ["catalog", f"database/{database}", *(f"table/{database}/{each}" for each in tables)]
    return [place.arn("glue", each) for each in resources]


def report(role: iam.Role, place: Place, log_group: str, *namespaces: str) -> None:
    """Allow writing the logs and metrics of a job or endpoint."""
    group = place.arn("logs", f"log-group:{log_group}")
    allow(
        role,
        "WriteLogs",
        _WRITE_LOGS,
        [group, f"{group}:*"],
        because="SageMaker names a log stream after a job or instance that does not exist yet; the log group is exact.",
    )
    write_metrics(role, *namespaces)


def write_metrics(role: iam.Role, *namespaces: str) -> None:
    """Allow writing metrics of a namespace, or of some."""
    named = namespaces[0] if len(namespaces) == 1 else list(namespaces)
    allow(
        role,
        "WriteMetrics",
        ["cloudwatch:PutMetricData"],
        ["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": named}},
        because="PutMetricData knows no resources; the namespace of the metrics is exact.",
    )


def run_jobs(role: iam.Role, place: Place, *kinds: str) -> None:
    """Allow a pipeline to run jobs; SageMaker tags them with their execution."""
    for kind in kinds:
        allow(
            role,
            f"Run{kind}Jobs",
            [
                "sagemaker:AddTags",
                f"sagemaker:Create{kind}Job",
                f"sagemaker:Describe{kind}Job",
                f"sagemaker:Stop{kind}Job",
            ],
            [place.arn("sagemaker", f"{kind.lower()}-job/pipelines-*")],
            because="Pipelines names each job pipelines-<execution>-<step>-<random>.",
        )


def pass_job_roles(role: iam.Role, jobs: Sequence[iam.Role]) -> None:
    """Allow handing SageMaker the roles of jobs and no other."""
    allow(
        role,
        "PassJobRoles",
        ["iam:PassRole"],
        [each.role_arn for each in jobs],
        conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    )


def pull_image(role: iam.Role, place: Place) -> None:
    """Allow pulling the managed image from AWS's registry."""
    _pull(role, place, image.registries()[place.region], _IMAGE_REPOSITORY)


def pull_analyzer(role: iam.Role, place: Place) -> None:
    """Allow pulling Model Monitor's analyzer from AWS's registry."""
    _pull(role, place, image.analyzer_registries()[place.region], image.analyzer_repository())


def _read(resolved: Any) -> str:
    """Write a resource as cdk-nag does, which takes an import for its name."""
    match resolved:
        case str():
            return resolved
        case {"Fn::ImportValue": str(export)}:
            return export
        case {"Fn::Join": [str(glue), list(parts)]}:
            return glue.join(_read(part) for part in parts)
        case {"Ref": str(name)}:
            return f"<{name}>"
        case _:
            raise ValueError(f"{resolved} is not a resource that a permission of ours names")


def _pull(role: iam.Role, place: Place, registry: str, name: str) -> None:
    repository = f"arn:{place.partition}:ecr:{place.region}:{registry}:repository/{name}"
    allow(role, "ReadImage", _READ_IMAGE, [repository])
    because = "GetAuthorizationToken knows no resources; what may be pulled with the token is exact."
    allow(role, "LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"], because=because)


def watch_rollouts(role: iam.Role, place: Place) -> None:
    """Allow seeing whether an alarm takes a release back: SageMaker looks as the endpoint's role, for who updates it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
    """
    alarms = names.rollback_alarm(place.project, place.environment, "*", "*")
    allow(
        role,
        "WatchRollouts",
        ["cloudwatch:DescribeAlarms"],
        [place.arn("cloudwatch", f"alarm:{alarms}")],
        because="Each release has alarms of its own, named after an endpoint config that does not exist yet.",
    )
