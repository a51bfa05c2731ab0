import json
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

WAIT_S = 60


class Clients(Protocol):
    endpoint: str

    def client(self, service: str, account: str = ..., region: str = ...) -> Any: ...


@dataclass(frozen=True)
class Stacks:
    """Deploys templates and waits: the service holds its answer back until a stack settles."""

    sandbox: Clients
    account: str = "111111111111"
    region: str = "eu-west-1"

    @property
    def api(self) -> Any:
        return self.sandbox.client("cloudformation", self.account, self.region)

    def client(self, service: str) -> Any:
        return self.sandbox.client(service, self.account, self.region)

    def name(self) -> str:
        return f"stack-{uuid.uuid4().hex[:12]}"

    def create(self, resources: dict[str, Any], name: str | None = None, **request: Any) -> dict[str, Any]:
        name = name or self.name()
        body, options = _split(resources, request)
        return self.settled(self.api.create_stack(StackName=name, TemplateBody=body, **options)["StackId"])

    def update(self, name: str, resources: dict[str, Any], **request: Any) -> dict[str, Any]:
        body, options = _split(resources, request)
        return self.settled(self.api.update_stack(StackName=name, TemplateBody=body, **options)["StackId"])

    def delete(self, name: str, **request: Any) -> dict[str, Any]:
        stack_id = self.settled(name)["StackId"]
        self.api.delete_stack(StackName=stack_id, **request)
        return self.settled(stack_id)

    def settled(self, name: str) -> dict[str, Any]:
        for _ in range(WAIT_S // 10):
            stack = self.api.describe_stacks(StackName=name)["Stacks"][0]
            if not stack["StackStatus"].endswith("_IN_PROGRESS") or stack["StackStatus"].startswith("REVIEW"):
                return stack
        raise TimeoutError(f"{name} does not settle")

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Return (logical id, status, reason), the oldest first."""
        events = self.api.describe_stack_events(StackName=name)["StackEvents"][::-1]
        return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in events]

    def reason(self, name: str, logical_id: str, status: str) -> str:
        """Return the reason of the last such event."""
        return next(reason for who, what, reason in self.events(name)[::-1] if (who, what) == (logical_id, status))

    def physical_id(self, name: str, logical_id: str) -> str:
        detail = self.api.describe_stack_resource(StackName=name, LogicalResourceId=logical_id)["StackResourceDetail"]
        return detail["PhysicalResourceId"]

    def parameter(self, name: str) -> str | None:
        """Return the value of an SSM parameter, or None where there is none."""
        ssm = self.client("ssm")
        try:
            return ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound:
            return None


def _split(resources: dict[str, Any], request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    sections = {
        key: value
        for key, value in request.items()
        if key in {"Parameters", "Outputs", "Conditions", "Mappings", "Rules"}
    }
    options = {key: value for key, value in request.items() if key not in sections}
    if "values" in options:
        given = options.pop("values")
        options["Parameters"] = [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]
    return json.dumps({"Resources": resources, **sections}), options


@pytest.fixture
def stacks(sandbox: Clients) -> Stacks:
    return Stacks(sandbox)
