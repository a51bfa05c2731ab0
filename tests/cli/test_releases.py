"""What is live is told with whose word it is: the registry's, and at the gate the one that was said there."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sagewright.cli import releases
from sagewright.cli.releases import Released
from sagewright.project import Project, load
from sagewright.runtime.functions.live import Live

WHEN = datetime(2030, 1, 31, 12, tzinfo=UTC)
GROUP = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/leavers"
ANNA = "arn:aws:iam::111111111111:user/anna"


def entry(kind: str, words: str, number: int = 3, **sources: str) -> dict[str, Any]:
    told = {"kind": kind, "when": WHEN.isoformat(), "who": ANNA, "what": "", "words": words}
    return told | {"sources": {"version": f"{GROUP}/{number}", **sources}}


WRITTEN = [
    entry("approval", "of another version", number=2),
    entry("approval", "good numbers"),
    entry("gate", "not on a Friday", stage="Approve", answer="FAILED"),
    entry("gate", "new roles are fine", stage="prod-changes", answer="SUCCEEDED"),
    entry("gate", "now it is Monday", stage="Approve", answer="SUCCEEDED"),
]


def always(value: Any) -> Callable[..., Any]:
    """Answer with the same, whatever is asked."""

    def answer(*_: Any) -> Any:
        return value

    return answer


@pytest.fixture
def delivered(project: Path) -> Project:
    """A project whose last environment is prod."""
    file = project / "project.yaml"
    places = "  staging: {region: eu-west-1}\n  prod: {region: eu-west-1}\n"
    text = file.read_text().replace("  dev: {region: eu-west-1}\n", f"  dev: {{region: eu-west-1}}\n{places}", 1)
    file.write_text(f"{text}\nrepository: {{provider: codecommit, name: leavers}}\n")
    return load(project)


@pytest.fixture
def found(delivered: Project, monkeypatch: pytest.MonkeyPatch) -> dict[str, Released]:
    """Each environment's release, as the record, the registry and the audit tell it."""
    version = SimpleNamespace(arn=f"{GROUP}/3", created=WHEN, changed=WHEN, changed_by="registry", note="")
    monkeypatch.setattr(releases.serving, "recorded", always(Live(f"{GROUP}/3", "config")))
    monkeypatch.setattr(releases.live_age, "live_since", always((f"{GROUP}/3", WHEN)))
    monkeypatch.setattr(releases.live_age, "before", always(f"{GROUP}/2"))
    monkeypatch.setattr(releases.model_versions, "existing", always(version))
    monkeypatch.setattr(releases, "entries", always(WRITTEN))
    target: Any = SimpleNamespace(client=always(None))
    return {each.name: releases.live_in(delivered, target, each) for each in delivered.serving}


def test_a_release_says_what_it_replaced_and_since_when(found: dict[str, Released]) -> None:
    document = found["prod"].document
    assert (document["version"], document["replaced"], document["since"]) == (3, 2, WHEN)


def test_the_approval_is_that_of_this_very_version(found: dict[str, Released]) -> None:
    assert {str(each.registry) for each in found.values()} == {"anna: good numbers"}


def test_only_the_last_environment_has_a_gate_and_only_a_yes_counts_there(found: dict[str, Released]) -> None:
    assert str(found["prod"].gate) == "anna: now it is Monday"
    assert found["staging"].gate is None
