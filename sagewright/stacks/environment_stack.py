"""What every stack of ours is: of one environment, deployed through its bootstrap, bounded as its organisation asks."""

from aws_cdk import DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sagewright.stacks.place import Place


class EnvironmentStack(Stack):
    """A stack of an environment, so that a setting of the environment holds for everything in it and beside it."""

    def __init__(  # noqa: PLR0913 (what CloudFormation takes of a stack)
        self,
        scope: Construct,
        name: str,
        *,
        place: Place,
        description: str,
        protected: bool = False,
        static: bool = False,
    ) -> None:
        """Leave `static` out for a stack that has assets; a static template names no bootstrap at all."""
        qualifier = place.security.bootstrap_qualifier
        super().__init__(
            scope,
            name,
            stack_name=name,
            env=place.deployment,
            description=description,
            termination_protection=protected,
            synthesizer=DefaultStackSynthesizer(qualifier=qualifier, generate_bootstrap_version_rule=not static),
        )
        if place.boundary_arn is not None:
            boundary = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", place.boundary_arn)
            iam.PermissionsBoundary.of(self).apply(boundary)
