"""Why: one resource's creation, change or removal ends in a state, an event and, where it fails, AWS's reason."""

import threading
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from ..clients import Clients
from ..protocol import ApiError, Caller
from .actor import Actor
from .deployment import Deployment
from .functions import Evaluator
from .resource import Context, HandlerError, Properties, ResourceType
from .resources import TYPES
from .resources.existing import exists
from .schema import Schema, schema_for
from .scope import StackScope
from .stack import Resource, Stack, Stacks

_SERVER_FAULT = 500
_CONFLICT = 409


class Failure(Exception):  # noqa: N818 - CloudFormation's word for how a resource ends
    """A resource that could not be provisioned; the event with the reason is written."""


class Provisioner:
    """Acts on the resources of one stack for one deployment."""

    def __init__(self, stacks: Stacks, stack: Stack, deployment: Deployment, clients: Clients, actor: Actor) -> None:
        self._stacks = stacks
        self._stack = stack
        self._clients = clients
        self._actor = actor
        self._deployment = deployment
        caller = Caller(stack.account, stack.region, "")
        exports = {output.export: output.value for _, output in stacks.exports(caller) if output.export}
        self.scope = StackScope(deployment, stack.name, stack.id, caller, actor.clients, exports, self)
        self.evaluator = Evaluator(deployment.template.document, self.scope)
        self._reading = threading.Lock()

    def create(self, logical_id: str, definition: dict[str, Any]) -> None:
        """Create a resource that the stack does not have, or take over the one that the deployment imports for it."""
        if physical_id := self._deployment.imports.get(logical_id):
            self._take_over(logical_id, definition, physical_id)
            return
        resource = Resource(logical_id, definition["Type"], "", "", definition, {})
        self._stack.resources[logical_id] = resource
        self._stacks.set_resource(self._stack, resource, "CREATE_IN_PROGRESS")
        try:
            resource.properties = self._checked(resource, definition)
            self._make(resource)
        except Failure as failure:
            self._stacks.set_resource(self._stack, resource, "CREATE_FAILED", str(failure))
            raise
        self._stacks.set_resource(self._stack, resource, "CREATE_COMPLETE")

    def imports(self, logical_id: str) -> bool:
        """Whether the deployment takes the resource over instead of making it."""
        return logical_id in self._deployment.imports

    def looked_up(self, logical_id: str, type_name: str, physical_id: str) -> bool:
        """Whether a resource is there, as far as who acts may see."""
        asked = Resource(logical_id, type_name, physical_id, "", {}, {})
        context = self._context(logical_id)
        return bool(self._handle(asked, lambda: exists(context, type_name, physical_id)))

    def update(self, logical_id: str, definition: dict[str, Any], *, retag: bool) -> None:
        """Bring a resource to its new definition: leave it, change it in place, or replace it."""
        old = self._stack.resources[logical_id]
        new = replace(old, definition=definition, attributes=None)
        try:
            new.properties = self._checked(new, definition)
        except Failure as failure:
            self._stacks.set_resource(self._stack, new, "UPDATE_FAILED", str(failure))
            raise
        schema = schema_for(old.type, self._stack.region)
        if new.properties == old.properties and not (retag and _is_taggable(schema)):
            self._stack.resources[logical_id] = replace(old, definition=definition)
            return
        self._stack.resources[logical_id] = new
        replaces = schema is not None and schema.replaces(old.properties, new.properties)
        try:
            if replaces:
                _refuse_kept_name(schema, old.properties, new.properties)
                told = "Requested update requires the creation of a new physical resource; hence creating one."
                self._stacks.set_resource(self._stack, new, "UPDATE_IN_PROGRESS", told)
                self._make(new, "UPDATE_IN_PROGRESS")
            else:
                self._stacks.set_resource(self._stack, new, "UPDATE_IN_PROGRESS")
                self.change(new, old.properties)
        except Failure as failure:
            self._stacks.set_resource(self._stack, new, "UPDATE_FAILED", str(failure))
            if replaces and new.physical_id == old.physical_id:
                self._stack.resources[logical_id] = old  # nothing was made that a rollback would have to undo
            raise
        self._stacks.set_resource(self._stack, new, "UPDATE_COMPLETE")

    def change(self, resource: Resource, old: Properties) -> None:
        """Change a resource in place from its old properties to those it has now."""
        handler = self._handler(resource.type)
        context = self._context(resource.logical_id)
        self._handle(resource, lambda: handler.update(context, resource.physical_id, old, resource.properties))

    def delete(self, resource: Resource) -> None:
        """Remove a resource; one that was never made is gone already."""
        self._stacks.set_resource(self._stack, resource, "DELETE_IN_PROGRESS")
        handler, context = self._handler(resource.type), self._context(resource.logical_id)
        try:
            if resource.physical_id:
                self._handle(resource, lambda: handler.delete(context, resource.physical_id, resource.properties))
        except Failure as failure:
            self._stacks.set_resource(self._stack, resource, "DELETE_FAILED", str(failure))
            raise
        self._stacks.set_resource(self._stack, resource, "DELETE_COMPLETE")

    def physical_id(self, logical_id: str) -> str:
        """Return what Ref gives for a resource that exists."""
        return self._stack.resources[logical_id].physical_id

    def attribute(self, logical_id: str, name: str) -> Any:
        """Return what Fn::GetAtt gives for a resource that exists."""
        resource = self._stack.resources[logical_id]
        with self._reading:
            if resource.attributes is None:
                handler, context = self._handler(resource.type), self._context(resource.logical_id)
                resource.attributes = self._handle(
                    resource, lambda: handler.attributes(context, resource.physical_id, resource.properties)
                )
        value: Any = resource.attributes
        for part in [name] if name in resource.attributes else name.split("."):
            if not isinstance(value, dict) or part not in value:
                raise Failure(f"Requested attribute {name} does not exist in schema for {resource.type}")
            value = value[part]
        return value

    def _take_over(self, logical_id: str, definition: dict[str, Any], physical_id: str) -> None:
        """Put a resource under the stack as it is; only its tags are brought up to the stack's."""
        resource = Resource(logical_id, definition["Type"], physical_id, "", definition, {})
        self._stack.resources[logical_id] = resource
        self._stacks.set_resource(self._stack, resource, "IMPORT_IN_PROGRESS", "Resource import started.")
        status = "IMPORT_FAILED"
        try:
            resource.properties = self._checked(resource, definition)
            self._stacks.set_resource(self._stack, resource, "IMPORT_COMPLETE", "Resource import completed.")
            status = "UPDATE_FAILED"
            told = "Apply stack-level tags to imported resource if applicable."
            self._stacks.set_resource(self._stack, resource, "UPDATE_IN_PROGRESS", told)
            self.change(resource, resource.properties)
        except Failure as failure:
            self._stacks.set_resource(self._stack, resource, status, str(failure))
            raise
        self._stacks.set_resource(self._stack, resource, "UPDATE_COMPLETE")

    def _checked(self, resource: Resource, definition: dict[str, Any]) -> Properties:
        """Return the evaluated properties in the schema's types; nothing is made of what the schema refuses."""
        try:
            properties = self.evaluator.value(definition.get("Properties") or {})
        except ApiError as error:
            raise Failure(error.message) from None
        schema = schema_for(resource.type, self._stack.region)
        if schema is None:
            return properties
        if problems := schema.problems(properties, resource.logical_id):
            raise Failure("\n".join(problems))
        return schema.coerced(properties)

    def _make(self, resource: Resource, started: str = "CREATE_IN_PROGRESS") -> None:
        handler, context = self._handler(resource.type), self._context(resource.logical_id)
        resource.physical_id = self._handle(resource, lambda: handler.create(context, resource.properties))
        self._stacks.set_resource(self._stack, resource, started, "Resource creation Initiated")

    def _handle(self, resource: Resource, call: Callable[[], Any]) -> Any:
        """Call a handler and put its refusal into CloudFormation's words."""
        try:
            return call()
        except ClientError as error:
            message, code = _told(error, resource.type)
        except ParamValidationError as error:
            message, code = str(error), "InvalidRequest"
        except HandlerError as error:
            message, code = error.message, error.code
        except Exception as fault:  # noqa: BLE001 - a fault of a handler fails its resource, not the sandbox
            traceback.print_exc()
            message, code = f"{type(fault).__name__}: {fault}", "InternalFailure"
        raise Failure(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
        )

    def _handler(self, type_name: str) -> ResourceType:
        return TYPES[type_name]

    def _context(self, logical_id: str) -> Context:
        stack = self._stack
        return Context(
            account=stack.account,
            region=stack.region,
            stack_name=stack.name,
            stack_id=stack.id,
            logical_id=logical_id,
            tags=dict(self._deployment.tags),
            clients=self._clients,
            acting=self._actor.clients,
        )


def _refuse_kept_name(schema: Schema | None, old: Properties, new: Properties) -> None:
    """Refuse to replace what the template itself names: old and new would have to be there at once."""
    if schema is not None and (name := schema.kept_name(old, new)):
        raise Failure(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {name} and update the stack again."
        )


def _is_taggable(schema: Schema | None) -> bool:
    return schema is not None and bool(schema.document.get("tagging", {}).get("taggable"))


def _told(error: ClientError, type_name: str) -> tuple[str, str]:
    """Return the message and the handler's error code for a service's refusal."""
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata") or {}
    status = metadata.get("HTTPStatusCode", 0)
    service = type_name.split("::")[1]
    service = service if len(service) < 3 or not service.isupper() else service.capitalize()  # noqa: PLR2004 - S3 stays
    request_id = metadata.get("RequestId") or uuid.uuid4()
    told = f"{message} (Service: {service}, Status Code: {status}, Request ID: {request_id})"
    return told, _handler_code(code, status)


def _handler_code(code: str, status: int) -> str:
    if "AlreadyExist" in code or "AlreadyOwned" in code or code in {"ResourceInUse", "AlreadyExistsException"}:
        return "AlreadyExists"
    if code.startswith(("NoSuch", "NotFound")) or "NotFound" in code:
        return "NotFound"
    if "AccessDenied" in code or "Unauthorized" in code:
        return "AccessDenied"
    if "LimitExceeded" in code:
        return "ServiceLimitExceeded"
    if status >= _SERVER_FAULT:
        return "ServiceInternalError"
    return "GeneralServiceException" if status == _CONFLICT else "InvalidRequest"
