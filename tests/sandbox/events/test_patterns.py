"""A pattern looks into lists of objects, as EventBridge's does."""

from typing import Any

import pytest

from sagewright.sandbox.events.patterns import matches

EVENT: dict[str, Any] = {
    "detail": {
        "state": "Completed",
        "names": ["a", "b"],
        "outputs": [{"to": {"uri": "s3://one/x"}, "size": 1}, {"to": {"uri": "s3://two/y"}, "size": 2}],
    }
}


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"outputs": {"to": {"uri": [{"prefix": "s3://two/"}]}}}, True),
        ({"outputs": {"to": {"uri": [{"prefix": "s3://three/"}]}}}, False),
        ({"outputs": {"to": {"uri": ["s3://one/x"]}, "size": [1]}}, True),
        ({"outputs": {"to": {"uri": ["s3://one/x"]}, "size": [2]}}, False),
        ({"names": ["b", "c"]}, True),
        ({"state": [{"anything-but": "Completed"}]}, False),
        ({"absent": {"below": [{"exists": False}]}}, True),
        ({"absent": ["x"]}, False),
        ({"$or": [{"state": ["Failed"]}, {"names": ["a"]}]}, True),
    ],
)
def test_all_that_is_asked_of_a_list_holds_of_one_of_its_elements(detail: dict[str, Any], *, expected: bool) -> None:
    assert matches({"detail": detail}, EVENT) is expected
