"""Whose a resource is: tags by which cost is allocated and permissions can be given."""

from aws_cdk import Stack, Tags

from sagewright.project import Environment, Project


def tag(stack: Stack, project: Project, environment: Environment) -> None:
    """Tag every resource of a stack with project, environment and owner, and with the project file's own tags."""
    tags = {
        "sagewright:project": project.name,
        "sagewright:environment": environment.name,
        **({"sagewright:owner": project.owner} if project.owner else {}),
        **environment.tags,
    }
    for key, value in tags.items():
        Tags.of(stack).add(key, value)
