import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from sagewright.project import image, names

EXECUTION = "abcdefghij12"
JOBS = {"Preprocess": "ProcessingJobs", "Train": "TrainingJobs", "Evaluate": "ProcessingJobs"}


@pytest.fixture(scope="module")
def training(one: Any) -> Any:
    return one["churn-training"]


@pytest.fixture(scope="module")
def definition(training: Any) -> dict[str, Any]:
    return read_definition(training)


def read_definition(training: Any) -> dict[str, Any]:
    body = training.only("AWS::SageMaker::Pipeline")["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]
    return json.loads(body)


def steps(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {step["Name"]: step for step in definition["Steps"]}


def at_run_time(value: Any, definition: dict[str, Any]) -> str:
    """What a URI of the definition is in an execution."""
    if isinstance(value, str):
        return value
    if "Std:Join" in value:
        return value["Std:Join"]["On"].join(at_run_time(part, definition) for part in value["Std:Join"]["Values"])
    reference = value["Get"]
    if reference == "Execution.PipelineExecutionId":
        return EXECUTION
    step, _, attribute = reference.removeprefix("Steps.").partition(".")
    arguments = steps(definition)[step]["Arguments"]
    if attribute == "ModelArtifacts.S3ModelArtifacts":
        folder = at_run_time(arguments["OutputDataConfig"]["S3OutputPath"], definition)
        return f"{folder}/pipelines-{EXECUTION}-{step}-x1/output/model.tar.gz"
    outputs = {each["OutputName"]: each["S3Output"]["S3Uri"] for each in arguments["ProcessingOutputConfig"]["Outputs"]}
    return at_run_time(outputs[attribute.split("'")[1]], definition)


def inputs(step: dict[str, Any], definition: dict[str, Any]) -> Iterator[str]:
    for each in step["Arguments"].get("ProcessingInputs", []):
        yield at_run_time(each["S3Input"]["S3Uri"], definition)
    for each in step["Arguments"].get("InputDataConfig", []):
        yield at_run_time(each["DataSource"]["S3DataSource"]["S3Uri"], definition)


def outputs(step: dict[str, Any], definition: dict[str, Any]) -> Iterator[str]:
    for each in step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", []):
        yield at_run_time(each["S3Output"]["S3Uri"], definition)
    if "OutputDataConfig" in step["Arguments"]:
        yield at_run_time(step["Arguments"]["OutputDataConfig"]["S3OutputPath"], definition)


def allows(statements: dict[str, Any], action: str, uri: str) -> bool:
    """Whether an object just below a URI, or the URI's own, is allowed."""
    arns = [f"arn:aws:s3:::{uri.removeprefix('s3://')}", f"arn:aws:s3:::{uri.removeprefix('s3://').rstrip('/')}/file"]
    allowed = [each for each in statements.values() if action in each["Action"]]
    return any(fnmatchcase(arn, resource) for arn in arns for each in allowed for resource in each["Resource"])


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_read_what_the_definition_gives_it_and_write_what_it_asks_of_it(
    training: Any, definition: dict[str, Any], job: str
) -> None:
    statements = training.statements(job)
    step = steps(definition)[job]
    for uri in inputs(step, definition):
        assert allows(statements, "s3:GetObject", uri), uri
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        listing = [each for each in statements.values() if f"arn:aws:s3:::{bucket}" in each["Resource"]]
        patterns = [pattern for each in listing for test in each["Condition"].values() for pattern in listed(test)]
        assert any(fnmatchcase(prefix, pattern) for pattern in patterns), prefix
    for uri in outputs(step, definition):
        assert allows(statements, "s3:PutObject", uri), uri


def listed(test: dict[str, Any]) -> list[str]:
    prefixes = test["s3:prefix"]
    return prefixes if isinstance(prefixes, list) else [prefixes]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_may_write_nothing_that_another_job_writes(training: Any, definition: dict[str, Any], job: str) -> None:
    statements = training.statements(job)
    for other in JOBS.keys() - {job}:
        for uri in outputs(steps(definition)[other], definition):
            assert not allows(statements, "s3:PutObject", uri), uri


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_exactly_the_permissions_of_its_kind(training: Any, job: str) -> None:
    statements = training.statements(job)
    reads = "Source" if job == "Preprocess" else "Inputs"
    assert set(statements) == {
        *("ReadCode", "ListCode", f"Read{reads}", f"List{reads}", "WriteOutputs", "UseKey", "EncryptVolumes"),
        *("WriteLogs", "WriteMetrics", "ReadImage", "LogInToRegistry"),
    }
    assert statements["UseKey"]["Action"] == ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
    assert statements["WriteLogs"]["Resource"][0].endswith(f":log-group:/aws/sagemaker/{JOBS[job]}")
    assert statements["WriteMetrics"]["Condition"] == {
        "StringEquals": {"cloudwatch:namespace": f"/aws/sagemaker/{JOBS[job]}"}
    }


@pytest.mark.parametrize("job", JOBS)
def test_a_job_reads_exactly_its_own_code_bundle(training: Any, definition: dict[str, Any], job: str) -> None:
    (uri,) = {uri for uri in inputs(steps(definition)[job], definition) if uri.endswith(".zip")}
    bucket, _, name = uri.removeprefix("s3://").partition("/")
    statements = training.statements(job)
    assert bucket == "cdk-hnb659fds-assets-999999999999-eu-west-1"
    assert statements["ReadCode"]["Resource"] == [f"arn:aws:s3:::{bucket}/{name}"]
    assert statements["ListCode"]["Condition"] == {"StringEquals": {"s3:prefix": name}}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_as_the_role_that_is_made_for_it(training: Any, definition: dict[str, Any], job: str) -> None:
    (role,) = (key for key in training.resources("AWS::IAM::Role") if key.startswith(f"Training{job}Role"))
    assert steps(definition)[job]["Arguments"]["RoleArn"] == f"<{role}.Arn>"


def test_the_roles_may_pull_the_image_that_the_definition_names(training: Any, definition: dict[str, Any]) -> None:
    address = steps(definition)["Train"]["Arguments"]["AlgorithmSpecification"]["TrainingImage"]
    assert address == image.address("eu-west-1")
    registry, _, path = address.partition("/")
    repository = f"arn:aws:ecr:eu-west-1:{registry.split('.')[0]}:repository/{path.split(':')[0]}"
    for job in JOBS:
        assert training.statements(job)["ReadImage"]["Resource"] == [repository]


def test_the_pipeline_may_pass_the_three_job_roles_to_sagemaker_and_nothing_else(training: Any) -> None:
    statement = training.statements("Execution")["PassJobRoles"]
    roles = [
        key for job in JOBS for key in training.resources("AWS::IAM::Role") if key.startswith(f"Training{job}Role")
    ]
    assert statement["Action"] == ["iam:PassRole"]
    assert statement["Resource"] == [f"<{role}.Arn>" for role in roles]
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_the_pipeline_runs_its_own_jobs_reads_results_and_registers_in_its_own_group(training: Any) -> None:
    statements = training.statements("Execution")
    account = "arn:aws:sagemaker:eu-west-1:999999999999"
    for kind in ("Processing", "Training"):
        allowed = statements[f"Run{kind}Jobs"]
        assert allowed["Resource"] == [f"{account}:{kind.lower()}-job/pipelines-*"]
        assert allowed["Action"] == [
            "sagemaker:AddTags",
            *(f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")),
        ]
    assert statements["RegisterVersions"]["Resource"] == [
        f"{account}:model-package-group/churn",
        f"{account}:model-package/churn/*",
    ]
    bucket = "arn:aws:s3:::churn-dev-data-999999999999-eu-west-1"
    assert statements["ReadResults"]["Resource"] == [
        f"{bucket}/executions/*/Evaluate/evaluation/*",
        f"{bucket}/executions/*/Train/*",
    ]
    assert statements["UseKey"]["Action"] == ["kms:Decrypt"]
    assert set(statements) == {
        *("RunProcessingJobs", "RunTrainingJobs", "PassJobRoles", "RegisterVersions"),
        *("ReadResults", "UseKey"),
    }


def test_no_run_can_start_before_its_roles_may_do_what_they_must(training: Any) -> None:
    (pipeline,) = (each for each in training.body["Resources"].values() if each["Type"] == "AWS::SageMaker::Pipeline")
    assert set(pipeline["DependsOn"]) == set(training.resources("AWS::IAM::Policy"))


def test_only_sagemaker_on_behalf_of_the_account_may_run_as_the_roles(training: Any) -> None:
    roles = training.resources("AWS::IAM::Role").values()
    assert len(roles) == 4
    for role in roles:
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "999999999999"}}


def test_the_stack_names_its_pipeline(training: Any) -> None:
    pipeline = training.only("AWS::SageMaker::Pipeline")["Properties"]
    assert pipeline["PipelineName"] == "churn-training"
    outputs = {name: training.resolve(each["Value"]) for name, each in training.body["Outputs"].items()}
    assert outputs["PipelineName"].startswith("<TrainingPipeline")
    assert outputs["PipelineArn"] == "arn:aws:sagemaker:eu-west-1:999999999999:pipeline/churn-training"


def test_words_of_the_user_reach_the_definition_as_they_are(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    words = r'Which ${Customers} leave, "who" stays \ and why €'
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("Which customers leave", f"'{words}'"), encoding="utf-8")

    training = synthesized(folder)["churn-training"]

    register = steps(read_definition(training))["Gate"]["Arguments"]["IfSteps"][0]
    assert register["Arguments"]["ModelPackageDescription"] == words


def test_raw_data_elsewhere_is_read_below_its_prefix_and_nowhere_else(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("data/customers.csv", "s3://lake/customers/"))

    training = synthesized(folder)["churn-training"]

    statements = training.statements("Preprocess")
    assert statements["ReadSource"]["Resource"] == ["arn:aws:s3:::lake/customers/*"]
    assert statements["ListSource"]["Resource"] == ["arn:aws:s3:::lake"]
    assert statements["ListSource"]["Condition"] == {"StringLike": {"s3:prefix": ["customers", "customers/*"]}}
    assert "ReadSource" not in training.statements("Train")


def test_raw_data_elsewhere_may_be_encrypted_with_a_key_that_is_not_ours(
    project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("data/customers.csv", "s3://lake/customers/"))

    training = synthesized(folder)["churn-training"]

    decrypt = training.statements("Preprocess")["DecryptSource"]
    assert decrypt["Action"] == ["kms:Decrypt"]
    assert decrypt["Resource"] == ["arn:aws:kms:eu-west-1:*:key/*"]
    assert decrypt["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::lake", "arn:aws:s3:::lake/customers/*"]},
    }
    assert "DecryptSource" not in training.statements("Train")


def test_the_rows_that_callers_send_are_read_by_the_evaluation_only_where_it_compares(
    training: Any, project: Callable[..., Path], synthesized: Callable[[Path], Any]
) -> None:
    folder = project()
    file = folder / "project.yaml"
    file.write_text(file.read_text().replace("{minimum: 0.55}", "{minimum: 0.55, champion: {}}"))

    statements = synthesized(folder)["churn-training"].statements("Evaluate")

    bucket = "s3://churn-dev-data-999999999999-eu-west-1"
    rows = f"{bucket}/executions/{EXECUTION}/Preprocess/held_out/rows.csv"
    assert allows(statements, "s3:GetObject", rows)
    assert allows(statements, "s3:GetObject", f"{bucket}/{names.NO_CHAMPION}")
    assert not allows(training.statements("Evaluate"), "s3:GetObject", rows)
