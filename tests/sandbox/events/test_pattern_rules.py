"""What EventBridge's compiler does not take is no rule's pattern."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.events.pattern_rules import pattern_problem

_TEXT = "match pattern must be a string"
_MIXED = "either all values are number or string"


@pytest.mark.parametrize(
    "values",
    [
        ["a", 1, 1.5, True, None],
        [{"prefix": "s3://a/"}, {"suffix": ".csv"}, {"prefix": {"equals-ignore-case": "A"}}],
        [{"equals-ignore-case": "a"}, {"exists": True}, {"exists": False}],
        [{"wildcard": "a*b\\*\\\\*"}, {"cidr": "10.0.0.0/24"}, {"cidr": "2001:db8::/32"}],
        [{"numeric": ["=", 1]}, {"numeric": ["<", -1.5]}, {"numeric": [">", 0, "<=", 5]}],
        [{"anything-but": "a"}, {"anything-but": 1}, {"anything-but": ["a", "b"]}, {"anything-but": [1, 2]}],
        [{"anything-but": {"prefix": "a"}}, {"anything-but": {"suffix": ["a", "b"]}}],
        [{"anything-but": {"wildcard": "a*"}}, {"anything-but": {"equals-ignore-case": ["a"]}}],
    ],
)
def test_what_eventbridge_documents_is_taken(values: list[Any]) -> None:
    both = {"$or": [{"a": values}, {"b": {"c": values}}]}
    assert pattern_problem(json.dumps({"detail": {"of": {"files": values}, **both}})) is None


@pytest.mark.parametrize(
    ("matcher", "problem"),
    [
        ({}, "Match expression name not found"),
        ({"prefix": "a", "suffix": "b"}, "Only one key allowed"),
        ({"perfix": "a"}, "Unrecognized match type perfix"),
        ({"prefix": 5}, f"prefix {_TEXT}"),
        ({"prefix": ["a"]}, f"prefix {_TEXT}"),
        ({"prefix": {"suffix": "a"}}, f"prefix {_TEXT}"),
        ({"prefix": {"equals-ignore-case": "a", "suffix": "a"}}, "Only one key allowed"),
        ({"suffix": None}, f"suffix {_TEXT}"),
        ({"equals-ignore-case": ["a"]}, f"equals-ignore-case {_TEXT}"),
        ({"wildcard": 1}, f"wildcard {_TEXT}"),
        ({"wildcard": "a**"}, "Consecutive wildcard characters at pos 1"),
        ({"wildcard": "a\\b"}, "Invalid escape character at pos 1"),
        ({"exists": "yes"}, "must be either true or false"),
        ({"exists": 1}, "must be either true or false"),
        ({"cidr": 10}, _TEXT),
        ({"cidr": "10.0.0.0"}, "one '/' required"),
        ({"cidr": "10.0.0.0/a"}, "mask bits must be an integer"),
        ({"cidr": "10.0.0/8"}, "Malformed CIDR"),
        ({"numeric": 1}, "must be an array"),
        ({"numeric": []}, "Invalid member in numeric match"),
        ({"numeric": [1]}, "Invalid member in numeric match: 1"),
        ({"numeric": ["~", 1]}, "Unrecognized numeric range operator: ~"),
        ({"numeric": ["="]}, "Value of equals must be numeric"),
        ({"numeric": [">", "1"]}, "Value of > must be numeric"),
        ({"numeric": [">", True]}, "Value of > must be numeric"),
        ({"numeric": ["<", 1, ">", 0]}, "Too many elements in numeric expression"),
        ({"numeric": [">", 1, "<"]}, "Value of < must be numeric"),
        ({"numeric": [">", 1, ">", 2]}, "Bad numeric range operator: >"),
        ({"numeric": [">", 1, 2]}, "Bad value in numeric range: 2"),
        ({"numeric": [">", 1, "<", 2, "<"]}, "Too many terms in numeric range"),
        ({"numeric": [">", 2, "<", 1]}, "Bottom must be less than top"),
        ({"numeric": ["=", 5000000001]}, "must be between"),
        ({"anything-but": []}, _MIXED),
        ({"anything-but": ["a", 1]}, _MIXED),
        ({"anything-but": [None]}, "null"),
        ({"anything-but": True}, "must be an array or single string/number value"),
        ({"anything-but": {}}, "name not found"),
        ({"anything-but": {"numeric": ["=", 1]}}, "Unsupported anything-but pattern: numeric"),
        ({"anything-but": {"prefix": ""}}, "Null prefix/suffix not allowed"),
        ({"anything-but": {"suffix": []}}, "Empty arrays are not allowed"),
        ({"anything-but": {"equals-ignore-case": 1}}, _TEXT),
        ({"anything-but": {"prefix": "a", "suffix": "b"}}, "Only one key allowed"),
    ],
)
def test_a_matcher_that_is_none_is_refused(matcher: dict[str, Any], problem: str) -> None:
    found = pattern_problem(json.dumps({"detail": {"$or": [{"a": ["x"]}, {"b": ["y", matcher]}]}}))
    assert found
    assert problem in found


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("no JSON", "Expecting value"),
        ('{"a": [NaN]}', "Non-standard token 'NaN'"),
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ('{"a": {}}', "Empty objects are not allowed"),
        ('{"a": []}', "Empty arrays are not allowed"),
        ('{"a": "b"}', '"a" must be an object or an array'),
        ('{"a": {"b": null}}', '"b" must be an object or an array'),
        ('{"a": ["b", ["c"]]}', "Match value must be String, number, true, false, or null"),
        ('{"$or": {"a": ["b"]}}', "It must be an Array"),
        ('{"$or": [{"a": ["b"]}]}', "at least 2 Objects"),
        ('{"$or": ["a", "b"]}', "Only JSON object is allowed"),
        ('{"$or": [{"a": ["b"]}, {"prefix": ["b"]}]}', "prefix is Ruler reserved"),
    ],
)
def test_a_pattern_of_another_shape_is_refused(pattern: str, problem: str) -> None:
    found = pattern_problem(pattern)
    assert found
    assert problem in found


def test_a_rule_whose_pattern_does_not_compile_is_not_put(bench: Any) -> None:
    client = bench.client("events")
    reason = "Event pattern is not valid. Reason: prefix match pattern must be a string"
    with pytest.raises(ClientError, match=reason) as refused:
        client.put_rule(Name=bench.name, EventPattern='{"source": [{"prefix": 5}]}')
    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"
    assert client.list_rules(NamePrefix=bench.name)["Rules"] == []
