"""Which instance types a project may ask for: SageMaker's own lists, less what our jobs and endpoints cannot use.

The lists are the enums of botocore's model of the API, read as data: importing botocore would cost ten times as much.
"""

import gzip
import json
import re
from difflib import get_close_matches
from functools import cache
from importlib.metadata import distribution
from typing import Literal

Use = Literal["training", "serving"]

# The jobs before and after training run on the type of the training job unless a run says otherwise.
_ENUMS: dict[Use, tuple[str, ...]] = {
    "training": ("TrainingInstanceType", "ProcessingInstanceType"),
    "serving": ("ProductionVariantInstanceType",),
}
_FOR = {
    "TrainingInstanceType": "training jobs",
    "ProcessingInstanceType": "processing jobs",
    "ProductionVariantInstanceType": "endpoints",
}
_SHAPE = re.compile(r"ml\.(?P<family>[a-z]+)(?P<generation>\d+)(?P<attributes>[a-z]*)(-[a-z0-9]+)?\.[a-z0-9]+")
_ACCELERATED = {"p", "g", "inf", "trn", "dl"}


@cache
def _enums() -> dict[str, list[str]]:
    model = distribution("botocore").locate_file("botocore/data/sagemaker/2017-07-24/service-2.json.gz")
    with gzip.open(str(model)) as packed:
        shapes = json.load(packed)["shapes"]
    return {name: shapes[name]["enum"] for names in _ENUMS.values() for name in names}


def unusable(instance_type: str) -> str | None:
    """Say why an instance type that SageMaker has does not fit the managed image or the customer key, if it does not.

    A volume key is refused on instances with local NVMe disks, see VolumeKmsKeyId in
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
    """
    parts = _SHAPE.fullmatch(instance_type)
    if parts is None:
        return None
    if parts["family"] in _ACCELERATED:
        return "has an accelerator, and the managed scikit-learn image runs on processors only"
    if "g" in parts["attributes"]:
        return "is an Arm (Graviton) instance, and the managed scikit-learn image is built for x86"
    if "d" in parts["attributes"]:
        return "has local NVMe disks, for which SageMaker refuses the customer key that encrypts every volume here"
    return None


@cache
def usable(use: Use) -> tuple[str, ...]:
    """List the types that a project may ask for, in SageMaker's order."""
    first, *others = [_enums()[name] for name in _ENUMS[use]]
    return tuple(name for name in first if all(name in other for other in others) and unusable(name) is None)


def fault(instance_type: str, use: Use) -> str | None:
    """Say what is wrong with an instance type, and which one is near."""
    if instance_type in usable(use):
        return None
    near = get_close_matches(instance_type, usable(use), n=1)
    hint = f"; did you mean {near[0]}?" if near else "; for example ml.m5.xlarge"
    if not _SHAPE.fullmatch(instance_type):
        return f"'{instance_type}' is not an instance type of SageMaker{hint}"
    missing = [name for name in _ENUMS[use] if instance_type not in _enums()[name]]
    if missing:
        return f"'{instance_type}' is not an instance type that SageMaker has for {_FOR[missing[0]]}{hint}"
    return f"'{instance_type}' {unusable(instance_type)}{hint}"
