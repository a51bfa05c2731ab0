"""What happens in an environment when a version comes to it, by promotion or by rollback."""

from sagewright.project import Environment, names
from sagewright.stacks.delivery import steps
from sagewright.stacks.delivery.actions import Action, build, stack
from sagewright.stacks.delivery.artifact_store import RELEASE
from sagewright.stacks.delivery.buildspec import PROJECT, TOOLS
from sagewright.stacks.place import Place

EXECUTION = "#{codepipeline.PipelineExecutionId}"


def release(environment: Environment, place: Place, build_name: str, *, version: str, copies: bool) -> list[Action]:
    """Copy, serve, verify, watch: each only after the one before, so that nothing watches what was not verified.

    Leave out the copying of a version that is there already.
    """
    here = (place.project, place.environment)
    said = {"ENVIRONMENT": environment.name, "VERSION": version, "EXECUTION": EXECUTION}
    actions = [
        stack(
            "Serving",
            names.serving_stack(*here),
            place=place,
            artifact=RELEASE,
            parameters=f"{environment.name}.json",
            order=2,
        ),
        build(
            "Verify",
            build_name,
            takes=[TOOLS, PROJECT],
            variables={"STEP": steps.VERIFY if copies else steps.VERIFY_BACK, **said},
            order=3,
        ),
    ]
    if copies:
        copied = build("Copy", build_name, takes=[TOOLS, PROJECT], variables={"STEP": steps.COPY, **said})
        actions = [copied, *actions]
    if environment.monitoring.engine != "none":
        watching = stack(
            "Monitoring",
            names.monitoring_stack(*here),
            place=place,
            artifact=RELEASE,
            parameters=f"{environment.name}-monitoring.json",
            makes_roles=True,
            order=4,
        )
        actions = [*actions, watching]
    return actions
