"""Why: a build runs its very buildspec here, in a process of its own and with its project's role, as in CodeBuild."""

from .api import CodeBuild
from .orders import PipelineWork
from .places import S3Place

__all__ = ["CodeBuild", "PipelineWork", "S3Place"]
