"""Why: permissions can hold to what is tagged, whoever made it and however it is named."""

from collections.abc import Callable, Mapping

from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends

from ..networks import ssm_backends
from .identities import account_in, role_at

TagsOf = Callable[[str], Mapping[str, str]]

# The services that have a key of their own for the same.
_OWN_KEYS = {"iam", "sagemaker", "ssm"}


class ResourceTags:
    """Finds the tags of a resource; the sandbox's own services tell those of theirs."""

    def __init__(self) -> None:
        self._of_services: dict[str, TagsOf] = {
            "iam": _of_identity,
            "kms": _of_key,
            "logs": _of_group,
            "ssm": _of_parameter,
        }

    def provide(self, service: str, tags_of: TagsOf) -> None:
        """Let a service of ours tell the tags of a resource by its ARN; of one that is not there it has none."""
        self._of_services[service] = tags_of

    def of(self, action: str, resource: str) -> dict[str, str]:
        """Return the condition keys for the tags of an action's resource."""
        service = resource.split(":", 3)[2] if resource.startswith("arn:") else ""
        if service not in self._of_services or action == "iam:PassRole":
            return {}
        tags = self._of_services[service](resource)
        keys = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
        if service in _OWN_KEYS:
            keys |= {f"{service}:ResourceTag/{key}": value for key, value in tags.items()}
        return keys


def _of_identity(arn: str) -> Mapping[str, str]:
    if ":role/" in arn:
        role = role_at(arn)
        return {tag["Key"]: tag["Value"] for tag in role.tags or []} if role else {}
    account = account_in(arn)
    if not account.isdigit():
        return {}
    if ":policy/" in arn:
        policy = iam_backends[account]["aws"].managed_policies.get(arn)
        return {tag["Key"]: tag["Value"] for tag in policy.get_tags()} if policy else {}
    if ":oidc-provider/" in arn:
        provider = iam_backends[account]["aws"].open_id_providers.get(arn)
        return {tag["Key"]: tag["Value"] for tag in provider.get_tags()} if provider else {}
    return _plain(iam_backends[account]["aws"].tagger.get_tag_dict_for_resource(arn))


def _of_key(arn: str) -> Mapping[str, str]:
    _, _, _, region, account, resource = arn.split(":", 5)
    if not account.isdigit() or region not in kms_backends[account]:
        return {}
    return _plain(kms_backends[account][region].tagger.get_tag_dict_for_resource(resource.removeprefix("key/")))


def _of_group(arn: str) -> Mapping[str, str]:
    _, _, _, region, account, resource = arn.split(":", 5)
    if not account.isdigit() or region not in logs_backends[account]:
        return {}
    name = resource.removeprefix("log-group:").partition(":")[0]
    group = f"arn:aws:logs:{region}:{account}:log-group:{name}"
    return _plain(logs_backends[account][region].tagger.get_tag_dict_for_resource(group))


def _of_parameter(arn: str) -> Mapping[str, str]:
    _, _, _, region, account, resource = arn.split(":", 5)
    if not account.isdigit() or region not in ssm_backends[account]:
        return {}
    # moto's own accessor wants the parameter to exist.
    kept = ssm_backends[account][region]._resource_tags["Parameter"]  # noqa: SLF001 - see above
    name = resource.removeprefix("parameter/")
    return kept.get(f"/{name}") or kept.get(name) or {}


def _plain(tags: Mapping[str, str | None]) -> dict[str, str]:
    return {key: value or "" for key, value in tags.items()}
