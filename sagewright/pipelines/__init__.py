"""What is orchestrated: SageMaker Pipeline definitions, pure functions of the project and what CloudFormation knows."""

from sagewright.pipelines import training
from sagewright.pipelines.bindings import Bindings

__all__ = ["Bindings", "training"]
