"""Every physical name is in one place, within AWS's limits, and no two are ever equal."""

from collections.abc import Callable
from itertools import product

import pytest

from sagewright.project import names

PROJECTS = ("a", "churn", "churn-dev", "a-b", "training", "churn-training", "data")
ENVIRONMENTS = ("a", "dev", "data", "training", "serving", "access", "logs", "network")


def test_names_are_the_contract_with_what_is_deployed() -> None:
    region, account = "eu-west-1", "111111111111"

    assert names.data_stack("churn", "dev") == "churn-dev-data"
    assert names.access_stack("churn", "dev") == "churn-dev-access"
    assert names.network_stack("churn", "dev") == "churn-dev-network"
    assert names.training_stack("churn") == "churn-training"
    assert names.serving_stack("churn", "dev") == "churn-dev-serving"
    assert names.monitoring_stack("churn", "dev") == "churn-dev-monitoring"
    assert names.data_bucket("churn", "dev", account, region) == "churn-dev-data-111111111111-eu-west-1"
    assert names.log_bucket("churn", "dev", account, region) == "churn-dev-logs-111111111111-eu-west-1"
    assert names.key_alias("churn", "dev") == "alias/churn-dev-data"
    assert names.model_package_group("churn") == "churn"
    assert names.training_pipeline("churn") == "churn-training"
    assert names.endpoint("churn", "dev") == "churn-dev"
    assert names.endpoint_log("churn", "dev") == "/aws/sagemaker/Endpoints/churn-dev"
    assert names.rollback_alarm("churn", "dev", "config", "errors") == "churn-dev/config/errors"
    assert names.monitoring_pipeline("churn", "dev") == "churn-dev-monitoring"
    assert names.monitoring_schedule("churn", "dev") == "churn-dev-data-quality"
    assert names.findings_function("churn", "dev") == "churn-dev-findings"
    assert names.function_log("churn-dev-findings") == "/aws/lambda/churn-dev-findings"
    assert names.findings_rule("churn", "dev") == "churn-dev-monitored"
    assert names.notice_topic("churn", "dev") == "churn-dev-notices"
    assert names.metric_namespace("churn", "dev") == "Sagewright/churn/dev"
    assert names.drift_alarm("churn", "dev") == "churn-dev/drift"
    assert names.silence_alarm("churn", "dev") == "churn-dev/monitor-silent"
    assert names.dashboard("churn", "dev") == "churn-dev"
    assert names.endpoint_role("churn", "dev") == "churn-dev-endpoint"
    assert names.release_role("churn", "dev") == "churn-dev-release"
    assert names.release_parameter("churn", "dev") == "/sagewright/churn/dev/release"
    assert names.release_copy("churn", "dev", "prod") == "/sagewright/churn/dev/releases/prod"


def test_names_of_delivery_are_the_contract_with_what_is_deployed() -> None:
    assert names.delivery_stack("churn") == "churn-delivery"
    assert names.build_pipeline("churn") == "churn-build"
    assert names.promotion_pipeline("churn") == "churn-promotion"
    assert names.rollback_pipeline("churn") == "churn-rollback"
    assert names.build_project("churn", "test") == "churn-test"
    assert names.release_project("churn", "prod") == "churn-prod-release"
    assert names.build_log("churn-test") == "/aws/codebuild/churn-test"
    assert names.delivery_role("churn", "test") == "churn-delivery-test"
    assert names.releasing_role("churn", "prod") == "churn-delivery-prod-releasing"
    assert names.delivery_function("churn") == names.delivery_topic("churn") == "churn-delivery"
    assert names.delivery_alias("churn") == "alias/churn-delivery"
    assert names.artifact_bucket("churn", "111111111111", "eu-west-1") == "churn-artifacts-111111111111-eu-west-1"
    assert names.source_rule("churn") == "churn-pushed"
    assert names.PUBLISHED == "delivery/project.zip"


def test_names_of_the_feature_store_are_the_contract_with_what_is_deployed() -> None:
    assert names.feature_group("trips", "sky", 2) == "trips-sky-v2"
    assert names.feature_group("trips", "sky", 2, "prod") == "trips-sky-v2-prod"
    assert names.catalog_database("my-trips") == "my_trips_features"
    assert names.feature_table("sky", 2) == "sky_v2"
    assert names.ingestion_pipeline("trips") == names.ingestion_role("trips") == "trips-ingestion"
    assert names.feature_role("trips", "dev") == "trips-dev-features"
    assert names.online_writer_role("trips", "prod") == "trips-prod-features-write"
    assert names.workgroup("trips") == "trips-features"
    assert f"{names.SOURCES} {names.FEATURES} {names.INGESTION} {names.QUERIES}" == "sources features ingestion queries"


@pytest.mark.parametrize("env", [None, "prod"])
def test_the_name_of_a_feature_group_can_be_read_back(env: str | None) -> None:
    assert names.group_of("my-trips", names.feature_group("my-trips", "sky", 12, env)) == ("sky", 12, env)
    assert names.group_of("my", names.feature_group("my-trips", "sky", 12, env)) is None


def test_no_two_feature_groups_share_a_name() -> None:
    projects, groups = ("a", "a-b", "a-b-v1", "a-v1", "a-b-v1-c"), ("a", "b", "c", "v1b")
    named = [
        (names.feature_group(project, group, version, env), project, group, version, env)
        for project, group, version, env in product(projects, groups, (1, 11), (None, "a", "b", "c"))
    ]

    assert len({name for name, *_ in named}) == len(named)


def test_a_feature_group_that_is_named_too_long_is_told_by_how_much() -> None:
    told = names.feature_fault("c" * 31, "g" * 30, 1, "e")
    of_rule = names.feature_fault("c" * 26, "g" * 30, 1)

    assert told is not None
    assert told.endswith("make the group's or the project's name 3 characters shorter")
    assert of_rule is not None
    assert of_rule.startswith("gives the rule name")
    assert names.feature_fault("c" * 25, "g" * 30, 1) is None


def _bucket_of_data(project: str, env: str) -> str:
    return names.data_bucket(project, env, "111111111111", "eu-west-1")


def _bucket_of_logs(project: str, env: str) -> str:
    return names.log_bucket(project, env, "111111111111", "eu-west-1")


def _training_pipeline(project: str, _env: str) -> str:
    return names.training_pipeline(project)


def _training_stack(project: str, _env: str) -> str:
    return names.training_stack(project)


STEPS = ("test", "pull-request", "deploy", "train", "resolve", "rollback")
WALKERS = ("build-pipeline", "promotion-pipeline", "rollback-pipeline", "push", "events")


def test_builds_and_roles_of_delivery_are_of_one_project_only() -> None:
    """Also where a project is called like another one's environment, step or pipeline."""
    projects = ("churn", *(f"churn-{each}" for each in (*STEPS, "delivery", "delivery-delivery", "release", "dev")))
    environments = ("dev", "delivery", "release", "endpoint", "test", "deploy", "resolve", "rollback", "releasing")
    builds = [(names.build_project(project, step), project, step) for project, step in product(projects, STEPS)]
    builds += [(names.release_project(*each), *each) for each in product(projects, environments)]
    roles = [(names.delivery_role(*each), *each) for each in product(projects, (*STEPS, *WALKERS))]
    for kind in (names.releasing_role, names.release_role, names.endpoint_role):
        roles += [
            (kind(project, env), project, f"{env} {kind.__name__}") for project, env in product(projects, environments)
        ]

    for named in (builds, roles):
        assert len({name for name, *_ in named}) == len(named)


@pytest.mark.parametrize(
    "kinds",
    [
        [
            *(names.data_stack, names.access_stack, names.network_stack, names.serving_stack, names.monitoring_stack),
            _training_stack,
        ],
        [_training_pipeline, names.monitoring_pipeline],
        [names.findings_function],
        [names.monitoring_schedule],
        [_bucket_of_data, _bucket_of_logs],
        [names.endpoint_role, names.release_role],
        [names.endpoint],
        [names.key_alias],
        [names.release_parameter],
    ],
)
def test_no_two_projects_and_environments_share_a_name(kinds: list[Callable[[str, str], str]]) -> None:
    owners: dict[str, set[tuple[str, ...]]] = {}
    for kind, project, env in product(kinds, PROJECTS, ENVIRONMENTS):
        owner = (project,) if kind in (_training_stack, _training_pipeline) else (project, env)
        owners.setdefault(kind(project, env), set()).add((kind.__name__, *owner))

    assert [name for name, its_owners in owners.items() if len(its_owners) > 1] == []


def test_an_account_that_only_cloudformation_knows_is_placed_as_it_is() -> None:
    assert names.data_bucket("churn", "dev", "${Token[AWS.AccountId.4]}", "eu-west-1") == (
        "churn-dev-data-${Token[AWS.AccountId.4]}-eu-west-1"
    )


@pytest.mark.parametrize(("characters", "fits"), [(31, True), (32, False)])
def test_the_longest_project_name_is_what_a_bucket_leaves_in_its_region(characters: int, *, fits: bool) -> None:
    assert (names.faults("c" * characters, "dev", "eu-west-1") == []) is fits


def test_a_longer_region_leaves_less() -> None:
    assert names.faults("c" * 31, "dev", "ap-northeast-1")[0].endswith("together 5 characters shorter")


@pytest.mark.parametrize("project", ["xn", "sthree", "sthree-x", "amzn-s3-demo"])
def test_a_prefix_that_s3_keeps_for_itself_is_refused_only_where_it_is_one(project: str) -> None:
    reserved = project != "xn"

    assert bool(names.faults(project, "dev", "eu-west-1")) is reserved
