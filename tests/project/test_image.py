"""The image's address is the SDK's, in every region that a project file may name."""

from collections.abc import Callable

import pytest

from sagewright.project import image


@pytest.fixture(scope="module")
def retrieve() -> Callable[..., str]:
    """Import the SDK, which takes a second, for these tests only and not wherever they are collected."""
    from sagemaker.core import image_uris  # noqa: PLC0415

    return image_uris.retrieve


@pytest.mark.parametrize("region", sorted(image.registries()))
def test_one_image_trains_and_serves_in_every_region_that_a_project_may_name(
    retrieve: Callable[..., str], region: str
) -> None:
    for scope in ("training", "inference"):
        assert image.address(region) == retrieve("sklearn", region, version="1.9-0", image_scope=scope)


@pytest.mark.parametrize("region", sorted(image.analyzer_registries()))
def test_the_analyzer_of_model_monitor_is_the_one_that_the_sdk_names(retrieve: Callable[..., str], region: str) -> None:
    assert image.analyzer_address(region) == retrieve("model-monitor", region)
