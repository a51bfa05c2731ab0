"""A VPC that nothing enters, and that nothing leaves but by an endpoint."""

import ipaddress

from aws_cdk import Fn
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

# Where one zone has no instance of a type, the other may have; and each is a quarter of the addresses, so that half of
# them are left: subnets cannot be cut anew while interfaces are in them.
_ZONES = 2
_QUARTER = 2
_HTTPS = 443
# What the encryption between instances needs: IKE to agree on keys, and ESP, which is protocol 50 and has no ports.
_IPSEC: dict[str, tuple[str, int | None]] = {"Keys": ("udp", 500), "Packets": ("50", None)}


class PrivateNetwork(Construct):
    """Two subnets in two zones, without a gateway to the internet in either direction.

    Its default security group is nobody's here. What it says cannot be changed by CloudFormation: it would take a
    function that runs at each deployment.
    """

    def __init__(self, scope: Construct, construct_id: str, *, cidr: str) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.CfnVPC(self, "Vpc", cidr_block=cidr, enable_dns_support=True, enable_dns_hostnames=True)
        self.routes = ec2.CfnRouteTable(self, "Routes", vpc_id=self.vpc.ref)
        blocks = list(ipaddress.ip_network(cidr).subnets(prefixlen_diff=_QUARTER))
        self.subnets = [self._subnet(number, str(blocks[number])) for number in range(_ZONES)]

    def group(self, construct_id: str, description: str) -> ec2.CfnSecurityGroup:
        """Make a group that lets nothing in, and out only what speaks HTTPS: the one route leads to S3."""
        out = ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="tcp",
            from_port=_HTTPS,
            to_port=_HTTPS,
            # S3's own addresses are a list that each region has under another id, which a template cannot look up.
            cidr_ip="0.0.0.0/0",
            description="HTTPS to S3, the only way out that there is a route for",
        )
        return ec2.CfnSecurityGroup(
            self, construct_id, vpc_id=self.vpc.ref, group_description=description, security_group_egress=[out]
        )

    def encrypt_between(self, construct_id: str, group: ec2.CfnSecurityGroup) -> None:
        """Let the instances of a job agree on keys and exchange packets under these, and nothing in the clear.

        https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html
        """
        for name, (protocol, port) in _IPSEC.items():
            what = f"{name} between the instances of a job"
            rule = {"ip_protocol": protocol, "from_port": port, "to_port": port, "description": what}
            one = group.attr_group_id
            ec2.CfnSecurityGroupIngress(
                self, f"{construct_id}{name}In", group_id=one, source_security_group_id=one, **rule
            )
            ec2.CfnSecurityGroupEgress(
                self, f"{construct_id}{name}Out", group_id=one, destination_security_group_id=one, **rule
            )

    def _subnet(self, number: int, cidr: str) -> ec2.CfnSubnet:
        # Which zones there are is CloudFormation's to say, so that synthesis asks nobody.
        zone = Fn.select(number, Fn.get_azs())
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{number + 1}",
            vpc_id=self.vpc.ref,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Subnet{number + 1}Routes", subnet_id=subnet.ref, route_table_id=self.routes.ref
        )
        return subnet
