"""The whole loop on one machine, by the very functions that the commands call, with the time that each step takes."""

from .delivery_story import DeliveryDemonstration
from .feature_story import FeatureDemonstration
from .story import SEED, Demonstration

__all__ = ["SEED", "DeliveryDemonstration", "Demonstration", "FeatureDemonstration"]
