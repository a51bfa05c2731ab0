"""Why: some resources have ARNs that no single parameter tells, and some requests more circumstances than tags."""

from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from ..asked import Asked
from ..demand import Context
from .arns import ANY, Resources, expanded, own_arn, tag_keys

_TAG_MEMBERS = ("Tags", "tags", "resourceTags", "TagList")


def tags(asked: Asked, resource: str) -> Context:
    """Return the condition keys for the tags in a request."""
    del resource
    context: dict[str, Any] = {}
    for member in _TAG_MEMBERS:
        context |= tag_keys(asked.params.get(member))
    for member in ("TagKeys", "tagKeys"):
        if isinstance(keys := asked.params.get(member), list):
            context["aws:TagKeys"] = keys
    return context


def parameters(member: str) -> Resources:
    """Return the parameters' ARNs: a name's leading slash is the one after `parameter`."""

    def resources(asked: Asked) -> list[str]:
        value = asked.params.get(member)
        names = value if isinstance(value, list) else [value]
        return [_parameter(asked, str(name)) for name in names]

    return resources


def _parameter(asked: Asked, name: str) -> str:
    """Return the parameter's ARN, without the version or label that a name may end in."""
    if name.startswith("arn:"):
        return ":".join(name.split(":")[:6])
    return own_arn("ssm", asked, f"parameter/{name.partition(':')[0].lstrip('/')}")


def log_group(asked: Asked) -> list[str]:
    """Return the log group, in the form that stands for its streams, too."""
    name = asked.text("logGroupIdentifier") or asked.text("logGroupName")
    return [
        name.removesuffix(":*") + ":*" if name.startswith("arn:") else own_arn("logs", asked, f"log-group:{name}:*")
    ]


def queue(asked: Asked) -> list[str]:
    """Return the queue that a URL ends in: its account and its name."""
    account, _, name = asked.text("QueueUrl").rpartition("/")
    account = account.rpartition("/")[2]
    owner = account if account.isdigit() else asked.caller.account
    return [f"arn:aws:sqs:{asked.caller.region}:{owner}:{name or asked.text('QueueName')}"]


def subscription(asked: Asked) -> list[str]:
    """Return the topic that a subscription is of."""
    return [asked.text("SubscriptionArn").rpartition(":")[0] or ANY]


def rule(member: str) -> Resources:
    """Return how a rule is found: those of the default bus leave it out."""

    def resources(asked: Asked) -> list[str]:
        bus = asked.text("EventBusName").rpartition("/")[2] or "default"
        name = asked.text(member)
        return [own_arn("events", asked, f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")]

    return resources


def buses(asked: Asked) -> list[str]:
    """Return the buses that events are put on."""
    entries: Any = asked.params.get("Entries") or [{}]
    buses = {str(entry.get("EventBusName", "default")) for entry in entries}
    return [bus if bus.startswith("arn:") else own_arn("events", asked, f"event-bus/{bus}") for bus in sorted(buses)]


def secret(asked: Asked) -> list[str]:
    """Return the secret's ARN, whose end is chance: of one that is still to be made it stands open."""
    name = asked.text("SecretId") or asked.text("Name")
    if name.startswith("arn:"):
        return [name]
    kept: Any = secretsmanager_backends[asked.caller.account][asked.caller.region].secrets
    found = [secret.arn for secret in list(kept.values()) if secret.name == name]
    return found or [own_arn("secretsmanager", asked, f"secret:{name}-*")]


def metric(asked: Asked, resource: str) -> Context:
    """Return the namespace that metrics are put in."""
    namespace = asked.text("Namespace")
    used = {"cloudwatch:namespace": namespace} if asked.operation == "PutMetricData" else {}
    return {**used, **tags(asked, resource)}


def dashboards(member: str) -> Resources:
    """Return the dashboards' ARNs, which are of no region."""

    def resources(asked: Asked) -> list[str]:
        value = asked.params.get(member)
        names = value if isinstance(value, list) else [value]
        return [f"arn:aws:cloudwatch::{asked.caller.account}:dashboard/{name}" for name in names]

    return resources


def stack(asked: Asked, resource: str) -> Context:
    """Return what a request says about a stack."""
    context: dict[str, Any] = dict(tags(asked, resource))
    for key, member in (("RoleArn", "RoleARN"), ("TemplateUrl", "TemplateURL"), ("ChangeSetName", "ChangeSetName")):
        if value := asked.text(member):
            context[f"cloudformation:{key}"] = value
    return context


def trust(asked: Asked, resource: str) -> Context:
    """Return how a session is to be called, and tags."""
    names = {"sts:RoleSessionName": "RoleSessionName", "sts:ExternalId": "ExternalId"}
    return {
        **{key: asked.text(member) for key, member in names.items() if asked.text(member)},
        **tags(asked, resource),
    }


def glue(*parts: str) -> Resources:
    """Return the catalogue and the databases on the way to what is named."""

    def resources(asked: Asked) -> list[str]:
        return [arn for part in ("catalog", *parts) for arn in expanded("glue", part, asked)]

    return resources


def schedule(asked: Asked) -> list[str]:
    """Return the schedule, which is in a group."""
    group: Any = asked.params.get("GroupName") or asked.params.get("groupName") or "default"
    return [own_arn("scheduler", asked, f"schedule/{group}/{asked.text('Name')}")]
