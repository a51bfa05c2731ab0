"""Why: where a function is evaluated decides what it can read; the exports that it reads are remembered."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..protocol import ApiError, Caller
from .deployment import Deployment
from .functions import UNKNOWN, Evaluator
from .template import PSEUDO_PARAMETERS

MISSING_EXPORT = "No export named"

_DYNAMIC = re.compile(r"\{\{resolve:(?P<service>ssm|ssm-secure|secretsmanager):(?P<target>[^}]+)\}\}")
_ANY_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")


class HeldResources(Protocol):
    """What functions may read of resources."""

    def physical_id(self, logical_id: str) -> str:
        """Return what Ref gives."""
        ...

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives."""
        ...


@dataclass
class StackScope:
    """What functions read: parameters, pseudo parameters, resources, exports and dynamic references."""

    deployment: Deployment
    stack_name: str
    stack_id: str
    caller: Caller
    clients: ActingClients
    exports: Mapping[str, str]
    # None where no resource can be read: in rules, conditions and the checks that come before everything.
    resources: HeldResources | None = None
    # In a plan, a dynamic reference to what the execution will make stays as it is.
    planning: bool = False
    imported_names: set[str] = field(default_factory=set)

    def reference(self, name: str) -> Any:
        """Return a parameter's or a pseudo parameter's value, or a resource's physical id."""
        if self.resources is not None and name in self.deployment.template.resources:
            return self.resources.physical_id(name)
        if name in self.deployment.parameters:
            return self.deployment.parameters[name].value
        pseudo = {
            "AWS::AccountId": self.caller.account,
            "AWS::Region": self.caller.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack_name,
            "AWS::StackId": self.stack_id,
            "AWS::NotificationARNs": list(self.deployment.notification_arns),
        }
        if name in PSEUDO_PARAMETERS:
            return pseudo[name]
        raise _error(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
        )

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return a resource's attribute."""
        if self.resources is None:
            raise _error(f"Template error: Fn::GetAtt {logical_id}.{name} cannot be used here")
        return self.resources.attribute(logical_id, name)

    def imported(self, export: str) -> str:
        """Return another stack's export and remember that this stack uses it."""
        if export not in self.exports:
            raise _error(f"{MISSING_EXPORT} {export} found.")
        self.imported_names.add(export)
        return self.exports[export]

    def zones(self, region: str) -> list[str]:
        """Return a region's availability zones, as EC2 has them."""
        answer = self.clients.get("ec2", self.caller.account, region).describe_availability_zones()
        return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])

    def dynamic(self, text: str) -> str:
        """Return the text with {{resolve:…}} replaced by what the parameter or secret store holds."""
        if self.planning and UNKNOWN in text:
            return text
        if unknown := [match for match in _ANY_DYNAMIC.findall(text) if not _DYNAMIC.fullmatch(match)]:
            raise _error(f"Template error: dynamic reference {unknown[0]} is not supported")
        return _DYNAMIC.sub(self._looked_up, text)

    def _looked_up(self, match: re.Match[str]) -> str:
        try:
            if match["service"] == "secretsmanager":
                return self._secret(match["target"])
            name = match["target"]
            store = self.clients.get("ssm", self.caller.account, self.caller.region)
            return store.get_parameter(Name=name, WithDecryption=match["service"] == "ssm-secure")["Parameter"]["Value"]
        except ClientError as error:
            if self.planning:
                return match[0]
            raise _error(f"Could not resolve {match[0]}: {error.response['Error'].get('Message', '')}") from None

    def _secret(self, target: str) -> str:
        arn = re.match(r"arn:[^:]+:secretsmanager:[^:]+:[^:]+:secret:[^:]+", target)
        secret_id = arn[0] if arn else target.split(":", 1)[0]
        _, key, stage, version = [*target[len(secret_id) + 1 :].split(":"), "", "", "", ""][:4]
        chosen = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
        store = self.clients.get("secretsmanager", self.caller.account, self.caller.region)
        text = store.get_secret_value(SecretId=secret_id, **chosen)["SecretString"]
        return str(json.loads(text)[key]) if key else text


def check_rules(deployment: Deployment, scope: StackScope) -> None:
    """Refuse parameter values that an assertion of the template forbids."""
    evaluator = Evaluator(deployment.template.document, scope)
    for name, rule in deployment.template.rules.items():
        if "RuleCondition" in rule and not evaluator.truth(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions", []):
            if not evaluator.truth(assertion["Assert"]):
                told = assertion.get("AssertDescription", "an assertion does not hold")
                raise _error(f"Template error: Rule {name} failed: {told}")


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
