"""Why: a policy is read and checked once, so that judging a request against it costs next to nothing.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import conditions, grantees, matching

Kind = Literal["identity", "resource", "trust"]

_VERSIONS = ("2008-10-17", "2012-10-17")  # without one it is the first, which knows no variables
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)
_ACTION = re.compile(r"\*|[A-Za-z0-9-]+:\S+")


class PolicyError(Exception):
    """A text that is no policy, worded as IAM words it."""


@dataclass(frozen=True)
class Statement:
    """One statement, ready to be judged. Without a Sid of its own, `sid` is its place in the policy, from 1."""

    sid: str
    denies: bool
    grantees: grantees.Grantees | None
    names_exceptions: bool  # NotPrincipal
    actions: tuple[matching.Test, ...]
    other_actions: bool  # NotAction
    resources: tuple[matching.Test, ...]
    other_resources: bool  # NotResource
    conditions: tuple[conditions.Condition | conditions.Presence, ...]

    def covers(self, action: str, resource: str, context: matching.Context, *, anywhere: bool = False) -> bool:
        """Return whether the statement is about a request; the action and the context's keys are in lower case.

        Where the resource of a request is not known, `anywhere` lets a deny on any resource be about it.
        """
        return (
            any(test(action, context) for test in self.actions) is not self.other_actions
            and (
                (anywhere and self.denies)
                or any(test(resource, context) for test in self.resources) is not self.other_resources
            )
            and all(condition.holds(context) for condition in self.conditions)
        )


@dataclass(frozen=True)
class Policy:
    """A policy and the name under which a denial shows it: `inline policy "X" of role Y`, `bucket policy of B`."""

    name: str
    statements: tuple[Statement, ...]


def parse(document: str | Mapping[str, Any], name: str, kind: Kind | None = None) -> Policy:
    """Read a policy, or say in IAM's words why it is none.

    Leaving out `kind` accepts what any kind of policy may hold: for policies that were checked when they were stored.
    """
    content = _content(document)
    version = content.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise PolicyError("The policy must contain a valid version string")
    if "Statement" not in content:
        raise PolicyError("Missing required field Statement")
    listed = content["Statement"] if isinstance(content["Statement"], list) else [content["Statement"]]
    statements = tuple(
        _statement(statement, position, variables=version == _VERSIONS[1], kind=kind)
        for position, statement in enumerate(listed, 1)
    )
    sids = [str(statement["Sid"]) for statement in listed if statement.get("Sid")]
    if len(set(sids)) < len(sids):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    return Policy(name, statements)


def _content(document: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except json.JSONDecodeError as error:
            raise PolicyError("Syntax errors in policy.") from error
    if not isinstance(document, Mapping) or not document.keys() <= {"Version", "Id", "Statement"}:
        raise PolicyError("Syntax errors in policy.")
    return document


def _statement(content: Any, position: int, *, variables: bool, kind: Kind | None) -> Statement:
    if not isinstance(content, Mapping) or not content.keys() <= _ELEMENTS:
        raise PolicyError("Syntax errors in policy.")
    if "Effect" not in content:
        raise PolicyError("Missing required field Effect")
    effect = content["Effect"]
    if effect not in ("Allow", "Deny"):
        raise PolicyError(f"Invalid effect: {effect}")
    denies = effect == "Deny"
    named = _grantees(content, denies=denies, kind=kind)
    actions, other_actions = _either(content, "Action", "contain actions")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise PolicyError("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    tests, other_resources = _resources(content, denies=denies, variables=variables, kind=kind)
    try:
        tested = conditions.read(content.get("Condition", {}), variables=variables, denies=denies)
    except conditions.ConditionError as error:
        raise PolicyError(str(error)) from error
    return Statement(
        sid=str(content.get("Sid") or position),
        denies=denies,
        grantees=named,
        names_exceptions="NotPrincipal" in content,
        actions=tuple(matching.action(action) for action in actions),
        other_actions=other_actions,
        resources=tests,
        other_resources=other_resources,
        conditions=tested,
    )


def _grantees(content: Mapping[str, Any], *, denies: bool, kind: Kind | None) -> grantees.Grantees | None:
    given = [element for element in ("Principal", "NotPrincipal") if element in content]
    if kind == "identity" and given:
        raise PolicyError("Policy document should not specify a principal.")
    if kind in ("resource", "trust") and not given:
        raise PolicyError("Missing required field Principal")
    if not given:
        return None
    if len(given) > 1:
        raise PolicyError("Syntax errors in policy.")
    if given == ["NotPrincipal"] and (kind == "trust" or not denies):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        raise PolicyError(
            "AssumeRolepolicy contained NotPrincipal." if denies else "Allow with NotPrincipal is not allowed."
        )
    try:
        return grantees.read(content[given[0]])
    except grantees.GranteeError as error:
        raise PolicyError(str(error)) from error


def _resources(
    content: Mapping[str, Any], *, denies: bool, variables: bool, kind: Kind | None
) -> tuple[tuple[matching.Test, ...], bool]:
    for_principals = "Principal" in content or "NotPrincipal" in content
    has_resource = "Resource" in content or "NotResource" in content
    if kind == "trust" and has_resource:
        raise PolicyError("Has prohibited field Resource")
    if not has_resource and for_principals and kind != "resource":
        return (matching.always,), False  # a trust policy: it stands at its role
    texts, others = _either(content, "Resource", "contain resources")
    for text in texts:
        if text != "*" and not text.startswith("arn:"):
            raise PolicyError(f'Resource {text} must be in ARN format or "*".')
    return tuple(
        matching.resource(
            text,
            variables=variables,
            expand=not for_principals or "*" in text or "?" in text,
            grants=denies is others,
        )
        for text in texts
    ), others


def _either(content: Mapping[str, Any], element: str, must: str) -> tuple[Sequence[str], bool]:
    """Return the texts of an element or of its opposite, and whether it was the opposite."""
    given = [name for name in (element, f"Not{element}") if name in content]
    if len(given) > 1:
        raise PolicyError("Syntax errors in policy.")
    texts = content[given[0]] if given else []
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise PolicyError("Syntax errors in policy.")
    if not texts:
        raise PolicyError(f"Policy statement must {must}.")
    return texts, given != [element]
