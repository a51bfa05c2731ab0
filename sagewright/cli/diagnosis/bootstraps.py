"""Whether accounts are ready for the CDK, trust the account that deploys, and how much CloudFormation may do there."""

from collections.abc import Iterator

from sagewright.cli import bootstrapping, stack_states
from sagewright.cli.bootstrapping import Place

from .finding import Finding, Subject

CHECK = "bootstrap"
# The lookup role, by which other accounts are looked at, came with 8; everything else of ours needs less.
# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html#bootstrapping-template
LEAST_VERSION = 8


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
        itself = " yet; `sagewright deploy` does it here by itself" if subject.target.is_sandbox else ""
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
    ours = [each for each in policies if "/sagewright-execution-" in each]
    trusting = f", trusts {place.trusted}" if place.trusted else ""
    told = f"{place}, version {deployed}{trusting}"
    if not ours:
        others = ", ".join(policies) or "AdministratorAccess"
        told = f"{told}: CloudFormation deploys with {others}, which is more than projects of Sagewright need"
        yield Finding(CHECK, "warning", told, name, mend=f"{mend} --replace")
    elif bootstrapping.is_behind(place, cloudformation):
        told = f"{told}: CloudFormation may do what another release of Sagewright asked for"
        yield Finding(CHECK, "warning", told, name, "AccessDenied in the middle of a deployment", mend)
    else:
        yield Finding(CHECK, "ok", f"{told}, under the policy of Sagewright", name)
