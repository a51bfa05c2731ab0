"""Why: a pipeline's declaration is one parameter of its API, and its transitions have an operation of their own."""

from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import call, found, parameters_of, refusal
from .api_resource import ApiResource, Attributes, changed, readable
from .tags import Tagging

_APART = frozenset({"DisableInboundStageTransitions", "RestartExecutionOnUpdate"})


class Pipeline(ApiResource):
    """A pipeline, which is written as a whole."""

    @override
    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return what CodePipeline says of the pipeline."""
        answer = call(self.client(context), "get_pipeline", name=physical_id)
        told = {"Arn": answer["metadata"]["pipelineArn"], "Version": str(answer["pipeline"]["version"])}
        return readable(context, self.type_name, {**properties, **told})

    @override
    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Write the pipeline anew, and run it where the template asks for that."""
        client = self.client(context)
        if self._own(old) != self._own(new):
            call(client, "update_pipeline", pipeline=self._declaration(context, {**new, "Name": physical_id}))
            if str(new.get("RestartExecutionOnUpdate", "")).lower() == "true":
                call(client, "start_pipeline_execution", name=physical_id)
        self.complete(context, physical_id, old, new)
        self.retag(context, physical_id, new)

    @override
    def complete(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Close the transitions that the template closes, and open those that it no longer does."""
        if not changed(old, new, "DisableInboundStageTransitions"):
            return
        client = self.client(context)
        closed = {each["StageName"]: each["Reason"] for each in new.get("DisableInboundStageTransitions") or ()}
        opened = {each["StageName"] for each in old.get("DisableInboundStageTransitions") or ()} - set(closed)
        where = {"pipelineName": physical_id, "transitionType": "Inbound"}
        for stage, reason in closed.items():
            call(client, "disable_stage_transition", stageName=stage, reason=reason, **where)
        for stage in opened & {each["Name"] for each in new["Stages"]}:
            call(client, "enable_stage_transition", stageName=stage, **where)

    @override
    def _create_parameters(self, context: Context, properties: Properties) -> dict[str, Any]:
        tags = super()._create_parameters(context, {"Tags": properties.get("Tags") or []})
        return {**tags, "pipeline": self._declaration(context, properties)}

    def _declaration(self, context: Context, properties: Properties) -> dict[str, Any]:
        """Return the declaration as the API takes it: its stores are a map there."""
        own = self._own(properties)
        if stores := own.get("ArtifactStores"):
            own["ArtifactStores"] = {each["Region"]: each["ArtifactStore"] for each in stores}
        parameters, unknown = parameters_of(self.client(context), "create_pipeline", {"pipeline": own})
        if unknown:
            raise refusal("UnsupportedOperation", f"The sandbox does not have {unknown} of {self.type_name}.", "Create")
        return parameters["pipeline"]


TYPES = {
    "AWS::CodePipeline::Pipeline": Pipeline(
        type_name="AWS::CodePipeline::Pipeline",
        service="codepipeline",
        create_operation="create_pipeline",
        update_operation="update_pipeline",
        delete_operation="delete_pipeline",
        name="Name",
        name_limit=100,
        identifier="name",
        apart=_APART,
        exists=lambda client, name, _: found(client, "get_pipeline", name=name) is not None,
        tagging=Tagging("resourceArn", system=False),
        tag_by_arn="arn:aws:codepipeline:{region}:{account}:{ref}",
    ),
}
