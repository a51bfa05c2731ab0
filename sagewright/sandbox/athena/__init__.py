"""Why: the project's tables are asked in Athena's SQL, and here the same text has to give the same rows."""

from .api import Athena

__all__ = ["Athena"]
