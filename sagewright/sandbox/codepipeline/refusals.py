"""Why: CodePipeline has an error of its own for nearly everything, and the sandbox one more: for what it lacks."""

from ..protocol import ApiError


def invalid(message: str) -> ApiError:
    """Return the refusal of a request that could never be right."""
    return ApiError("ValidationException", message)


def structure(message: str) -> ApiError:
    """Return the refusal of a pipeline whose parts do not fit together."""
    return ApiError("InvalidStructureException", message)


def stage_declaration(message: str) -> ApiError:
    """Return the refusal of a stage."""
    return ApiError("InvalidStageDeclarationException", message)


def action_declaration(message: str) -> ApiError:
    """Return the refusal of an action."""
    return ApiError("InvalidActionDeclarationException", message)


def conflict(message: str) -> ApiError:
    """Return the refusal of a request that the pipeline's state does not allow."""
    return ApiError("ConflictException", message)


def no_stage(pipeline: str, stage: str) -> ApiError:
    """Return the refusal of a request about a stage that is not there."""
    return ApiError("StageNotFoundException", f"Stage '{stage}' is not part of pipeline '{pipeline}'")


def no_execution(pipeline: str, execution: str) -> ApiError:
    """Return the refusal of a request about an execution that is not there."""
    message = f"Pipeline '{pipeline}' does not have the pipeline execution with ID '{execution}'"
    return ApiError("PipelineExecutionNotFoundException", message)


def lacking(what: str, instead: str = "") -> ApiError:
    """Return the refusal, by its name, of what AWS has and the sandbox has not."""
    problem = f"The sandbox's CodePipeline does not have {what}."
    return ApiError("UnsupportedOperation", f"{problem} {instead}".strip(), 501)
