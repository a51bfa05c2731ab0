"""What a change disturbs while it is made: what stops for a while, and what goes on."""

from .changes import Change

# Of a replacement or removal: what no longer finds it.
_GONE = {
    "AWS::SageMaker::Endpoint": "the endpoint goes away: clients get errors until a new one is in service",
    "AWS::SageMaker::Pipeline": "the pipeline goes away: an execution in progress is stopped, and its history is lost",
    "AWS::IAM::Role": "jobs that run under the role fail with their next call",
    "AWS::EC2::VPC": "jobs and endpoint in it lose their network",
    "AWS::EC2::Subnet": "jobs and endpoint in it lose their network",
    "AWS::EC2::VPCEndpoint": "jobs and endpoint do not reach the service until it is there again",
    "AWS::EC2::SecurityGroup": "jobs and endpoint in it lose their network",
    "AWS::SSM::Parameter": "what it records is written anew",
}
_REPLACED_BEHIND_THE_ENDPOINT = {
    "AWS::SageMaker::Model": "a new one is made beside it; the endpoint moves to it",
    "AWS::SageMaker::EndpointConfig": "a new one is made beside it; the endpoint moves to it",
    "AWS::CloudWatch::Alarm": "a new one watches the new config",
}
_MOVES = "traffic moves to new instances as serving.rollout says; requests are answered throughout"


def told(change: Change) -> str:
    """Say what a change disturbs; nothing where nobody notices it."""
    gone = change.action in {"replace", "may replace", "remove"}
    if gone and change.kind in _REPLACED_BEHIND_THE_ENDPOINT and change.action != "remove":
        return _REPLACED_BEHIND_THE_ENDPOINT[change.kind]
    if gone:
        return _GONE.get(change.kind, "")
    if change.action == "modify" and change.kind == "AWS::SageMaker::Endpoint":
        return _MOVES
    if change.action == "let go":
        return "it stays where it is, and no stack holds it any more"
    return ""
