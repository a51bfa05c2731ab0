"""Why: IAM reads policies more strictly than other services: names, sizes and who may stand in a trust policy."""

import json
import re
from functools import cache
from typing import Any

import botocore.session

from ..resource import Context
from .api_call import as_text, call, refusal
from .policy_document import PolicyKind, listed, parsed_policy, statements

_DOCUMENT = PolicyKind("PutPolicy", "MalformedPolicyDocument", "Invalid principal in policy")
_STATEMENT_ID = re.compile("[0-9A-Za-z]*")
# What all inline policies of one identity may have together, white space aside.
_INLINE_CHARACTERS = {"role": 10_240, "user": 2_048, "group": 5_120}
_SERVICE_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal")
# Principals of services that botocore knows by another name, or no longer.
_OTHER_SERVICES = {
    *("a4b", "airflow-env", "cloudshell", "cloudwatch-crossaccount", "codestar", "codewhisperer", "deepracer"),
    *("ec2fleet", "ec2scheduled", "ecs-compute", "reporting-services", "vendor-insights"),
    *("ebs-csi", "ecs-tasks", "edgelambda", "eks-fargate", "eks-fargate-pods", "eks-nodegroup", "elastictranscoder"),
    *("evidently", "finspace", "freertos", "ground-station", "groundtruth", "honeycode", "iot1click", "iotanalytics"),
    *("iotevents", "iotroborunner", "lexv2", "lookoutmetrics", "lookoutvision", "macie", "mobileanalytics"),
    *("monitron", "nimble", "opensearchservice", "opsworks", "opsworks-cm", "panorama", "parallelcluster"),
    *("private-networks", "qldb", "robomaker", "simspaceweaver", "spot", "spotfleet", "stacksets", "sumerian", "apps"),
    *("thinkboxdeadline", "user-subscriptions", "vmie", "vpc-flow-logs", "wam", "worklink", "zonal-shift"),
}


def check_statement_ids(document: Any) -> None:
    """Refuse a Sid that is not made of letters and digits; only policies of IAM's own are that strict."""
    for statement in statements(parsed_policy(document, _DOCUMENT)):
        if isinstance(statement, dict) and not _STATEMENT_ID.fullmatch(str(statement.get("Sid", ""))):
            raise _DOCUMENT.refused(
                "Statement IDs (SID) must be alpha-numeric. "
                f"Check that your input satisfies the regular expression {_STATEMENT_ID.pattern}"
            )


def check_services(trust: dict[str, Any]) -> None:
    """Refuse a trust policy that names a service which is none."""
    for statement in statements(trust):
        for element in ("Principal", "NotPrincipal"):
            principal = statement.get(element)
            for service in listed(principal.get("Service", [])) if isinstance(principal, dict) else []:
                if not _is_service(str(service)):
                    raise _DOCUMENT.refused(f'Invalid principal in policy: "SERVICE":"{service}"')


def put_inline(context: Context, kind: str, where: dict[str, str], name: str, document: Any) -> None:
    """Give a role, user or group an inline policy, if its inline policies together stay within IAM's limit."""
    check_statement_ids(document)
    # The limit is IAM's own to watch.
    books = context.bookkeeping("iam")
    others = [other for other in call(books, f"list_{kind}_policies", **where)["PolicyNames"] if other != name]
    kept = [call(books, f"get_{kind}_policy", **where, PolicyName=other)["PolicyDocument"] for other in others]
    limit = _INLINE_CHARACTERS[kind]
    if sum(map(_characters, [*kept, document])) > limit:
        message = f"Maximum policy size of {limit} bytes exceeded for {kind} {next(iter(where.values()))}"
        raise refusal("LimitExceeded", message, f"Put{kind.title()}Policy", 409)
    call(context.client("iam"), f"put_{kind}_policy", **where, PolicyName=name, PolicyDocument=as_text(document))


def _characters(document: Any) -> int:
    text = document if isinstance(document, str) else json.dumps(document, separators=(",", ":"))
    return len(re.sub(r"\s", "", text))


def _is_service(principal: str) -> bool:
    """Whether the name ends as AWS's own do and some part of it is a service, such as ecs in ecs.<something>."""
    domain = next((suffix for suffix in _SERVICE_DOMAINS if principal.endswith(suffix)), None)
    if domain is None:
        return False
    # What lies outside of amazonaws.com is too rare, and too irregular, to be told from a mistake.
    return not domain.startswith(".amazonaws.com") or not _services().isdisjoint(
        principal.removesuffix(domain).lower().split(".")
    )


@cache
def _services() -> frozenset[str]:
    session = botocore.session.get_session()
    names = set(session.get_available_services())
    for partition in session.get_data("endpoints")["partitions"]:
        names.update(service.rpartition(".")[2] for service in partition["services"])
    return frozenset(names | _OTHER_SERVICES)
