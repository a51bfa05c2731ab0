"""Why: a pipeline that could not run is refused when it is written, and not when it is in the middle of a release.

https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from collections import Counter
from collections.abc import Iterable

from .catalogue import check_action
from .conditions import check_conditions
from .executions import Declaration, actions_of, run_order
from .filters import check_triggers
from .refusals import action_declaration, invalid, lacking, stage_declaration, structure
from .variables import check_references

_LEAST_STAGES, _MOST_STAGES, _MOST_ACTIONS = 2, 50, 50
_OF_V2 = ("variables", "triggers")


def check(declaration: Declaration, region: str) -> None:
    """Refuse a pipeline that CodePipeline refuses, and by its name what the sandbox does not have."""
    _check_stores(declaration, region)
    _check_type(declaration)
    _check_stages(declaration)
    for _, stage, action in actions_of(declaration):
        check_action(action, region)
        if stage.get("blockers"):
            raise lacking(f"blockers (stage '{stage['name']}')")
    _check_artifacts(declaration)
    _refuse_repeated((each["name"] for each in declaration.get("variables") or ()), "Variable names", "pipeline")
    check_references(declaration)
    for place, stage in enumerate(declaration["stages"]):
        check_conditions(stage, is_first=place == 0, mode=mode_of(declaration))
    check_triggers(declaration)


def mode_of(declaration: Declaration) -> str:
    """Return how a pipeline treats several executions."""
    return str(declaration.get("executionMode") or "SUPERSEDED")


def _check_stores(declaration: Declaration, region: str) -> None:
    one, several = declaration.get("artifactStore"), declaration.get("artifactStores")
    if bool(one) == bool(several):
        raise structure("The pipeline must have either artifactStore or artifactStores, and not both")
    if several and region not in several:
        raise structure(f"artifactStores has no artifact store for the pipeline's region {region}")
    if several and len(several) > 1:
        raise lacking("actions in other regions", f"artifactStores can only name {region}.")


def _check_type(declaration: Declaration) -> None:
    if declaration.get("pipelineType", "V1") == "V2":
        return
    for member in _OF_V2:
        if declaration.get(member):
            raise invalid(f"{member} can only be used in a pipeline of type V2")
    if mode_of(declaration) != "SUPERSEDED":
        raise invalid(f"Execution mode {mode_of(declaration)} can only be used in a pipeline of type V2")
    for stage in declaration["stages"]:
        for member in ("beforeEntry", "onSuccess", "onFailure"):
            if stage.get(member):
                raise invalid(f"{member} (stage '{stage['name']}') can only be used in a pipeline of type V2")


def _check_stages(declaration: Declaration) -> None:
    stages = declaration["stages"]
    if len(stages) < _LEAST_STAGES:
        problem = f"There should be a minimum of {_LEAST_STAGES} stages in a pipeline"
        raise structure(f"Pipeline has only {len(stages)} stage(s). {problem}")
    if len(stages) > _MOST_STAGES:
        raise structure(f"Pipeline has {len(stages)} stages. There should be a maximum of {_MOST_STAGES} stages")
    _refuse_repeated((stage["name"] for stage in stages), "Stage names", "pipeline")
    for place, stage in enumerate(stages):
        actions = stage["actions"]
        if not 0 < len(actions) <= _MOST_ACTIONS:
            problem = f"A stage has 1 to {_MOST_ACTIONS} actions"
            raise stage_declaration(f"Stage '{stage['name']}' has {len(actions)} actions. {problem}")
        _refuse_repeated((action["name"] for action in actions), "Action names", f"stage '{stage['name']}'")
        sources = [action["actionTypeId"]["category"] == "Source" for action in actions]
        if place == 0 and not all(sources):
            raise structure("Pipeline should start with a stage that only contains source actions")
        if place > 0 and any(sources):
            raise structure(
                f"Stage '{stage['name']}' has a source action: only the first stage of a pipeline can have any"
            )


def _check_artifacts(declaration: Declaration) -> None:
    """Refuse inputs that no action before leaves; actions of one run order run at the same time."""
    made: dict[str, tuple[int, int]] = {}
    for place, _, action in actions_of(declaration):
        for artifact in action.get("outputArtifacts") or ():
            if artifact.get("files"):
                raise lacking(f"files of output artifacts (action '{action['name']}')")
            if artifact["name"] in made:
                raise structure(
                    "Output Artifact Bundle name must be unique within the pipeline."
                    f" {artifact['name']} has been used more than once."
                )
            made[artifact["name"]] = (place, run_order(action))
    for place, _, action in actions_of(declaration):
        names = [artifact["name"] for artifact in action.get("inputArtifacts") or ()]
        if len(set(names)) < len(names):
            raise action_declaration(f"Action {action['name']} declares an input artifact more than once: {names}")
        for name in names:
            if name not in made or made[name] >= (place, run_order(action)):
                raise action_declaration(
                    f"Input Artifact Bundle {name} in action {action['name']} is not declared as Output Artifact Bundle"
                    " in any of the preceding actions"
                )


def _refuse_repeated(names: Iterable[str], what: str, where: str) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise structure(f"{what} must be unique within a {where}: {', '.join(repeated)}")
