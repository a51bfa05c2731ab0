"""Why: a pipeline walks its stages here as in AWS: with its triggers, locks, variables, artifacts, roles and gates."""

from .api import CodePipeline

__all__ = ["CodePipeline"]
