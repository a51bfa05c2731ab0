"""The address of the managed image, from the SageMaker SDK, which knows its registry account in every region."""

from functools import cache

from sagewright.project import image


@cache
def managed(region: str) -> str:
    """Address of the managed scikit-learn image, the same for processing, training and inference."""
    # Imported only here: it takes a second, and only a definition needs it.
    from sagemaker.core import image_uris  # noqa: PLC0415 (see above)

    return str(image_uris.retrieve(image.FRAMEWORK, region, version=image.VERSION, image_scope="training"))
