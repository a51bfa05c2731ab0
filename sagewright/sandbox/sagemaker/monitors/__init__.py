"""Why: Model Monitor runs by itself, so its schedules are real here, and so are their jobs and permissions."""

from .definitions import Definitions
from .schedules import Schedules

__all__ = ["Definitions", "Schedules"]
