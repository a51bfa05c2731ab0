"""Turns what a person can put right into one paragraph: what is wrong and what to do."""

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, narrower than the built-in one
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from sagewright.project import ProjectError
from sagewright.runtime.functions.refusal import Refused

NOT_THERE = {"ResourceNotFound", "ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "404"}
NOT_THERE_WORDS = ("does not exist", "could not find", "not found")
DENIED = {"AccessDenied", "AccessDeniedException", "403"}
BAD_KEYS = {"InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException"}


class CommandError(Exception):
    """What a command cannot do for a reason that the user can change; its text is the whole message."""


EXPECTED = (CommandError, ProjectError, Refused, ClientError, BotoCoreError, S3UploadFailedError)


def explain(error: BaseException) -> str:
    """Say in one paragraph what went wrong and what to do about it."""
    if isinstance(error, ClientError):
        return _explain_answer(error)
    if isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError):
        # boto3 wraps the answer in words of its own, and raises it from nothing but the answer's handling.
        return _explain_answer(error.__context__)
    if isinstance(error, ConnectionError):
        return (
            f"{error} Nothing answers there: if this is the sandbox, see `sagewright sandbox status` and start it with "
            "`sagewright sandbox up`; if it is AWS, check the network."
        )
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound | NoRegionError):
        return (
            f"{error}. `--target aws` uses the credentials that every AWS tool finds: set AWS_PROFILE, or sign in with "
            "`aws sso login`."
        )
    return str(error)


def _explain_answer(error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    said = f"{error.operation_name} was refused: {message or 'no reason was given'} ({code})."
    missing = code in NOT_THERE or any(words in message.lower() for words in NOT_THERE_WORDS)
    if code in BAD_KEYS:
        return f"{said} These credentials are not valid here: sign in again, or choose another AWS_PROFILE."
    if code in DENIED:
        return f"{said} The credentials in use may not do this."
    if missing:
        return f"{said} If the project is not deployed to this target yet, run `sagewright deploy` first."
    return said
