"""Where an environment's jobs and endpoint run, when the project has a network made for them."""

from aws_cdk import CfnOutput
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks import service_endpoints
from sagewright.stacks.attachment import export
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.network_ids import ENDPOINT, JOBS, SUBNETS
from sagewright.stacks.network_log import NetworkLog
from sagewright.stacks.place import Place
from sagewright.stacks.private_network import PrivateNetwork
from sagewright.stacks.s3_gateway import S3Gateway, admitted
from sagewright.stacks.service_endpoints import ServiceEndpoints


class NetworkStack(EnvironmentStack):
    """A private network of its own lifecycle: everything in it outlives every job, release and endpoint.

    SageMaker's interfaces stay in subnets and security groups for a while after an endpoint is gone, so neither can be
    in a stack that is deleted with the endpoint. Others know the network by exports, which CloudFormation keeps from
    changing as long as somebody uses them.
    """

    def __init__(self, scope: Construct, *, project: Project, place: Place) -> None:
        super().__init__(
            scope,
            names.network_stack(place.project, place.environment),
            place=place,
            description=f"Network of {place.project} in {place.environment}",
        )
        environment = project.environment(place.environment)
        network = PrivateNetwork(self, "Private", cidr=environment.network.addresses)
        S3Gateway(self, "S3", place=place, network=network, passing=admitted(project, place))
        NetworkLog(self, "Log", place=place, network=network, kept_days=environment.security.log_retention_days)
        known = dict(zip(SUBNETS, (each.ref for each in network.subnets), strict=True))
        monitored = environment in project.serving and environment.monitoring.engine != "none"
        callers: list[ec2.CfnSecurityGroup] = []
        if environment == project.first or monitored:
            jobs = network.group("Jobs", f"Jobs of {place.project}")
            network.encrypt_between("Jobs", jobs)
            known[JOBS] = jobs.attr_group_id
            callers.append(jobs)
        if environment in project.serving:
            endpoint = network.group("Endpoint", f"Endpoint of {place.project}")
            known[ENDPOINT] = endpoint.attr_group_id
            callers.append(endpoint)
        if services := service_endpoints.needed(project, place):
            accounts = list(dict.fromkeys(each.account or place.account for each in project.environments))
            ServiceEndpoints(
                self,
                "Services",
                place=place,
                network=network,
                services=services,
                callers=callers,
                accounts=accounts,
            )
        for what, value in known.items():
            CfnOutput(self, what, value=value, export_name=export(place, what))
