"""Why: features are written once and read twice, by training and by serving, from stores with rules of their own."""

from .api import FeatureStore

__all__ = ["FeatureStore"]
