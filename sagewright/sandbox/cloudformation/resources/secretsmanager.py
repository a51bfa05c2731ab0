"""Why: a secret may be generated in the account, so that no template ever holds it."""

import json
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed
from .tags import Tagging


class Secret(ApiResource):
    """A secret; Ref is its ARN."""

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        text = _text(self.client(context), properties)
        return {**super()._create_parameters(context, properties), "SecretString": text}

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the secret's ARN."""
        return {"Id": physical_id}

    @override
    def change(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Write what changed; a generated value is made anew only when its rules change."""
        client = self.client(context)
        description = {"Description": new.get("Description", "")} if changed(old, new, "Description") else {}
        key = {"KmsKeyId": new.get("KmsKeyId", "")} if changed(old, new, "KmsKeyId") else {}
        value: dict[str, str] = {}
        if changed(old, new, "SecretString") or changed(old, new, "GenerateSecretString"):
            value = {"SecretString": _text(client, new)}
        if description or key or value:
            call(client, "update_secret", SecretId=physical_id, **description, **key, **value)

    @override
    def where(self, context: Context, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Name the secret; CloudFormation leaves no time to restore it."""
        return {"SecretId": physical_id, "ForceDeleteWithoutRecovery": True}


def _text(client: Any, properties: Properties) -> str:
    if "GenerateSecretString" not in properties:
        return str(properties.get("SecretString", ""))
    if "SecretString" in properties:
        message = "You can't specify both SecretString and GenerateSecretString."
        raise refusal("InvalidRequestException", message, "CreateSecret")
    rules = {**properties["GenerateSecretString"]}
    template, key = rules.pop("SecretStringTemplate", None), rules.pop("GenerateStringKey", None)
    parameters, _ = parameters_of(client, "get_random_password", rules)
    password = call(client, "get_random_password", **parameters)["RandomPassword"]
    if template is None:
        return str(password)
    try:
        return json.dumps({**json.loads(template), str(key): password})
    except ValueError:
        message = "SecretStringTemplate must be a valid JSON"
        raise refusal("InvalidRequestException", message, "CreateSecret") from None


TYPES = {
    "AWS::SecretsManager::Secret": Secret(
        type_name="AWS::SecretsManager::Secret",
        service="secretsmanager",
        create_operation="create_secret",
        delete_operation="delete_secret",
        name="Name",
        name_limit=64,
        reference="ARN",
        renames={"ReplicaRegions": "AddReplicaRegions"},
        apart=frozenset({"GenerateSecretString", "SecretString"}),
        tagging=Tagging("SecretId", read="describe_secret"),
    ),
}
