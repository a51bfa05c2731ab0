"""What is orchestrated: SageMaker Pipeline definitions, pure functions of the project and what CloudFormation knows."""

from sagewright.pipelines import ingestion, monitoring, training
from sagewright.pipelines.bindings import Bindings, IngestionBindings, MonitoringBindings

__all__ = ["Bindings", "IngestionBindings", "MonitoringBindings", "ingestion", "monitoring", "training"]
