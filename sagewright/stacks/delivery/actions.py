"""What pipelines are made of: actions, stages, and the conditions on which a stage is passed over."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import aws_codepipeline as codepipeline

from sagewright.stacks.place import Place

Action = codepipeline.CfnPipeline.ActionDeclarationProperty
Stage = codepipeline.CfnPipeline.StageDeclarationProperty

_SKIP = "SKIP"
_YES = "yes"
# https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html
CONFIGURATION_LENGTH = 1000


def source(name: str, provider: str, configuration: Mapping[str, str]) -> Action:
    """Bring files into the pipeline, as an artifact of the action's name; its variables go by a name of their own."""
    return Action(
        name=name,
        action_type_id=_type("Source", provider),
        configuration=dict(configuration),
        output_artifacts=[_output(name)],
        namespace=f"{name}Variables",
    )


def build(  # noqa: PLR0913 (what an action says)
    name: str,
    project: str,
    *,
    takes: Sequence[str],
    leaves: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    order: int = 1,
    tells: bool = False,
) -> Action:
    """Run a build; it starts in the first artifact that it takes. With `tells`, its variables go by the action's name.

    CodePipeline puts variables into the text of the configuration as they are, so none of somebody's own words may be
    among those of a build: a quotation mark in them would break it.
    """
    given = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in (variables or {}).items()]
    configuration = {"ProjectName": project}
    if len(takes) > 1:
        configuration["PrimarySource"] = takes[0]
    if given:
        configuration["EnvironmentVariables"] = json.dumps(given)
    return Action(
        name=name,
        action_type_id=_type("Build", "CodeBuild"),
        configuration=configuration,
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=each) for each in takes],
        output_artifacts=[_output(each) for each in leaves] or None,
        namespace=name if tells else None,
        run_order=order,
    )


def stack(  # noqa: PLR0913 (what an action says)
    name: str,
    stack_name: str,
    *,
    place: Place,
    artifact: str,
    parameters: str | None = None,
    makes_roles: bool = False,
    order: int = 1,
) -> Action:
    """Deploy a stack from a template in an artifact, as the bootstrap's roles of where the stack is.

    It is made or updated, and never replaced: the action's other mode for a stack that failed deletes what still
    answers. Leave `parameters` out for a template that has defaults for all of its own.
    """
    configuration = {
        "ActionMode": "CREATE_UPDATE",
        "StackName": stack_name,
        "TemplatePath": f"{artifact}::templates/{stack_name}.json",
        "RoleArn": place.bootstrap_role_arn("cfn-exec"),
    }
    if parameters is not None:
        configuration["TemplateConfiguration"] = f"{artifact}::{parameters}"
    if makes_roles:
        configuration["Capabilities"] = "CAPABILITY_NAMED_IAM"
    return Action(
        name=name,
        action_type_id=_type("Deploy", "CloudFormation"),
        configuration=configuration,
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=artifact)],
        role_arn=place.deploy_role_arn,
        run_order=order,
    )


def approval(*, topic_arn: str, asks: str, link: str, hours: int, order: int = 1) -> Action:
    """Wait for a person: the topic is told what of, with a link to the evidence."""
    return Action(
        name="Approve",
        action_type_id=_type("Approval", "Manual"),
        configuration={"NotificationArn": topic_arn, "CustomData": asks, "ExternalEntityLink": link},
        timeout_in_minutes=60 * hours,
        run_order=order,
    )


def stage(name: str, actions: Sequence[Action], *, only_if: Mapping[str, str] | None = None) -> Stage:
    """Put actions together; `only_if` says which variables must have which values, or the stage is passed over."""
    entry = None
    if only_if:
        rules = [
            codepipeline.CfnPipeline.RuleDeclarationProperty(
                name=f"Rule{number}",
                rule_type_id=codepipeline.CfnPipeline.RuleTypeIdProperty(
                    category="Rule", owner="AWS", provider="VariableCheck", version="1"
                ),
                configuration={"Variable": f"#{{{variable}}}", "Value": value, "Operator": "EQ"},
            )
            for number, (variable, value) in enumerate(only_if.items(), start=1)
        ]
        condition = codepipeline.CfnPipeline.ConditionProperty(result=_SKIP, rules=rules)
        entry = codepipeline.CfnPipeline.BeforeEntryConditionsProperty(conditions=[condition])
    return Stage(name=name, actions=list(actions), before_entry=entry)


def yes(*variables: str) -> dict[str, str]:
    """Say that variables must be `yes`."""
    return dict.fromkeys(variables, _YES)


def _output(name: str) -> codepipeline.CfnPipeline.OutputArtifactProperty:
    return codepipeline.CfnPipeline.OutputArtifactProperty(name=name)


def _type(category: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1")
