"""How labelled rows get the features that were known at their time: what is joined, by which key, from how far back."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sagewright.project import fields
from sagewright.project.feature_fields import group_name
from sagewright.project.section import Section

KnownBy = Literal["event_time", "api_invocation_time"]


class Join(Section):
    """One group whose features every row gets, as they were at the row's event time."""

    group: Annotated[str, AfterValidator(group_name)] = Field(
        description="A group of `features`, with an offline store.", examples=["weather"]
    )
    on: Annotated[str, AfterValidator(fields.argument)] | None = Field(
        None,
        description="What names the group's record: a column of the labelled rows, or a feature of a group before. "
        "Left out, it is called like the group's `record_id`.",
        examples=["origin"],
    )
    features: list[str] | None = Field(
        None,
        min_length=1,
        description="Which features. Left out, all but record id and event time.",
        examples=[["wind", "visibility"]],
    )
    look_back_hours: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="How old a record may be, by its event time. What is as old or older counts as missing. Left out, "
        "a record holds until the next one.",
        examples=[24],
    )
