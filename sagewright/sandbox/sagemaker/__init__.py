"""Why: SageMaker as the sandbox has it, from its API down to the processes that run."""

from .api import SageMaker

__all__ = ["SageMaker"]
