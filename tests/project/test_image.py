"""The image's address is the SDK's, in every region that a project file may name."""

import pytest
from sagemaker.core import image_uris

from sagewright.project import image


@pytest.mark.parametrize("region", sorted(image.registries()))
def test_one_image_trains_and_serves_in_every_region_that_a_project_may_name(region: str) -> None:
    for scope in ("training", "inference"):
        assert image.address(region) == image_uris.retrieve("sklearn", region, version="1.9-0", image_scope=scope)


@pytest.mark.parametrize("region", sorted(image.analyzer_registries()))
def test_the_analyzer_of_model_monitor_is_the_one_that_the_sdk_names(region: str) -> None:
    assert image.analyzer_address(region) == image_uris.retrieve("model-monitor", region)
