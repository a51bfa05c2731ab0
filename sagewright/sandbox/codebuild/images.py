"""Why: a build's image is one of those that AWS keeps; here all are this machine's own tools, told by their names.

What AWS's images hold: https://github.com/aws/aws-codebuild-docker-images
"""

from collections.abc import Mapping

from .refusals import invalid, lacking

_AMAZON_2023_5 = {"python": ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14"), "nodejs": ("18", "20", "22", "24")}
_NEWEST = {"python": ("3.10", "3.11", "3.12", "3.13", "3.14"), "nodejs": ("22", "24")}
IMAGES: dict[str, Mapping[str, tuple[str, ...]]] = {
    "aws/codebuild/amazonlinux-x86_64-standard:6.0": _NEWEST,
    "aws/codebuild/amazonlinux-x86_64-standard:5.0": _AMAZON_2023_5,
    "aws/codebuild/amazonlinux2-x86_64-standard:5.0": _AMAZON_2023_5,  # its name until November 2024
    "aws/codebuild/standard:8.0": _NEWEST,
    "aws/codebuild/standard:7.0": {"python": ("3.10", "3.11", "3.12", "3.13"), "nodejs": ("18", "20", "22")},
}
"""The images, and the runtimes that a buildspec may choose in each."""

_COMPUTE = {f"BUILD_GENERAL1_{size}" for size in ("SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE")}
_ABSENT = {
    "fleet": "fleets",
    "computeConfiguration": "computeConfiguration",
    "registryCredential": "registryCredential",
    "dockerServer": "Docker servers",
    "certificate": "certificates",
    "hostKernel": "a choice of the host's kernel",
}


def check_environment(environment: Mapping[str, object]) -> None:
    """Refuse a build environment that the sandbox has no stand-in for."""
    if environment["type"] != "LINUX_CONTAINER":
        raise lacking(f"the environment type {environment['type']}", "It has LINUX_CONTAINER.")
    if environment["computeType"] not in _COMPUTE:
        raise invalid(f"Invalid compute type {environment['computeType']} for the environment type LINUX_CONTAINER")
    if environment["image"] not in IMAGES:
        raise lacking(f"the image {environment['image']}", f"It has AWS's own: {', '.join(sorted(IMAGES))}.")
    if environment.get("privilegedMode"):
        raise lacking("the privileged mode", "It has no Docker, so no build can build images.")
    for member, what in _ABSENT.items():
        if environment.get(member):
            raise lacking(what)
    if environment.get("imagePullCredentialsType", "CODEBUILD") != "CODEBUILD":
        raise invalid("CodeBuild's own images are pulled with its own credentials: imagePullCredentialsType CODEBUILD")
