"""Proves that an endpoint reaches the feature store: a row by its ids alone, which nothing else of a verification asks.

What is answered is not compared: the store knows the newest features, and the evaluation those of the row's own time.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from .client import Client
from .evidence import HeldOut
from .refusal import Refused

JSON = "application/json"
# There is no such record; or the release was made for a project that joins nothing any more, and says so.
_ALSO_RIGHT = {HTTPStatus.NOT_FOUND, HTTPStatus.NOT_IMPLEMENTED}


def row(schema: Mapping[str, Any], held_out: HeldOut) -> dict[str, Any] | None:
    """Take the features out of a held-out row and put its id in; None for a model that looks nothing up."""
    lookups = schema.get("lookups")
    if not lookups or not held_out.rows:
        return None
    looked_up = {feature["name"] for lookup in lookups for feature in lookup["features"]}
    kept: dict[str, Any] = {name: text for name, text in held_out.rows[0].items() if name not in looked_up}
    for lookup in lookups:
        # The record id is no column of the model's, and kept beside the rows.
        if lookup["on"] not in looked_up:
            kept.setdefault(lookup["on"], held_out.records[0])
    return {name: text or None for name, text in kept.items()}


def require_answer(runtime: Client, endpoint: str, asked: Mapping[str, Any]) -> None:
    """Refuse an endpoint that cannot look a row up, in its own words."""
    body = json.dumps({"instances": [asked]}).encode()
    try:
        runtime.invoke_endpoint(EndpointName=endpoint, Body=body, ContentType=JSON, Accept=JSON)
    except ClientError as error:
        response: Any = error.response
        if response.get("OriginalStatusCode") in _ALSO_RIGHT:
            return
        said = response.get("OriginalMessage") or response["Error"]["Message"]
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise Refused(
            f"Endpoint {endpoint} answers rows with all their features, and not one by its ids "
            f"({', '.join(asked)}): {' '.join(text.split())[:500]} See that the feature groups are there, and that the "
            "endpoint's role and network let it read them."
        ) from error
