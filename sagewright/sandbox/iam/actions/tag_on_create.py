"""Why: a request that makes something and tags it needs the permission to tag as well; AWS asks for both."""

from collections.abc import Iterable, Iterator

from ..asked import Asked
from ..demand import Context, Demand
from .arns import own_arn

# What tagging is called where a creating operation takes tags; EC2's is among its own demands.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
_ACTIONS = {
    "cloudwatch": "cloudwatch:TagResource",
    "codecommit": "codecommit:TagResource",
    "codeconnections": "codeconnections:TagResource",
    "codepipeline": "codepipeline:TagResource",
    "codestar-connections": "codestar-connections:TagResource",
    "dynamodb": "dynamodb:TagResource",
    "ecr": "ecr:TagResource",
    "events": "events:TagResource",
    "kms": "kms:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "sagemaker": "sagemaker:AddTags",
    "scheduler": "scheduler:TagResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "sqs": "sqs:TagQueue",
    "ssm": "ssm:AddTagsToResource",
}
_UNMADE = {"kms": "key/*", "codeconnections": "connection/*", "codestar-connections": "connection/*"}
_OF_IAM = ("InstanceProfile", "OpenIDConnectProvider", "Policy", "Role", "User")
_TAG_MEMBERS = ("Tags", "tags")
_MAKING = ("Create", "Put")
_CARRIED = ("aws:", "kms:CallerAccount")


def with_tagging(asked: Asked, demands: Iterable[Demand]) -> Iterator[Demand]:
    """Yield the demands of a request, and after the first, which is about what it makes, that for tagging it."""
    tag = _action(asked)
    for demand in demands:
        yield demand
        if tag:
            # What has no ARN before it is made: that of any one of the account stands for it.
            unmade = _UNMADE.get(asked.service)
            resource = own_arn(asked.service, asked, unmade) if unmade else demand.resource
            yield Demand(tag, resource, _context(asked, demand))
            tag = ""


def _context(asked: Asked, demand: Demand) -> Context:
    """Return the circumstances of the tagging: those of the request itself that are keys of the creation are not."""
    context = {key: value for key, value in demand.context.items() if key.startswith(_CARRIED)}
    return context | {"sagemaker:TaggingAction": asked.operation} if asked.service == "sagemaker" else context


def _action(asked: Asked) -> str:
    if not asked.operation.startswith(_MAKING) or not any(asked.params.get(member) for member in _TAG_MEMBERS):
        return ""
    made = asked.operation.removeprefix("Create")
    if asked.service == "iam":
        return f"iam:Tag{made}" if made in _OF_IAM else ""
    return _ACTIONS.get(asked.service, "")
