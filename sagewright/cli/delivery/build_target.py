"""AWS as a build sees it: whoever runs it may do little, and takes on the roles that were made for each task."""

import os
from urllib.parse import urlsplit

from typing_extensions import override

from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.cli.target import Aws
from sagewright.project import Environment, Project
from sagewright.runtime.functions.client import Client

_HERE = {"localhost", "127.0.0.1", "::1"}
_HERE_POLL_S = 0.2


class BuildTarget(Aws):
    """Acts with the credentials of the environment, wherever AWS_ENDPOINT_URL says that AWS is."""

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        # Nobody pays for what a service on this very machine is asked.
        here = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in _HERE
        self.poll_s = _HERE_POLL_S if here else Aws.poll_s

    @override
    def stacks_client(self, environment: Environment) -> Client:
        """Make a client of CloudFormation, always as the CDK's own deploy role."""
        return self._as(self._accounts.deploy, "cloudformation", environment)

    @override
    def lookup_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look around, always as the CDK's own lookup role."""
        return self._as(self._accounts.look_up, service, environment)

    def partition(self, environment: Environment) -> str:
        """Name the partition of an environment's region, such as `aws`."""
        return self._session.get_partition_for_region(environment.region)

    @override
    def reading_client(self, service: str, environment: Environment) -> Client:
        """Make a client that may look at what is live."""
        return self.release_client(service, environment)


def build_target(options: Options, project: Project) -> BuildTarget:
    """Act where the build's credentials are good."""
    if options.target_name == "sandbox":
        raise CommandError(
            "`sagewright delivery …` acts with the credentials of a build, wherever AWS_ENDPOINT_URL points to: leave "
            "`--target sandbox` out. In the sandbox, `git push` starts the builds."
        )
    return BuildTarget(project)
