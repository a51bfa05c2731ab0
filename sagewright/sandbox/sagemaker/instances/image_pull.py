"""Why: an instance pulls its image as its role, which needs the permissions for it although AWS owns the registry."""

from ...clients import ActingClients
from ...protocol import ApiError, Caller

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def pull_refusal(acting: ActingClients, caller: Caller, image: str) -> str | None:
    """Return why the role may not pull the image at this address, or None where it may.

    The registries of managed images let every account pull, so that the role's own policies decide: the question is put
    as if the repository were of the role's account.
    """
    host, _, rest = image.partition("/")
    registry, _, _, region, *_ = host.split(".")
    repository = rest.partition("@")[0].partition(":")[0]
    arn = f"arn:aws:ecr:{region}:{registry}:repository/{repository}"
    try:
        acting.require("ecr:GetAuthorizationToken", "*", region=region, account=caller.account, context={})
        for action in PULL:
            acting.require(action, arn, region=region, account=caller.account, context={})
    except ApiError as denial:
        return denial.message
    return None
