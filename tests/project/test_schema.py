"""What an editor accepts and what the product accepts are the same, as far as a schema can know."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from sagewright.project import Project, ProjectError, reference
from sagewright.project.__main__ import GENERATED
from sagewright.project.schema import build

Read = Callable[[str], Project]
SCHEMA = build()

BASE = """\
name: churn
environments:
  dev: {region: eu-west-1}
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""

IMPORTED = "{mode: import, vpc_id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], security_groups: [sg-0a1b2c3d]}"

# A change of the file above, and whether it stays valid for both, or is valid for neither.
TABLE = [
    ("", "", True),
    ("name: churn", "name: churn\ndescription: d\nowner: a@example.com\ntags: {a: b}", True),
    ("minimum: 0.55", "metric: log_loss, maximum: 0.4", True),
    ("minimum: 0.55", "metric: f1, minimum: 1, maximum: null", True),
    ("minimum: 0.55", "minimum: 0.55, champion: {tolerance: 0}", True),
    ("minimum: 0.55", "minimum: 0.55, champion: null", True),
    ("{region: eu-west-1}", "{region: eu-west-1, evaluation: {champion: {}}}", True),
    ("minimum: 0.55", "minimum: 0.55, champion: {tolerance: -0.1}", False),
    ("minimum: 0.55", "minimum: 0.55, champion: {margin: 1}", False),
    ("binary_classification, label: churned}", "binary_classification, label: churned, positive_label: 1}", True),
    ("binary_classification, label: churned}", "binary_classification, label: churned, split: {by: random}}", True),
    ("{region: eu-west-1}", '{region: eu-west-1, account: "111111111111", serving: {instances: {min: 2}}}', True),
    ("{region: eu-west-1}", "{region: eu-west-1, training: {hyperparameters: {a: null}}, tags: {a: b}}", True),
    ("{region: eu-west-1}", "{region: eu-west-1}\n  prod: {region: eu-west-1, serving: {}}", True),
    ("source: data/customers.csv", "source: s3://bucket/x/", True),
    ("{region: eu-west-1}", "{region: eu-west-1, removal: destroy}", True),
    ("name: churn", "name: churn\nsecurity: {permissions_boundary: b, log_retention_days: 90}", True),
    ("name: churn", "name: churn\nsecurity: {permissions_boundary: arn:aws:iam::aws:policy/x/B}", True),
    ("name: churn", "name: churn\nsecurity: {bootstrap_qualifier: mlteam}", True),
    ("name: churn", "name: churn\nnetwork: {mode: create, cidr: 10.1.0.0/16}", True),
    (
        "name: churn",
        f"name: churn\nnetwork: {IMPORTED}",
        True,
    ),
    ("name: churn", "name: churn\nserving: {environment: {OMP_NUM_THREADS: '2'}}", True),
    ("name: churn", "name: churn\nserving: {instances: {min: 2}, rollout: {strategy: canary, percent: 50}}", True),
    ("src/churn", "src/churn, environment: {A_1: ''}", True),
    ("name: churn", "name: churn\nrepository: {provider: codecommit, name: churn}\napproval: {prod: automatic}", True),
    (
        "name: churn",
        "name: churn\nrepository: {provider: codecommit, name: c}\ndelivery: {provider: codepipeline, review_days: 30}",
        True,
    ),
    ("name: churn", "name: churn\nrepository: {provider: svn, name: churn}", False),
    ("name: churn", "name: churn\nrepository: {provider: codecommit}", False),
    ("name: churn", "name: churn\nrepository: {provider: codecommit, name: c}\napproval: {prod: never}", False),
    ("name: churn", "name: churn\nrepository: {provider: codecommit, name: c}\ndelivery: {verify: {rows: 0}}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, approval: {prod: automatic}}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, removal: delete}", False),
    ("name: churn", "name: churn\nremoval: destroy", False),
    ("name: churn", "name: churn\nsecurity: {log_retention_days: 91}", False),
    ("name: churn", "name: churn\nsecurity: {permissions_boundary: a b}", False),
    ("name: churn", "name: churn\nsecurity: {bootstrap_qualifier: ml-team}", False),
    ("name: churn", "name: churn\nnetwork: {mode: vpc}", False),
    ("name: churn", "name: churn\nnetwork: {subnets: subnet-0a1b2c3d}", False),
    ("name: churn", "name: churn\nserving: {environment: {SageMaker_PROGRAM: x}}", False),
    ("name: churn", "name: churn\nserving: {environment: {OMP_NUM_THREADS: 2}}", False),
    ("name: churn", "name: churn\nserving: {rollout: {strategy: canary, percent: 51}}", False),
    ("name: churn", "name: churn\nserving: {rollout: {bake_minutes: 61}}", False),
    ("src/churn", "src/churn, environment: {1A: x}", False),
    ("name: churn", "name: Churn", False),
    ("name: churn", "name: churn\nmaturity: manual", False),
    ("name: churn", "name: churn\nowner: nobody", False),
    ("name: churn", 'name: churn\ndescription: "a\\nb"', False),
    ("name: churn", "name: churn\ntags: {a: 1}", False),
    ("name: churn", "name: churn\ntags: {'AWS:a': b}", False),
    ("name: churn", "name: churn\ntags:", False),
    ("training: {code: src/churn}\n", "", False),
    ("training: {code: src/churn}", "training: {code: src/churn, image: managed}", False),
    ("training: {code: src/churn}", "training: {code: src/churn, instance: {type: ml.m5d.large}}", False),
    ("minimum: 0.55", "maximum: 0.55", False),
    ("minimum: 0.55", "minimum: 1.3", False),
    ("minimum: 0.55", "metric: r2, minimum: 0.5", False),
    ("minimum: 0.55", "metric: f1", False),
    ("minimum: 0.55", "metric: log_loss, minimum: 0.1", False),
    ("minimum: 0.55", "minimum: 0.1, maximum: 0.2", False),
    ("binary_classification, label: churned}", "regression, label: churned, split: {by: stratified}}", False),
    ("binary_classification, label: churned}", "binary_classification}", False),
    ("binary_classification, label: churned}", "binary_classification, label: churned, split: {test: 1}}", False),
    ("binary_classification, label", "multiclass_classification, positive_label: a, label", False),
    ("{region: eu-west-1}", "{}", False),
    ("{region: eu-west-1}", "{region: eu-west-9}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, account: 111111111111}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, name: dev}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, serving: {instances: {min: 0}}}", False),
    ("{region: eu-west-1}", "{region: eu-west-1, serving: {mode: batch}}", False),
    ("  dev:", "  pre-prod:", False),
    ("\n  dev: {region: eu-west-1}", " {}", False),
]


def _content(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("valid", "changed", "accepted"), TABLE, ids=[changed[:50] for _, changed, _ in TABLE])
def test_schema_and_model_agree(read: Read, valid: str, changed: str, *, accepted: bool) -> None:
    text = BASE.replace(valid, changed, 1)

    assert Draft202012Validator(SCHEMA).is_valid(_content(text)) is accepted
    if accepted:
        read(text)
    else:
        with pytest.raises(ProjectError):
            read(text)


def test_every_key_is_described_to_the_editor() -> None:
    described = {"environments": SCHEMA["properties"]["environments"], **SCHEMA["properties"]}
    for definition in SCHEMA["$defs"].values():
        described |= definition["properties"]

    assert [key for key, prop in described.items() if "description" not in prop and "$ref" not in prop] == []


def test_an_override_requires_nothing_and_suggests_no_default() -> None:
    overrides = [definition for name, definition in SCHEMA["$defs"].items() if name.endswith("Override")]

    assert all("required" not in definition for definition in overrides)
    assert not any("default" in prop for definition in overrides for prop in definition["properties"].values())


@pytest.mark.parametrize("file", GENERATED, ids=lambda file: file.name)
def test_what_is_generated_from_the_model_is_committed(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == GENERATED[file](), "run `python -m sagewright.project`"


def test_the_reference_page_says_how_each_function_is_called() -> None:
    page = reference.text()
    for call in ("features(raw)", "fit(X, y, hyperparameters)", "evaluate(model, X, y)"):
        assert f"| `{call}` |" in page


def test_the_example_of_the_reference_page_is_a_valid_project(read: Read) -> None:
    project = read(reference.EXAMPLE)

    assert [environment.name for environment in project.environments] == ["dev", "prod"]
    assert Draft202012Validator(SCHEMA).is_valid(_content(reference.EXAMPLE))
