"""Where an environment's jobs and endpoint run, when the project has a network made for them."""

from aws_cdk import CfnOutput
from constructs import Construct

from sagewright.project import Project, names
from sagewright.stacks.attachment import export
from sagewright.stacks.environment_stack import EnvironmentStack
from sagewright.stacks.network_ids import ENDPOINT, JOBS, SUBNETS
from sagewright.stacks.network_log import NetworkLog
from sagewright.stacks.place import Place
from sagewright.stacks.private_network import PrivateNetwork
from sagewright.stacks.s3_gateway import S3Gateway, admitted


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
        if environment == project.first or monitored:
            jobs = network.group("Jobs", f"Jobs of {place.project}")
            network.encrypt_between("Jobs", jobs)
            known[JOBS] = jobs.attr_group_id
        if environment in project.serving:
            known[ENDPOINT] = network.group("Endpoint", f"Endpoint of {place.project}").attr_group_id
        for what, value in known.items():
            CfnOutput(self, what, value=value, export_name=export(place, what))
