"""The checks of single values in a project file, each with AWS's own limit; a broken one says what to do instead."""

import json
import keyword
import re
import sys
import unicodedata
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Any

from sagewright.project import image, instance_types

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppSpecification.html: a container argument.
ARGUMENT_LENGTH = 256
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html: HyperParameters.
HYPERPARAMETERS = 100
HYPERPARAMETER_KEY_LENGTH = 256
HYPERPARAMETER_VALUE_LENGTH = 2500
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-description-structure.html: in bytes.
# SageMaker allows the same number of characters for a model package group.
DESCRIPTION_BYTES = 1024
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
TAGS = 50
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
# A resource may get these of ours besides the project's own.
OWN_TAGS = ("sagewright:project", "sagewright:environment", "sagewright:owner", "sagewright:version")

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
ENVIRONMENT = r"[a-z][a-z0-9]*"
ACCOUNT = r"\d{12}"
EMAIL = r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"
_S3_URI = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<prefix>.*))?")
_S3_URI_LENGTH = 1024
# What the `.` of SageMaker's patterns does not match.
_LINE_END = re.compile("[\n\r\x85\u2028\u2029]")
_NUMBER = re.compile(r"-\d+|-\d*\.\d+")
_TAG_MARKS = set("_.:/=+-@")
_DATA_FILES = (".csv", ".parquet")
# What the code bundle itself and the model archive put beside the package.
_TAKEN_PACKAGES = {"sagewright", "inference", *image.PACKAGES}


def name(value: str) -> str:
    """Hold the project's name to what a bucket, a stack and an endpoint can all carry."""
    if re.fullmatch(NAME, value) is None:
        raise ValueError(
            f"'{value}' cannot be part of AWS names; use lower-case letters, digits and single hyphens, "
            "starting with a letter, such as customer-churn"
        )
    return value


def environment_name(value: str) -> str:
    """Hold an environment's name to one word, so that `<project>-<env>` can only be read one way."""
    if re.fullmatch(ENVIRONMENT, value) is None:
        raise ValueError(
            f"'{value}' cannot name an environment; use lower-case letters and digits, starting with a letter, "
            "such as prod"
        )
    return value


def account(value: object) -> object:
    """Refuse an account id that YAML read as a number, which loses its leading zeros."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # A ValueError, because pydantic reports those and lets a TypeError through.
        raise ValueError(  # noqa: TRY004 (see above)
            'is a number to YAML, which drops leading zeros; put the account id in quotes: "111111111111"'
        )
    if isinstance(value, str) and re.fullmatch(ACCOUNT, value) is None:
        raise ValueError(f"'{value}' is not an account id; AWS's have exactly 12 digits")
    return value


def region(value: str) -> str:
    """Hold a region to those where the managed image can train and serve."""
    if value in image.registries():
        return value
    near = get_close_matches(value, image.registries(), n=1)
    hint = f"; did you mean {near[0]}?" if near else "; for example eu-west-1"
    if re.fullmatch(r"[a-z]+(-[a-z]+)+-\d", value) is None:
        raise ValueError(f"'{value}' is not a region's name{hint}")
    raise ValueError(f"the managed scikit-learn image {image.VERSION} does not exist in '{value}'{hint}")


def description(value: str) -> str:
    """Hold the description to one line that CloudFormation and the model registry both take."""
    size = len(value.encode())
    if size > DESCRIPTION_BYTES:
        raise ValueError(f"has {size} bytes, more than CloudFormation allows (at most {DESCRIPTION_BYTES}); shorten it")
    if any(unicodedata.category(character).startswith("C") for character in value):
        raise ValueError("holds a line break or control character, which SageMaker refuses; write one line")
    return value


def owner(value: str) -> str:
    """Hold the owner to an address that a notification can go to and a tag can carry."""
    if re.fullmatch(EMAIL, value) is None or len(value) > TAG_VALUE_LENGTH:
        raise ValueError(f"'{value}' is not an e-mail address, such as ml-team@example.com")
    return value


def _tag_text(value: str, longest: int) -> str:
    if len(value) > longest:
        raise ValueError(f"has {len(value)} characters, more than AWS allows in a tag (at most {longest}); shorten it")
    wrong = sorted({mark for mark in value if mark not in _TAG_MARKS and unicodedata.category(mark)[0] not in "LNZ"})
    if wrong:
        raise ValueError(
            f"{' '.join(map(repr, wrong))} is not allowed in a tag; use letters, digits, spaces and _ . : / = + - @"
        )
    return value


def tag_key(value: str) -> str:
    """Hold a tag's key to what every AWS service takes."""
    if not value:
        raise ValueError("a tag's key cannot be empty; give it a name")
    if value.lower().startswith(("aws:", "sagewright:")):
        prefix = value.partition(":")[0]
        raise ValueError(f"tags that start with '{prefix}:' are reserved; choose another key")
    return _tag_text(value, TAG_KEY_LENGTH)


def tag_value(value: str) -> str:
    """Hold a tag's value to what every AWS service takes."""
    return _tag_text(value, TAG_VALUE_LENGTH)


def tags(value: dict[str, str]) -> dict[str, str]:
    """Leave room for our own tags, and keep keys apart for IAM, where case does not count."""
    most = TAGS - len(OWN_TAGS)
    if len(value) > most:
        raise ValueError(f"{len(value)} tags are more than allowed (at most {most}: AWS's {TAGS} less our own)")
    seen: dict[str, str] = {}
    for key in value:
        twin = seen.setdefault(key.lower(), key)
        if twin != key:
            raise ValueError(f"'{twin}' and '{key}' are one key to IAM, which ignores case; keep one of them")
    return value


def argument(value: str) -> str:
    """Hold text that becomes an argument of a job's container to what SageMaker and a command line can carry."""
    if not value.strip():
        raise ValueError("is empty; name it")
    if len(value) > ARGUMENT_LENGTH:
        raise ValueError(
            f"has {len(value)} characters, more than SageMaker allows in a container argument "
            f"(at most {ARGUMENT_LENGTH}); rename it in the data"
        )
    if _LINE_END.search(value):
        raise ValueError("holds a line break, which SageMaker refuses in a container argument; rename it in the data")
    if value.startswith("-") and _NUMBER.fullmatch(value) is None:
        raise ValueError(f"'{value}' starts with a hyphen, which reads as an option of the job; rename it in the data")
    return value


def scalar_text(value: object) -> object:
    """Take a class written as a number or truth value (`positive_label: 1`) for the text that the job compares."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def source(value: str) -> str:
    """Hold the data's place to an S3 URI or the relative path of a CSV or Parquet file of the project."""
    if "://" in value:
        if _S3_URI.fullmatch(value) is None:
            raise ValueError(f"'{value}' is not an S3 URI; write s3://bucket/prefix/ or a file of the project")
        if len(value) > _S3_URI_LENGTH:
            raise ValueError(f"has {len(value)} characters, more than SageMaker allows (at most {_S3_URI_LENGTH})")
        return value
    inside(value)
    if any(part.startswith(("_", ".")) for part in PurePosixPath(value).parts):
        raise ValueError(f"'{value}' starts with _ or ., which jobs pass over as another tool's own; rename it")
    if PurePosixPath(value).suffix.lower() not in _DATA_FILES:
        raise ValueError(f"'{value}' is neither a .csv nor a .parquet file, nor an S3 URI such as s3://bucket/prefix/")
    return value


def s3_place(uri: str) -> tuple[str, str] | None:
    """Split an S3 URI into bucket and prefix; None for a file of the project."""
    parts = _S3_URI.fullmatch(uri)
    return None if parts is None else (parts["bucket"], parts["prefix"] or "")


def inside(value: str) -> str:
    """Hold a path to the project's folder: what lies outside is not in its repository."""
    path = PurePosixPath(value)
    if not value.strip() or path.is_absolute() or ".." in path.parts or "\\" in value or value.startswith("~"):
        raise ValueError(f"'{value}' is not a path inside the project; write it relative to the project file, with /")
    return value


def package(value: str) -> str:
    """Hold the code's folder to a name that can be imported beside everything else in the job."""
    folder = PurePosixPath(inside(value)).name
    if not folder.isidentifier() or keyword.iskeyword(folder):
        raise ValueError(
            f"'{folder or value}' cannot be imported; name the folder like a Python package, such as src/churn"
        )
    if folder in _TAKEN_PACKAGES or folder in sys.stdlib_module_names:
        raise ValueError(f"'{folder}' would hide the module of that name in the job; give the folder another name")
    return value


def training_instance(value: str) -> str:
    """Hold the jobs' instance type to what SageMaker has for training and processing alike."""
    return _instance(value, "training")


def serving_instance(value: str) -> str:
    """Hold the endpoint's instance type to what SageMaker has for endpoints."""
    return _instance(value, "serving")


def _instance(value: str, use: instance_types.Use) -> str:
    message = instance_types.fault(value, use)
    if message is not None:
        raise ValueError(message)
    return value


def hyperparameter_key(value: str) -> str:
    """Hold a hyperparameter's name to what SageMaker takes."""
    if not value or len(value) > HYPERPARAMETER_KEY_LENGTH or _LINE_END.search(value):
        raise ValueError(
            f"a hyperparameter's name has 1 to {HYPERPARAMETER_KEY_LENGTH} characters on one line; rename it"
        )
    return value


def hyperparameter_text(value: Any) -> str:
    """Write a hyperparameter as SageMaker carries it: JSON in a string of one line, hence in ASCII."""
    return json.dumps(value, allow_nan=False)


def hyperparameter(value: Any) -> Any:
    """Hold a hyperparameter to what JSON can say, within SageMaker's length."""
    try:
        size = len(hyperparameter_text(value))
    except ValueError as error:
        raise ValueError("holds .nan or .inf, which JSON cannot carry; write a number or null") from error
    if size > HYPERPARAMETER_VALUE_LENGTH:
        raise ValueError(
            f"takes {size} characters as JSON, more than SageMaker allows (at most {HYPERPARAMETER_VALUE_LENGTH}); "
            "keep long values in the package"
        )
    return value


def hyperparameters(value: dict[str, Any]) -> dict[str, Any]:
    """Hold the number of hyperparameters to what one training job takes."""
    if len(value) > HYPERPARAMETERS:
        raise ValueError(
            f"{len(value)} hyperparameters are more than SageMaker allows (at most {HYPERPARAMETERS}); "
            "keep constants in the package"
        )
    return value
