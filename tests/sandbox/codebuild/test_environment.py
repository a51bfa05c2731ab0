"""A build has the environment that CodeBuild documents, secrets that its role may read, and an image of its own."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

DOCUMENTED = {
    *("AWS_DEFAULT_REGION", "AWS_REGION", "CODEBUILD_BUILD_ARN", "CODEBUILD_BUILD_ID", "CODEBUILD_BUILD_IMAGE"),
    *("CODEBUILD_BUILD_NUMBER", "CODEBUILD_BUILD_SUCCEEDING", "CODEBUILD_INITIATOR", "CODEBUILD_KMS_KEY_ID"),
    *("CODEBUILD_LOG_PATH", "CODEBUILD_PROJECT_ARN", "CODEBUILD_SRC_DIR", "CODEBUILD_START_TIME", "HOME"),
}
KEYS = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
PRINT = 'version: 0.2\nphases: {build: {commands: [\'env -0 | tr "\\n" " " | tr "\\0" "\\n"\']}}'


def variables(yard: Any, build: dict[str, Any]) -> dict[str, str]:
    return dict(line.split("=", 1) for line in yard.printed(build) if "=" in line)


def context(build: dict[str, Any], phase: str) -> str:
    (found,) = [each for each in build["phases"] if each["phaseType"] == phase]
    return f"{found['contexts'][0]['statusCode']}: {found['contexts'][0]['message']}"


def test_a_build_has_what_is_documented_and_nothing_of_the_users(
    yard: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = tmp_path / "config"
    configuration.write_text("[profile production]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("OF_THE_USER", "secret")
    monkeypatch.setenv("AWS_PROFILE", "production")
    build = yard.run(PRINT)
    found = variables(yard, build)
    assert set(found) >= DOCUMENTED | KEYS
    assert {name for name in found if name.startswith("CODEBUILD_")} <= DOCUMENTED
    assert not {"OF_THE_USER", "AWS_PROFILE"} & set(found)
    assert (found["CODEBUILD_BUILD_ID"], found["CODEBUILD_BUILD_NUMBER"]) == (build["id"], "1")
    assert (found["CODEBUILD_INITIATOR"], found["AWS_REGION"]) == ("administrator", "eu-west-1")
    assert found["AWS_ENDPOINT_URL"] == yard.bench.sandbox.endpoint
    assert not Path(found["HOME"]).exists()


def test_a_build_acts_with_its_projects_role(yard: Any) -> None:
    program = 'import boto3; print(boto3.client(\\"sts\\").get_caller_identity()[\\"Arn\\"])'
    role = yard.role()
    build = yard.run(f"version: 0.2\nphases: {{build: {{commands: ['python -c \"{program}\"']}}}}", serviceRole=role)
    assert yard.printed(build) == [f"arn:aws:sts::111111111111:assumed-role/{role.rpartition('/')[2]}/AWSCodeBuild"]


def test_what_the_role_may_not_do_fails_the_command(yard: Any) -> None:
    program = 'import boto3; boto3.client(\\"s3\\").list_buckets()'
    build = yard.run(f"version: 0.2\nphases: {{build: {{commands: ['python -c \"{program}\"']}}}}")
    assert build["buildStatus"] == "FAILED"
    assert "AccessDenied" in yard.printed(build)[-1]


def test_the_start_is_stronger_than_the_project_and_the_project_than_the_buildspec(yard: Any) -> None:
    spec = "version: 0.2\nenv: {variables: {A: spec, B: spec, C: spec}}\nphases: {build: {commands: ['echo $A $B $C']}}"
    given = [{"name": name, "value": "project"} for name in "BC"]
    project = yard.project(spec, environment={"environmentVariables": given})
    build = yard.build(project, environmentVariablesOverride=[{"name": "C", "value": "start"}])
    assert yard.printed(build) == ["spec project start"]


SECRETS = """
version: 0.2
env:
  parameter-store: {TOKEN: /builds/NAME}
  secrets-manager: {PASSWORD: "NAME:password", WHOLE: NAME}
  exported-variables: [TOKEN, PASSWORD, GREETING, AWS_REGION, ABSENT]
phases:
  build:
    commands:
      - 'export GREETING="hello $(echo $TOKEN | wc -c)"'
      - echo $TOKEN and $PASSWORD
"""


def test_secrets_are_read_with_the_role_hidden_in_the_log_and_never_exported(yard: Any) -> None:
    name = yard.bench.name
    yard.bench.client("ssm").put_parameter(Name=f"/builds/{name}", Value="s3same", Type="SecureString")
    yard.bench.client("secretsmanager").create_secret(Name=name, SecretString='{"password": "0pen"}')
    reads = yard.allow("ssm:GetParameters", "secretsmanager:GetSecretValue", "kms:Decrypt")
    build = yard.run(SECRETS.replace("NAME", name), reads)
    assert build["exportedEnvironmentVariables"] == [{"name": "GREETING", "value": "hello 7"}]
    assert yard.printed(build) == ["*** and ***"]


def test_a_parameter_that_is_absent_ends_the_download_phase(yard: Any) -> None:
    build = yard.run(SECRETS.replace("NAME", yard.bench.name), yard.allow("ssm:GetParameters"))
    problem = f"Decrypted Variables Error: parameter does not exist: /builds/{yard.bench.name}"
    assert context(build, "DOWNLOAD_SOURCE") == problem


def test_a_parameter_that_the_role_may_not_read_ends_the_download_phase(yard: Any) -> None:
    build = yard.run(SECRETS.replace("NAME", yard.bench.name))
    assert context(build, "DOWNLOAD_SOURCE").startswith("Decrypted Variables Error: AccessDeniedException")


def test_a_build_that_may_not_write_its_log_does_not_run(yard: Any) -> None:
    build = yard.run("version: 0.2\nphases: {build: {commands: [echo]}}", serviceRole=yard.role(logs=False))
    assert build["buildStatus"] == "FAILED"
    assert "does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams" in context(build, "PROVISIONING")
    assert "logs:CreateLogStream" in context(build, "PROVISIONING")


def test_a_role_that_no_longer_trusts_codebuild_ends_the_build_at_once(yard: Any) -> None:
    role = yard.role()
    project = yard.project("version: 0.2\nphases: {build: {commands: [echo]}}", serviceRole=role)
    yard.bench.client("iam").update_assume_role_policy(
        RoleName=role.rpartition("/")[2],
        PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
        ' "Principal": {"Service": "lambda.amazonaws.com"}}]}',
    )
    build = yard.build(project)
    assert context(build, "SUBMITTED").startswith(
        "ACCESS_DENIED: CodeBuild is not authorized to perform: sts:AssumeRole"
    )


def test_the_trust_may_hold_to_the_project(yard: Any) -> None:
    name = f"{yard.bench.name}-held"
    arn = f"arn:aws:codebuild:eu-west-1:111111111111:project/{name}"
    held = {"ArnEquals": {"aws:SourceArn": arn}, "StringEquals": {"aws:SourceAccount": "111111111111"}}
    role = yard.role(Condition=held)
    spec = "version: 0.2\nphases: {build: {commands: [echo]}}"
    assert yard.run(spec, serviceRole=role, name=name)["buildStatus"] == "SUCCEEDED"
    with pytest.raises(Exception, match="CodeBuild is not authorized to perform: sts:AssumeRole"):
        yard.project(spec, serviceRole=role, name=f"{name}-not")


INSTALL = """
version: 0.2
env: {shell: bash}
phases:
  install:
    runtime-versions: {python: 3.14}
    commands:
      - mkdir -p package/installed
      - echo 'import sys; where = sys.prefix' > package/installed/__init__.py
      - cp -r package/installed "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
  build:
    commands:
      - python -c 'import installed, moto, sys; print(installed.where == sys.prefix, moto.__file__)'
      - python -m pip --version
      - head -2 "$(command -v pytest)"
      - python -c 'import sys; print(sys.prefix)'
"""


def test_a_build_sees_the_sandboxs_packages_and_installs_into_an_environment_of_its_own(yard: Any) -> None:
    ours = Path(sysconfig.get_path("purelib"))
    before = sorted(ours.iterdir())
    build = yard.run(INSTALL)
    assert build["buildStatus"] == "SUCCEEDED"
    shown, pip, *script, prefix = yard.printed(build)
    moto = next(path for path in map(Path, sys.path) if (path / "moto").is_dir())
    assert shown == f"True {moto / 'moto' / '__init__.py'}"
    assert pip.startswith("pip ")
    assert prefix in script[1]
    assert not Path(prefix).exists()
    assert sorted(ours.iterdir()) == before


def test_a_runtime_that_no_image_here_has_is_refused_by_name(yard: Any) -> None:
    build = yard.run("version: 0.2\nphases: {install: {runtime-versions: {golang: 1.26}}, build: {commands: [echo]}}")
    assert "does not have the runtime golang; it has python and nodejs" in context(build, "DOWNLOAD_SOURCE")
