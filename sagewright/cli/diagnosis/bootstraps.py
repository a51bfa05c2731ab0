"""Whether accounts are ready for the CDK, trust the account that deploys, and how much CloudFormation may do there."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from sagewright.cli import bootstrapping, stack_states
from sagewright.cli.bootstrapping import Place
from sagewright.cli.errors import DENIED, explain

from .finding import Finding, Subject

CHECK = "bootstrap"
# The lookup role, by which other accounts are looked at, came with 8; everything else of ours needs less.
# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html#bootstrapping-template
LEAST_VERSION = 8
_BY_ITSELF = "; `sagewright deploy` does it here by itself"


def closed(subject: Subject) -> dict[str, Finding]:
    """Find the environments in other accounts that cannot be looked at, each with what to do about it, once."""
    found: dict[str, Finding] = {}
    target = subject.target
    for environment in subject.environments:
        account = target.account_of(environment)
        if account == target.account:
            continue
        try:
            target.lookup_client("sts", environment)
        except ClientError as error:
            itself = _BY_ITSELF if target.is_sandbox else ""
            told = f"{environment.name} ({account}) is not bootstrapped, or does not trust {target.account}{itself}"
            answer = error.response["Error"]
            found[environment.name] = Finding(
                CHECK,
                "warning" if target.is_sandbox else "failure",
                told,
                environment.name,
                f"{answer['Code']}: {answer.get('Message', '')}",
                f"sagewright bootstrap {environment.name}{subject.suffix}",
            )
    return found


def check(subject: Subject) -> Iterator[Finding]:
    """Look at each bootstrap that the environments need."""
    for place in bootstrapping.places(subject.project, subject.target, subject.environments):
        yield from _place(subject, place)


def _place(subject: Subject, place: Place) -> Iterator[Finding]:
    name, mend = place.environment.name, f"sagewright bootstrap {place.environment.name}{subject.suffix}"
    cloudformation = subject.target.lookup_client("cloudformation", place.environment)
    toolkit = bootstrapping.deployed_with(cloudformation, place.toolkit)
    if toolkit is None:
        result = "warning" if subject.target.is_sandbox else "failure"
        itself = f" yet{_BY_ITSELF}" if subject.target.is_sandbox else ""
        later = f"the CDK: SSM parameter /cdk-bootstrap/{place.qualifier}/version not found"
        yield Finding(CHECK, result, f"{place} is not bootstrapped{itself}", name, later, mend)
        return
    deployed = int(stack_states.outputs(stack_states.describe(cloudformation, place.toolkit))["BootstrapVersion"])
    if deployed < LEAST_VERSION:
        told = f"{place} is bootstrapped with version {deployed}, and {LEAST_VERSION} is needed"
        yield Finding(CHECK, "failure", told, name, "the CDK: requires bootstrap stack version …", mend)
        return
    if place.trusted and place.trusted not in bootstrapping.listed(toolkit, "TrustedAccounts"):
        told = f"{place} does not trust account {place.trusted}, which deploys to it"
        yield Finding(CHECK, "failure", told, name, "AccessDenied: … not authorized to perform: sts:AssumeRole", mend)
        return
    policies = bootstrapping.listed(toolkit, "CloudFormationExecutionPolicies")
    changed = list(_roles(subject, place, policies, f"{mend} --replace"))
    yield from changed
    if any(each.result == "failure" for each in changed):
        return
    ours = [each for each in policies if "/sagewright-execution-" in each]
    trusting = f", trusts {place.trusted}" if place.trusted else ""
    told = f"{place}, version {deployed}{trusting}"
    if not ours:
        others = ", ".join(policies) or "AdministratorAccess"
        told = f"{told}: CloudFormation deploys with {others}, which is more than projects of Sagewright need"
        yield Finding(CHECK, "warning", told, name, mend=f"{mend} --replace")
    elif behind := bootstrapping.difference(place, cloudformation):
        yield Finding(CHECK, "warning", f"{told}: {behind}", name, "AccessDenied in the middle of a deployment", mend)
    else:
        yield Finding(CHECK, "ok", f"{told}, under the policy of Sagewright", name)


def _roles(subject: Subject, place: Place, policies: list[str], mend: str) -> Iterator[Finding]:
    """Hold the roles as they are against what the stack made of them: people change roles by hand."""
    name = place.environment.name
    roles = place.roles(subject.target.lookup_client("iam", place.environment))
    deploying = place.trusted or place.account
    try:
        attached, trusts = roles.attached(), roles.trusts("deploy", deploying)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in DENIED:
            yield Finding(CHECK, "warning", f"roles of {place} could not be looked at: {explain(error)}", name)
            return
        if code != "NoSuchEntity":
            raise
        later, told = error.response["Error"]["Message"], f"{place} lacks a role that its stack {place.toolkit} made"
        again = f"delete stack {place.toolkit} and its bucket, then `{mend.removesuffix(' --replace')}`"
        yield Finding(CHECK, "failure", told, name, f"{code}: {later}", again)
        return
    missing = [each for each in policies if each not in attached]
    if missing:
        told = f"{roles.name('cfn-exec')} lacks {', '.join(missing)}, which its stack attached"
        yield Finding(CHECK, "failure", told, name, "AccessDenied in the middle of a deployment", mend)
    added = [each for each in attached if each not in policies]
    if added and policies:
        told = f"{roles.name('cfn-exec')} has {', '.join(added)}, which its stack did not attach"
        commands = [
            f"aws iam detach-role-policy --role-name {roles.name('cfn-exec')} --policy-arn {each}" for each in added
        ]
        yield Finding(CHECK, "warning", told, name, mend=" && ".join(commands))
    if not trusts:
        told = f"{roles.name('deploy')} does not trust account {deploying} any more, which deploys with it"
        yield Finding(CHECK, "failure", told, name, "AccessDenied: … not authorized to perform: sts:AssumeRole", mend)
