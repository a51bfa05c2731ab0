"""Why: processing and training jobs run for real, each as a process on S3 data in a folder that stands for /opt/ml."""

from .jobs import Jobs

__all__ = ["Jobs"]
