"""Deletes the models and endpoint configs that releases left behind: kept until the new one is proved, then too many.

CloudFormation keeps what a release replaces, because an update that SageMaker takes back still runs it. Nothing but
this ever deletes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from . import live
from .client import Client

KEPT = 2


@dataclass
class Swept:
    """What was deleted, and what could not be, with the reason."""

    configs: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def sweep(sagemaker: Client, endpoint: str, *, tags: Mapping[str, str], keep: int = KEPT) -> Swept:
    """Delete the superseded configs of an endpoint and their models, but for the newest `keep` of them.

    What the endpoint runs, or is on its way to, is never touched, nor is anything that does not carry all of `tags` and
    a release's own. Whatever cannot be deleted is told and left: the next release tries again.
    """
    swept = Swept()
    described = live.describe(sagemaker, endpoint)
    if described is None or described["EndpointStatus"] != "InService":
        return swept
    running = described["EndpointConfigName"]
    pending = described.get("PendingDeploymentSummary", {}).get("EndpointConfigName")
    try:
        superseded = [each for each in _released(sagemaker, running, tags) if each not in {running, pending}]
        kept = {running, *superseded[:keep], *([pending] if pending else [])}
        spared = {model for config in kept for model in _models(sagemaker, config)}
    except ClientError as error:
        swept.failures["superseded configs"] = _reason(error)
        return swept
    for config in superseded[keep:]:
        _delete_with_models(sagemaker, config, spared, swept)
    return swept


def superseded(sagemaker: Client, endpoint: str, *, tags: Mapping[str, str]) -> list[str]:
    """List the configs that are kept of earlier releases to an endpoint, the newest first."""
    described = live.describe(sagemaker, endpoint)
    if described is None:
        return []
    running = described["EndpointConfigName"]
    return [config for config in _released(sagemaker, running, tags) if config != running]


def ran_before(sagemaker: Client, endpoint: str, version: str, *, tags: Mapping[str, str]) -> bool:
    """Tell whether that version served here before: its config is still kept, and is not the one that serves now."""
    described = live.describe(sagemaker, endpoint)
    if described is None:
        return False
    running = described["EndpointConfigName"]
    return any(
        config != running and live.version_of(sagemaker, config) == version
        for config in _released(sagemaker, running, tags)
    )


def _released(sagemaker: Client, running: str, tags: Mapping[str, str]) -> list[str]:
    """List the configs that releases made of this endpoint, the newest first.

    A generated name is the resource's id in the template and something random behind it, so all of them start alike.
    Other projects' may, too: their tags tell them apart.
    """
    stem = running.rpartition("-")[0]
    if not stem:
        return []
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(
        NameContains=stem, SortBy="CreationTime", SortOrder="Descending"
    )
    return [
        each["EndpointConfigName"]
        for page in pages
        for each in page["EndpointConfigs"]
        if each["EndpointConfigName"].startswith(f"{stem}-") and _is_ours(sagemaker, each["EndpointConfigArn"], tags)
    ]


def _is_ours(sagemaker: Client, arn: str, tags: Mapping[str, str]) -> bool:
    found = live.tags(sagemaker, arn)
    return live.VERSION_TAG in found and tags.items() <= found.items()


def _models(sagemaker: Client, config: str) -> list[str]:
    described = sagemaker.describe_endpoint_config(EndpointConfigName=config)
    return [variant["ModelName"] for variant in described["ProductionVariants"] if "ModelName" in variant]


def _delete_with_models(sagemaker: Client, config: str, spared: set[str], swept: Swept) -> None:
    """Delete the config first: one that names a model which is gone could be neither updated to nor from."""
    models: list[str] = []

    def describe() -> None:
        models.extend(_models(sagemaker, config))

    if not _did(describe, config, swept):
        return
    if not _did(lambda: sagemaker.delete_endpoint_config(EndpointConfigName=config), config, swept):
        return
    swept.configs.append(config)
    for model in models:
        if model not in spared and _did(lambda name=model: sagemaker.delete_model(ModelName=name), model, swept):
            swept.models.append(model)


def _did(action: Callable[[], Any], name: str, swept: Swept) -> bool:
    try:
        action()
    except ClientError as error:
        swept.failures[name] = _reason(error)
        return False
    return True


def _reason(error: ClientError) -> str:
    return f"{error.operation_name} was refused: {error.response['Error'].get('Message', 'no reason was given')}"
