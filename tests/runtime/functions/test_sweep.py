from collections.abc import Callable

from sagewright.runtime.functions import sweep
from tests.runtime.functions.endpoint import TAGS, Endpoint, version


def test_all_but_the_last_two_superseded_configs_go_with_their_models(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    configs = [made.config(number) for number in range(1, 6)]
    models = {config: made.model_of(config) for config in configs}
    made.serve(configs[4])

    swept = sweep.sweep(made.sagemaker, made.name, tags=TAGS)

    assert set(swept.configs) == set(configs[:2])
    assert set(swept.models) == {models[config] for config in configs[:2]}
    assert not swept.failures
    assert made.configs() == set(configs[2:])
    assert made.models() == {models[config] for config in configs[2:]}
    again = sweep.sweep(made.sagemaker, made.name, tags=TAGS)
    assert (again.configs, again.models) == ([], [])


def test_what_runs_is_never_swept_however_old_it_is(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    configs = [made.config(number) for number in range(1, 5)]
    made.serve(configs[0])
    swept = sweep.sweep(made.sagemaker, made.name, tags=TAGS)
    assert swept.configs == [configs[1]]
    assert configs[0] in made.configs()


def test_what_is_not_this_environments_release_is_left_alone(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    foreign = made.config(1, tags=TAGS | {"sagewright:environment": "prod"})
    by_hand = made.config(2)
    arn = made.sagemaker.describe_endpoint_config(EndpointConfigName=by_hand)["EndpointConfigArn"]
    made.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["sagewright:version"])
    made.serve(made.config(3))
    swept = sweep.sweep(made.sagemaker, made.name, tags=TAGS, keep=0)
    assert (swept.configs, swept.models, swept.failures) == ([], [], {})
    assert {foreign, by_hand} <= made.configs()


def test_a_model_that_a_kept_config_runs_survives_the_config_that_ran_it_too(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    first = made.config(1)
    described = made.sagemaker.describe_endpoint_config(EndpointConfigName=first)
    shared = f"{made.name}-ServingConfig-shared"
    tags = made.sagemaker.list_tags(ResourceArn=described["EndpointConfigArn"])["Tags"]
    variants = described["ProductionVariants"]
    made.sagemaker.create_endpoint_config(EndpointConfigName=shared, ProductionVariants=variants, Tags=tags)
    made.serve(shared)
    swept = sweep.sweep(made.sagemaker, made.name, tags=TAGS, keep=0)
    assert (swept.configs, swept.models) == ([first], [])
    assert made.model_of(shared) in made.models()


def test_what_cannot_be_deleted_is_told_and_the_rest_goes(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    gone, old, running = made.config(1), made.config(2), made.config(3)
    made.sagemaker.delete_model(ModelName=made.model_of(gone))
    made.serve(running)
    swept = sweep.sweep(made.sagemaker, made.name, tags=TAGS, keep=0)
    assert set(swept.configs) == {gone, old}
    (reason,) = swept.failures.values()
    assert reason.startswith("DeleteModel was refused: Could not find model")


def test_nothing_is_swept_before_an_endpoint_is_in_service(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    config = made.config(1)
    assert not sweep.sweep(made.sagemaker, made.name, tags=TAGS, keep=0).configs
    assert made.configs() == {config}


def test_a_version_ran_before_when_its_config_is_still_kept(endpoint: Callable[[], Endpoint]) -> None:
    made = endpoint()
    made.config(1)
    made.serve(made.config(2))
    assert sweep.ran_before(made.sagemaker, made.name, version(1), tags=TAGS)
    assert not sweep.ran_before(made.sagemaker, made.name, version(2), tags=TAGS), "it serves now"
    assert not sweep.ran_before(made.sagemaker, made.name, version(3), tags=TAGS)
    assert not sweep.ran_before(made.sagemaker, "no-such-endpoint", version(1), tags=TAGS)
