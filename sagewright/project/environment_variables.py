"""Variables of a container's environment, held to what SageMaker's API takes for a training job and for a model.

The names and lengths are those of TrainingEnvironmentMap and EnvironmentMap:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, Field

_KEY = "[a-zA-Z_][a-zA-Z0-9_]*"
_MOST = 100
_TRAINING_LENGTH = 512
_SERVING_BYTES = 1024
_SERVING_BYTES_TOGETHER = 32 * 1024
# The managed image reads these. Two of them a release sets itself, which count among the hundred.
_OF_THE_IMAGE = "SAGEMAKER_"
IMAGE_VARIABLES = 2
# A release tells an endpoint by these what it looks up, at most so many of them.
_OF_LOOKUPS = ("FEATURE_STORE_", "FEATURE_GROUP_", "FEATURE_LOOKUP_")
LOOKUP_VARIABLES = 5


def _key(value: str) -> str:
    if re.fullmatch(_KEY, value) is None:
        raise ValueError(
            f"'{value}' cannot name an environment variable; use letters, digits and _, and no digit at the start"
        )
    return value


def _held(value: str, length: int, what: str) -> str:
    if len(value.encode()) > length:
        raise ValueError(
            f"has {len(value.encode())} bytes, more than SageMaker allows {what} (at most {length}); shorten it"
        )
    return value


def _training_key(value: str) -> str:
    return _held(_key(value), _TRAINING_LENGTH, "in a training job's variable")


def _training_value(value: str) -> str:
    return _held(value, _TRAINING_LENGTH, "in a training job's variable")


def _serving_key(value: str) -> str:
    if value.upper().startswith(_OF_THE_IMAGE):
        raise ValueError(
            f"'{value}' belongs to the managed image, which finds its program by such; choose another name"
        )
    return _held(_key(value), _SERVING_BYTES, "in a model's variable")


def _serving_value(value: str) -> str:
    return _held(value, _SERVING_BYTES, "in a model's variable")


def _training(value: dict[str, str]) -> dict[str, str]:
    return _few(value, _MOST)


def _serving(value: dict[str, str]) -> dict[str, str]:
    size = sum(len(key.encode()) + len(text.encode()) for key, text in value.items())
    if size > _SERVING_BYTES_TOGETHER:
        raise ValueError(
            f"has {size} bytes altogether, more than SageMaker allows in a model (at most {_SERVING_BYTES_TOGETHER}); "
            "keep long values in the package"
        )
    return _few(value, _MOST - IMAGE_VARIABLES)


def beside_lookups(value: dict[str, str]) -> Iterator[str]:
    """Say what an endpoint that looks up features cannot be given beside what it is told of them."""
    for key in value:
        if key.startswith(_OF_LOOKUPS):
            yield f"'{key}' would be overwritten by what the endpoint is told of the feature store; choose another name"
    most = _MOST - IMAGE_VARIABLES - LOOKUP_VARIABLES
    if len(value) > most:
        yield f"{len(value)} variables are more than SageMaker leaves room for beside data.join (at most {most})"


def _few(value: dict[str, str], most: int) -> dict[str, str]:
    if len(value) > most:
        raise ValueError(f"{len(value)} variables are more than SageMaker leaves room for (at most {most})")
    return value


TrainingEnvironment = Annotated[
    dict[Annotated[str, AfterValidator(_training_key)], Annotated[str, AfterValidator(_training_value)]],
    AfterValidator(_training),
    Field(
        json_schema_extra={
            "maxProperties": _MOST,
            "propertyNames": {"pattern": f"^{_KEY}$", "maxLength": _TRAINING_LENGTH},
            "additionalProperties": {"type": "string", "maxLength": _TRAINING_LENGTH},
        }
    ),
]
ServingEnvironment = Annotated[
    dict[Annotated[str, AfterValidator(_serving_key)], Annotated[str, AfterValidator(_serving_value)]],
    AfterValidator(_serving),
    Field(
        json_schema_extra={
            "maxProperties": _MOST - IMAGE_VARIABLES,
            "propertyNames": {
                "pattern": f"^{_KEY}$",
                "maxLength": _SERVING_BYTES,
                "not": {"pattern": "^[Ss][Aa][Gg][Ee][Mm][Aa][Kk][Ee][Rr]_"},
            },
            "additionalProperties": {"type": "string", "maxLength": _SERVING_BYTES},
        }
    ),
]
