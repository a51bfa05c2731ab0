"""Sagewright: one project file becomes a complete machine-learning system on Amazon SageMaker."""

__version__ = "0.1.0"
