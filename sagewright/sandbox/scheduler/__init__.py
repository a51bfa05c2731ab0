"""Why: what is to run every hour runs here at its hour, by the sandbox's clock and with the schedule's role."""

from .scheduler import Scheduler

__all__ = ["Scheduler"]
