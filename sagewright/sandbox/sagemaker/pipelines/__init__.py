"""Why: SageMaker Pipelines run here from the deployed definition itself, by the rules that AWS documents."""

from .executions import Executions
from .pipelines import Pipelines

__all__ = ["Executions", "Pipelines"]
