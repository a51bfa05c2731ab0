"""Why: who may call a function is told by the function's own policy, which is made one statement at a time."""

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends

from ..iam.policy_checks import unknown_principals
from ..protocol import ApiError, Caller
from .definition import FUNCTION_ARN, find, place_of

_PRINCIPAL = re.compile(r"\*|\d{12}|arn:aws:(iam|sts)::\d{12}:.+|[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com")
_ACTION = re.compile(r"lambda:[*a-zA-Z]+|\*")
_ABSENT = ("EventSourceToken", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "PrincipalOrgID")
_STATEMENT = ("Sid", "Effect", "Principal", "Action", "Resource", "Condition")


def add_permission(params: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Add a statement; refuse a principal that nobody can be, and a statement's id that is taken."""
    arn = place_of(params["FunctionName"], caller)
    function = find(arn)
    for member in (*_ABSENT, "Qualifier"):
        if member in params:
            raise ApiError("UnsupportedOperation", f"The sandbox's Lambda does not have {member} of permissions.", 501)
    principal, statement = params["Principal"], params["StatementId"]
    if not _PRINCIPAL.fullmatch(principal) or unknown_principals(
        {"Statement": [{"Principal": {"AWS": [principal] if principal.startswith("arn:") else []}}]}
    ):
        problem = "The provided principal was invalid. Please check the principal and try again."
        raise ApiError("InvalidParameterValueException", problem)
    if not _ACTION.fullmatch(params["Action"]):
        raise ApiError("ValidationException", f"{params['Action']} is no action of Lambda.")
    kept: Any = lambda_backends[function.account][function.region].get_function(function.name)
    if any(each.get("Sid") == statement for each in kept.policy.statements):
        problem = (
            f"The statement id ({statement}) provided already exists. Please provide a new statement id, or remove the"
            " existing statement."
        )
        raise ApiError("ResourceConflictException", problem, 409)
    given = {name: value for name, value in params.items() if name != "FunctionName"}
    added, _ = kept.policy.add_statement(json.dumps(given))
    return {"Statement": json.dumps(added)}


def policy_of(arn: str) -> str | None:
    """Return the policy of a function, for whoever decides about access."""
    match = FUNCTION_ARN.fullmatch(arn)
    if match is None:
        return None
    try:
        kept: Any = lambda_backends[match["account"]][match["region"]].get_function(match["name"])
    except LambdaClientError:
        return None
    return json.dumps({"Version": "2012-10-17", "Statement": [_readable(each) for each in kept.policy.statements]})


def _readable(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return a statement with a principal in IAM's form; moto leaves an account as it was given."""
    kept = {name: statement[name] for name in _STATEMENT if name in statement}
    principal = kept.get("Principal")
    if isinstance(principal, str) and principal != "*":
        kept["Principal"] = {"AWS": principal}
    return kept
