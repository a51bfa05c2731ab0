from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagewright.pipelines import Bindings, training
from sagewright.project import load

# Text that YAML, JSON, CloudFormation's Fn::Sub and a shell would each like to change.
AWKWARD = '${AWS::Region} "it\'s" {{x}} \\ naïve 客户 $(id) #1'


@pytest.fixture(scope="session")
def bindings() -> Bindings:
    role = "arn:aws:iam::111111111111:role/churn-training-{}"
    bundle = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef.zip"
    return Bindings(
        data_bucket="churn-dev-data-111111111111-eu-west-1",
        key_arn="arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        bundle_uri=f"s3://cdk-hnb659fds-assets-111111111111-eu-west-1/{bundle}",
        bundle_name=bundle,
        preprocess_role_arn=role.format("Preprocess"),
        training_role_arn=role.format("Train"),
        evaluate_role_arn=role.format("Evaluate"),
    )


@pytest.fixture
def define(tmp_path: Path, bindings: Bindings) -> Callable[..., dict[str, Any]]:
    """Define the training of a project of the given sections."""

    def define(
        *, source: str = "table.csv", problem: str = "binary_classification", data: str = "", **sections: str
    ) -> dict[str, Any]:
        package = tmp_path / "src" / "churn"
        package.mkdir(parents=True, exist_ok=True)
        (tmp_path / "table.csv").write_text(f'churned,id,"{AWKWARD.replace(chr(34), chr(34) * 2)}"\n', encoding="utf-8")
        whole = {
            "name": "churn",
            "data": f"{{source: {source}, problem: {problem}, label: churned, {data}}}",
            "training": "{code: src/churn}",
            "evaluation": "{minimum: 0.55}",
            "environments": "{dev: {region: eu-west-1}}",
        } | sections
        text = "".join(f"{key}: {value}\n" for key, value in whole.items())
        (tmp_path / "project.yaml").write_text(text, encoding="utf-8")
        return training.definition(load(tmp_path), bindings)

    return define


@pytest.fixture
def awkward() -> str:
    return AWKWARD
