"""Why: a function is its code, its configuration and who may call it, and only the first two are one call."""

import io
import zipfile
from typing import Any

from botocore.exceptions import ClientError
from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_text, call, discard, found, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed, without_tags
from .tags import Tagging

_INLINE_FILES = {"nodejs": "index.js", "python": "index.py"}
# CloudFormation's limit for code that stands in the template.
_INLINE_LIMIT = 4 * 1024 * 1024
_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "Layers": [],
    "KMSKeyArn": "",
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
    "DeadLetterConfig": {"TargetArn": ""},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "LoggingConfig": {},
}
_RENAMES = {"KmsKeyArn": "KMSKeyArn"}
_SAME_DATE = (1980, 1, 1, 0, 0, 0)


class Function(ApiResource):
    """A function; its code is an archive in S3, an image, or a few lines in the template."""

    @override
    def check(self, context: Context, properties: Properties) -> None:
        """Refuse code that is not there, and a zip package without what runs it."""
        _require_archive(context, properties["Code"])
        if "ImageUri" not in properties["Code"]:
            for name in ("Handler", "Runtime"):
                if name not in properties:
                    message = f"{name} is mandatory if the function is defined with a .zip file archive"
                    raise refusal("InvalidParameterValueException", message, "CreateFunction")

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        kind = {"PackageType": "Image"} if "ImageUri" in properties["Code"] else {}
        parameters = super()._create_parameters(context, properties)
        return {**kind, **parameters, "Code": _code(properties)}

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Bring code and configuration up to date."""
        client, function = self.client(context), {"FunctionName": physical_id}
        if changed(old, new, "Code") or changed(old, new, "Architectures"):
            architectures = {"Architectures": new.get("Architectures", ["x86_64"])}
            call(client, "update_function_code", **function, **_code(new), **architectures)
        configuration, _ = parameters_of(client, "update_function_configuration", without_tags(new), _RENAMES)
        before, _ = parameters_of(client, "update_function_configuration", without_tags(old), _RENAMES)
        if configuration != before:
            reset = {name: _DEFAULTS[name] for name in before.keys() - configuration.keys() if name in _DEFAULTS}
            call(client, "update_function_configuration", **{**reset, **configuration, **function})

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Reserve concurrency."""
        client, function = self.client(context), {"FunctionName": physical_id}
        if changed(old, new, "ReservedConcurrentExecutions"):
            if "ReservedConcurrentExecutions" in new:
                reserved = new["ReservedConcurrentExecutions"]
                call(client, "put_function_concurrency", **function, ReservedConcurrentExecutions=reserved)
            else:
                discard(client, "delete_function_concurrency", **function)


class Version(ApiResource):
    """A snapshot of a function; Ref is its ARN."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the version's number and ARN."""
        return {"Version": physical_id.rpartition(":")[2], "FunctionArn": physical_id}

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, str]:
        """Name the function and the version."""
        function, _, version = physical_id.rpartition(":")
        return {"FunctionName": function, "Qualifier": version}


class Permission:
    """A statement in the policy that says who may call a function."""

    def create(self, context: Context, properties: Properties) -> str:
        """Add the statement under a generated id."""
        client, statement = context.client("lambda"), context.generated_name(100)
        parameters, _ = parameters_of(client, "add_permission", properties)
        call(client, "add_permission", **parameters, StatementId=statement)
        return statement

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the statement's id."""
        del context, properties
        return {"Id": physical_id}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Do nothing: every property of a permission is given at its creation."""

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove the statement."""
        function = properties["FunctionName"]
        discard(context.client("lambda"), "remove_permission", FunctionName=function, StatementId=physical_id)


class EventInvokeConfig:
    """What becomes of events that a function is handed and fails on."""

    def create(self, context: Context, properties: Properties) -> str:
        """Put the configuration; there is one for each version or alias."""
        self._put(context, properties)
        return f"{properties['FunctionName']}|{properties['Qualifier']}"

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return nothing: the type has no attributes."""
        del context, physical_id, properties
        return {}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put it anew: what the template leaves out is gone."""
        del physical_id, old
        self._put(context, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove it."""
        del physical_id
        discard(
            context.client("lambda"), "delete_function_event_invoke_config", FunctionName=properties["FunctionName"]
        )

    def _put(self, context: Context, properties: Properties) -> None:
        if properties["Qualifier"] != "$LATEST":
            message = "The sandbox has no event invoke configuration of versions and aliases, only of $LATEST."
            raise refusal("UnsupportedOperation", message, "PutFunctionEventInvokeConfig")
        client = context.client("lambda")
        parameters, _ = parameters_of(client, "put_function_event_invoke_config", properties)
        parameters.pop("Qualifier")
        call(client, "put_function_event_invoke_config", **parameters)


def _require_archive(context: Context, code: dict[str, Any]) -> None:
    """Refuse code that is not in S3; the stand-in for Lambda would make the function all the same."""
    if "S3Bucket" not in code:
        return
    version = {"VersionId": code["S3ObjectVersion"]} if "S3ObjectVersion" in code else {}
    try:
        present = found(context.client("s3"), "head_object", Bucket=code["S3Bucket"], Key=code["S3Key"], **version)
    except ClientError as error:
        present, reason = None, error.response["Error"]["Code"]
    else:
        reason = "NoSuchKey. S3 Error Message: The specified key does not exist."
    if present is None:
        message = f"Error occurred while GetObject. S3 Error Code: {reason}"
        raise refusal("InvalidParameterValueException", message, "CreateFunction")


def _code(properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    if "ZipFile" not in code:
        names = ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")
        return {name: code[name] for name in names if name in code}
    source = as_text(code["ZipFile"]).encode()
    if len(source) > _INLINE_LIMIT:
        message = f"Code.ZipFile is {len(source)} bytes long; inline code may have {_INLINE_LIMIT} at most"
        raise refusal("InvalidParameterValueException", message, "CreateFunction")
    runtime = properties.get("Runtime", "")
    name = next((file for prefix, file in _INLINE_FILES.items() if runtime.startswith(prefix)), None)
    if name is None:
        message = f"ZipFile can only be used when Runtime is set to either of python or nodejs, not {runtime}"
        raise refusal("InvalidParameterValueException", message, "CreateFunction")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(zipfile.ZipInfo(name, _SAME_DATE), source)
    return {"ZipFile": archive.getvalue()}


TYPES = {
    "AWS::Lambda::Function": Function(
        type_name="AWS::Lambda::Function",
        service="lambda",
        create_operation="create_function",
        delete_operation="delete_function",
        name="FunctionName",
        renames=_RENAMES,
        apart=frozenset({"ReservedConcurrentExecutions"}),
        tagging=Tagging("Resource", read="list_tags"),
        tag_by_arn="arn:aws:lambda:{region}:{account}:function:{ref}",
        values={"Arn": "arn:aws:lambda:{region}:{account}:function:{ref}"},
    ),
    "AWS::Lambda::Version": Version(
        type_name="AWS::Lambda::Version",
        service="lambda",
        create_operation="publish_version",
        delete_operation="delete_function",
        reference="FunctionArn",
    ),
    "AWS::Lambda::Permission": Permission(),
    "AWS::Lambda::EventInvokeConfig": EventInvokeConfig(),
}
