"""Why: creating, updating and planning a stack all start by turning a request into a deployment that may be refused."""

import re
from collections.abc import Iterable
from typing import Any

from ..clients import Clients
from ..protocol import ApiError, Caller
from .actor import Actor, actor_of
from .deployment import Deployment
from .document import parsed, template_body
from .functions import Evaluator
from .parameters import ParameterReader
from .resources import TYPES
from .schema import schema_for
from .scope import StackScope, check_rules
from .stack import Stack, Stacks
from .template import Template

MAX_STACK_NAME = 128
_STACK_NAME = "[a-zA-Z][-a-zA-Z0-9]*"
_ANY_IAM = {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}


class RequestReader:
    """Reads what a request asks for, and refuses what CloudFormation refuses before it starts."""

    def __init__(self, stacks: Stacks, clients: Clients) -> None:
        self._stacks = stacks
        self._clients = clients

    def template(self, params: dict[str, Any], caller: Caller, stack: Stack | None = None) -> Template:
        """Return the template that the request carries, points to, or takes over from the stack."""
        if params.get("UsePreviousTemplate"):
            if stack is None or stack.deployment is None:
                raise _error("You cannot specify UsePreviousTemplate for a stack that has no template.")
            return stack.deployment.template
        body = template_body(params, self._clients.acting(caller.access_key), caller)
        template = Template(body, parsed(body))
        # A type behind a condition that does not hold is none of this account's concern.
        _check_types([held for held in template.resources.values() if "Condition" not in held], caller.region)
        _check_attributes(template, caller.region)
        return template

    def actor(self, params: dict[str, Any], caller: Caller, stack: Stack | None = None) -> Actor:
        """Return in whose name the request acts."""
        return actor_of(self._clients, caller, params.get("RoleARN"), stack)

    def deployment(
        self, params: dict[str, Any], caller: Caller, actor: Actor, stack: Stack | None = None
    ) -> Deployment:
        """Return the deployment that the request asks for, checked as far as nothing is made."""
        previous = stack.deployment if stack else None
        template = self.template(params, caller, stack)
        capabilities = tuple(params.get("Capabilities", ()))
        _check_capabilities(template, capabilities)
        parameters = ParameterReader(actor.clients, caller).read(
            template.parameters, params.get("Parameters", []), previous.parameters if previous else {}
        )
        if stack is None:
            _check_name(params["StackName"])
        deployment = Deployment(
            template=template,
            parameters=parameters,
            tags=_tags(params, previous),
            capabilities=capabilities,
            role_arn=actor.role_arn,
            description=template.document.get("Description"),
            notification_arns=tuple(params.get("NotificationARNs", previous.notification_arns if previous else ())),
        )
        name, stack_id = params["StackName"], stack.id if stack else ""
        scope = StackScope(deployment, name, stack_id, caller, actor.clients, self._exports(caller))
        check_rules(deployment, scope)
        evaluator = Evaluator(template.document, scope)
        evaluator.check_conditions()
        _check_types(template.active(evaluator).values(), caller.region)
        template.dependencies(evaluator)
        return deployment

    def _exports(self, caller: Caller) -> dict[str, str]:
        return {output.export: output.value for _, output in self._stacks.exports(caller) if output.export}


def _check_name(name: str) -> None:
    # The model leaves this to the service.
    if not re.fullmatch(_STACK_NAME, name):
        told = f"Member must satisfy regular expression pattern: {_STACK_NAME}"
    elif len(name) > MAX_STACK_NAME:
        told = f"Member must have length less than or equal to {MAX_STACK_NAME}"
    else:
        return
    found = f"Value '{name}' at 'stackName' failed to satisfy constraint: {told}"
    raise _error(f"1 validation error detected: {found}")


def _check_types(resources: Iterable[dict[str, Any]], region: str) -> None:
    types = dict.fromkeys(resource["Type"] for resource in resources)
    missing = [name for name in types if name not in TYPES]
    if unknown := [name for name in missing if schema_for(name, region) is None]:
        raise _error(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    if missing:
        raise _error(f"The sandbox does not have resource types [{', '.join(missing)}]: they work in AWS only.")


def _check_attributes(template: Template, region: str) -> None:
    for logical_id, name in template.attributes_read():
        schema = schema_for(template.resources[logical_id]["Type"], region)
        if schema is not None and not schema.has_attribute(name):
            raise _error(f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt")


def _check_capabilities(template: Template, given: tuple[str, ...]) -> None:
    needed, _ = template.capabilities()
    accepted = _ANY_IAM if needed == "CAPABILITY_IAM" else {needed}
    if needed and not accepted & set(given):
        raise ApiError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def _tags(params: dict[str, Any], previous: Deployment | None) -> dict[str, str]:
    if "Tags" not in params:
        return dict(previous.tags) if previous else {}
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if any(key.lower().startswith("aws:") for key in tags):
        raise _error("aws: prefixed tag key names are not allowed for external use.")
    return tags


def _error(message: str) -> ApiError:
    return ApiError("ValidationError", message)
