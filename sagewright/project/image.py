"""AWS's images: where each exists and its address, and what the code that runs in the managed one may import.

The managed scikit-learn image runs our code; Model Monitor's analyzer runs AWS's own.

Regions and addresses come from the SageMaker SDK's own list, read as a file because importing the SDK costs a second.
"""

import json
import re
from functools import cache
from importlib.metadata import distribution
from typing import Any

from botocore.loaders import Loader

FRAMEWORK = "sklearn"
VERSION = "1.9-0"

# Top-level modules that a package of plain functions can build on, with what pandas and scikit-learn require.
# The image holds more, for its own server.
PACKAGES = frozenset(
    {"boto3", "dateutil", "flask", "joblib", "numpy", "pandas", "pyarrow", "pytz", "scipy", "sklearn", "threadpoolctl"}
)


def _listing(framework: str) -> dict[str, Any]:
    """Read what the SDK lists of an image."""
    listing = distribution("sagemaker-core").locate_file(f"sagemaker/core/image_uri_config/{framework}.json")
    listed: dict[str, Any] = json.loads(listing.read_text())
    return listed


@cache
def _versions() -> list[dict[str, Any]]:
    """Read what the SDK's list says of the image, for training and for inference."""
    scopes = _listing(FRAMEWORK)
    return [scopes[scope]["versions"][VERSION] for scope in ("training", "inference")]


@cache
def registries() -> dict[str, str]:
    """Registry account of the image by region, for the regions where it can both train and serve."""
    training, inference = (version["registries"] for version in _versions())
    return {region: account for region, account in training.items() if region in inference}


def address(region: str) -> str:
    """Address of the image, the same for processing, training and inference, as `sagemaker.core.image_uris` has it."""
    repository = _versions()[0]["repository"]
    return f"{registries()[region]}.dkr.ecr.{region}.{_domain(region)}/{repository}:{VERSION}-cpu-py3"


@cache
def _analyzer() -> dict[str, Any]:
    """Read what the SDK lists of the one version of Model Monitor's analyzer."""
    version: dict[str, Any] = _listing("model-monitor")["versions"][""]
    return version


def analyzer_registries() -> dict[str, str]:
    """Registry account of Model Monitor's analyzer by region."""
    return dict(_analyzer()["registries"])


def analyzer_repository() -> str:
    """Name of the analyzer's repository in each of its registries."""
    return str(_analyzer()["repository"])


def analyzer_address(region: str) -> str:
    """Address of the analyzer, as `sagemaker.core.image_uris` has it."""
    return f"{analyzer_registries()[region]}.dkr.ecr.{region}.{_domain(region)}/{analyzer_repository()}"


def _domain(region: str) -> str:
    partitions = Loader().load_data("partitions")["partitions"]
    return str(next(each["outputs"]["dnsSuffix"] for each in partitions if re.match(each["regionRegex"], region)))
