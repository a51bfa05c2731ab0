"""Why: what happens in one service starts work in another only through a rule, so rules must really match and act."""

from .bus import Bus

__all__ = ["Bus"]
