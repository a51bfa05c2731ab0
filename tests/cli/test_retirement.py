"""A retirement is written down once; where it could not be, doing it again writes it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.cli import retirement
from sagewright.cli.errors import CommandError
from sagewright.project import Project, load
from sagewright.runtime.functions.model_versions import APPROVED, RETIRED, Version
from tests.cli.test_elsewhere import ARN, Bucket

WHEN = datetime(2030, 1, 31, 12, tzinfo=UTC)
ANNA = "arn:aws:iam::111111111111:user/anna"
GONE = Version(3, ARN, APPROVED, WHEN, None, "", "", {}, WHEN, ANNA, RETIRED, "replaced by version 5")


class Audit(Bucket):
    """The bucket of the record, to which not everybody may add."""

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__()
        self.refuses = refuses

    def put_object(self, **given: Any) -> None:
        if self.refuses:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")
        assert given["IfNoneMatch"] == "*"
        self.objects[given["Key"]] = json.loads(given["Body"])


@pytest.fixture
def delivered(project: Path) -> Project:
    with (project / "project.yaml").open("a") as file:
        file.write("\nrepository: {provider: codecommit, name: leavers}\n")
    return load(project)


def test_a_retirement_is_written_down_once_with_who_and_why(delivered: Project) -> None:
    target: Any = Audit()
    for _ in range(2):
        retirement._record(delivered, target, GONE)
    ((key, entry),) = target.objects.items()
    assert key.startswith("audit/2030/01/31/120000-retirement-")
    assert (entry["kind"], entry["who"], entry["words"]) == ("retirement", ANNA, "replaced by version 5")


def test_who_may_not_write_it_down_is_told_that_it_is_missing_and_how_it_gets_there(delivered: Project) -> None:
    target: Any = Audit(refuses=True)
    with pytest.raises(CommandError, match=r"Version 3 is retired, and that could not be written down .* Run it again"):
        retirement._record(delivered, target, GONE)
