"""What is promised of a rollback is what it will come to: nothing where nothing can take the version's place."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sagewright.cli import gate, registry, way_back
from sagewright.project import Project, load
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.model_versions import APPROVED, REJECTED, Version
from sagewright.runtime.functions.rollback import Found
from sagewright.runtime.functions.verified import Verified

WHEN = datetime(2030, 1, 31, 12, tzinfo=UTC)
GROUP = "arn:aws:sagemaker:eu-west-1:111111111111:model-package/leavers"


def always(value: Any) -> Callable[..., Any]:
    """Answer with the same, whatever is asked."""

    def answer(*_: Any) -> Any:
        return value

    return answer


def version(number: int, status: str = APPROVED, stage: str | None = None) -> Version:
    return Version(number, f"{GROUP}/{number}", status, WHEN, None, "", "", {}, stage=stage)


@pytest.fixture
def delivered(project: Path) -> Project:
    file = project / "project.yaml"
    file.write_text(f"{file.read_text()}\nrepository: {{provider: codecommit, name: leavers}}\n")
    return load(project)


@pytest.fixture
def target() -> Any:
    made = always(None)
    return SimpleNamespace(client=made, reading_client=made, account_of=always("111111111111"))


@pytest.fixture
def told(delivered: Project, target: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Reject version 2, which serves, where others were proved before."""

    def reject(*others: Version) -> str:
        known = {each.number: each for each in others}
        proofs = [Verified(each, f"{GROUP}/{each}", "", "", "") for each in (2, *known)]
        here = Found(Live(f"{GROUP}/2", "config"), proofs, [])
        monkeypatch.setattr(way_back.rollback, "found", always(here))

        def existing(_: object, arn: str) -> Version | None:
            return known.get(int(arn.rpartition("/")[2]))

        monkeypatch.setattr(way_back.model_versions, "existing", existing)
        return way_back.after_rejection(delivered, target, version(2, REJECTED), [delivered.prod], "starts by itself")

    return reject


def test_the_version_that_comes_back_is_named(told: Callable[..., str], delivered: Project) -> None:
    place = delivered.prod.name
    assert told(version(1)) == (
        f" It serves in {place}: the rollback starts by itself. {place} goes back to version 1, which was verified "
        "there. Follow it: sagewright releases"
    )


def test_where_nothing_can_come_back_nothing_is_promised(told: Callable[..., str], delivered: Project) -> None:
    place = delivered.prod.name
    text = told(version(1, stage="Retired"))
    assert text.startswith(f" It goes on serving in {place}, for want of another one. {place} cannot go back: ")
    assert "version 1 is retired. Still version 2 serves." in text
    assert "starts by itself" not in text
    assert f"aws cloudformation delete-stack --region eu-west-1 --stack-name leavers-{place}-serving`" in text


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ((True, None), "Its promotion goes on, so no other one starts"),
        ((False, 1), "already, and was verified there: nothing new is released"),
        ((False, 2), ""),
    ],
)
def test_approving_once_more_promises_a_promotion_only_where_one_starts(
    delivered: Project, target: Any, monkeypatch: pytest.MonkeyPatch, state: tuple[bool, int | None], expected: str
) -> None:
    going_on, live = state
    monkeypatch.setattr(gate, "is_going_on", always(going_on))
    monkeypatch.setattr(gate, "waiting", always([]))
    monkeypatch.setattr(registry, "live_numbers", always({delivered.prod.name: live}))
    said = registry.once_more(delivered, target, version(1), APPROVED)
    assert said is not None
    assert expected in said
    assert bool(said) == bool(expected)
    assert registry.once_more(delivered, target, version(1), REJECTED) is None
