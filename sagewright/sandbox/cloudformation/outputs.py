"""Why: an output another stack imports is a promise: it cannot be taken back or changed under that stack."""

from ..protocol import ApiError, Caller
from .functions import Evaluator, comparable
from .provisioning import Failure, Provisioner
from .stack import Output, Stack, Stacks
from .template import Template


def publish(stacks: Stacks, stack: Stack, provisioner: Provisioner) -> str | None:
    """Evaluate the outputs and publish the exports, or return why that is not possible."""
    try:
        outputs = _evaluated(provisioner)
    except Failure as failure:
        return str(failure)
    except ApiError as error:
        return error.message
    with stacks.changed:
        told = _refused(stacks, stack, outputs)
        if told is None:
            stack.outputs, stack.imports = outputs, provisioner.scope.imported_names
    return told


def output_values(template: Template, evaluator: Evaluator) -> dict[str, str]:
    """Return the values of the outputs whose condition holds; a list or a map is refused."""
    values: dict[str, str] = {}
    for key, definition in template.active_outputs(evaluator).items():
        value = comparable(evaluator.value(definition["Value"]))
        if not isinstance(value, str):
            raise ApiError(
                "ValidationError",
                f"Template format error: The Value field of every Outputs member must evaluate to a String. ({key})",
            )
        values[key] = value
    return values


def in_use(stacks: Stacks, stack: Stack, exports: set[str], verb: str) -> str | None:
    """Return CloudFormation's words for an export that another stack imports, or None."""
    for export in sorted(exports):
        if users := stacks.importers(stack, export):
            return f"Export {export} cannot be {verb} as it is in use by {' and '.join(sorted(users))}"
    return None


def _evaluated(provisioner: Provisioner) -> list[Output]:
    outputs: list[Output] = []
    evaluator = provisioner.evaluator
    values = output_values(provisioner.scope.deployment.template, evaluator)
    for key, definition in provisioner.scope.deployment.template.active_outputs(evaluator).items():
        export = definition.get("Export")
        name = evaluator.value(export["Name"]) if export else None
        outputs.append(Output(key, values[key], definition.get("Description"), name))
    return outputs


def _refused(stacks: Stacks, stack: Stack, outputs: list[Output]) -> str | None:
    caller = Caller(stack.account, stack.region, "")
    taken = {output.export: other.name for other, output in stacks.exports(caller) if other is not stack}
    for output in outputs:
        if output.export in taken:
            return f"Export with name {output.export} is already exported by stack {taken[output.export]}."
    new = {output.export: output.value for output in outputs if output.export}
    old = {output.export: output.value for output in stack.outputs if output.export}
    gone = {name for name in old if name not in new}
    changed = {name for name in old if name in new and new[name] != old[name]}
    return in_use(stacks, stack, gone, "deleted") or in_use(stacks, stack, changed, "updated")
