"""Ways out of a private network to the services that jobs and endpoints of a feature store call themselves.

| who | what it calls | endpoint |
| --- | --- | --- |
| ingestion | records in and out of the online store | sagemaker.featurestore-runtime |
| ingestion | groups and their metadata | sagemaker.api |
| ingestion | its counts | monitoring |
| ingestion | roles of later environments | sts |
| dataset | queries | athena |
| dataset | the table of the labelled rows | glue |
| endpoint | records by their ids | sagemaker.featurestore-runtime |

Athena reads and writes S3 outside of the network. https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
"""

from collections.abc import Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from sagewright.project import Project
from sagewright.stacks.place import Place
from sagewright.stacks.private_network import PrivateNetwork

_HTTPS = 443
_RECORDS = "sagemaker.featurestore-runtime"
_IDS = {
    _RECORDS: "Records",
    "sagemaker.api": "SageMaker",
    "monitoring": "Metrics",
    "sts": "Roles",
    "athena": "Queries",
    "glue": "Catalog",
}


def needed(project: Project, place: Place) -> list[str]:
    """List the services that an environment's jobs and endpoint call over the network."""
    environment = project.environment(place.environment)
    found: list[str] = []
    if environment == project.first and project.own_features:
        found += [_RECORDS, "sagemaker.api", "monitoring"]
        if len(project.environments) > 1:
            found.append("sts")
    if project.first.data.join:
        if environment == project.first:
            found += ["athena", "glue"]
        if environment in project.serving:
            found.append(_RECORDS)
    return list(dict.fromkeys(found))


class ServiceEndpoints(Construct):
    """Interfaces with private names, so that clients need no setting; each lets through the project's accounts only."""

    def __init__(  # noqa: PLR0913 (between whom and what it is)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        network: PrivateNetwork,
        services: Sequence[str],
        callers: Sequence[ec2.CfnSecurityGroup],
        accounts: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        group = self._group(network, callers)
        for service in services:
            ec2.CfnVPCEndpoint(
                self,
                _IDS[service],
                vpc_id=network.vpc.ref,
                service_name=f"com.amazonaws.{place.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[each.ref for each in network.subnets],
                security_group_ids=[group.attr_group_id],
                policy_document={
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Project",
                            "Effect": "Allow",
                            "Principal": "*",
                            "Action": "*",
                            "Resource": "*",
                            "Condition": {"StringEquals": {"aws:PrincipalAccount": list(accounts)}},
                        }
                    ],
                },
            )

    def _group(self, network: PrivateNetwork, callers: Sequence[ec2.CfnSecurityGroup]) -> ec2.CfnSecurityGroup:
        """Let in HTTPS of the jobs and the endpoint, and nothing out: an interface answers and never asks."""
        return ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=network.vpc.ref,
            group_description="Interfaces of services",
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    source_security_group_id=each.attr_group_id,
                    description="HTTPS of jobs and endpoint",
                )
                for each in callers
            ],
            # Without one, EC2 lets everything out.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    cidr_ip="127.0.0.1/32",
                    description="Nowhere: without a rule, EC2 would let everything out",
                )
            ],
        )
