"""The managed scikit-learn image: where it exists, its address, and what the code that runs in it may import.

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


@cache
def _versions() -> list[dict[str, Any]]:
    """Read what the SDK's list says of the image, for training and for inference."""
    listing = distribution("sagemaker-core").locate_file(f"sagemaker/core/image_uri_config/{FRAMEWORK}.json")
    scopes = json.loads(listing.read_text())
    return [scopes[scope]["versions"][VERSION] for scope in ("training", "inference")]


@cache
def registries() -> dict[str, str]:
    """Registry account of the image by region, for the regions where it can both train and serve."""
    training, inference = (version["registries"] for version in _versions())
    return {region: account for region, account in training.items() if region in inference}


def address(region: str) -> str:
    """Address of the image, the same for processing, training and inference, as `sagemaker.core.image_uris` has it."""
    partitions = Loader().load_data("partitions")["partitions"]
    domain = next(item["outputs"]["dnsSuffix"] for item in partitions if re.match(item["regionRegex"], region))
    repository = _versions()[0]["repository"]
    return f"{registries()[region]}.dkr.ecr.{region}.{domain}/{repository}:{VERSION}-cpu-py3"
