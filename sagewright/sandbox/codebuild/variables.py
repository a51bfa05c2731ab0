"""Why: a build's environment is what CodeBuild documents and what the project asks for, and nothing of the user's own.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from ..clients import ActingClients
from ..cloudwatch.metrics import Place
from .buildspec import Buildspec
from .failures import PhaseError, refused
from .shelf import Record

_MOST_PARAMETERS = 10


def standard(build: Record, project_arn: str) -> dict[str, str]:
    """Return what CodeBuild sets, as far as it is known before the source is there."""
    given = {
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": project_arn,
        "CODEBUILD_START_TIME": str(int(build["startTime"].timestamp() * 1000)),
    }
    return {name: value for name, value in given.items() if value}


class Variables:
    """The variables of a build that are asked for: in the buildspec, by the project, and by who started it."""

    def __init__(self, acting: ActingClients, place: Place) -> None:
        self._acting = acting
        self._place = place
        self.hidden: set[str] = set()
        """What the logs must not show."""
        self.secret_names: set[str] = set()
        """What cannot be exported."""

    def read(self, spec: Buildspec, asked: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Return names and values; those of the project and of the start are stronger than the buildspec's.

        Secrets are read with the build's role: one that is absent, or that the role may not read, ends the phase.
        """
        plain, parameters, secrets = dict(spec.variables), dict(spec.parameters), dict(spec.secrets)
        kinds = {"PLAINTEXT": plain, "PARAMETER_STORE": parameters, "SECRETS_MANAGER": secrets}
        for each in asked:
            for kind in kinds.values():
                kind.pop(each["name"], None)
            kinds[each.get("type", "PLAINTEXT")][each["name"]] = each["value"]
        read = self._parameters(parameters) | {name: self._secret(key) for name, key in secrets.items()}
        self.hidden |= {line for value in read.values() for line in value.splitlines() if line.strip()}
        self.secret_names |= set(read)
        return plain | read

    def _parameters(self, wanted: Mapping[str, str]) -> dict[str, str]:
        names = sorted(set(wanted.values()))
        values: dict[str, str] = {}
        ssm = self._acting.get("ssm", self._place.account, self._place.region)
        for start in range(0, len(names), _MOST_PARAMETERS):
            try:
                answer = ssm.get_parameters(Names=names[start : start + _MOST_PARAMETERS], WithDecryption=True)
            except ClientError as error:
                raise PhaseError("Decrypted Variables Error", refused(error)) from error
            if answer["InvalidParameters"]:
                absent = ", ".join(sorted(answer["InvalidParameters"]))
                raise PhaseError("Decrypted Variables Error", f"parameter does not exist: {absent}")
            for each in answer["Parameters"]:
                values[each["Name"]] = values[each["ARN"]] = each["Value"]
        return {name: values[key] for name, key in wanted.items()}

    def _secret(self, reference: str) -> str:
        """Return what `secret-id:json-key:version-stage:version-id` names; an ARN's id has colons of its own."""
        parts = reference.split(":")
        start = 7 if reference.startswith("arn:") else 1  # an ARN of a secret has seven parts
        identifier = ":".join(parts[:start])
        key, stage, version = [*parts[start:], "", "", ""][:3]
        asked = {"SecretId": identifier, "VersionStage": stage, "VersionId": version}
        client = self._acting.get("secretsmanager", self._place.account, self._place.region)
        try:
            text = client.get_secret_value(**{name: value for name, value in asked.items() if value})["SecretString"]
        except ClientError as error:
            raise PhaseError("Secrets Manager Error", refused(error)) from error
        if not key:
            return str(text)
        try:
            value = json.loads(text)[key]
        except (ValueError, KeyError, TypeError):
            problem = f"the secret {identifier} has no key {key}"
            raise PhaseError("Secrets Manager Error", problem) from None
        return value if isinstance(value, str) else json.dumps(value)
