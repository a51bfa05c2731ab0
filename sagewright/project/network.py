"""In which network jobs and endpoints run."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic.config import JsonDict

from sagewright.project.finding import Finding
from sagewright.project.section import Section

Mode = Literal["none", "create", "import"]

DEFAULT_CIDR = "10.0.0.0/16"
# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html: a VPC has at most a /16. With less than a /24
# the two subnets would be too small for the network interfaces of a few fleets.
_WIDEST, _NARROWEST = 16, 24
_PRIVATE = [
    ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
]
# SageMaker's instances use it for themselves, see the page above.
_OF_SAGEMAKER = ipaddress.IPv4Network("172.17.0.0/16")
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html
_SUBNETS, _SECURITY_GROUPS = 16, 5


def _without_host_bits(value: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        return None


def _cidr(value: str) -> str:
    try:
        block = ipaddress.IPv4Network(value)
    except ValueError as error:
        if (meant := _without_host_bits(value)) is not None:
            raise ValueError(f"'{value}' names an address within a block; the block itself is {meant}") from error
        raise ValueError(f"'{value}' is not a block of IPv4 addresses; write one such as {DEFAULT_CIDR}") from error
    if not _WIDEST <= block.prefixlen <= _NARROWEST:
        raise ValueError(
            f"'{value}' does not have the size of a network with room for endpoints and jobs; "
            f"write a block from /{_WIDEST} to /{_NARROWEST}"
        )
    if not any(block.subnet_of(private) for private in _PRIVATE):
        raise ValueError(f"'{value}' is not in a private range; write a block within 10.0.0.0/8, for example")
    if block.overlaps(_OF_SAGEMAKER):
        raise ValueError(f"'{value}' overlaps with {_OF_SAGEMAKER}, which SageMaker's instances use; choose another")
    return value


def _id(value: str, kind: str) -> str:
    if re.fullmatch(f"{kind}-[0-9a-f]{{8,17}}", value) is None:
        raise ValueError(f"'{value}' is not an id such as {kind}-0a1b2c3d4e5f67890")
    return value


def _vpc(value: str) -> str:
    return _id(value, "vpc")


def _subnet(value: str) -> str:
    return _id(value, "subnet")


def _security_group(value: str) -> str:
    return _id(value, "sg")


def _subnets(value: list[str]) -> list[str]:
    return _listed(value, _SUBNETS)


def _security_groups(value: list[str]) -> list[str]:
    return _listed(value, _SECURITY_GROUPS)


def _listed(value: list[str], most: int) -> list[str]:
    if len(value) > most:
        raise ValueError(f"{len(value)} are more than SageMaker allows (at most {most})")
    twice = sorted({each for each in value if value.count(each) > 1})
    if twice:
        raise ValueError(f"holds {', '.join(twice)} more than once; name each once")
    return value


def _ids(kind: str, most: int) -> JsonDict:
    pattern = f"^{kind}-[0-9a-f]{{8,17}}$"
    return {"items": {"type": "string", "pattern": pattern}, "maxItems": most, "uniqueItems": True}


class Network(Section):
    """Where jobs and endpoints run: in SageMaker's own network, in one made for them, or in one that is there."""

    mode: Mode = Field(
        "none",
        description="`none` leaves everything in SageMaker's own network, where jobs and endpoints are cut off from "
        "the internet as everywhere; `create` makes a VPC for the environment; `import` uses one that is there.",
    )
    cidr: Annotated[str, AfterValidator(_cidr)] | None = Field(
        None,
        description="The addresses of a created VPC, a private block from /16 to /24. Left out, it is 10.0.0.0/16. "
        "Changing it makes a new VPC. Only for `create`.",
        examples=["10.20.0.0/16"],
    )
    vpc_id: Annotated[str, AfterValidator(_vpc)] | None = Field(
        None,
        description="The VPC. Only for `import`, and required there.",
        examples=["vpc-0a1b2c3d4e5f67890"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": "^vpc-[0-9a-f]{8,17}$"}, {"type": "null"}]},
    )
    subnets: Annotated[list[Annotated[str, AfterValidator(_subnet)]], AfterValidator(_subnets)] = Field(
        default_factory=list,
        description="Subnets of the VPC, best in several availability zones, from which S3 and the services that "
        "SageMaker needs can be reached. Only for `import`, and required there.",
        examples=[["subnet-0a1b2c3d4e5f67890"]],
        json_schema_extra=_ids("subnet", _SUBNETS),
    )
    security_groups: Annotated[
        list[Annotated[str, AfterValidator(_security_group)]], AfterValidator(_security_groups)
    ] = Field(
        default_factory=list,
        description="Security groups of jobs and endpoints. Only for `import`, and required there.",
        examples=[["sg-0a1b2c3d4e5f67890"]],
        json_schema_extra=_ids("sg", _SECURITY_GROUPS),
    )

    @property
    def addresses(self) -> str:
        """The addresses of a created VPC."""
        return self.cidr or DEFAULT_CIDR


def check(network: Network) -> Iterator[Finding]:
    """Hold the keys to those that the mode reads, and require those that it cannot do without."""
    related = (("network", "mode"),)
    if network.cidr is not None and network.mode != "create":
        yield Finding(
            ("network", "cidr"), f"is only for create, and network.mode is {network.mode}; remove it", related
        )
    for key in ("vpc_id", "subnets", "security_groups"):
        value = getattr(network, key)
        if value and network.mode != "import":
            message = f"is only for import, and network.mode is {network.mode}; remove it"
            yield Finding(("network", key), message, related)
        if not value and network.mode == "import":
            yield Finding(("network", key), "is required: network.mode is import, which uses what is there", related)
