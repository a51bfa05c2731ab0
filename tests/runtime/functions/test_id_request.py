"""A release whose endpoint cannot read the feature store is refused, though it answers rows with all their features."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.runtime.functions import id_request
from sagewright.runtime.functions.evidence import HeldOut
from sagewright.runtime.functions.refusal import Refused

LOOKUPS = [
    {"on": "customer", "features": [{"name": "town", "type": "string"}]},
    {"on": "town", "features": [{"name": "people", "type": "integral"}]},
]
HELD_OUT = HeldOut([{"age": "30", "plan": "", "town": "Ulm", "people": "5"}], ["c7"], ["Yes"])


class Runtime:
    """An endpoint that answers every request with one status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked: Any = None

    def invoke_endpoint(self, *, Body: bytes, **_: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        self.asked = json.loads(Body)
        if self.status == 200:
            return {}
        told: Any = {"Error": {"Code": "ModelError", "Message": "m"}, "OriginalStatusCode": self.status}
        raise ClientError(told | {"OriginalMessage": '{"error": "group g was not read"}'}, "InvokeEndpoint")


def test_a_held_out_row_is_asked_for_by_its_ids() -> None:
    assert id_request.row({"lookups": LOOKUPS}, HELD_OUT) == {"age": "30", "plan": None, "customer": "c7"}
    assert id_request.row({"columns": []}, HELD_OUT) is None


@pytest.mark.parametrize("status", [200, 404, 501])
def test_an_endpoint_that_looks_up_is_right_whether_or_not_there_is_a_record(status: int) -> None:
    runtime = Runtime(status)
    id_request.require_answer(runtime, "e", {"customer": "c7"})
    assert runtime.asked == {"instances": [{"customer": "c7"}]}


@pytest.mark.parametrize("status", [400, 500, 502, 503])
def test_an_endpoint_that_cannot_look_up_is_refused_in_its_own_words(status: int) -> None:
    with pytest.raises(Refused, match=r"Endpoint e .* not one by its ids \(customer\): .*group g was not read"):
        id_request.require_answer(Runtime(status), "e", {"customer": "c7"})
