"""Whose a resource is: tags by which cost is allocated and permissions can be given.

A feature group cannot be given other tags than it was made with: CloudFormation would make a new one. So it has only
those that never change.
"""

from aws_cdk import Stack, Tags

from sagewright.project import Environment, Project

_FIXED = "AWS::SageMaker::FeatureGroup"


def tag(stack: Stack, project: Project, environment: Environment) -> None:
    """Tag every resource of a stack with project, environment and owner, and with the project file's own tags."""
    lasting = {"sagewright:project": project.name, "sagewright:environment": environment.name}
    changing = {**({"sagewright:owner": project.owner} if project.owner else {}), **environment.tags}
    for key, value in lasting.items():
        Tags.of(stack).add(key, value)
    for key, value in changing.items():
        Tags.of(stack).add(key, value, exclude_resource_types=[_FIXED])
