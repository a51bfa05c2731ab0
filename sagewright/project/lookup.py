"""How an endpoint answers a request that holds ids alone, where the record or the store is not there."""

from typing import Literal

from pydantic import Field

from sagewright.project.section import Section

Instead = Literal["empty", "refuse"]


class Lookup(Section):
    """What the endpoint does for rows that are sent by their ids; only for a project with `data.join`."""

    time_limit_ms: int = Field(
        500,
        ge=10,
        le=30_000,
        description="How long the feature store may take for all rows of a request together, repetitions included, in "
        "milliseconds. What is not there by then is `unavailable`. SageMaker gives up a request after 60 seconds.",
    )
    missing: Instead = Field(
        "empty",
        description="What an id without a record means. `empty` leaves the group's features without a value, as the "
        "training did; `refuse` answers 404, naming row and id.",
    )
    unavailable: Instead = Field(
        "refuse",
        description="What happens when the feature store does not answer in time. `refuse` answers 503, naming the "
        "group; `empty` predicts from what there is, as if there were no record.",
    )
