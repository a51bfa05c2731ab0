"""What is orchestrated: SageMaker Pipeline definitions, pure functions of the project and what CloudFormation knows."""

from sagewright.pipelines import monitoring, training
from sagewright.pipelines.bindings import Bindings, MonitoringBindings

__all__ = ["Bindings", "MonitoringBindings", "monitoring", "training"]
