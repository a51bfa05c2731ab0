"""Why: a pipeline is a definition under a name; it is kept only if it could run."""

from typing import Any

from botocore.exceptions import ClientError

from ...clients import Clients
from ...protocol import ApiError, Caller
from ..identity import own_name, user_context
from ..instances.role import require_role
from ..listing import matching, only, ordered, page
from ..store import PIPELINE, Store
from .definition import MAX_BYTES, parse_definition
from .executions import Executions

SUMMARY = (
    "PipelineArn",
    "PipelineName",
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "CreationTime",
    "LastModifiedTime",
)
CHANGEABLE = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")


class Pipelines:
    """Create, read, update and delete pipelines."""

    def __init__(self, store: Store, clients: Clients, executions: Executions) -> None:
        self._store = store
        self._clients = clients
        self._executions = executions
        self._by_token: dict[tuple[str, str, str], str] = {}

    def create_pipeline(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create a pipeline; the same token creates it only once."""
        name, token = params["PipelineName"], (caller.account, caller.region, params["ClientRequestToken"])
        if token in self._by_token:
            return {"PipelineArn": self._by_token[token]}
        _refuse_versions(params)
        definition = self._definition(params, caller)
        if definition is None:
            raise ApiError(
                "ValidationException",
                "Either Pipeline Definition or Pipeline Definition S3 location should be provided",
            )
        require_role(self._clients, caller, params["RoleArn"], self._store.arn(PIPELINE, caller, name))
        now, who = self._store.now(), user_context(caller)
        record = only(params, CHANGEABLE) | {
            "PipelineArn": self._store.arn(PIPELINE, caller, name),
            "PipelineName": name,
            "PipelineDisplayName": params.get("PipelineDisplayName", name),
            "PipelineDefinition": definition,
            "PipelineStatus": "Active",
            "CreationTime": now,
            "LastModifiedTime": now,
            "CreatedBy": who,
            "LastModifiedBy": who,
        }
        arn = self._store.put(PIPELINE, caller, name, record, params.get("Tags", ()))
        self._by_token[token] = arn
        return {"PipelineArn": arn}

    def update_pipeline(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Change what is given; executions that run keep the definition they started with."""
        pipeline = self._store.get(PIPELINE, caller, params["PipelineName"])
        _refuse_versions(params)
        definition = self._definition(params, caller)
        if "RoleArn" in params:
            require_role(self._clients, caller, params["RoleArn"], pipeline["PipelineArn"])
        self._store.update(
            PIPELINE,
            caller,
            params["PipelineName"],
            **only(params, CHANGEABLE),
            PipelineDefinition=definition or pipeline["PipelineDefinition"],
            LastModifiedTime=self._store.now(),
            LastModifiedBy=user_context(caller),
        )
        return {"PipelineArn": pipeline["PipelineArn"]}

    def delete_pipeline(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete a pipeline with its executions; while one of them runs, this is refused."""
        pipeline = self._store.get(PIPELINE, caller, params["PipelineName"])
        self._executions.forget(pipeline, caller)
        self._store.delete(PIPELINE, caller, params["PipelineName"])
        arn = pipeline["PipelineArn"]
        self._by_token = {token: created for token, created in self._by_token.items() if created != arn}
        return {"PipelineArn": arn}

    def describe_pipeline(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return one pipeline, by name or ARN."""
        _refuse_versions(params)
        return self._store.get(PIPELINE, caller, own_name(params["PipelineName"], caller))

    def list_pipelines(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the pipelines of the account and region."""
        found = matching(self._store.all(PIPELINE, caller), params, name="PipelineName")
        prefix = params.get("PipelineNamePrefix", "")
        found = [each for each in found if each["PipelineName"].startswith(prefix)]
        keys = {"Name": "PipelineName", "CreationTime": "CreationTime"}
        found = ordered(found, params, keys, ("CreationTime", "Descending"))
        summaries = [
            only(each, SUMMARY) | ({"LastExecutionTime": each["LastRunTime"]} if "LastRunTime" in each else {})
            for each in found
        ]
        return page("PipelineSummaries", summaries, params)

    def _definition(self, params: dict[str, Any], caller: Caller) -> str | None:
        location = params.get("PipelineDefinitionS3Location")
        if location and "PipelineDefinition" in params:
            raise ApiError(
                "ValidationException",
                "Both Pipeline Definition and Pipeline Definition S3 Location shouldn't be present",
            )
        text = self._read(location, caller) if location else params.get("PipelineDefinition")
        if text is not None:
            parse_definition(text)
        return text

    def _read(self, location: dict[str, Any], caller: Caller) -> str:
        """Return a definition that is kept in S3, as the caller may read it."""
        request = {"Bucket": location["Bucket"], "Key": location["ObjectKey"]} | only(location, ("VersionId",))
        try:
            acting = self._clients.acting(caller.access_key)
            answer = acting.get("s3", caller.account, caller.region).get_object(**request)
        except ClientError as error:
            raise ApiError(
                "ValidationException",
                f"Unable to read the pipeline definition at s3://{request['Bucket']}/{request['Key']}:"
                f" {error.response['Error']['Message']}",
            ) from error
        if answer["ContentLength"] > MAX_BYTES:
            raise ApiError(
                "ValidationException",
                f"The pipeline definition at s3://{request['Bucket']}/{request['Key']} has {answer['ContentLength']}"
                f" bytes; at most {MAX_BYTES} are allowed.",
            )
        return answer["Body"].read().decode()


def _refuse_versions(params: dict[str, Any]) -> None:
    for member in ("PipelineVersionId", "PipelineVersionAlias", "PipelineVersionAliases"):
        if member in params:
            raise ApiError("UnsupportedOperation", f"The sandbox does not have pipeline versions ({member}).", 501)
