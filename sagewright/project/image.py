"""The managed scikit-learn image: where it exists, and what the code that runs in it may import.

The regions are read from the SageMaker SDK's own list as a file, because importing the SDK costs a second.
"""

import json
from functools import cache
from importlib.metadata import distribution

FRAMEWORK = "sklearn"
VERSION = "1.9-0"

# Top-level modules that a package of plain functions can build on, with what pandas and scikit-learn require.
# The image holds more, for its own server.
PACKAGES = frozenset(
    {"boto3", "dateutil", "flask", "joblib", "numpy", "pandas", "pyarrow", "pytz", "scipy", "sklearn", "threadpoolctl"}
)


@cache
def registries() -> dict[str, str]:
    """Registry account of the image by region, for the regions where it can both train and serve."""
    listing = distribution("sagemaker-core").locate_file(f"sagemaker/core/image_uri_config/{FRAMEWORK}.json")
    scopes = json.loads(listing.read_text())
    of_scope = [scopes[scope]["versions"][VERSION]["registries"] for scope in ("training", "inference")]
    return {region: account for region, account in of_scope[0].items() if region in of_scope[1]}
