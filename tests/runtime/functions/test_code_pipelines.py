"""What is read of CodePipeline's executions, and what is stopped of them."""

import pytest

from sagewright.runtime.functions import code_pipelines, rollback
from sagewright.runtime.functions.rollback import Wish
from tests.runtime.functions.pipelines import Execution, Pipelines

PROMOTION = "churn-promotion"


@pytest.fixture
def pipelines() -> Pipelines:
    return Pipelines()


@pytest.fixture
def inside(pipelines: Pipelines) -> Execution:
    """A promotion that is in prod at this moment."""
    execution = pipelines.put(PROMOTION, Version="arn/3")
    pipelines.enter(execution, "prod", "InProgress")
    return execution


def test_an_execution_is_started_once_for_each_reason(pipelines: Pipelines) -> None:
    def start(because: str) -> str:
        return code_pipelines.start(pipelines, PROMOTION, {"Version": "arn"}, because=because)

    assert start("one") == start("one") != start("another")


def test_words_of_people_fit_into_a_variable(pipelines: Pipelines) -> None:
    wish = Wish("prod", "", "too\nmany\n" + "words " * 400, leaving=3)
    identity = rollback.start(pipelines, "churn-rollback", wish, because="event")
    variables = pipelines.executions[identity].variables
    assert variables["Reason"].startswith("too many words words")
    assert len(variables["Reason"]) == 1000
    assert variables["Who"] == "none"


def test_the_promotion_that_is_in_an_environment_is_found(pipelines: Pipelines, inside: Execution) -> None:
    found = rollback.inside_of(pipelines, PROMOTION, "prod")
    assert found is not None
    assert found.id == inside.id
    assert rollback.inside_of(pipelines, PROMOTION, "staging") is None


def test_one_that_has_left_an_environment_is_not_in_it(pipelines: Pipelines, inside: Execution) -> None:
    pipelines.enter(inside, "prod", "Succeeded")
    assert rollback.inside_of(pipelines, PROMOTION, "prod") is None


def test_what_clears_up_after_a_failed_promotion_stands_back_for_the_next_one(
    pipelines: Pipelines, inside: Execution
) -> None:
    after = Wish("prod", "promotion", "it failed", leaving=2, promotion="failed")
    assert rollback.stands_back(pipelines, PROMOTION, after) is not None
    its_own = Wish("prod", "promotion", "it failed", leaving=3, promotion=inside.id)
    assert rollback.stands_back(pipelines, PROMOTION, its_own) is None


def test_who_wants_a_version_gone_does_not_stand_back(pipelines: Pipelines, inside: Execution) -> None:
    assert rollback.inside_of(pipelines, PROMOTION, "prod") is not None
    assert rollback.stands_back(pipelines, PROMOTION, Wish("prod", "ann", "rejected", leaving=2)) is None
    assert code_pipelines.stop(pipelines, PROMOTION, inside.id, "x" * 300)
    assert pipelines.stopped == [(inside.id, "x" * 200)]
    assert code_pipelines.ended(pipelines, PROMOTION, inside.id, poll_s=0, longest_s=1)


def test_stopping_what_has_ended_by_itself_is_no_fault(pipelines: Pipelines, inside: Execution) -> None:
    inside.status = "Succeeded"
    assert not code_pipelines.stop(pipelines, PROMOTION, inside.id, "too late")


def test_an_execution_that_does_not_end_is_not_waited_for_without_end(pipelines: Pipelines, inside: Execution) -> None:
    assert not code_pipelines.ended(pipelines, PROMOTION, inside.id, poll_s=0, longest_s=0)


def test_an_execution_that_codepipeline_has_forgotten_is_none(pipelines: Pipelines) -> None:
    assert code_pipelines.execution(pipelines, PROMOTION, "00000000-0000-0000-0000-000000000000") is None
