"""The checks of single values of a feature group, each with SageMaker's own limit or pattern.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureParameter.html
"""

import re
import unicodedata

from sagewright.project import fields
from sagewright.project.messages import shown

GROUP = r"(?!v\d+$)[a-z][a-z0-9]{0,29}"
FEATURE = r"[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}"
USE = r"(?P<project>[a-z][a-z0-9]*(-[a-z0-9]+)*)/(?P<group>[a-z][a-z0-9]{0,29})@(?P<version>[1-9]\d{0,3})"
FEATURES = 2500
# SageMaker writes these beside every row of the offline store.
RESERVED = ("is_deleted", "write_time", "api_invocation_time")
# The table of a group in Glue's format is partitioned by these, and no column of it can be called like a partition.
PARTITIONS = ("year", "month", "day", "hour")
NAME_LENGTH = 64
FEATURE_TEXT = 255
# Letters, digits and separators of any script, as the API's pattern has them.
UNIT_MARKS = frozenset("_.:/=+-")


def group_name(value: str) -> str:
    """Hold a group's name to one word that no version can be taken for."""
    if re.fullmatch(GROUP, value) is None:
        raise ValueError(
            f"'{value}' cannot name a feature group; use up to 30 lower-case letters and digits, starting with a "
            "letter and not like a version (v1), such as weather"
        )
    return value


def feature_name(value: str) -> str:
    """Hold a feature's name to what SageMaker takes."""
    if re.fullmatch(FEATURE, value) is None or len(value) > NAME_LENGTH:
        raise ValueError(
            f"{shown(value)} cannot name a feature; use up to {NAME_LENGTH} letters, digits, - and _, with a letter "
            "or digit first and last"
        )
    if value.lower() in RESERVED:
        raise ValueError(f"'{value}' is a column that SageMaker itself adds to every row; choose another name")
    return value


def feature_text(value: str) -> str:
    """Hold what is said of a feature to one line that SageMaker takes."""
    if len(value) > FEATURE_TEXT:
        raise ValueError(f"has {len(value)} characters, more than SageMaker allows (at most {FEATURE_TEXT})")
    return fields.description(value)


def unit(value: str) -> str:
    """Hold a unit to what SageMaker takes as a parameter of a feature."""
    wrong = [mark for mark in value if mark not in UNIT_MARKS and unicodedata.category(mark)[0] not in "LNZ"]
    if wrong or not 0 < len(value) <= FEATURE_TEXT:
        raise ValueError(
            f"{shown(value)} is not what SageMaker takes as a parameter; use up to {FEATURE_TEXT} letters, digits, "
            "spaces and _ . : / = + -, such as percent or km/h"
        )
    return value


def use(value: str) -> str:
    """Hold the name of another project's group to project, group and version."""
    if re.fullmatch(USE, value) is None:
        raise ValueError(f"{shown(value)} names no group of another project; write one such as other-project/weather@2")
    return value


def function(value: str) -> str:
    """Hold the name of a transform to what can be called by it."""
    if not value.isidentifier() or value.startswith("_"):
        raise ValueError(f"{shown(value)} is not the name of a function of training.code's package; write its name")
    return value
