"""Takes over what a deleted data stack has left, so that a new one begins with every object of it.

`cdk deploy --import-existing-resources` finds only what has a literal name in the template. A key has none, a registry
is known by its ARN, and a bucket's name may be made of the account's number: those are named to CloudFormation one by
one.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions.client import Client

from . import changes, stack_states
from .assembly import Assembly, PlannedStack
from .changes import FEATURE_GROUP, StackChanges
from .errors import NOT_THERE, NOT_THERE_WORDS, CommandError
from .features import safe_change
from .options import Options
from .target import CDK_QUALIFIER, Target, partition_of

KEY, ALIAS, BUCKET = "AWS::KMS::Key", "AWS::KMS::Alias", "AWS::S3::Bucket"
BUCKET_POLICY, GROUP, LOG_GROUP = "AWS::S3::BucketPolicy", "AWS::SageMaker::ModelPackageGroup", "AWS::Logs::LogGroup"
REPOSITORY, CATALOG, ROLE = "AWS::CodeCommit::Repository", "AWS::Glue::Database", "AWS::IAM::Role"
_TAG = "sagewright:project"
_WAIT_S = 600
_ABSENT = NOT_THERE | {
    "RepositoryDoesNotExistException",
    "EntityNotFoundException",
    "NoSuchEntity",
    "NotFoundException",
    "NoSuchBucketPolicy",
    "ServerSideEncryptionConfigurationNotFoundError",
}


@dataclass(frozen=True)
class Left:
    """One resource that is there although no stack holds it."""

    logical_id: str
    kind: str
    identifier: dict[str, str]

    @property
    def physical_id(self) -> str:
        """What it is known by."""
        return next(iter(self.identifier.values()))


def adopt(options: Options, project: Project, target: Target, assembly: Assembly) -> list[dict[str, str]]:
    """Bring what is left under the data stacks, as it is; the deployment that follows adds the rest."""
    adopted: list[dict[str, str]] = []
    for stack in assembly.data_stacks(project):
        described = stack_states.settle(options, target, stack.environment, stack.name)
        found = in_the_way(project, target, changes.plan(target, stack))
        if not found:
            continue
        with options.terminal.task(f"Adopt into {stack.name}") as details:
            _import(target, stack, found, described)
            details.extend(each.physical_id for each in found)
        adopted += [{"stack": stack.name, "type": each.kind, "id": each.physical_id} for each in found]
    if not adopted:
        options.terminal.note("Nothing is left that no stack holds.")
    return adopted


def in_the_way(project: Project, target: Target, planned: StackChanges) -> list[Left]:
    """Find what is there already of what a deployment would add to a data stack."""
    added = {change.logical_id for change in planned.changes if change.action == "add"}
    return list(left(project, target, planned.stack, added)) if added else []


def left(project: Project, target: Target, stack: PlannedStack, added: Collection[str] | None = None) -> Iterator[Left]:
    """Find what a data stack would make and is there already; with `added`, of these of its resources alone."""
    lookup = _Lookup(target, project, stack.environment)
    for logical_id, resource in stack.resources.items():
        if added is not None and logical_id not in added:
            continue
        identifier, value = lookup.known(logical_id, resource)
        if value:
            yield Left(logical_id, resource["Type"], {identifier: value})


class _Lookup:
    """Finds what may be left in an account; each answer is the name or id of what is there, or None."""

    def __init__(self, target: Target, project: Project, environment: Environment) -> None:
        self._target, self._project, self._environment = target, project, environment
        self._account, self._region = target.account_of(environment), environment.region
        self._kms, self._s3, self._sagemaker, self._logs = (
            target.lookup_client(service, environment) for service in ("kms", "s3", "sagemaker", "logs")
        )
        # Names of buckets are the whole world's: of another account's bucket nothing may be asked.
        self._owned = {each["Name"] for each in self._s3.list_buckets()["Buckets"]}

    def known(self, logical_id: str, resource: Mapping[str, Any]) -> tuple[str, str | None]:
        """Tell by what a resource of the template is known where it is there already, and as what."""
        bucket, alias = self._names(logical_id)
        log = names.endpoint_log(self._project.name, self._environment.name)
        candidates: dict[str, tuple[str, Callable[[], str | None]]] = {
            KEY: ("KeyId", lambda: self.key(bucket, alias)),
            ALIAS: ("AliasName", lambda: self.alias(alias)),
            BUCKET: ("BucketName", lambda: self.bucket(bucket)),
            BUCKET_POLICY: ("Bucket", lambda: self.bucket_policy(bucket)),
            GROUP: ("ModelPackageGroupArn", lambda: self.group(names.model_package_group(self._project.name))),
            LOG_GROUP: ("LogGroupName", lambda: self.log_group(log)),
            REPOSITORY: ("RepositoryId", self.repository),
            FEATURE_GROUP: ("FeatureGroupName", lambda: self.feature_group(resource["Properties"])),
            ROLE: ("RoleName", lambda: self.role(resource["Properties"].get("RoleName"))),
            CATALOG: ("DatabaseName", lambda: self.catalog(names.catalog_database(self._project.name))),
        }
        identifier, find = candidates.get(resource["Type"], ("", lambda: None))
        return identifier, find()

    def _names(self, logical_id: str) -> tuple[str, str]:
        """Name the bucket that a resource is or is about, and the alias of the key that encrypts it."""
        project, environment, place = self._project.name, self._environment.name, (self._account, self._region)
        if logical_id.startswith("Artifacts"):
            return names.artifact_bucket(project, *place), names.delivery_alias(project)
        bucket = names.log_bucket if logical_id.startswith("Logs") else names.data_bucket
        return bucket(project, environment, *place), names.key_alias(project, environment)

    def key(self, bucket: str, alias: str) -> str | None:
        """Find the key under which the bucket keeps its objects, else the one that the alias names."""
        settings = _found(self._s3.get_bucket_encryption, Bucket=bucket) if bucket in self._owned else None
        rules = settings["ServerSideEncryptionConfiguration"]["Rules"] if settings else []
        named = [rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID") for rule in rules]
        described = _found(self._kms.describe_key, KeyId=next(filter(None, named), alias))
        if described is None:
            return None
        key = described["KeyMetadata"]
        if key["KeyState"] == "PendingDeletion":
            raise CommandError(
                f"Key {key['Arn']}, with which the objects in {bucket} are encrypted, will be deleted. Keep it with "
                f"`aws kms cancel-key-deletion --key-id {key['Arn']}` and `aws kms enable-key --key-id {key['Arn']}`, "
                "then repeat this command."
            )
        return key["KeyId"]

    def alias(self, name: str) -> str | None:
        """Find a key's alias."""
        pages = self._kms.get_paginator("list_aliases").paginate()
        return name if any(each["AliasName"] == name for page in pages for each in page["Aliases"]) else None

    def bucket(self, name: str) -> str | None:
        """Find a bucket of this account."""
        return name if name in self._owned else None

    def bucket_policy(self, bucket: str) -> str | None:
        """Find a bucket that has a policy."""
        return bucket if bucket in self._owned and _found(self._s3.get_bucket_policy, Bucket=bucket) else None

    def group(self, name: str) -> str | None:
        """Find a model package group."""
        found = _found(self._sagemaker.describe_model_package_group, ModelPackageGroupName=name)
        return found["ModelPackageGroupArn"] if found is not None else None

    def log_group(self, name: str) -> str | None:
        """Find a log group."""
        groups = self._logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        return name if any(each["logGroupName"] == name for each in groups) else None

    def feature_group(self, wanted: Mapping[str, Any]) -> str | None:
        """Find a feature group; one that differs from what is declared cannot be taken over, and is refused."""
        name = wanted["FeatureGroupName"]
        found = _found(self._sagemaker.describe_feature_group, FeatureGroupName=name)
        if found is None:
            return None
        refusals = safe_change.compare(self._project.name, found, wanted, in_place=False)
        if refusals:
            raise CommandError(
                f"{name} is there already, left by an earlier deployment, and is another one than the project file "
                f"declares. {safe_change.told(refusals, self._project)} Nothing was deployed."
            )
        return name

    def role(self, name: object) -> str | None:
        """Find the role of the feature groups, which stays with them; of others a new stack makes its own."""
        wanted = names.feature_role(self._project.name, self._environment.name)
        if name != wanted:
            return None
        iam = self._target.lookup_client("iam", self._environment)
        return wanted if _found(iam.get_role, RoleName=wanted) is not None else None

    def catalog(self, name: str) -> str | None:
        """Find a database of the catalog."""
        glue = self._target.lookup_client("glue", self._environment)
        return name if _found(glue.get_database, Name=name) is not None else None

    def repository(self) -> str | None:
        """Find the project's repository at CodeCommit; one of the same name that is not ours is not taken over."""
        declared = self._project.repository
        name = declared.name if declared is not None else ""
        codecommit = self._target.lookup_client("codecommit", self._environment)
        found = _found(codecommit.get_repository, repositoryName=name)
        if found is None:
            return None
        kept = found["repositoryMetadata"]
        tags = codecommit.list_tags_for_resource(resourceArn=kept["Arn"]).get("tags", {})
        return kept["repositoryId"] if tags.get(_TAG) == self._project.name else None


def _import(target: Target, stack: PlannedStack, found: list[Left], described: dict[str, Any] | None) -> None:
    """Put what is left under the stack and change nothing else of it: CloudFormation does no more at once."""
    environment, cloudformation = stack.environment, target.stacks_client(stack.environment)
    template: dict[str, Any] = {"Resources": {}}
    if described is not None:
        template = changes.deployed_template(cloudformation, stack.name)
    wanted = _wanted(stack, found, template["Resources"])
    template = {**template, "Resources": {**template["Resources"], **wanted}}
    request = changes.request(target, stack, described) | {
        "TemplateBody": json.dumps(template, separators=(",", ":")),
        "ChangeSetType": "IMPORT",
        "RoleARN": _execution_role(target, environment),
        "ResourcesToImport": [
            {"ResourceType": each.kind, "LogicalResourceId": each.logical_id, "ResourceIdentifier": each.identifier}
            for each in found
        ],
        # An import changes no tags of the stack; the deployment that follows does.
        "Tags": described["Tags"] if described is not None else [],
    }
    cloudformation.create_change_set(**request)
    planned = changes.created(target, cloudformation, stack.name)
    if planned["Status"] == "FAILED":
        cloudformation.delete_change_set(StackName=stack.name, ChangeSetName=changes.CHANGE_SET)
        raise CommandError(f"{stack.name} cannot be adopted: {planned.get('StatusReason', 'no reason is given')}")
    cloudformation.execute_change_set(StackName=stack.name, ChangeSetName=changes.CHANGE_SET)
    status = _settled(target, cloudformation, stack.name)
    if status != "IMPORT_COMPLETE":
        why = "; ".join(stack_states.failures(cloudformation, stack.name)) or "no reason is given"
        raise CommandError(f"Nothing was adopted into {stack.name}, and everything is where it was ({status}): {why}.")


def _wanted(stack: PlannedStack, found: list[Left], present: Mapping[str, Any]) -> dict[str, Any]:
    """Take from the template what is imported; all that it refers to must be imported, too, or be in the stack."""
    wanted: dict[str, Any] = {}
    for each in found:
        resource = wanted[each.logical_id] = dict(stack.resources[each.logical_id])
        resource.pop("DependsOn", None)
        if each.kind == LOG_GROUP:
            # An import applies no property. SageMaker made this one without any: so the deployment that follows has
            # something to change. All others were made by a template like this one.
            resource["Properties"] = dict(each.identifier)
    needed = {name for resource in wanted.values() for name in _named(resource) if name in stack.resources}
    missing = needed - {*wanted} - {*present}
    if missing:
        gone = ", ".join(f"{name} ({stack.resources[name]['Type']})" for name in sorted(missing))
        raise CommandError(
            f"{stack.name} cannot be adopted: {', '.join(each.physical_id for each in found)} is still there, but not "
            f"{gone}, which it needs. Without its key nothing in a bucket can be read: bring that back, or move "
            "what is there out of the way."
        )
    return wanted


def _named(value: Any) -> Iterator[str]:
    """Yield every logical id that a definition refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield each
            elif key == "Fn::GetAtt":
                yield each[0] if isinstance(each, list) else each.partition(".")[0]
            else:
                yield from _named(each)


def _execution_role(target: Target, environment: Environment) -> str:
    """Name the role by which the CDK lets CloudFormation deploy: the stack keeps it for whatever follows."""
    partition = partition_of(environment.region)
    qualifier, account = environment.security.bootstrap_qualifier or CDK_QUALIFIER, target.account_of(environment)
    return f"arn:{partition}:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{environment.region}"


def _settled(target: Target, cloudformation: Client, stack: str) -> str:
    deadline = time.monotonic() + _WAIT_S
    while True:
        described = stack_states.describe(cloudformation, stack)
        status = described["StackStatus"] if described is not None else "gone"
        if status != "REVIEW_IN_PROGRESS" and not status.endswith("_IN_PROGRESS"):
            return status
        if time.monotonic() > deadline:
            raise CommandError(f"Stack {stack} is {status} for more than {_WAIT_S} s.")
        time.sleep(target.poll_s)


def _found(ask: Callable[..., dict[str, Any]], **parameters: str) -> dict[str, Any] | None:
    """Ask for one thing; None where there is none."""
    try:
        return ask(**parameters)
    except ClientError as error:
        answer = error.response["Error"]
        if answer["Code"] in _ABSENT or any(words in answer.get("Message", "") for words in NOT_THERE_WORDS):
            return None
        raise
