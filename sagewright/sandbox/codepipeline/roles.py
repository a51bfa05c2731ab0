"""Why: a pipeline acts with its role alone, and an action with one that this role takes on, in its own name.

Of where it comes from it says the account (aws:SourceAccount, as in the roles that its console makes); AWS documents no
aws:SourceArn of it.

https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html
"""

from botocore.exceptions import ClientError

from ..clients import ActingClients, Clients
from ..iam.identities import role_at
from ..protocol import ApiError
from .executions import Declaration
from .failures import ActionError
from .refusals import structure

PRINCIPAL = "codepipeline.amazonaws.com"


def require_role(clients: Clients, declaration: Declaration, region: str) -> None:
    """Refuse a pipeline whose role CodePipeline cannot take; roles of actions are tried when they are needed."""
    role = declaration["roleArn"]
    try:
        clients.as_role(role, service=PRINCIPAL, region=region)
    except ApiError:
        raise structure(f"CodePipeline is not authorized to perform AssumeRole on role {role}") from None


def pipeline_role(clients: Clients, declaration: Declaration, region: str) -> ActingClients:
    """Take the pipeline's role."""
    role = declaration["roleArn"]
    try:
        return clients.as_role(role, service=PRINCIPAL, region=region)
    except ApiError as error:
        message = f"CodePipeline is not authorized to perform AssumeRole on role {role}. {error.message}"
        raise ActionError("PermissionError", message) from error


def action_role(clients: Clients, pipeline: ActingClients, role: str, session: str, region: str) -> ActingClients:
    """Take the role of an action with the pipeline's."""
    try:
        answer = pipeline.get("sts", "", region).assume_role(RoleArn=role, RoleSessionName=session)
    except ClientError as error:
        told = error.response.get("Error", {}).get("Message", str(error))
        absent = " The role does not exist." if role_at(role) is None else ""
        message = f"The pipeline's role could not take the role of the action {role}: {told}{absent}"
        raise ActionError("PermissionError", message) from error
    keys = answer["Credentials"]
    return clients.acting(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
