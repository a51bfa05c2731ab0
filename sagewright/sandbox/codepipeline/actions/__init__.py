"""Why: what an action does is known by its provider, one file each; when and after what is not its business."""

from .action import Done, Job, Provider

__all__ = ["Done", "Job", "Provider"]
