"""How many instances SageMaker lets an account have: for many types none, until somebody asks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagewright.project import Environment, monitoring

from .finding import Finding, Subject

CHECK = "quotas"
SERVICE = "sagemaker"
# How a service says that it knows no quotas.
_NO_QUOTAS = {"NoSuchResourceException", "UnsupportedOperation", "UnsupportedService"}


@dataclass(frozen=True)
class Quota:
    """One quota of an account in a region."""

    value: float
    code: str


@dataclass(frozen=True)
class Need:
    """How many instances of one type a project has at once, for one use."""

    type: str
    use: str
    count: int

    @property
    def quota(self) -> str:
        """The name of the quota, which is all that tells its meaning: its code differs by type."""
        return f"{self.type} for {self.use} usage"


def needs(subject: Subject, environment: Environment) -> list[Need]:
    """Count what an environment has at once."""
    found: list[Need] = []
    if environment == subject.project.first:
        kind = environment.training.instance.type
        found += [Need(kind, "training job", 1), Need(kind, "processing job", 1)]
    if environment in subject.project.serving:
        instances = environment.serving.instances
        # A new version gets a second fleet beside the first; a rolling update only its batch.
        rollout = environment.serving.rollout
        part = rollout.part_percent(instances.min) if rollout.strategy == "rolling" else 100
        found.append(Need(instances.type, "endpoint", instances.min + -(-instances.min * part // 100)))
    if environment in subject.project.serving and environment.monitoring.engine != "none":
        found.append(Need(monitoring.INSTANCE_TYPE, "processing job", 1))
    # A run of the monitor does not wait for a training.
    together: Counter[tuple[str, str]] = Counter()
    for each in found:
        together[each.type, each.use] += each.count
    return [Need(*of, count) for of, count in together.items()]


def check(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Compare what an environment needs with what its account may have."""
    client = subject.target.lookup_client("service-quotas", environment)
    try:
        # A quota that nobody has changed may be in the defaults alone.
        defaults = _listed(client.get_paginator("list_aws_default_service_quotas"))
        applied = _listed(client.get_paginator("list_service_quotas"))
    except ClientError as error:
        if not subject.target.is_sandbox or error.response["Error"]["Code"] not in _NO_QUOTAS:
            raise
        told = "the sandbox keeps no quotas: it starts what this machine can hold"
        yield Finding(
            CHECK, "warning", told, environment.name, mend=f"sagewright doctor {environment.name} --target aws"
        )
        return
    for need in needs(subject, environment):
        yield judged(need, {**defaults, **applied}, environment)


def judged(need: Need, quotas: Mapping[str, Quota], environment: Environment) -> Finding:
    """Judge one need."""
    quota = quotas.get(need.quota)
    if quota is None:
        told = f"SageMaker has no quota '{need.quota}' in {environment.region}: the type is not offered there"
        return Finding(CHECK, "failure", told, environment.name, mend="choose another type in project.yaml")
    if quota.value >= need.count:
        return Finding(CHECK, "ok", f"{need.quota}: {quota.value:.0f}, at least {need.count} needed", environment.name)
    later = (
        f"ResourceLimitExceeded: The account-level service limit '{need.quota}' is {quota.value:.0f} Instances, with "
        f"current utilization of 0 Instances and a request delta of {need.count} Instances"
    )
    mend = (
        f"aws service-quotas request-service-quota-increase --service-code {SERVICE} --quota-code {quota.code} "
        f"--desired-value {need.count} --region {environment.region}"
    )
    told = f"{need.quota}: {quota.value:.0f}, at least {need.count} needed"
    return Finding(CHECK, "failure", told, environment.name, later, mend)


def _listed(paginator: Any) -> dict[str, Quota]:
    pages = paginator.paginate(ServiceCode=SERVICE)
    return {each["QuotaName"]: Quota(each["Value"], each["QuotaCode"]) for page in pages for each in page["Quotas"]}
