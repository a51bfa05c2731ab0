"""Why: decisions on policies are believed as far as they agree with another implementation or with AWS itself."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sagewright.sandbox.iam.decision import Access, Policies, Reason, decide
from sagewright.sandbox.iam.documents import parse
from sagewright.sandbox.iam.principal import Principal

_FOLDER = Path(__file__).parent / "reference"
_RECORDED = json.loads((_FOLDER / "cases.json").read_text())
_DOCUMENTED = json.loads((_FOLDER / "documented.json").read_text())
_PRINCIPALS = {name: Principal(**fields) for name, fields in _RECORDED["principals"].items()}
_FEATURES = {
    *("actions", "resources", "variables", "tags", "principal keys", "missing keys", "if exists", "Null"),
    *("strings", "numbers", "dates", "booleans", "addresses", "ARNs", "set operators"),
    *("identity", "boundary", "session", "resource policy", "across accounts", "NotPrincipal"),
    *("key policy", "trust", "services", "anonymous", "PassRole"),
}


def _name(case: dict[str, Any]) -> str:
    return f"{case['feature']}: {case['name']}"


@pytest.mark.parametrize("case", _RECORDED["cases"], ids=_name)
def test_a_request_is_decided_as_the_reference_decides_it(case: dict[str, Any]) -> None:
    assert _decided(case) == case["expected"]


@pytest.mark.parametrize("case", _DOCUMENTED["cases"], ids=_name)
def test_a_request_is_decided_as_documented_where_the_reference_differs(case: dict[str, Any]) -> None:
    assert _decided(case) == case["expected"]
    assert case["recorded"] != case["expected"]
    assert case["source"].startswith("https://docs.aws.amazon.com/")


def test_the_table_covers_every_feature_from_both_sides() -> None:
    outcomes = Counter((case["feature"], case["expected"] == "Allowed") for case in _RECORDED["cases"])
    assert outcomes.total() >= 150
    assert {feature for feature, _ in outcomes} == _FEATURES
    assert all(outcomes[feature, allowed] for feature in _FEATURES for allowed in (True, False))


def _decided(case: dict[str, Any]) -> str:
    boundary, session, policy = (case.get(kind) for kind in ("boundary", "session", "policy"))
    policies = Policies(
        identity=tuple(parse(document, "identity policy", "identity") for document in case["identity"]),
        boundary=parse(boundary, "boundary", "identity") if boundary else None,
        session=(parse(session, "session policy", "identity"),) if session else None,
        resource=parse(policy, "its policy", "trust" if case.get("rule") == "trust" else "resource")
        if policy
        else None,
        rule=case.get("rule", "either"),
    )
    access = Access(
        principal=_PRINCIPALS[case["principal"]],
        action=case["action"],
        resource=case["resource"],
        account=case["account"],
        context=case.get("context", {}),
    )
    decision = decide(access, policies)
    if decision.allowed:
        return "Allowed"
    return "ExplicitlyDenied" if decision.reason is Reason.EXPLICIT_DENY else "ImplicitlyDenied"
