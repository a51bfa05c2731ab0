"""What an endpoint is told that looks up the features of rows which it is sent by their ids."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from sagewright.project import Environment
from sagewright.stacks.place import Place

REGION, SUFFIX = "FEATURE_STORE_REGION", "FEATURE_GROUP_SUFFIX"
TIME_LIMIT = "FEATURE_LOOKUP_TIME_LIMIT_MS"
MISSING, UNAVAILABLE = "FEATURE_LOOKUP_MISSING", "FEATURE_LOOKUP_UNAVAILABLE"


@dataclass(frozen=True)
class LookupVariables:
    """Variables of the endpoint's container; without any, it reads no feature store and stays off the network."""

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, environment: Environment, first: Place) -> Self:
        """Tell where the groups are, and what to do where a record or the store is not there."""
        if not environment.data.join:
            return cls()
        stated = environment.serving.lookup
        # SageMaker tells a container its region under no name that is documented.
        told = {
            REGION: environment.region,
            TIME_LIMIT: str(stated.time_limit_ms),
            MISSING: stated.missing,
            UNAVAILABLE: stated.unavailable,
        }
        # Groups of the first environment have no suffix.
        return cls(told if environment.name == first.environment else {**told, SUFFIX: f"-{environment.name}"})

    def __bool__(self) -> bool:
        """Whether the endpoint looks anything up."""
        return bool(self.values)
