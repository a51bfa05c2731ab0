"""What CloudFormation's own action takes: templates under fixed names, and each with its parameters and tags.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagewright.cli import stack_states
from sagewright.cli.assembly import Assembly, PlannedStack
from sagewright.cli.errors import CommandError
from sagewright.cli.releasing import ALL_AT_ONCE, ROLLOUT_PARAMETER
from sagewright.project import Environment, Project, names
from sagewright.runtime.functions import sweep
from sagewright.runtime.functions.release import Artifacts

from .build_target import BuildTarget

TEMPLATES = "templates"
# By what the configuration is called behind the environment's name; serving is what most is about, and has none.
_KINDS = {
    "": names.serving_stack,
    "-monitoring": names.monitoring_stack,
    "-data": names.data_stack,
    "-network": names.network_stack,
    "-access": names.access_stack,
}
CHANGED_BEFORE = ("-data", "-network", "-access")
"""What a release changes before it changes what serves, and only with an approval of its own."""


@dataclass(frozen=True)
class Configurations:
    """The templates and configurations of a project's serving environments, written below one folder."""

    project: Project
    assembly: Assembly
    output: Path

    def write(self, environment: Environment, values: Mapping[str, str]) -> None:
        """Write all of an environment: each template gets those of the values that it has a parameter for."""
        (self.output / TEMPLATES).mkdir(parents=True, exist_ok=True)
        for suffix, stack in self.stacks(environment).items():
            # CloudFormation takes no more than 51,200 bytes of a template with a request: white space is not worth any.
            template = json.dumps(stack.template, separators=(",", ":"))
            (self.output / TEMPLATES / f"{stack.name}.json").write_text(template, encoding="utf-8")
            content = {"Parameters": _parameters(stack, values), "Tags": dict(stack.tags)}
            file = self.output / f"{environment.name}{suffix}.json"
            file.write_text(json.dumps(content, indent=2, sort_keys=True), encoding="utf-8")

    def stacks(self, environment: Environment) -> dict[str, PlannedStack]:
        """Find the environment's stacks by the suffix of their configurations; some environments have fewer."""
        planned = {stack.name: stack for stack in (*self.assembly.stacks, *self.assembly.releases)}
        wanted = {suffix: name(self.project.name, environment.name) for suffix, name in _KINDS.items()}
        return {suffix: planned[name] for suffix, name in wanted.items() if name in planned}

    def differ(self, target: BuildTarget, environment: Environment, *, below: bool) -> bool:
        """Tell whether the environment's stacks are not what was published; `below` looks at data, network and roles.

        Else all are looked at, also those that a release itself changes.
        """
        cloudformation = target.lookup_client("cloudformation", environment)
        for suffix, stack in self.stacks(environment).items():
            if below and suffix not in CHANGED_BEFORE:
                continue
            if stack_states.describe(cloudformation, stack.name) is None:
                return True
            deployed = cloudformation.get_template(StackName=stack.name, TemplateStage="Original")["TemplateBody"]
            if (json.loads(deployed) if isinstance(deployed, str) else deployed) != stack.template:
                return True
        return False

    def values(
        self, target: BuildTarget, environment: Environment, artifacts: Artifacts, *, back: bool = False
    ) -> dict[str, str]:
        """Say what the templates are given for a version; with `back`, traffic moves all at once."""
        return artifacts.parameters | self._rollout(target, environment, artifacts.model_package_arn, back=back)

    def _rollout(self, target: BuildTarget, environment: Environment, arn: str, *, back: bool) -> dict[str, str]:
        strategy = environment.serving.rollout.strategy
        if strategy == ALL_AT_ONCE:
            return {}
        stack = names.serving_stack(self.project.name, environment.name)
        described = stack_states.describe(target.lookup_client("cloudformation", environment), stack)
        before = stack_states.parameters(described)
        if before.get("ModelPackageArn") == arn and ROLLOUT_PARAMETER in before:
            # Else CloudFormation would update an endpoint of which nothing changes but the way there.
            return {ROLLOUT_PARAMETER: before[ROLLOUT_PARAMETER]}
        sagemaker = target.lookup_client("sagemaker", environment)
        endpoint = names.endpoint(self.project.name, environment.name)
        tags = tags_of(self.project, environment)
        at_once = back or sweep.ran_before(sagemaker, endpoint, arn, tags=tags)
        return {ROLLOUT_PARAMETER: ALL_AT_ONCE if at_once else strategy}


def stack_of(project: Project, environment: Environment, kind: str) -> tuple[str, str]:
    """Name what a kind of stack is called behind the environment's name in its configuration, and the stack itself."""
    suffix = "" if kind == "serving" else f"-{kind}"
    return suffix, _KINDS[suffix](project.name, environment.name)


def tags_of(project: Project, environment: Environment) -> dict[str, str]:
    """Say what everything of an environment is tagged with."""
    return {"sagewright:project": project.name, "sagewright:environment": environment.name}


def _parameters(stack: PlannedStack, values: Mapping[str, str]) -> dict[str, str]:
    declared = stack.template.get("Parameters", {})
    missing = [name for name, each in declared.items() if name not in values and "Default" not in each]
    if missing:
        raise CommandError(
            f"The template of {stack.name} takes {', '.join(missing)}, of which this version of Sagewright knows "
            "nothing: the build that published it had another version. Push again, so that both are of one."
        )
    return {name: values[name] for name in declared if name in values}
