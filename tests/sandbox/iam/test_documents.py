"""Why: a policy that AWS refuses must not be stored here, and one that it accepts must be read."""

import json
from typing import Any

import pytest

from sagewright.sandbox.iam.documents import Kind, PolicyError, parse

_READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
_TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}


def _document(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _without(element: str) -> dict[str, Any]:
    return {key: value for key, value in _READ.items() if key != element}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Syntax errors in policy."),
        ("[]", "Syntax errors in policy."),
        ({"Version": "2012-10-17"}, "Missing required field Statement"),
        ({"Version": "2024-01-01", "Statement": []}, "The policy must contain a valid version string"),
        ({**_document(_READ), "Comment": "x"}, "Syntax errors in policy."),
        (_document({**_READ, "Comment": "x"}), "Syntax errors in policy."),
        (_document("x"), "Syntax errors in policy."),
        (_document(_without("Effect")), "Missing required field Effect"),
        (_document(_READ | {"Effect": "allow"}), "Invalid effect: allow"),
        (_document(_without("Action")), "Policy statement must contain actions."),
        (_document(_READ | {"Action": []}), "Policy statement must contain actions."),
        (_document(_READ | {"NotAction": "s3:PutObject"}), "Syntax errors in policy."),
        (_document(_READ | {"Action": "GetObject"}), "Actions/Conditions must be prefaced by a vendor"),
        (_document(_READ | {"Action": "*:GetObject"}), "Actions/Conditions must be prefaced by a vendor"),
        (_document(_without("Resource")), "Policy statement must contain resources."),
        (_document(_READ | {"Resource": "data/*"}), 'Resource data/* must be in ARN format or "*".'),
        (
            _document({**_READ, "Sid": "a"}, {**_READ, "Sid": "a"}),
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (_document(_READ | {"Condition": {"StringIs": {"a:b": "c"}}}), "Invalid Condition type : StringIs."),
        (_document(_READ | {"Condition": {"NullIfExists": {"a:b": "true"}}}), "Invalid Condition type : NullIfExists."),
        (_document(_READ | {"Condition": {"StringEquals": "c"}}), "Syntax errors in policy."),
        (_document(_READ | {"Condition": {"StringEquals": {"a:b": {"c": 1}}}}), "Syntax errors in policy."),
    ],
)
def test_what_is_no_policy_is_refused_in_the_words_of_iam(document: Any, message: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        parse(document, "p")
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::111111111111:role/*"},
        {"AWS": "arn:aws:sts::111111111111:assumed-role/training/*"},
        {"AWS": "arn:aws:iam::111111111111:group/team"},
        {"AWS": "1234"},
        {"AWS": 111111111111},
        {"Service": "*"},
        {"Service": "sagemaker"},
        {"Somebody": "x"},
        {},
        "arn:aws:iam::111111111111:root",
    ],
)
def test_a_principal_that_can_be_nobody_is_refused(principal: Any) -> None:
    with pytest.raises(PolicyError, match="Invalid principal in policy"):
        parse(_document(_READ | {"Principal": principal}), "p")


def test_a_canonical_user_is_refused_by_name() -> None:
    with pytest.raises(PolicyError, match="the sandbox knows no canonical users"):
        parse(_document(_READ | {"Principal": {"CanonicalUser": "abc"}}), "p")


@pytest.mark.parametrize(
    ("kind", "statement", "message"),
    [
        ("identity", _READ | {"Principal": "*"}, "Policy document should not specify a principal."),
        ("resource", _READ, "Missing required field Principal"),
        ("resource", {k: v for k, v in _READ.items() if k != "Resource"} | {"Principal": "*"}, "Policy statement must"),
        ("trust", _TRUST | {"Resource": "*"}, "Has prohibited field Resource"),
        ("trust", {k: v for k, v in _TRUST.items() if k != "Principal"}, "Missing required field Principal"),
        ("resource", {"NotPrincipal": {"AWS": "111111111111"}, **_READ}, "Allow with NotPrincipal is not allowed."),
        (
            "trust",
            {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "111111111111"}},
            "AssumeRolepolicy contained NotPrincipal.",
        ),
    ],
)
def test_each_kind_of_policy_has_its_own_elements(kind: Kind, statement: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        parse(_document(statement), "p", kind)
    assert str(refusal.value).startswith(message)


def test_a_single_statement_and_plain_numbers_and_booleans_are_read() -> None:
    condition = {"Bool": {"aws:SecureTransport": True}, "NumericLessThan": {"s3:max-keys": 10}}
    document = {"Version": "2012-10-17", "Id": "x", "Statement": _READ | {"Condition": condition}}
    policy = parse(json.dumps(document), "p", "identity")
    context = {"aws:securetransport": "true", "s3:max-keys": "9"}
    (statement,) = policy.statements
    assert statement.covers("s3:getobject", "arn:aws:s3:::data/x", context)
    assert not statement.covers("s3:getobject", "arn:aws:s3:::data/x", context | {"s3:max-keys": "10"})


def test_a_number_may_be_a_sid() -> None:
    policy = parse(_document({**_READ, "Sid": "2"}, _READ), "p")
    assert [statement.sid for statement in policy.statements] == ["2", "2"]
