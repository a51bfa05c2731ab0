"""An environment as its names and ARNs.

What stands in another environment, or in a stack of another lifecycle, is named and not referred to: a reference would
tie two deployments together, and a principal or a key of another account may not exist yet when it is named.
"""

from dataclasses import dataclass
from functools import cache
from typing import Self

import aws_cdk as cdk
from aws_cdk.region_info import RegionInfo

from sagewright.project import Environment, Project, names
from sagewright.project.model import Removal
from sagewright.project.security import Security

# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/sign-in.html
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


@cache  # the CDK, which knows it, is another process, and every ARN asks
def _partition(region: str) -> str:
    return RegionInfo.get(region).partition or cdk.Aws.PARTITION


@dataclass(frozen=True)
class Place:
    """Where an environment of a project is; the account is AWS's own pseudo parameter where the file names none."""

    project: str
    environment: str
    account: str
    region: str
    removal: Removal
    security: Security

    @classmethod
    def of(cls, project: Project, environment: Environment) -> Self:
        """Take what the project file says of the environment."""
        return cls(
            project.name,
            environment.name,
            environment.account or cdk.Aws.ACCOUNT_ID,
            environment.region,
            environment.removal,
            environment.security,
        )

    @property
    def deployment(self) -> cdk.Environment:
        """Where stacks of this environment go: without an account, that of the credentials in use."""
        return cdk.Environment(account=None if self.account == cdk.Aws.ACCOUNT_ID else self.account, region=self.region)

    @property
    def partition(self) -> str:
        """The partition of the region, such as `aws`."""
        return _partition(self.region)

    @property
    def domain(self) -> str:
        """The domain of the region's services, such as `amazonaws.com`."""
        return RegionInfo.get(self.region).domain_suffix or cdk.Aws.URL_SUFFIX

    @property
    def data_bucket(self) -> str:
        """The name of the data bucket."""
        return names.data_bucket(self.project, self.environment, self.account, self.region)

    @property
    def log_bucket(self) -> str:
        """The name of the bucket of access logs."""
        return names.log_bucket(self.project, self.environment, self.account, self.region)

    @property
    def data_bucket_arn(self) -> str:
        """The ARN of the data bucket."""
        return f"arn:{self.partition}:s3:::{self.data_bucket}"

    @property
    def key_alias_arn(self) -> str:
        """The ARN of the key's alias, which names the key where its id is not known."""
        return self.arn("kms", names.key_alias(self.project, self.environment))

    @property
    def boundary_arn(self) -> str | None:
        """The ARN of the policy that bounds every role; a name stands for the policy in this account."""
        boundary = self.security.permissions_boundary
        if boundary is None or boundary.startswith("arn:"):
            return boundary
        return f"arn:{self.partition}:iam::{self.account}:policy/{boundary}"

    @property
    def endpoint_role_arn(self) -> str:
        """The ARN of the role that the endpoint runs as."""
        return self._role_arn(names.endpoint_role(self.project, self.environment))

    @property
    def release_role_arn(self) -> str:
        """The ARN of the role that copies a version into this environment."""
        return self._role_arn(names.release_role(self.project, self.environment))

    @property
    def ingestion_role_arn(self) -> str:
        """The ARN of the role that the ingestion runs as, where this is the first environment."""
        return self._role_arn(names.ingestion_role(self.project))

    @property
    def online_writer_arn(self) -> str:
        """The ARN of the role that writes the online store, where this is a later environment."""
        return self._role_arn(names.online_writer_role(self.project, self.environment))

    @property
    def feature_role_arn(self) -> str:
        """The ARN of the role with which SageMaker writes the history of feature groups."""
        return self._role_arn(names.feature_role(self.project, self.environment))

    @property
    def deploy_role_arn(self) -> str:
        """The ARN of the bootstrap's role that deploys stacks."""
        return self.bootstrap_role_arn("deploy")

    def bootstrap_role_arn(self, purpose: str) -> str:
        """Name a role that the CDK's bootstrap has made in this environment's account by its ARN."""
        qualifier = self.security.bootstrap_qualifier or cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        return self._role_arn(f"cdk-{qualifier}-{purpose}-role-{self.account}-{self.region}")

    def objects(self, pattern: str) -> str:
        """Name objects of the data bucket by ARN."""
        return f"{self.data_bucket_arn}/{pattern}"

    def arn(self, service: str, resource: str) -> str:
        """Name a resource of this account and region by ARN."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def console(self, page: str) -> str:
        """Give the address of a page of the AWS console, which each partition has under a domain of its own."""
        return f"https://{self.region}.{_CONSOLES.get(self.partition, _CONSOLES['aws'])}/{page}"

    def _role_arn(self, role: str) -> str:
        return f"arn:{self.partition}:iam::{self.account}:role/{role}"
