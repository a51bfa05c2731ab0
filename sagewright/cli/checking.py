"""What must hold before anything is deployed or trained: the project file, and the code that it names."""

from sagewright.project import Project, ProjectError, code


def require_code(project: Project) -> None:
    """Refuse a project whose functions are not there, or import what no job has."""
    problems = code.check(project)
    if problems:
        raise ProjectError(problems)
