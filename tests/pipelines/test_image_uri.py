"""The image's address is the SDK's, in every region that a project file may name."""

import pytest
from sagemaker.core import image_uris

from sagewright.pipelines import image_uri
from sagewright.project import image


@pytest.mark.parametrize("region", sorted(image.registries()))
def test_one_image_trains_and_serves_in_every_region_that_a_project_may_name(region: str) -> None:
    address = image_uri.managed(region)

    assert address.startswith(f"{image.registries()[region]}.dkr.ecr.{region}.")
    assert address.endswith("/sagemaker-scikit-learn:1.9-0-cpu-py3")
    assert address == image_uris.retrieve("sklearn", region, version="1.9-0", image_scope="inference")
