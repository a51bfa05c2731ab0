"""What CloudFormation must be allowed to do for the way from a push to an endpoint.

Names hold what it may change, as project.names gives them, but for the repository, which has the name that its owner
wants: there the tags say whether it is one of ours.
"""

from collections.abc import Iterator

from sagewright.stacks.execution_monitoring import FUNCTIONS, RULES, TOPICS
from sagewright.stacks.execution_statements import DELIVERY_ROLE, KEEP_LOGS, NEW, OURS, Allow, arns, role

_NAMED = "They are named after projects that do not exist yet; the rest of the name is exact."
_PIPELINES = ("build", "promotion", "rollback")
_BUILDS = ("deploy", "pull-request", "release", "resolve", "rollback", "test", "train")
# Who is handed a role of delivery.
SERVICES = ("codebuild", "codepipeline", "events", "lambda")


def delivery(qualifier: str) -> Iterator[Allow]:
    """Allow pipelines, builds, the repository, and the function with what it hears from and tells."""
    yield from _pipelines()
    yield from _bootstraps(qualifier)
    yield from _repository()
    yield from _function()
    assets = f"arn:${{AWS::Partition}}:s3:::cdk-{qualifier}-assets-${{AWS::AccountId}}-${{AWS::Region}}/*"
    # Lambda and CodeCommit read what they are given on behalf of who gives it.
    yield Allow("ReadAssets", ["s3:GetObject", "s3:GetObjectVersion"], [assets], "Assets are named by their content.")
    passed = {"StringEquals": {"iam:PassedToService": [f"{service}.amazonaws.com" for service in SERVICES]}}
    yield Allow("GiveDeliveryRoles", ["iam:PassRole"], [role(DELIVERY_ROLE)], _NAMED, passed)


def _pipelines() -> Iterator[Allow]:
    pipelines = arns("codepipeline", *(f"*-{each}" for each in _PIPELINES))
    yield Allow("KeepPipelines", [f"codepipeline:{each}" for each in _KEEP_PIPELINES], pipelines, _NAMED)
    yield Allow(
        "KeepBuilds",
        [f"codebuild:{verb}{what}" for what in ("Project", "Webhook") for verb in ("Create", "Delete", "Update")]
        + ["codebuild:BatchGetProjects"],
        arns("codebuild", *(f"project/*-{each}" for each in _BUILDS)),
        _NAMED,
    )
    # A pipeline may have a source whose repository is in another region, as the connection to it then is.
    for service in ("codeconnections", "codestar-connections"):
        yield Allow(
            f"Give{'Old' if 'star' in service else ''}Connections",
            [f"{service}:PassConnection"],
            [f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:connection/*"],
            "A connection gets its id when a person makes it.",
            {"StringEquals": {f"{service}:PassedToService": "codepipeline.amazonaws.com"}},
        )


def _bootstraps(qualifier: str) -> Iterator[Allow]:
    """Let pipelines have the roles by which the bootstraps deploy: those here, and those of accounts that trust it."""
    because = "Which accounts a project serves in, no policy of this one can know: they have to trust it themselves."
    named = [f"arn:${{AWS::Partition}}:iam::*:role/cdk-{qualifier}-{each}-role-*" for each in ("deploy", "cfn-exec")]
    passed = {"StringEquals": {"iam:PassedToService": ["codepipeline.amazonaws.com", "cloudformation.amazonaws.com"]}}
    yield Allow("GiveBootstrapRoles", ["iam:PassRole"], named, because, passed)


def _repository() -> Iterator[Allow]:
    repositories = arns("codecommit", "*")
    named = "A repository has the name that its owner wants; the tag says whether it is one of ours."
    yield Allow("MakeRepositories", ["codecommit:CreateRepository", "codecommit:TagResource"], repositories, named, NEW)
    yield Allow("ReadRepositories", [f"codecommit:{each}" for each in _READ_REPOSITORIES], repositories, named)
    yield Allow(
        "ChangeRepositories", [f"codecommit:{each}" for each in _CHANGE_REPOSITORIES], repositories, named, OURS
    )
    yield Allow("ListRepositories", ["codecommit:ListRepositories"], ["*"], "ListRepositories knows no resources.")


def issuers() -> Iterator[Allow]:
    """Allow making known who vouches for another system's jobs; an issuer of somebody else's stays as it is."""
    providers = ["arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/*"]
    because = "A provider is named after its issuer, which is the project's choice; the tag says whether it is ours."
    made = ["iam:CreateOpenIDConnectProvider", "iam:TagOpenIDConnectProvider"]
    yield Allow("MakeIssuers", made, providers, because, NEW)
    yield Allow("ReadIssuers", ["iam:GetOpenIDConnectProvider"], providers, because)
    yield Allow("ChangeIssuers", [f"iam:{each}" for each in _CHANGE_ISSUERS], providers, because, OURS)


def _function() -> Iterator[Allow]:
    functions = [f"lambda:{each}" for each in (*FUNCTIONS, *_ATTEMPTS)]
    yield Allow("KeepDeliveryFunctions", functions, arns("lambda", "function:*-delivery"), _NAMED)
    yield Allow("KeepDeliveryTopics", [f"sns:{each}" for each in TOPICS], arns("sns", "*-delivery"), _NAMED)
    yield Allow("KeepQueues", [f"sqs:{each}" for each in _QUEUES], arns("sqs", "*-delivery"), _NAMED)
    rules = arns("events", "rule/*-delivery-*", "rule/*-pushed")
    yield Allow("KeepDeliveryRules", [f"events:{each}" for each in RULES], rules, _NAMED)
    groups = ("/aws/codebuild/*", "/aws/lambda/*-delivery")
    logs = [arn for group in groups for arn in arns("logs", f"log-group:{group}", f"log-group:{group}:*")]
    yield Allow("KeepDeliveryLogs", [f"logs:{each}" for each in KEEP_LOGS], logs, _NAMED)


_KEEP_PIPELINES = (
    *("CreatePipeline", "DeletePipeline", "GetPipeline", "GetPipelineState", "ListTagsForResource", "TagResource"),
    *("UntagResource", "UpdatePipeline"),
)
_READ_REPOSITORIES = ("GetRepository", "GetRepositoryTriggers", "ListTagsForResource")
_CHANGE_REPOSITORIES = (
    *("CreateCommit", "DeleteRepository", "TagResource", "UntagResource", "UpdateRepositoryDescription"),
    "UpdateRepositoryEncryptionKey",
)
_CHANGE_ISSUERS = (
    *("AddClientIDToOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "ListOpenIDConnectProviderTags"),
    *("RemoveClientIDFromOpenIDConnectProvider", "TagOpenIDConnectProvider", "UntagOpenIDConnectProvider"),
    "UpdateOpenIDConnectProviderThumbprint",
)
_ATTEMPTS = tuple(f"{verb}FunctionEventInvokeConfig" for verb in ("Delete", "Get", "Put", "Update"))
_QUEUES = (
    *("CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "SetQueueAttributes"),
    *("TagQueue", "UntagQueue"),
)
