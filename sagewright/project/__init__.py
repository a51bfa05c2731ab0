"""What the user declares: the project file, its model, and every name that follows from it."""

from sagewright.project import names
from sagewright.project.load import load
from sagewright.project.model import Environment, Project
from sagewright.project.problems import Problem, ProjectError

__all__ = ["Environment", "Problem", "Project", "ProjectError", "load", "names"]
