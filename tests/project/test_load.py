"""A project file is read whole, and every fault in it is told at once: where, what, what is allowed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sagewright.project import Project, ProjectError, load

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

VALID = """\
name: churn
environments:
  dev: {region: eu-west-1}
data:
  source: data/customers.csv
  problem: binary_classification
  label: churned
training:
  code: src/churn
evaluation:
  minimum: 0.55
"""
THREE = """\
name: churn
tags: {team: ml, cost: "1"}
environments:
  dev:
    account: "111111111111"
    region: eu-west-1
    training: {instance: {type: ml.m5.2xlarge}, hyperparameters: {depth: 3}}
  staging: {account: "222222222222", region: eu-west-1, tags: {cost: "2"}}
  prod:
    account: "333333333333"
    region: eu-west-1
    serving: {instances: {min: 2}}
data:
  source: data/customers.csv
  problem: binary_classification
  label: churned
training:
  code: src/churn
  hyperparameters: {rate: 0.1}
evaluation:
  minimum: 0.55
"""


def test_the_smallest_file_gets_every_default(read: Read) -> None:
    project = read(VALID)

    environment = project.first
    assert (environment.data.split.by, environment.data.split.test) == ("stratified", 0.2)
    assert environment.training.instance.type == "ml.m5.xlarge"
    assert environment.training.package == "churn"
    assert (environment.evaluation.metric, environment.evaluation.threshold) == ("average_precision", 0.55)
    assert (environment.serving.instances.type, environment.serving.instances.min) == ("ml.m5.large", 1)
    assert environment.account is None
    assert project.serving == project.environments


@pytest.mark.parametrize(
    ("problem", "metric", "split", "bound"),
    [
        ("multiclass_classification", "f1_macro", "stratified", "minimum: 0.5"),
        ("regression", "rmse", "random", "maximum: 12"),
    ],
)
def test_defaults_follow_from_the_problem(read: Read, problem: str, metric: str, split: str, bound: str) -> None:
    project = read(VALID.replace("binary_classification", problem).replace("minimum: 0.55", bound))

    assert (project.first.evaluation.metric, project.first.data.split.by) == (metric, split)


def test_the_first_environment_trains_and_every_later_one_serves(read: Read) -> None:
    project = read(THREE)

    assert project.first.name == "dev"
    assert [environment.name for environment in project.serving] == ["staging", "prod"]
    assert project.environment("prod").serving.instances.min == 2
    assert project.environment("staging").serving.instances.min == 1


def test_an_override_is_merged_key_by_key_and_what_was_trained_is_the_same_everywhere(read: Read) -> None:
    project = read(THREE)

    assert project.first.training.hyperparameters == {"rate": 0.1, "depth": 3}
    assert project.environment("prod").training == project.first.training
    assert project.environment("prod").tags == {"team": "ml", "cost": "1"}
    assert project.environment("staging").tags == {"team": "ml", "cost": "2"}


def test_an_override_to_a_metric_of_the_other_direction_drops_the_inherited_bound(read: Read) -> None:
    project = read(
        VALID.replace("{region: eu-west-1}", "{region: eu-west-1, evaluation: {metric: log_loss, maximum: 0.4}}")
    )

    assert project.first.evaluation.threshold == 0.4
    assert project.first.evaluation.minimum is None


def test_a_file_of_another_name_is_read_too(folder: Path) -> None:
    (folder / "other.yaml").write_text(VALID)

    assert load(folder / "other.yaml").root == folder.resolve()


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(folder: Path) -> None:
    (folder / "project.yaml").write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())

    assert load(folder).name == "churn"


def test_a_fault_in_an_alias_is_told_where_its_value_stands(faults: Faults) -> None:
    text = VALID.replace("training:", "training:\n  instance: &small {type: m5}") + "serving: {instances: *small}\n"

    assert [line.split(": ")[:2] for line in faults(text)] == [
        ["project.yaml:9", "training.instance.type"],
        ["project.yaml:9", "serving.instances.type"],
    ]


def test_an_unknown_environment_is_an_error_that_names_those_there_are(read: Read) -> None:
    with pytest.raises(KeyError, match="no environment 'test' in project 'churn'; there are: dev, staging, prod"):
        read(THREE).environment("test")


def test_a_loaded_project_cannot_be_changed(read: Read) -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(read(VALID), "name", "other")  # noqa: B010 (an assignment would not pass the type checker)


# One change of a valid file each: what is replaced, by what, and every line that is printed for it.
SINGLE_FAULTS = [
    # Keys
    ("name: churn", "name: churn\nmaturity: manual", ["2: maturity: is not a key that exists here; there are: name,"]),
    ("name: churn", "name: churn\nbudget: {}", ["2: budget: is not a key that exists here"]),
    (
        "label:",
        "lable:",
        ["4: data.label: is required: the column to predict", "7: data.lable: is not a key that exists"],
    ),
    (
        "minimum: 0.55",
        "minimun: 0.55",
        ["11: evaluation.minimun: is not a key that exists here; did you mean 'minimum'?"],
    ),
    ("name: churn\n", "", ["1: name: is required: the project's name"]),
    (
        "{region: eu-west-1}",
        "{region: eu-west-1, root: /x}",
        ["3: environments.dev.root: is not a key that exists here"],
    ),
    (
        "{region: eu-west-1}",
        "{name: x, region: eu-west-1}",
        ["3: environments.dev.name: is not a key that exists here"],
    ),
    ("name: churn", "name: churn\nroot: /x", ["2: root: is not a key that exists here"]),
    ("name: churn", "name: churn\nname: other", ["2: name: is there twice, first in line 1; keep one of them"]),
    ("training:", "training:\n  1: x", ["9: training: the key 1 is not text; put it in quotes"]),
    ("training:", "training:\n  <<: {a: 1}", ["9: training: merge keys (<<) are not supported"]),
    # Whole sections
    ("{region: eu-west-1}", "", ["3: environments.dev: nothing stands where keys belong; write `region: eu-west-1`"]),
    ("  dev: {region: eu-west-1}\n", "", ["2: environments: is required; write at least one"]),
    ("  dev: {region: eu-west-1}", "  - dev", ["2: environments: a list names no environment"]),
    ("training:\n  code: src/churn\n", "", ["1: training: is required: what is run to learn"]),
    ("training:\n  code: src/churn", "training: src/churn", ["8: training: 'src/churn' stands where keys belong"]),
    # Text, numbers, choices
    ("label: churned", "label: 2020", ["7: data.label: 2020 is not text; put it in quotes"]),
    ("label: churned", "label: [a]", ["7: data.label: a list is not text; write text"]),
    ("minimum: 0.55", 'minimum: "0.55"', ["11: evaluation.minimum: '0.55' is not a number; write one without quotes"]),
    ("minimum: 0.55", "minimum: true", ["11: evaluation.minimum: true is not a number"]),
    ("minimum: 0.55", "minimum: .nan", ["11: evaluation.minimum: nan is not a finite number"]),
    ("binary_c", "binary-c", ["6: data.problem: 'binary-classification' is not one of", "'binary_classification'?"]),
    (
        "label: churned",
        "label: churned\n  split: {test: 1}",
        ["8: data.split.test: 1 is more than allowed (less than 1)"],
    ),
    ("label: churned", "label: churned\n  split: {test: 0}", ["data.split.test: 0 is less than allowed (more than 0)"]),
    # Names
    ("name: churn", "name: Churn", ["1: name: 'Churn' cannot be part of AWS names; use lower-case letters"]),
    ("name: churn", "name: a--b", ["1: name: 'a--b' cannot be part of AWS names"]),
    ("  dev:", "  pre-prod:", ["3: environments.pre-prod: 'pre-prod' cannot name an environment; use lower-case"]),
    (
        "name: churn",
        f"name: {'c' * 40}",
        ["1: name: ", "-eu-west-1' of 72 characters, more than AWS allows (at most 63)"],
    ),
    ("  dev:", f"  {'d' * 40}:", ["3: environments.ddd", "more than AWS allows (at most 63)", "11 characters shorter"]),
    ("name: churn", "name: sthree-churn", ["1: name: 'sthree-churn' would start S3 bucket names with 'sthree-'"]),
    # Accounts and regions
    (
        "{region",
        "{account: 012345678901, region",
        ["3: environments.dev.account: is a number to YAML", "put the account id"],
    ),
    ("{region", "{account: 111111111111, region", ["put the account id in quotes"]),
    ("{region", '{account: "1111", region', ["3: environments.dev.account: '1111' is not an account id; AWS's have"]),
    ("eu-west-1", "eu-west", ["3: environments.dev.region: 'eu-west' is not a region's name; did you mean eu-west-"]),
    ("eu-west-1", "eu-west-9", ["the managed scikit-learn image 1.9-0 does not exist in 'eu-west-9'; did you mean"]),
    # Tags, owner, description
    ("name: churn", "name: churn\ntags: {a: 1}", ["2: tags.a: 1 is not text; put it in quotes"]),
    ("name: churn", "name: churn\ntags: {'aws:a': b}", ["2: tags.aws:a: tags that start with 'aws:' are reserved"]),
    ("name: churn", "name: churn\ntags: {'sagewright:a': b}", ["tags that start with 'sagewright:' are reserved"]),
    ("name: churn", "name: churn\ntags: {a: 'b#'}", ["2: tags.a: '#' is not allowed in a tag; use letters"]),
    ("name: churn", "name: churn\ntags: {'': b}", ["2: tags.: a tag's key cannot be empty"]),
    ("name: churn", "name: churn\ntags: {Team: a, team: b}", ["'Team' and 'team' are one key to IAM"]),
    (
        "name: churn",
        f"name: churn\ntags: {{{'k' * 129}: a}}",
        ["has 129 characters, more than AWS allows in a tag (at most 128)"],
    ),
    ("name: churn", f"name: churn\ntags: {{a: {'v' * 257}}}", ["2: tags.a: has 257 characters", "(at most 256)"]),
    (
        "name: churn",
        f"name: churn\ntags: {{{', '.join(f't{n}: a' for n in range(48))}}}",
        ["48 tags are more than allowed (at most 46"],
    ),
    ("name: churn", "name: churn\nowner: nobody", ["2: owner: 'nobody' is not an e-mail address"]),
    (
        "name: churn",
        f"name: churn\ndescription: {'é' * 513}",
        ["2: description: has 1026 bytes, more than CloudFormation"],
    ),
    ("name: churn", 'name: churn\ndescription: "a\\nb"', ["2: description: holds a line break or control character"]),
    # Data
    ("data/customers.csv", "customers.csv", ["5: data.source: 'customers.csv' does not exist in", "or an S3 URI"]),
    ("data/customers.csv", "data", ["5: data.source: 'data' is neither a .csv nor a .parquet file"]),
    ("data/customers.csv", "../c.csv", ["5: data.source: '../c.csv' is not a path inside the project"]),
    ("data/customers.csv", "/c.csv", ["5: data.source: '/c.csv' is not a path inside the project"]),
    ("data/customers.csv", "data/_c.csv", ["'data/_c.csv' starts with _ or ."]),
    (
        "data/customers.csv",
        "s3://Bucket/x",
        ["5: data.source: 's3://Bucket/x' is not an S3 URI; write s3://bucket/prefix/"],
    ),
    ("data/customers.csv", "https://a/b.csv", ["5: data.source: 'https://a/b.csv' is not an S3 URI"]),
    (
        "label: churned",
        "label: churnd",
        ["7: data.label: 'churnd' is not a column of data/customers.csv; did you mean 'churned'?"],
    ),
    (
        "label: churned",
        "label: churned\n  record_id: id",
        ["8: data.record_id: 'id' is not a column of", "there are: customer_id"],
    ),
    ("label: churned", "label: churned\n  record_id: churned", ["8: data.record_id: 'churned' is data.label too"]),
    ("label: churned", f"label: {'l' * 257}", ["7: data.label: has 257 characters", "(at most 256)"]),
    ("label: churned", "label: -churned", ["7: data.label: '-churned' starts with a hyphen, which reads as an option"]),
    ("label: churned", 'label: "a\\Lb"', ["7: data.label: holds a line break, which SageMaker refuses"]),
    ("label: churned", 'label: ""', ["7: data.label: is empty; name it"]),
    # Training
    (
        "src/churn",
        "src/nothing",
        ["9: training.code: 'src/nothing' does not exist in", "name the folder of the package"],
    ),
    ("src/churn", "src/churn/model.py", ["9: training.code: 'model.py' cannot be imported"]),
    ("src/churn", "src/my-churn", ["9: training.code: 'my-churn' cannot be imported"]),
    ("src/churn", ".", ["9: training.code: '.' cannot be imported"]),
    ("src/churn", "src/json", ["9: training.code: 'json' would hide the module of that name in the job"]),
    ("src/churn", "src/sklearn", ["9: training.code: 'sklearn' would hide the module of that name"]),
    (
        "code: src/churn",
        "code: src/churn\n  instance: {type: m5}",
        ["10: training.instance.type: 'm5' is not an instance type"],
    ),
    ("code: src/churn", "code: src/churn\n  instance: {type: ml.m5.xlarg}", ["did you mean ml.m5.xlarge?"]),
    ("code: src/churn", "code: src/churn\n  instance: {type: ml.c5n.xlarge}", ["SageMaker has for processing jobs"]),
    (
        "code: src/churn",
        "code: src/churn\n  instance: {type: ml.r5d.large}",
        ["has local NVMe disks, for which SageMaker refuses"],
    ),
    ("code: src/churn", "code: src/churn\n  instance: {type: ml.p3.2xlarge}", ["has an accelerator"]),
    (
        "code: src/churn",
        "code: src/churn\n  hyperparameters: {a: .inf}",
        ["10: training.hyperparameters.a: holds .nan or .inf"],
    ),
    (
        "code: src/churn",
        f"code: src/churn\n  hyperparameters: {{a: {'x' * 2500}}}",
        ["takes 2502 characters as JSON", "2500"],
    ),
    ("code: src/churn", f"code: src/churn\n  hyperparameters: {{{'k' * 257}: 1}}", ["1 to 256 characters on one line"]),
    (
        "code: src/churn",
        f"code: src/churn\n  hyperparameters: {{{', '.join(f'h{n}: 1' for n in range(101))}}}",
        ["10: training.hyperparameters: 101 hyperparameters are more than SageMaker allows (at most 100)"],
    ),
    # Evaluation
    (
        "minimum: 0.55",
        "minimum: 1.3",
        ["11: evaluation.minimum: 1.3 is more than average_precision can be (at most 1)"],
    ),
    ("minimum: 0.55", "minimum: -1", ["11: evaluation.minimum: -1 is less than average_precision can be (at least 0)"]),
    ("minimum: 0.55", "maximum: 0.55", ["11: evaluation.maximum: does not go with average_precision, which grows"]),
    (
        "minimum: 0.55",
        "metric: log_loss\n  minimum: 1",
        ["12: evaluation.minimum: does not go with log_loss, which falls"],
    ),
    ("minimum: 0.55", "minimum: 0.5\n  maximum: 0.6", ["12: evaluation.maximum: does not go with average_precision"]),
    ("minimum: 0.55", "metric: f1", ["evaluation.minimum: is required: the least that f1 may be"]),
    (
        "minimum: 0.55",
        "metric: rmse\n  maximum: 3",
        ["11: evaluation.metric: 'rmse' does not judge binary_classification"],
    ),
    # Serving
    (
        "evaluation:",
        "serving: {instances: {min: 0}}\nevaluation:",
        ["serving.instances.min: 0 is less than allowed (at least 1)"],
    ),
    (
        "evaluation:",
        "serving: {instances: {min: 1.5}}\nevaluation:",
        ["serving.instances.min: 1.5 is not a whole number"],
    ),
    ("evaluation:", "serving: {instances: {type: ml.m6g.large}}\nevaluation:", ["is an Arm (Graviton) instance"]),
    ("evaluation:", "serving:\nevaluation:", ["10: serving: nothing stands where keys belong"]),
]


@pytest.mark.parametrize(
    ("valid", "broken", "told"), SINGLE_FAULTS, ids=[broken[:40] for _, broken, _ in SINGLE_FAULTS]
)
def test_a_fault_is_told_with_its_line_its_key_and_what_to_do(
    faults: Faults, valid: str, broken: str, told: list[str]
) -> None:
    lines = faults(VALID.replace(valid, broken, 1))

    for part in told:
        assert any(part in line for line in lines), f"{part!r} is not in {lines}"
    assert len(lines) <= len(told)
    assert all(line.startswith("project.yaml:") for line in lines)


def test_all_faults_are_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    text = VALID.replace("churn\n", "Churn\n", 1).replace("eu-west-1", "mars-1").replace("label:", "lable:")

    keys = [line.split(": ")[1] for line in faults(text.replace("0.55", "7"))]

    assert keys == ["name", "environments.dev.region", "data.label", "data.lable", "evaluation.minimum"]


def test_faults_of_the_yaml_and_of_its_values_are_told_together(faults: Faults) -> None:
    lines = faults(VALID + "  minimum: 0.7\nowner: nobody\n")

    assert [line.split(": ")[1] for line in lines] == ["evaluation.minimum", "owner"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: churn\n  data: 1\n", "project.yaml:2: is not valid YAML: mapping values are not allowed here"),
        ("name: [churn\n", "project.yaml:2: is not valid YAML: while parsing a flow sequence"),
        ("name: a\n---\nname: b\n", "project.yaml:2: is not valid YAML: expected a single document"),
        ("name: \x01\n", "project.yaml: is not valid YAML: unacceptable character"),
        ("name: *unknown\n", "project.yaml:1: is not valid YAML: found undefined alias"),
        ("", "project.yaml:1: is empty; start with `name:`"),
        ("- churn\n", "project.yaml:1: must hold keys at its top"),
        ("name: !vault x\n", "project.yaml:1: name: 'x' cannot be read: could not determine a constructor"),
        ("tags: &all {a: *all}\n", "project.yaml:1: tags.a: holds an alias (*) to itself"),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused_with_its_line(faults: Faults, text: str, told: str) -> None:
    assert faults(text)[0].startswith(told)


def test_a_missing_file_and_a_file_of_another_encoding_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"cannot be read: No such file or directory; name a project\.yaml"):
        load(tmp_path)
    (tmp_path / "project.yaml").write_bytes("name: café".encode("latin-1"))
    with pytest.raises(ProjectError, match=r"is not UTF-8 text \(byte 9\); save it as UTF-8"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("valid", "broken", "told"),
    [
        ("{min: 2}", "{min: 0}", ["12: environments.prod.serving.instances.min: 0 is less than allowed (at least 1)"]),
        ("{min: 2}", "{max: 2}", ["12: environments.prod.serving.instances.max: is not a key that exists here"]),
        (
            "training: {instance: {type: ml.m5.2xlarge}",
            "training: {instance: {type: x}",
            ["7: environments.dev.training."],
        ),
        (
            "    training:",
            "    serving: {}\n    training:",
            ["7: environments.dev.serving: would be ignored, because this"],
        ),
        (
            'tags: {cost: "2"}',
            "data: {label: x}",
            ["8: environments.staging.data: would be ignored", "the first one does"],
        ),
        (
            'tags: {cost: "2"}',
            'tags: {Team: "2"}',
            ["8: environments.staging.tags: with the project's own, 'team' and 'Team'"],
        ),
        (
            "    training:",
            "    evaluation: {metric: log_loss}\n    training:",
            ["7: environments.dev.evaluation.minimum: does not"],
        ),
        ("    training:", "    data: {problem: regression}\n    training:", ["7: environments.dev.evaluation.m"]),
        (
            "    training:",
            "    data: {source: data/other.csv}\n    training:",
            ["7: environments.dev.data.source: 'data/other.csv'"],
        ),
        (
            '"333333333333"\n    region: eu-west-1',
            '"333333333333"\n    region: us-east-1',
            ["11: environments.prod.region: 'us-e"],
        ),
        ('account: "222222222222", ', "", ["8: environments.staging.account: is required here, because other env"]),
    ],
)
def test_a_fault_that_an_override_brought_about_is_told_at_the_environments_line(
    faults: Faults, valid: str, broken: str, told: list[str]
) -> None:
    lines = faults(THREE.replace(valid, broken, 1))

    for part in told:
        assert any(part in line for line in lines), f"{part!r} is not in {lines}"
    assert all("environments." in line for line in lines)


def test_a_fault_of_the_project_is_told_once_however_many_environments_inherit_it(faults: Faults) -> None:
    assert len(faults(THREE.replace("minimum: 0.55", "minimum: 5"))) == 1


def test_a_source_in_s3_is_not_looked_for_in_the_folder(read: Read) -> None:
    project = read(VALID.replace("data/customers.csv", "s3://my-bucket/customers/"))

    assert project.first.data.s3_place == ("my-bucket", "customers/")


@pytest.mark.parametrize(("written", "read_as"), [("1", "1"), ("true", "true"), ("-1", "-1"), ('"Yes"', "Yes")])
def test_a_positive_label_is_text_however_it_is_written(read: Read, written: str, read_as: str) -> None:
    project = read(VALID.replace("label: churned", f"label: churned\n  positive_label: {written}"))

    assert project.first.data.positive_label == read_as


def test_text_that_looks_like_a_date_stays_text(read: Read, folder: Path) -> None:
    (folder / "data" / "customers.csv").write_text("a,2024-01-01\n")

    assert read(VALID.replace("label: churned", "label: 2024-01-01")).first.data.label == "2024-01-01"


def test_a_hyperparameter_may_be_any_json_value(read: Read) -> None:
    values = {"a": None, "b": [1, 2.5], "c": {"d": True}, "e": '${x} "quoted" é'}
    text = "{a: null, b: [1, 2.5], c: {d: true}, e: '${x} \"quoted\" é'}"

    assert (
        read(
            VALID.replace("code: src/churn", f"code: src/churn\n  hyperparameters: {text}")
        ).first.training.hyperparameters
        == values
    )
