"""The JSON schema of the project file, for editors: generated from the model, so that both say the same.

A schema cannot know an environment's merged values or the project's folder: it takes some files that `load` refuses,
and refuses none that `load` takes.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from pydantic import Field

from sagewright.project import fields
from sagewright.project.metrics import METRICS, METRICS_OF, SPLITS_OF, Metric, ProblemType
from sagewright.project.model import Delivered, Identity, Placement, Sections, Stored

Schema = dict[str, Any]


class ProjectFile(Sections, Delivered, Stored, Identity):
    """The file as it is written: where `Project` has merged environments, this has what each overrides."""

    environments: dict[str, Any] = Field(
        description="Where the project runs, in order: the first environment trains and holds the registry, every "
        "later one serves; a single one does both. Each may override sections for itself.",
        examples=[{"dev": {"region": "eu-west-1"}}],
    )


def build() -> Schema:
    """Generate the schema."""
    schema = ProjectFile.model_json_schema()
    sections = schema["$defs"]
    placement = Placement.model_json_schema()
    own = _reached(schema, [schema["properties"][name] for name in (*Stored.model_fields, *Delivered.model_fields)])
    # A list is replaced as a whole, so what is in one is never laid over another.
    own |= _reached(schema, [sections["Data"]["properties"]["join"]])
    overrides = {f"{name}Override": _relaxed(section) for name, section in sections.items() if name not in own}
    placement["properties"] |= {
        name: {
            "$ref": f"#/$defs/{name.capitalize()}Override",
            "description": f"Overrides `{name}` for this environment.",
        }
        for name in Sections.model_fields
    }
    sections["Evaluation"]["allOf"] = [_judged(judge) for judge in dict.fromkeys(METRICS.values())]
    schema["$defs"] = sections | overrides | {"Environment": placement}
    schema["properties"]["environments"] |= {
        "minProperties": 1,
        "propertyNames": {"pattern": f"^{fields.ENVIRONMENT}$"},
        "additionalProperties": {"$ref": "#/$defs/Environment"},
    }
    schema["allOf"] = [_of_problem(problem) for problem in METRICS_OF]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Sagewright project"}
    return head | _untitled(schema) | {"description": "What a project declares; see docs/project-file.md."}


def text() -> str:
    """Write the schema as it is committed."""
    return json.dumps(build(), indent=2, ensure_ascii=False) + "\n"


def _reached(schema: Schema, properties: Sequence[Schema]) -> set[str]:
    """Name the definitions that properties refer to, directly or through one another."""
    found: set[str] = set()
    for prop in properties:
        for name in references(prop):
            found |= {name} | _reached(schema, list(schema["$defs"][name]["properties"].values()))
    return found


def references(prop: Schema) -> list[str]:
    """Name the definitions of what a key may hold: itself, or as the items of its list or mapping."""
    found: list[str] = []
    for each in prop.get("anyOf", [prop]):
        held = [each["$ref"].rpartition("/")[2]] if "$ref" in each else []
        below = [each[key] for key in ("items", "additionalProperties") if isinstance(each.get(key), dict)]
        found += [*held, *(name for inner in below for name in references(inner))]
    return found


def _relaxed(section: Schema) -> Schema:
    """Make a section an override: nothing is required, nothing has a default, nested sections likewise."""
    relaxed = deepcopy(section)
    relaxed.pop("required", None)
    for prop in relaxed["properties"].values():
        prop.pop("default", None)
        for held in (prop, *prop.get("anyOf", ())):
            if "$ref" in held:
                held["$ref"] += "Override"
    return relaxed


def _judged(judge: Metric) -> Schema:
    alike = [metric for metric, its_judge in METRICS.items() if its_judge == judge]
    chosen = {"properties": {"metric": {"enum": alike}}, "required": ["metric"]}
    return {"if": chosen, "then": _bounded(judge)}


def _bounded(judge: Metric) -> Schema:
    """Require the bound that the metric takes, within the metric's range, and no other."""
    limits = {"minimum": judge.least, "maximum": judge.most}
    bound = {"type": "number"} | {key: limit for key, limit in limits.items() if limit is not None}
    other = "maximum" if judge.bound == "minimum" else "minimum"
    return {"required": [judge.bound], "properties": {judge.bound: bound, other: {"type": "null"}}}


def _of_problem(problem: ProblemType) -> Schema:
    stated = {"data": {"properties": {"problem": {"const": problem}}, "required": ["problem"]}}
    data: Schema = {"split": {"properties": {"by": {"enum": list(SPLITS_OF[problem])}}}}
    if problem != "binary_classification":
        data["positive_label"] = {"type": "null"}
    evaluation = {
        "properties": {"metric": {"enum": list(METRICS_OF[problem])}},
        "if": {"not": {"required": ["metric"]}},
        "then": _bounded(METRICS[METRICS_OF[problem][0]]),
    }
    follows = {"properties": {"data": {"properties": data}, "evaluation": evaluation}}
    return {"if": {"properties": stated, "required": ["data"]}, "then": follows}


def _untitled(value: Any) -> Any:
    """Drop pydantic's titles: they repeat the keys."""
    if isinstance(value, list):
        return [_untitled(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _untitled(each) for key, each in value.items() if key != "title"}
