"""The stacks that only a release deploys: what answers, and what watches it."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sagewright.project import Environment, Project

from . import assembly, stack_states, state
from .assembly import Assembly
from .cdk import Cdk
from .options import Options
from .target import Target


@dataclass(frozen=True)
class ReleaseStacks:
    """The release stacks of one environment; the templates are written once, however many of them are deployed."""

    options: Options
    project: Project
    target: Target
    environment: Environment

    @cached_property
    def _planned(self) -> Assembly:
        return assembly.synthesize(self.options, self.project, self.target)

    def settle(self, stack: str) -> dict[str, Any] | None:
        """Wait until nothing is in progress on the stack; returns its description, None where there is none."""
        return stack_states.settle(self.options, self.target, self.environment, stack)

    def deploy(self, stack: str, parameters: dict[str, str]) -> dict[str, str]:
        """Deploy one stack with these parameters and no others; returns its outputs."""
        file = state.folder_of(self.project.root) / f"outputs-{stack}.json"
        file.unlink(missing_ok=True)
        # Without the last one, the CDK gives a parameter that is left out the value of the release before.
        arguments = [f"release/{stack}", "--exclusively", "--outputs-file", str(file), "--no-previous-parameters"]
        for name, value in parameters.items():
            arguments += ["--parameters", f"{name}={value}"]
        variables = self.target.environ(self.environment.region)
        cdk = Cdk(self.project.root, variables, self.options.terminal)
        cdk.deploy_assembly(self._planned.folder, *arguments, name="release")
        # The file is left out where no stack of a deployment has an output.
        outputs: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.is_file() else {}
        return outputs.get(stack, {})

    def delete(self, stack: str) -> bool:
        """Delete a stack that the project has no more; False where there is none."""
        if self.settle(stack) is None:
            return False
        stack_states.delete(self.options, self.target, self.environment, stack)
        return True
