"""The comparison with the champion: what it takes, and what stands behind it."""

from collections.abc import Callable

import pytest

from sagewright.project import Project

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

PROJECT = """\
name: churn
environments:
  dev: {region: eu-west-1}
  prod: {region: eu-west-1}
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""
DELIVERED = "repository: {provider: codecommit, name: churn}\napproval: {registry: automatic}\n"


def comparing(champion: str) -> str:
    return PROJECT.replace("0.55}", f"0.55, champion: {champion}}}")


def test_nothing_is_compared_unless_the_project_asks_for_it(read: Read) -> None:
    assert read(PROJECT).first.evaluation.champion is None


def test_a_tolerance_that_is_left_out_is_half_a_percent_of_a_share(read: Read) -> None:
    champion = read(comparing("{}")).first.evaluation.champion
    assert champion is not None
    assert champion.tolerance == 0.005


@pytest.mark.parametrize(
    ("champion", "problem"),
    [
        ("{tolerance: -0.1}", "evaluation.champion.tolerance: -0.1 is less than"),
        ("{tolerance: .inf}", "evaluation.champion.tolerance: "),
        ("{tolerance: 5}", "evaluation.champion.tolerance: 5 would refuse no model: average_precision is between 0"),
        ("true", "evaluation.champion: "),
    ],
)
def test_a_tolerance_that_means_nothing_is_refused(faults: Faults, champion: str, problem: str) -> None:
    (told,) = faults(comparing(champion))
    assert f"project.yaml:7: {problem}" in told


def test_an_error_may_be_tolerated_in_its_own_unit(read: Read) -> None:
    text = PROJECT.replace("binary_classification", "regression").replace(
        "{minimum: 0.55}", "{maximum: 90, champion: {tolerance: 5}}"
    )
    champion = read(text).first.evaluation.champion
    assert champion is not None
    assert champion.tolerance == 5


def test_what_is_compared_may_be_approved_by_itself(read: Read) -> None:
    assert read(comparing("{}") + DELIVERED).approval.registry == "automatic"


def test_a_comparison_of_the_environment_that_trains_is_enough_and_one_that_it_turns_off_is_not(
    read: Read, faults: Faults
) -> None:
    own = PROJECT.replace("dev: {region: eu-west-1", "dev: {region: eu-west-1, evaluation: {champion: {}}", 1)
    assert read(own + DELIVERED).approval.registry == "automatic"

    off = comparing("{}").replace("dev: {region: eu-west-1", "dev: {region: eu-west-1, evaluation: {champion: null}", 1)
    (told,) = faults(off + DELIVERED)
    assert "approval.registry: 'automatic' needs evaluation.champion" in told
