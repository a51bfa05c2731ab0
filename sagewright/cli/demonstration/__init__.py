"""The whole loop on one machine, by the very functions that the commands call, with the time that each step takes."""

from .delivery_story import DeliveryDemonstration
from .story import Demonstration

__all__ = ["DeliveryDemonstration", "Demonstration"]
