"""How jobs and endpoints get into a network: by ids, which a stack of another lifecycle knows or imports.

The ids are exports of the network stack and not parameters of who uses them: CloudFormation then refuses to change or
delete a network while a release or the training stack still names it. A release's template stays the same for every
release, with no parameter and no look-up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from aws_cdk import Fn
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from sagewright.project import Environment, names
from sagewright.stacks import permissions
from sagewright.stacks.network_ids import ENDPOINT, JOBS, SUBNETS
from sagewright.stacks.place import Place

_LOOK = [
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
_ATTACH = ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"]


def export(place: Place, what: str) -> str:
    """Name what the network stack tells others."""
    return f"{names.network_stack(place.project, place.environment)}-{what}"


@dataclass(frozen=True)
class Attachment:
    """Subnets and security groups of jobs or of an endpoint; without any, they run in SageMaker's own network."""

    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
    owner: str = ""

    @classmethod
    def of_jobs(cls, place: Place, environment: Environment) -> Self:
        """Say where the jobs of an environment run."""
        return cls._of(place, environment, JOBS)

    @classmethod
    def of_endpoint(cls, place: Place, environment: Environment) -> Self:
        """Say where the endpoint of an environment runs."""
        return cls._of(place, environment, ENDPOINT)

    @classmethod
    def _of(cls, place: Place, environment: Environment, group: str) -> Self:
        network = environment.network
        match network.mode:
            case "none":
                return cls()
            case "create":
                subnets = [Fn.import_value(export(place, each)) for each in SUBNETS]
                return cls(subnets, [Fn.import_value(export(place, group))], place.account)
            case "import":
                # Organisations share subnets of a central account; their ids are unique all the same.
                return cls(network.subnets, network.security_groups, "*")

    def __bool__(self) -> bool:
        """Whether there is a network at all."""
        return bool(self.subnets)

    def of_model(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        """Return the network as a model has it."""
        if not self:
            return None
        return sagemaker.CfnModel.VpcConfigProperty(
            subnets=list(self.subnets), security_group_ids=list(self.security_groups)
        )

    def grant(self, role: iam.Role, place: Place) -> None:
        """Allow what SageMaker does as an execution role to put interfaces into these subnets and groups.

        https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        """
        if not self:
            return
        subnets = [self._arn(place, "subnet", each) for each in self.subnets]
        groups = [self._arn(place, "security-group", each) for each in self.security_groups]
        interfaces = place.arn("ec2", "network-interface/*")
        permissions.allow(
            role, "LookAtNetwork", _LOOK, ["*"], because="What describes networks in EC2 knows no resources."
        )
        unnamed = "An interface gets its id when it is made; subnet and security groups are exact."
        permissions.allow(
            role, "MakeInterfaces", ["ec2:CreateNetworkInterface"], [*subnets, *groups, interfaces], because=unnamed
        )
        permissions.allow(
            role,
            "AttachInterfaces",
            _ATTACH,
            [interfaces],
            conditions={"ArnLike": {"ec2:Subnet": subnets}},
            because=unnamed,
        )

    def _arn(self, place: Place, kind: str, identifier: str) -> str:
        return f"arn:{place.partition}:ec2:{place.region}:{self.owner}:{kind}/{identifier}"
