"""Why: a denial must say who, what, on which resource, and which policy was missing or denied."""

from typing import Any

import pytest

from sagewright.sandbox.iam.decision import Access, Decision, Layer, Policies, Reason, decide
from sagewright.sandbox.iam.documents import Policy, parse
from sagewright.sandbox.iam.principal import Principal

_ACCOUNT = "111111111111"
_USER = Principal(
    kind="user", arn=f"arn:aws:iam::{_ACCOUNT}:user/ana", account=_ACCOUNT, user_id="AIDAANAANAANAANAANAA"
)
_ROLE_ARN = f"arn:aws:iam::{_ACCOUNT}:role/service/training"
_ROLE = Principal(
    kind="assumed-role",
    arn=f"arn:aws:sts::{_ACCOUNT}:assumed-role/training/job",
    account=_ACCOUNT,
    role_arn=_ROLE_ARN,
    user_id="AROATRAININGTRAINING:job",
)
_STRANGER = Principal(kind="user", arn="arn:aws:iam::222222222222:user/cleo", account="222222222222")
_OBJECT = "arn:aws:s3:::data/in/rows.csv"


def _policy(name: str, *statements: dict[str, Any]) -> Policy:
    return parse({"Version": "2012-10-17", "Statement": list(statements)}, name)


def _allow(action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def _deny(action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return _allow(action, resource, **more) | {"Effect": "Deny"}


def _read(principal: Principal = _USER, resource: str = _OBJECT, **context: Any) -> Access:
    return Access(principal, "s3:GetObject", resource, _ACCOUNT, context)


def _message(access: Access, policies: Policies) -> str:
    decision = decide(access, policies)
    assert not decision.allowed
    return decision.message(access)


def test_without_a_policy_the_message_is_that_of_aws() -> None:
    assert _message(_read(), Policies()) == (
        f"User: arn:aws:iam::{_ACCOUNT}:user/ana is not authorized to perform: s3:GetObject on resource: {_OBJECT} "
        "because no identity-based policy allows the s3:GetObject action"
    )


def test_an_explicit_deny_names_policy_and_statement() -> None:
    bucket = _policy("bucket policy of data", _deny(Sid="DenyPlainHttp", Principal="*"))
    access = _read(_ROLE)
    decision = decide(access, Policies(identity=(_policy("p", _allow()),), resource=bucket))
    assert (decision.reason, decision.layer, decision.policy, decision.sid) == (
        Reason.EXPLICIT_DENY,
        Layer.RESOURCE,
        "bucket policy of data",
        "DenyPlainHttp",
    )
    assert decision.message(access) == (
        f"User: arn:aws:sts::{_ACCOUNT}:assumed-role/training/job is not authorized to perform: s3:GetObject "
        f"on resource: {_OBJECT} with an explicit deny in a resource-based policy "
        "(bucket policy of data, statement DenyPlainHttp)"
    )


def test_a_statement_without_sid_is_named_by_its_place() -> None:
    policy = _policy('inline policy "x" of role training', _allow(), _deny())
    message = _message(_read(_ROLE), Policies(identity=(policy,)))
    assert message.endswith(
        'with an explicit deny in an identity-based policy (inline policy "x" of role training, statement 2)'
    )


@pytest.mark.parametrize(
    ("policies", "reason", "words"),
    [
        (Policies(boundary=_policy("b", _deny())), Reason.EXPLICIT_DENY, "an explicit deny in a permissions boundary"),
        (Policies(session=(_policy("s", _deny()),)), Reason.EXPLICIT_DENY, "an explicit deny in a session policy"),
        (
            Policies(identity=(_policy("i", _allow()),), boundary=_policy("b", _allow("kms:*"))),
            Reason.NO_BOUNDARY,
            "because no permissions boundary allows the s3:GetObject action (b)",
        ),
        (
            Policies(
                identity=(_policy("i", _allow()),), session=(_policy("s", _allow("kms:*")), _policy("t", _deny("a:b")))
            ),
            Reason.NO_SESSION,
            "because no session policy allows the s3:GetObject action (s, t)",
        ),
        (
            Policies(identity=(_policy("i", _allow()),), session=()),
            Reason.NO_SESSION,
            "because no session policy allows the s3:GetObject action",
        ),
    ],
)
def test_a_limiting_policy_is_named(policies: Policies, reason: Reason, words: str) -> None:
    assert decide(_read(_ROLE), policies).reason is reason
    assert words in _message(_read(_ROLE), policies)


def test_across_accounts_each_missing_side_is_told() -> None:
    both = Policies(identity=(_policy("i", _allow()),))
    assert decide(_read(_STRANGER), both).reason is Reason.NO_RESOURCE_BASED
    named = _policy("bucket policy of data", _allow(Principal={"AWS": "222222222222"}))
    assert decide(_read(_STRANGER), Policies(resource=named)).reason is Reason.NO_IDENTITY_BASED
    other = _policy("bucket policy of data", _allow(Principal={"AWS": _ACCOUNT}))
    assert _message(_read(_STRANGER), Policies(identity=both.identity, resource=other)).endswith(
        "because no resource-based policy allows the s3:GetObject action (bucket policy of data)"
    )


def test_a_key_policy_that_does_not_know_the_caller_is_the_reason() -> None:
    key = f"arn:aws:kms:eu-west-1:{_ACCOUNT}:key/k"
    access = Access(_ROLE, "kms:Decrypt", key, _ACCOUNT)
    policy = _policy("key policy of k", _allow("kms:*", Principal={"AWS": _USER.arn}))
    message = _message(access, Policies((_policy("i", _allow("*")),), resource=policy, rule="key"))
    assert message.endswith("because no resource-based policy allows the kms:Decrypt action (key policy of k)")


def test_a_trust_policy_that_does_not_know_the_service_is_the_reason() -> None:
    service = Principal(kind="service", arn="sagemaker.amazonaws.com", account="")
    access = Access(service, "sts:AssumeRole", _ROLE_ARN, _ACCOUNT)
    trusting = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    message = _message(access, Policies(resource=_policy("trust policy of training", trusting), rule="trust"))
    assert message == (
        f"User: sagemaker.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: {_ROLE_ARN} "
        "because no role trust policy allows the sts:AssumeRole action (trust policy of training)"
    )


def test_who_did_not_sign_is_called_anonymous() -> None:
    anonymous = Principal(kind="anonymous", arn="*", account="")
    assert _message(_read(anonymous), Policies()).startswith("User: anonymous is not authorized")


def test_every_matching_allow_is_told() -> None:
    identity = _policy("i", _allow(Sid="Read"), _allow("s3:PutObject", Sid="Write"), _allow("*"))
    bucket = _policy("bucket policy of data", _allow(Sid="Team", Principal={"AWS": _ACCOUNT}))
    decision = decide(_read(), Policies(identity=(identity,), boundary=_policy("b", _allow()), resource=bucket))
    assert decision == Decision(
        allowed=True,
        reason=Reason.ALLOWED,
        matched=(("i", "Read"), ("i", "3"), ("b", "1"), ("bucket policy of data", "Team")),
    )


@pytest.mark.parametrize(
    ("principal", "named", "allowed"),
    [
        (_ROLE, _ROLE_ARN, True),
        (_ROLE, f"arn:aws:iam::{_ACCOUNT}:role/training", False),
        (_ROLE, "AROATRAININGTRAINING", True),
        (_ROLE, "AROAANOTHERANOTHER", False),
        (_USER, "AIDAANAANAANAANAANAA", True),
    ],
)
def test_a_role_is_known_by_its_full_arn_or_its_unique_id(principal: Principal, named: str, allowed: bool) -> None:  # noqa: FBT001 a column of the table
    bucket = _policy("bucket policy of data", _allow(Principal={"AWS": named}))
    assert decide(_read(principal), Policies(resource=bucket)).allowed is allowed


def test_wildcards_in_a_request_or_a_tag_are_plain_characters() -> None:
    one = Policies(identity=(_policy("i", _allow(resource="arn:aws:s3:::data/in/a")),))
    assert not decide(_read(resource="arn:aws:s3:::data/in/*"), one).allowed
    tagged = Principal(kind="user", arn=_USER.arn, account=_ACCOUNT, tags={"Team": "a*"})
    own = Policies(identity=(_policy("i", _allow(resource="arn:aws:s3:::data/${aws:PrincipalTag/team}")),))
    assert decide(_read(tagged, "arn:aws:s3:::data/a*"), own).allowed
    assert not decide(_read(tagged, "arn:aws:s3:::data/ab"), own).allowed


def test_an_encryption_context_is_a_key_with_colons() -> None:
    wanted = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::data*"}}
    policies = Policies(identity=(_policy("i", _allow(Condition=wanted)),))
    assert decide(_read(**{"kms:EncryptionContext:aws:s3:arn": _OBJECT}), policies).allowed
    assert not decide(_read(**{"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"}), policies).allowed


def test_a_caller_cannot_claim_to_be_another_principal() -> None:
    policies = Policies(identity=(_policy("i", _allow(Condition={"StringEquals": {"aws:username": "ben"}})),))
    assert not decide(_read(**{"AWS:UserName": "ben"}), policies).allowed


@pytest.mark.parametrize("values", [("a", "b"), ("a",)])
def test_a_multivalued_key_without_set_operator_is_judged_against_the_caller(values: tuple[str, ...]) -> None:
    asked = {"StringEquals": {"aws:TagKeys": ["a", "b"]}}
    access = _read(**{"aws:TagKeys": values})
    assert not decide(access, Policies(identity=(_policy("i", _allow(Condition=asked)),))).allowed
    denying = Policies(identity=(_policy("i", _allow(), _deny(Condition={"StringNotEquals": asked["StringEquals"]})),))
    assert not decide(access, denying).allowed
