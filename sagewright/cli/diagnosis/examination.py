"""Runs every check; one that is itself denied something becomes a finding, because that is news, too."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from sagewright.cli.errors import CommandError, explain

from . import bootstraps, caller, delivery, keys, quotas, regions, surroundings, tools
from .finding import EnvironmentCheck, Finding, Subject

# Each asks the environment's own account.
_OF_ENVIRONMENTS: tuple[tuple[str, EnvironmentCheck], ...] = (
    (regions.REGION, regions.check),
    (quotas.CHECK, quotas.check),
    (surroundings.BOUNDARY, surroundings.boundary),
    (surroundings.NETWORK, surroundings.network),
    (surroundings.NAMES, surroundings.taken_names),
    (keys.CHECK, keys.check),
)
# Of the first environment alone, where the pipelines are.
_OF_DELIVERY: tuple[tuple[str, EnvironmentCheck], ...] = (
    (delivery.CONNECTION, delivery.connection),
    (delivery.REPOSITORY, delivery.repository),
    (delivery.GIT, delivery.git),
    (delivery.BUILDS, delivery.builds),
)


def examine(subject: Subject) -> Iterator[Finding]:
    """Look at everything; without valid credentials at what needs none."""
    yield from tools.check()
    called = list(caller.check(subject))
    yield from called
    yield from regions.agreements(subject)
    if any(each.check == caller.CREDENTIALS and each.result == "failure" for each in called):
        return
    closed = bootstraps.closed(subject)
    yield from closed.values()
    reached = tuple(each for each in subject.environments if each.name not in closed)
    looked_at = replace(subject, environments=reached)
    yield from _guarded(bootstraps.CHECK, "", lambda: bootstraps.check(looked_at))
    # What needs no answer of the account is told of closed ones, too.
    for environment in (each for each in subject.environments if each.name in closed):
        yield from _guarded(regions.REGION, environment.name, lambda place=environment: regions.check(subject, place))
    for environment in reached:
        for name, check in _OF_ENVIRONMENTS:
            # Both names are bound now: the generator runs within this round.
            yield from _guarded(name, environment.name, lambda check=check, place=environment: check(subject, place))
    if subject.project.first in subject.environments:
        first = subject.project.first
        yield from _guarded(surroundings.SOURCE, first.name, lambda: surroundings.source(subject))
        for name, check in _OF_DELIVERY:
            yield from _guarded(name, first.name, lambda check=check: check(subject, first))


def _guarded(name: str, environment: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except (ClientError, BotoCoreError, CommandError) as error:
        yield Finding(name, "warning", f"could not be looked at: {explain(error)}", environment)
