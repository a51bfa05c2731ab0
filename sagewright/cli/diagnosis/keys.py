"""Whether the key of an environment's data can be used: without it nothing in the bucket can be read or written."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from sagewright.project import Environment, names

from .finding import Finding, Subject

CHECK = "data key"
_UNENCRYPTED = "ServerSideEncryptionConfigurationNotFoundError"


def check(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """Ask for the state of the key under which the data bucket, if it is there, keeps its objects."""
    account, region = subject.target.account_of(environment), environment.region
    bucket = names.data_bucket(subject.project.name, environment.name, account, region)
    s3 = subject.target.lookup_client("s3", environment)
    # Names of buckets are the whole world's: of another account's bucket nothing may be asked.
    if not any(each["Name"] == bucket for each in s3.list_buckets()["Buckets"]):
        return
    try:
        rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != _UNENCRYPTED:
            raise
        return  # It holds its objects under no key of ours.
    named = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for rule in rules]
    key = next(filter(None, named), None)
    if key is None:
        return
    try:
        described = subject.target.lookup_client("kms", environment).describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise
        told = f"key {key} of {bucket} is gone: nothing that it encrypted can be read any more"
        mend = "nothing brings it back; move what is left out of the way and deploy anew"
        yield Finding(CHECK, "failure", told, environment.name, error.response["Error"]["Message"], mend)
        return
    yield _judged(described["Arn"], described["KeyState"], bucket, environment)


def _judged(arn: str, state: str, bucket: str, environment: Environment) -> Finding:
    if state == "Enabled":
        return Finding(CHECK, "ok", f"{arn} is enabled", environment.name)
    enable = f"aws kms enable-key --key-id {arn} --region {environment.region}"
    if state == "PendingDeletion":
        told = f"{arn}, which encrypts {bucket}, will be deleted (PendingDeletion), and with it all that is in there"
        later = f"KMSInvalidStateException: {arn} is pending deletion."
        cancel = f"aws kms cancel-key-deletion --key-id {arn} --region {environment.region}"
        return Finding(CHECK, "failure", told, environment.name, later, f"{cancel} && {enable}")
    told = f"{arn}, which encrypts {bucket}, cannot be used ({state})"
    return Finding(CHECK, "failure", told, environment.name, f"DisabledException: {arn} is disabled.", enable)
