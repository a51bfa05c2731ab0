"""Why: a push to a repository of the account starts what AWS would start, so there are such repositories here."""

from .api import CodeCommit

__all__ = ["CodeCommit"]
