"""What the project expects to be there, and what must not be there yet."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from sagewright.cli import adoption, changes, stack_states
from sagewright.cli.assembly import PlannedStack
from sagewright.cli.errors import NOT_THERE, explain
from sagewright.cli.target import partition_of
from sagewright.project import Environment, names
from sagewright.runtime.functions.client import Client

from .finding import Finding, Subject

BOUNDARY, NETWORK, NAMES, SOURCE = "permissions boundary", "network", "names", "data source"
_ABSENT = NOT_THERE | {"NoSuchEntity", "ValidationException"}


def boundary(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Look for the policy that bounds every role."""
    named = environment.security.permissions_boundary
    if named is None:
        return
    partition = partition_of(environment.region)
    account = subject.target.account_of(environment)
    arn = named if named.startswith("arn:") else f"arn:{partition}:iam::{account}:policy/{named}"
    if _found(subject.target.lookup_client("iam", environment).get_policy, PolicyArn=arn):
        yield Finding(BOUNDARY, "ok", arn, environment.name)
        return
    later = f"NoSuchEntity: Scope ARN: {arn} does not exist or is not attachable"
    mend = "let who keeps it create it there, or change security.permissions_boundary"
    yield Finding(BOUNDARY, "failure", f"{arn} does not exist", environment.name, later, mend)


def network(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Look for the network that the project uses and has not made."""
    wanted = environment.network
    if wanted.mode != "import" or wanted.vpc_id is None:
        return
    ec2 = subject.target.lookup_client("ec2", environment)
    mend = "correct network in project.yaml"
    problems = list(_network_problems(ec2, environment))
    for told, later in problems:
        yield Finding(NETWORK, "failure", told, environment.name, later, mend)
    if problems:
        return
    filters = [{"Name": "vpc-id", "Values": [wanted.vpc_id]}]
    endpoints = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    if any(each["ServiceName"].endswith(".s3") for each in endpoints):
        told = f"{wanted.vpc_id} with {len(wanted.subnets)} subnets, and an endpoint for S3"
        yield Finding(NETWORK, "ok", told, environment.name)
    else:
        told = f"{wanted.vpc_id} has no endpoint for S3: jobs and models find their data only where a NAT leads there"
        later = "a job that ends after minutes with ClientError: Data download failed: Failed to download data"
        mend = (
            f"aws ec2 create-vpc-endpoint --vpc-id {wanted.vpc_id} --service-name "
            f"com.amazonaws.{environment.region}.s3 --route-table-ids … --region {environment.region}"
        )
        yield Finding(NETWORK, "warning", told, environment.name, later, mend)


def _network_problems(ec2: Client, environment: Environment) -> Iterator[tuple[str, str]]:
    wanted = environment.network
    if not _listed(ec2.describe_vpcs, "Vpcs", VpcIds=[wanted.vpc_id]):
        later = f"InvalidVpcID.NotFound: The vpc ID '{wanted.vpc_id}' does not exist"
        yield f"there is no {wanted.vpc_id} in {environment.region}", later
        return
    for kind, ids, ask, key in (
        ("subnet", wanted.subnets, ec2.describe_subnets, "Subnets"),
        ("security group", wanted.security_groups, ec2.describe_security_groups, "SecurityGroups"),
    ):
        parameter = "SubnetIds" if kind == "subnet" else "GroupIds"
        for each in ids:
            there = _listed(ask, key, **{parameter: [each]})
            if not there:
                yield f"there is no {kind} {each}", f"ValidationException: The {kind} {each} does not exist"
            elif there[0]["VpcId"] != wanted.vpc_id:
                yield f"{kind} {each} is in {there[0]['VpcId']}", "ValidationException: not in the same VPC"


def taken_names(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Look whether what new stacks will make is there already."""
    stacks = [each for each in subject.assembly.stacks if each.environment == environment]
    cloudformation = subject.target.lookup_client("cloudformation", environment)
    new = [each for each in stacks if stack_states.describe(cloudformation, each.name) is None]
    findings = [finding for stack in new for finding in _taken(subject, environment, stack)]
    yield from findings
    if not findings:
        told = "every new name is free" if new else "all stacks are there already"
        yield Finding(NAMES, "ok", told, environment.name)


def _taken(subject: Subject, environment: Environment, stack: PlannedStack) -> Iterator[Finding]:
    target, project = subject.target, subject.project
    added = tuple(changes.Change(stack, "add", name, each["Type"]) for name, each in stack.resources.items())
    planned = changes.StackChanges(stack, is_new=True, changes=added)
    left: list[adoption.Left] = []
    if stack.name == names.data_stack(project.name, environment.name):
        left = adoption.in_the_way(project, target, planned)
        yield from _buckets_of_others(subject, environment, {each.physical_id for each in left})
    for each in left:
        told = f"{each.kind} {each.physical_id} is left of an earlier deployment"
        later = f"{each.physical_id} already exists"
        yield Finding(NAMES, "failure", told, environment.name, later, f"sagewright deploy --adopt{subject.suffix}")
    iam = target.lookup_client("iam", environment)
    for resource in stack.resources.values():
        role = resource.get("Properties", {}).get("RoleName")
        if resource["Type"] == "AWS::IAM::Role" and isinstance(role, str) and _found(iam.get_role, RoleName=role):
            later = f"Role with name {role} already exists (HandlerErrorCode: AlreadyExists)"
            mend = f"aws iam delete-role --role-name {role}, when nobody uses it; or another name of the project"
            yield Finding(
                NAMES, "failure", f"role {role} exists outside of {stack.name}", environment.name, later, mend
            )


def _buckets_of_others(subject: Subject, environment: Environment, own: set[str]) -> Iterator[Finding]:
    account = subject.target.account_of(environment)
    s3 = subject.target.lookup_client("s3", environment)
    project, region = subject.project, environment.region
    buckets = [name(project.name, environment.name, account, region) for name in (names.data_bucket, names.log_bucket)]
    if project.repository is not None and environment == project.first:
        buckets.append(names.artifact_bucket(project.name, account, region))
    for bucket in buckets:
        if bucket not in own and _is_taken(s3, bucket):
            told = f"bucket {bucket} belongs to another account: bucket names are the whole world's"
            mend = "choose another name of the project"
            yield Finding(NAMES, "failure", told, environment.name, f"{bucket} already exists", mend)


def _is_taken(s3: Client, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        return error.response["Error"]["Code"] not in NOT_THERE
    return True


def source(subject: Subject) -> Iterator[Finding]:
    """Read where the data comes from."""
    first = subject.project.first
    place = first.data.s3_place
    if place is None:
        file = subject.project.root / first.data.source
        if file.is_file():
            yield Finding(SOURCE, "ok", f"{first.data.source}, sent up by `sagewright data put`", first.name)
        else:
            yield Finding(SOURCE, "failure", f"{file} is not there", first.name, mend="correct data.source")
        return
    bucket, prefix = place
    try:
        found = subject.target.client("s3", first).list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        later = "the preprocessing job fails: ClientError: Data download failed"
        mend = f"let the owner of {bucket} admit account {subject.target.account_of(first)} in its policy"
        yield Finding(SOURCE, "failure", f"{first.data.source}: {explain(error)}", first.name, later, mend)
        return
    if found["KeyCount"] == 0:
        later = f"ClientError: No S3 objects found under S3 URL '{first.data.source}'"
        yield Finding(SOURCE, "failure", f"nothing is in {first.data.source}", first.name, later, "correct data.source")
    else:
        yield Finding(SOURCE, "ok", first.data.source, first.name)


def _listed(ask: Callable[..., dict[str, Any]], key: str, **parameters: Any) -> list[dict[str, Any]]:
    try:
        return ask(**parameters)[key]
    except ClientError as error:
        if ".NotFound" in error.response["Error"]["Code"]:
            return []
        raise


def _found(ask: Callable[..., dict[str, Any]], **parameters: str) -> dict[str, Any] | None:
    try:
        return ask(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
