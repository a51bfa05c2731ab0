import json
from pathlib import Path
from typing import Any

import pytest

from sagewright.cli import deployed
from sagewright.cli.errors import CommandError
from sagewright.pipelines import Bindings, training
from sagewright.project import load
from sagewright.stacks import code_archive
from tests.cli.deployed_pipeline import ACCOUNT, Account, change


def deployed_account(folder: Path) -> Account:
    """An account in which the project's pipeline is deployed."""
    project = load(folder)
    bundle = code_archive.object_name(
        code_archive.archive(code_archive.contents(project.root / project.first.training.code))
    )
    bindings = Bindings(
        data_bucket=f"leavers-dev-data-{ACCOUNT}-eu-west-1",
        key_arn="arn:aws:kms:eu-west-1:111111111111:key/1",
        bundle_uri=f"s3://assets/{bundle}",
        bundle_name=bundle,
        **{f"{job}_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{job}" for job in ("preprocess", "training", "evaluate")},
    )
    return Account(json.dumps(training.definition(project, bindings)))


@pytest.fixture
def account(project: Path) -> Any:
    return deployed_account(project)


def test_a_training_of_what_is_deployed_may_start(project: Path, account: Any) -> None:
    deployed.require_current(load(project), account)


def test_what_no_training_reads_may_change(project: Path, account: Any) -> None:
    (project / "README.md").write_text("other words")
    with (project / "data" / "churn.csv").open("a") as data:
        data.write("\n")
    deployed.require_current(load(project), account)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("src/leavers/model.py", "def fit(", "# Of today.\ndef fit("),
        ("project.yaml", "minimum: 0.60", "minimum: 0.61"),
        ("project.yaml", "max_leaf_nodes: 8", "max_leaf_nodes: 9"),
    ],
)
def test_a_change_that_is_not_deployed_is_refused(
    project: Path, account: Any, file: str, before: str, after: str
) -> None:
    change(project / file, before, after)
    with pytest.raises(CommandError, match=r"has changed since the last deployment: run `sagewright deploy` first\."):
        deployed.require_current(load(project), account)


def test_a_definition_of_another_form_is_refused_too(project: Path, account: Any) -> None:
    account.definition = json.dumps({"Parameters": [], "Steps": [{"Name": "Preprocess", "Type": "Fail"}]})
    with pytest.raises(CommandError, match="run `sagewright deploy` first"):
        deployed.require_current(load(project), account)
