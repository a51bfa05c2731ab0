"""Whether the regions have what the project uses, and what the account must have agreed to before."""

from collections.abc import Iterator

from sagewright.project import Environment
from sagewright.project.image import FRAMEWORK, VERSION, registries

from .finding import Finding, Subject

REGION, SUBSCRIPTIONS, LINKED_ROLES = "region", "subscriptions", "service-linked roles"


def check(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Look for every resource type of the environment's templates, and for the image, in its region."""
    # It takes a second to import, which only this command needs.
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError  # noqa: PLC0415

    stacks = [
        each for each in (*subject.assembly.stacks, *subject.assembly.releases) if each.environment == environment
    ]
    types = sorted({resource["Type"] for stack in stacks for resource in stack.resources.values()})
    missing: list[str] = []
    for kind in types:
        try:
            PROVIDER_SCHEMA_MANAGER.get_resource_schema(environment.region, kind)
        except ResourceNotFoundError:
            missing.append(kind)
    if missing:
        later = f"ValidationError: Template format error: Unrecognized resource types: [{', '.join(missing)}]"
        told = f"CloudFormation has no {', '.join(missing)} in {environment.region}"
        yield Finding(REGION, "failure", told, environment.name, later, "choose another region in project.yaml")
    elif environment.region in registries():
        told = f"{environment.region} has all {len(types)} resource types and the image {FRAMEWORK} {VERSION}"
        yield Finding(REGION, "ok", told, environment.name)


def agreements(subject: Subject) -> Iterator[Finding]:
    """Tell what other projects need here and this one does not."""
    del subject
    yield Finding(SUBSCRIPTIONS, "ok", "none needed: the managed scikit-learn image is not of the Marketplace")
    yield Finding(LINKED_ROLES, "ok", "none needed: no endpoint of this release scales by itself")
