"""Why: a request names its image by address alone, so the sandbox must tell by it what it can stand in for.

The registry's account differs from region to region; the table is read from the JSON that sagemaker-core ships, as a
file, because importing that package takes seconds.
"""

import functools
import json
import re
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?"
)


@dataclass(frozen=True)
class Image:
    """A managed image that the sandbox stands in for: what it is called and what it holds."""

    repository: str
    tag: str
    distributions: tuple[str, ...]
    """Python distributions in the image; their requirements belong to it too."""
    preload: tuple[str, ...]
    """Modules that nearly every program in it imports, kept warm."""
    server: Path
    """The program that answers /ping and /invocations."""

    @property
    def name(self) -> str:
        """Return repository and tag, as an address ends."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Address:
    """An image's address in Elastic Container Registry."""

    account: str
    region: str
    repository: str
    tag: str


class UnknownImageError(Exception):
    """The sandbox has no stand-in for the address; the message says why and what it can run."""

    def __init__(self, message: str, *, repository_exists: bool = False) -> None:
        super().__init__(message)
        self.repository_exists = repository_exists


SCIKIT_LEARN = Image(
    repository="sagemaker-scikit-learn",
    tag="1.9-0-cpu-py3",
    distributions=(
        *("boto3", "flask", "gevent", "gunicorn", "joblib", "multi-model-server", "numpy", "paramiko", "pandas"),
        *("pip", "protobuf", "psutil", "pyarrow", "retrying", "sagemaker-inference", "sagemaker-training"),
        *("scikit-learn", "scipy", "setuptools", "six", "wheel"),
    ),
    preload=(
        *("flask", "joblib", "numpy", "pandas", "pyarrow.parquet", "scipy.sparse", "scipy.stats"),
        *("sklearn.compose", "sklearn.ensemble", "sklearn.impute", "sklearn.linear_model", "sklearn.metrics"),
        *("sklearn.model_selection", "sklearn.pipeline", "sklearn.preprocessing", "werkzeug.serving"),
    ),
    server=Path(__file__).parent / "scikit_learn" / "serve.py",
)

ANALYZER = "sagemaker-model-monitor-analyzer"
"""The repository of the image that Model Monitor runs by itself; a program of the sandbox's own stands in for it."""
ANALYZER_PROGRAM = Path(__file__).parent / "model_monitor" / "run.py"


def parse(address: str) -> Address | None:
    """Return the parts of an ECR address, or None where it is none; without a tag it means `latest`, as in Docker."""
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return None
    return Address(match["account"], match["region"], match["repository"], match["tag"] or "latest")


def find(address: str, region: str) -> Image:
    """Return the stand-in for the image at this address, for use in this region."""
    parts = parse(address)
    known = address_in(region)
    able = available(region)
    if parts is None:
        raise UnknownImageError(f"{address} is no address of Elastic Container Registry. {able}")
    if parts.region != region:
        raise UnknownImageError(
            f"{address} is in {parts.region}, and SageMaker pulls images only from the region it runs in ({region})."
            f" {able}"
        )
    if address != known:
        repository_exists = known is not None and address.split(":", maxsplit=1)[0] == known.split(":")[0]
        raise UnknownImageError(
            f"The sandbox has no stand-in for {address}. {able}", repository_exists=repository_exists
        )
    return SCIKIT_LEARN


def require_analyzer(address: str, region: str) -> None:
    """Refuse an image that is not Model Monitor's own analyzer of this region."""
    known = _analyzers().get(region)
    if known is None:
        raise UnknownImageError(f"No registry of {ANALYZER} is known in {region}.")
    if address not in {known, f"{known}:latest"}:
        raise UnknownImageError(f"The sandbox has no stand-in for {address}. Of monitors, it can run {known}.")


def available(region: str) -> str:
    """Return the sentence that says what the sandbox can run in this region."""
    address = address_in(region)
    if address is None:
        return f"It can run no image in {region}: no registry of {SCIKIT_LEARN.repository} is known there."
    return f"It can run {address}."


def address_in(region: str) -> str | None:
    """Return the address of the image that the sandbox can run in this region."""
    return _addresses().get(region)


@functools.cache
def _addresses() -> dict[str, str]:
    """Return the address of the scikit-learn image per region."""
    versions = _shipped("sklearn")["inference"]["versions"]
    accounts: dict[str, str] = versions[SCIKIT_LEARN.tag.removesuffix("-cpu-py3")]["registries"]
    return {region: _address(account, region, SCIKIT_LEARN.name) for region, account in accounts.items()}


@functools.cache
def _analyzers() -> dict[str, str]:
    """Return the address of Model Monitor's analyzer per region; it has no tag."""
    accounts: dict[str, str] = _shipped("model-monitor")["versions"][""]["registries"]
    return {region: _address(account, region, ANALYZER) for region, account in accounts.items()}


def _shipped(name: str) -> Any:
    table = distribution("sagemaker-core").locate_file(f"sagemaker/core/image_uri_config/{name}.json")
    return json.loads(table.read_text())


def _address(account: str, region: str, name: str) -> str:
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{domain}/{name}"
