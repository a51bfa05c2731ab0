"""What a rollback would come to, said before it begins: the pipeline decides again later, by the same rules."""

from botocore.exceptions import ClientError

from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import model_versions, rollback
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.rollback import Choice, Wish

from .delivery.configurations import tags_of
from .target import Target, partition_of


def foreseen(project: Project, target: Target, place: Environment, wish: Wish) -> Choice | None:
    """Choose as the rollback will, or refuse as it will; None where the caller may not look at all of that."""
    first = project.first
    group = names.model_package_group(project.name)
    account = target.account_of(first)
    prefix = f"arn:{partition_of(first.region)}:sagemaker:{first.region}:{account}:model-package/{group}"
    bucket = names.data_bucket(project.name, place.name, target.account_of(place), place.region)

    def registered(number: int) -> Version | None:
        return model_versions.existing(target.client("sagemaker", first), f"{prefix}/{number}")

    try:
        here = rollback.found(
            target.reading_client("sagemaker", place),
            target.reading_client("s3", place),
            names.endpoint(project.name, place.name),
            Location(bucket, names.RELEASES),
            tags_of(project, place),
        )
        return rollback.choose(wish, here, registered)
    except ClientError:
        return None


def after_rejection(project: Project, target: Target, version: Version, places: list[Environment], starts: str) -> str:
    """Say what becomes of each environment that serves a version which was just rejected."""
    comes: list[str] = []
    stuck: list[str] = []
    for place in places:
        wish = Wish(place.name, "", "", leaving=version.number)
        try:
            choice = foreseen(project, target, place, wish)
        except Refused as refused:
            stuck.append(f" {refused} {_ending(project, target, place)}")
            continue
        comes.append(f" {choice.told}" if choice is not None else "")
    where = ", ".join(each.name for each in places)
    if not comes:
        return f" It goes on serving in {where}, for want of another one.{''.join(stuck)}"
    follow = " Follow it: sagewright releases"
    return f" It serves in {where}: the rollback {starts}.{''.join(comes)}{''.join(stuck)}{follow}"


def _ending(project: Project, target: Target, place: Environment) -> str:
    """Name the commands that take an endpoint away, in the order in which the stacks can go."""
    stacks = [
        *([names.monitoring_stack(project.name, place.name)] if place.monitoring.engine != "none" else []),
        names.serving_stack(project.name, place.name),
    ]
    region = f"--region {place.region}"
    wait = f"aws cloudformation wait stack-delete-complete {region} --stack-name"
    delete = f"aws cloudformation delete-stack {region} --stack-name"
    commands = f" && {wait} {stacks[0]} && ".join(f"{delete} {stack}" for stack in stacks)
    return f"That is, in account {target.account_of(place)}: `{commands}`."
