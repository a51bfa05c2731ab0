"""An ingestion runs what the folder holds, or not at all."""

import json
from typing import Any

import pytest

from sagewright.cli import deployed
from sagewright.cli.errors import CommandError
from sagewright.pipelines import IngestionBindings, ingestion
from sagewright.project import Project, load
from sagewright.stacks import code_archive
from tests.cli.deployed_pipeline import ACCOUNT, Account, change

CHANGED = r"has changed since the last deployment: run `sagewright deploy` first\."


def deployed_account(project: Project) -> Account:
    """An account in which the project's pipeline is deployed."""
    bundle = code_archive.object_name(code_archive.of_project(project))
    bindings = IngestionBindings(
        data_bucket=f"orders-dev-data-{ACCOUNT}-eu-west-1",
        key_arn="arn:aws:kms:eu-west-1:111111111111:key/1",
        bundle_uri=f"s3://assets/{bundle}",
        bundle_name=bundle,
        ingestion_role_arn=f"arn:aws:iam::{ACCOUNT}:role/orders-ingestion",
        online_writer_arns={"prod": f"arn:aws:iam::{ACCOUNT}:role/orders-prod-features-write"},
    )
    return Account(json.dumps(ingestion.definition(project, bindings)))


@pytest.fixture
def account(written: Project) -> Any:
    return deployed_account(written)


def test_an_ingestion_of_what_is_deployed_may_start(written: Project, account: Any) -> None:
    with (written.root / "data" / "sky.csv").open("a") as rows:
        rows.write("B,2024-01-01T00:00:00Z,2.5,10\n")
    change(written.root / "project.yaml", "fresh_hours: 24", "fresh_hours: 25")
    deployed.require_current_ingestion(load(written.root), account)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("src/orders/model.py", "def fit(", "# Of today.\ndef fit("),
        ("project.yaml", "{wind: fractional, ", "{wind: fractional, gusts: fractional, "),
        ("project.yaml", "version: 2", "version: 3"),
        ("project.yaml", "  prod: {region: eu-west-1}", "  next: {region: eu-west-1}\n  prod: {region: eu-west-1}"),
    ],
)
def test_a_change_that_is_not_deployed_is_refused(
    written: Project, account: Any, file: str, before: str, after: str
) -> None:
    change(written.root / file, before, after)
    if "gusts" in after:
        (written.root / "data" / "sky.csv").write_text(
            "station,observed,wind,gusts,sight\nA,2024-01-01T00:00:00Z,1,2,3\n"
        )
    with pytest.raises(CommandError, match=CHANGED):
        deployed.require_current_ingestion(load(written.root), account)
