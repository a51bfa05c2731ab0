"""What `bootstrap` does, and `deploy` in the sandbox by itself: make an account ready for the CDK, under our policy."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions.client import Client
from sagewright.stacks import execution_policy

from . import stack_states
from .bootstrap_roles import Roles
from .cdk import Cdk
from .errors import DENIED, CommandError
from .options import Options
from .target import CDK_QUALIFIER, Sandbox, Target, partition_of

TOOLKIT = "CDKToolkit"
_WAIT_S = 600
_DONE = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


@dataclass(frozen=True)
class Place:
    """One bootstrap: what the CDK has of its own in an account and region, for every environment there."""

    environment: Environment
    account: str
    region: str
    qualifier: str
    boundary: str | None
    trusted: str | None
    """The account that deploys here, where that is another one."""

    @property
    def toolkit(self) -> str:
        """The CDK's stack: with the name of another one, it would change that one instead of making its own."""
        return TOOLKIT if self.qualifier == CDK_QUALIFIER else f"{TOOLKIT}-{self.qualifier}"

    @property
    def policies(self) -> dict[str, Any]:
        """The template of the policies that CloudFormation gets here."""
        return execution_policy.template(self.qualifier, self.boundary)

    @property
    def toolkit_boundary(self) -> str | None:
        """The boundary as the CDK takes it: by name and path, of the account's own policies alone."""
        if self.boundary is None or not self.boundary.startswith("arn:"):
            return self.boundary
        own = f":iam::{self.account}:policy/"
        return self.boundary.partition(own)[2] if own in self.boundary else None

    @property
    def boundary_arn(self) -> str | None:
        """The boundary as IAM knows it."""
        if self.boundary is None or self.boundary.startswith("arn:"):
            return self.boundary
        return f"arn:{partition_of(self.region)}:iam::{self.account}:policy/{self.boundary}"

    def roles(self, iam: Client) -> Roles:
        """Look at the CDK's roles here."""
        return Roles(iam, self.qualifier, self.account, self.region)

    def __str__(self) -> str:
        """Name the place as the CDK does."""
        return f"aws://{self.account}/{self.region}"


def places(project: Project, target: Target, environments: Sequence[Environment]) -> list[Place]:
    """List the bootstraps that environments need, each once."""
    first = target.account_of(project.first)
    found: dict[tuple[str, str, str], Place] = {}
    for environment in environments:
        account, security = target.account_of(environment), environment.security
        qualifier = security.bootstrap_qualifier or CDK_QUALIFIER
        trusted = first if account != first else None
        boundary = security.permissions_boundary
        place = Place(environment, account, environment.region, qualifier, boundary, trusted)
        other = found.setdefault((account, environment.region, qualifier), place)
        if other.boundary != boundary:
            raise CommandError(
                f"environments.{environment.name}.security.permissions_boundary: '{boundary}' is not that of "
                f"{other.environment.name} ('{other.boundary}'), which shares its bootstrap. Give one of the two "
                "another security.bootstrap_qualifier."
            )
    return list(found.values())


def prepare(options: Options, project: Project, target: Target) -> None:
    """Before a deployment: in the sandbox make every account ready, in AWS say which command does it."""
    wanted = places(project, target, project.environments)
    require_boundaries(target, wanted)
    for place in wanted:
        if isinstance(target, Sandbox):
            if not _is_ready(place, target):
                bootstrap(options, project, target, place)
        elif place.account == target.account:
            _require(options, place, target)


def bootstrapped(project: Project, target: Target) -> list[Environment]:
    """List the environments, if `prepare` would change accounts, whose own are bootstrapped; else none."""
    if not isinstance(target, Sandbox):
        return []  # there it only looks
    found = places(project, target, project.environments)
    if all(_is_ready(place, target) for place in found):
        return []
    clients = [(place, target.client("cloudformation", place.environment)) for place in found]
    there = {(place.account, place.region) for place, api in clients if deployed_with(api, place.toolkit) is not None}
    return [each for each in project.environments if (target.account_of(each), each.region) in there]


def bootstrap(
    options: Options, project: Project, target: Target, place: Place, *, replace: bool = False
) -> dict[str, Any]:
    """Deploy the policies, then the CDK's own stack with them; returns what is there then."""
    cloudformation = target.client("cloudformation", place.environment)
    toolkit = deployed_with(cloudformation, place.toolkit)
    if toolkit is None:
        _require_nothing_left(target, place)
    stack = names.execution_stack(place.qualifier)
    arns = _deploy_policies(options, target, cloudformation, stack, place.policies)
    others = [arn for arn in listed(toolkit, "CloudFormationExecutionPolicies") if arn not in arns]
    if toolkit is not None and (others or not listed(toolkit, "CloudFormationExecutionPolicies")) and not replace:
        raise CommandError(
            f"{place} is bootstrapped already: its stack {place.toolkit} lets CloudFormation deploy with "
            f"{', '.join(others) or 'AdministratorAccess'}, which other CDK applications may rely on. Set "
            "security.bootstrap_qualifier in project.yaml for a bootstrap of your own beside it, or take this one over "
            "with `--replace`."
        )
    trusted = listed(toolkit, "TrustedAccounts")
    Cdk(project.root, _variables(target, place), options.terminal).bootstrap(*_arguments(place, arns, trusted))
    if replace:
        accounts = [*trusted, *([place.trusted] if place.trusted else [])]
        for mended in place.roles(target.client("iam", place.environment)).repair(arns, accounts):
            options.terminal.note(mended)
    return {
        "account": place.account,
        "region": place.region,
        "qualifier": place.qualifier,
        "toolkit": place.toolkit,
        "policies": arns,
    }


def require_boundaries(target: Target, wanted: Sequence[Place]) -> None:
    """Refuse, before anything is made, boundaries that do not exist: every role would fail at them, one by one."""
    for place in wanted:
        if place.boundary_arn is None:
            continue
        own = target.is_sandbox or place.account == target.account
        try:
            iam = (target.client if own else target.lookup_client)("iam", place.environment)
            iam.get_policy(PolicyArn=place.boundary_arn)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "NoSuchEntity":
                raise CommandError(_without_boundary(target, place, place.boundary_arn)) from None
            if code not in DENIED:
                raise


def _without_boundary(target: Target, place: Place, arn: str) -> str:
    path, _, name = arn.partition(":policy/")[2].rpartition("/")
    at = f" --path /{path}/" if path else ""
    return (
        f"environments.{place.environment.name}.security.permissions_boundary: account {place.account} has no policy "
        f"{arn}, and no role can be made without it. Nothing was changed. Make it: `aws iam create-policy "
        f"--policy-name {name}{at} --policy-document file://boundary.json`{_with_credentials(target, place)}; "
        "docs/bootstrap.md says what it must allow. Or change the setting."
    )


def _with_credentials(target: Target, place: Place) -> str:
    """Say whose credentials a command of AWS's needs, and how it comes by them in the sandbox."""
    if not isinstance(target, Sandbox):
        return f" with credentials of account {place.account}"
    keys = target.variables(place.region, place.account)["AWS_ACCESS_KEY_ID"]
    return f' (after `eval "$(sagewright sandbox up --export)"` and `export AWS_ACCESS_KEY_ID={keys}`)'


def _require_nothing_left(target: Target, place: Place) -> None:
    """Refuse where a bootstrap that failed or was deleted has left its bucket, which CloudFormation never deletes."""
    bucket = f"cdk-{place.qualifier}-assets-{place.account}-{place.region}"
    try:
        target.client("s3", place.environment).head_bucket(Bucket=bucket, ExpectedBucketOwner=place.account)
    except ClientError:
        return  # It is not there, or nobody says; CloudFormation will.
    raise CommandError(
        f"Bucket {bucket} is left of an earlier bootstrap of {place}, whose stack {place.toolkit} is not there: "
        "CloudFormation keeps the bucket and cannot make it twice. Nothing was changed. Delete it, if nothing in it is "
        f"needed, and repeat this command: `aws s3api delete-bucket --bucket {bucket} --region {place.region}`"
        f"{_with_credentials(target, place)}. Of a bootstrap that failed it is empty; else empty it of all versions "
        "first. Or choose another security.bootstrap_qualifier."
    )


def _is_ready(place: Place, target: Target) -> bool:
    cloudformation = target.client("cloudformation", place.environment)
    toolkit = deployed_with(cloudformation, place.toolkit)
    if toolkit is None:
        return False
    trusts = place.trusted is None or place.trusted in listed(toolkit, "TrustedAccounts")
    return trusts and difference(place, cloudformation) is None


def _require(options: Options, place: Place, target: Target) -> None:
    cloudformation = target.client("cloudformation", place.environment)
    command = f"sagewright bootstrap {place.environment.name} --target aws"
    if deployed_with(cloudformation, place.toolkit) is None:
        raise CommandError(
            f"Account {place.account} is not prepared for the CDK in {place.region} yet. Do it once: `{command}`."
        )
    behind = difference(place, cloudformation)
    if behind:
        options.terminal.note(
            f"[yellow]![/] {place}: {behind}. If the deployment is denied something, run `{command}` and repeat it."
        )


def difference(place: Place, cloudformation: Client) -> str | None:
    """Tell how policies of ours are not today's, if they are not; whoever uses other ones keeps them current."""
    stack = names.execution_stack(place.qualifier)
    if stack_states.describe(cloudformation, stack) is None:
        return None
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    deployed: Any = json.loads(body) if isinstance(body, str) else body
    deployed = json.loads(json.dumps(deployed))
    if deployed == place.policies:
        return None
    there = _boundary_in(deployed)
    if there != _boundary_in(place.policies):
        bound = f"under boundary {_policy_name(there)} only" if there else "without a boundary"
        return (
            f"CloudFormation may make roles {bound}, but security.permissions_boundary of {place.environment.name} is "
            f"{place.boundary or 'not set'}"
        )
    return "CloudFormation may do what another release of Sagewright asked for"


def _boundary_in(template: dict[str, Any]) -> str | None:
    """Read under which boundary policies let roles be made."""
    for resource in template["Resources"].values():
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
            if statement.get("Sid") == "MakeRoles":
                bound = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PermissionsBoundary")
                return bound["Fn::Sub"] if isinstance(bound, dict) else bound
    return None


def _policy_name(arn: str) -> str:
    """Shorten an ARN that a template fills in; one that is whole says more."""
    return arn.partition(":policy/")[2] if "${" in arn else arn


def _deploy_policies(
    options: Options, target: Target, cloudformation: Client, stack: str, template: dict[str, Any]
) -> list[str]:
    """Create or update the stack of the policies; returns their ARNs."""
    request = {"StackName": stack, "TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    began = time.monotonic()
    described = _settled(target, cloudformation, stack)
    if described is not None and described["StackStatus"] == "ROLLBACK_COMPLETE":
        cloudformation.delete_stack(StackName=stack)
        described = _settled(target, cloudformation, stack)
    if described is None:
        cloudformation.create_stack(**request)
    else:
        _update(cloudformation, request)
    described = _settled(target, cloudformation, stack)
    status = described["StackStatus"] if described is not None else "gone"
    if described is None or status not in _DONE:
        why = "; ".join(stack_states.failures(cloudformation, stack)) or "no reason is given"
        raise CommandError(f"Stack {stack}, which holds the policies that CloudFormation gets, is {status}: {why}.")
    options.terminal.done(stack, time.monotonic() - began)
    return sorted(stack_states.outputs(described).values())


def _update(cloudformation: Client, request: dict[str, Any]) -> None:
    try:
        cloudformation.update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in error.response["Error"]["Message"]:
            raise


def _settled(target: Target, cloudformation: Client, stack: str) -> dict[str, Any] | None:
    deadline = time.monotonic() + _WAIT_S
    while (described := stack_states.describe(cloudformation, stack)) is not None:
        if not described["StackStatus"].endswith("_IN_PROGRESS"):
            return described
        if time.monotonic() > deadline:
            raise CommandError(f"Stack {stack} is {described['StackStatus']} for more than {_WAIT_S} s.")
        time.sleep(target.poll_s)
    return None


def _arguments(place: Place, policies: Sequence[str], trusted: Sequence[str]) -> list[str]:
    """Say to the CDK what it shall make; the accounts that it trusts already stay trusted."""
    arguments = [str(place), "--cloudformation-execution-policies", ",".join(policies)]
    accounts = [*trusted, *([place.trusted] if place.trusted and place.trusted not in trusted else [])]
    if accounts:
        arguments += ["--trust", ",".join(accounts)]
    if place.qualifier != CDK_QUALIFIER:
        arguments += ["--qualifier", place.qualifier, "--toolkit-stack-name", place.toolkit]
    if place.toolkit_boundary:
        arguments += ["--custom-permissions-boundary", place.toolkit_boundary]
    return arguments


def _variables(target: Target, place: Place) -> dict[str, str]:
    variables = target.environ(place.region)
    return variables | target.variables(place.region, place.account) if isinstance(target, Sandbox) else variables


def deployed_with(cloudformation: Client, stack: str) -> dict[str, str] | None:
    """Read with what a stack was deployed; None where there is none that came up."""
    described = stack_states.describe(cloudformation, stack)
    if described is None or described["StackStatus"] in {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE"}:
        return None
    return {each["ParameterKey"]: each.get("ParameterValue", "") for each in described.get("Parameters", [])}


def listed(parameters: dict[str, str] | None, key: str) -> list[str]:
    """Read a parameter that holds a list."""
    return [each for each in (parameters or {}).get(key, "").split(",") if each]
