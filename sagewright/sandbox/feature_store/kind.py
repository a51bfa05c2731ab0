"""Why: an absent and a taken group are answered in the words that AWS has for them."""

from ..sagemaker.store import Kind

FEATURE_GROUP = Kind(
    "feature-group",
    (
        "ResourceNotFound",
        (
            "Resource Not Found: Amazon SageMaker can't find a FeatureGroup with name {name}. Please try again or use a"
            " valid FeatureGroup name"
        ),
    ),
    (
        "ResourceInUse",
        "Resource Already Exists: FeatureGroup with name {name} already exists. Choose a different name.",
    ),
)
