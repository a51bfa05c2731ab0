"""Why: buckets hold what a project lives on: their names are everybody's, and full ones are not deleted."""

import re
from typing import Any

from botocore.exceptions import ClientError

from ..resource import Context, HandlerError, Properties
from .api_call import as_text, call, discard, found, is_absent, refusal
from .api_resource import Attributes
from .s3_settings import SETTINGS
from .tags import own_tags

_NAME_LIMIT = 63
_NAME_MIN = 3
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_IN_CREATION = {"BucketName", "AccessControl", "ObjectLockEnabled", "Tags"}
_SEPARATE_ACLS = {"ObjectWriter", "BucketOwnerPreferred"}
_ACLS = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "AwsExecRead": "aws-exec-read",
}


class Bucket:
    """A bucket with every setting that the template gives it, and S3's defaults for the others."""

    def create(self, context: Context, properties: Properties) -> str:
        """Create the bucket; its name must be free in all accounts."""
        _refuse_unsupported(properties)
        name = properties.get("BucketName") or context.generated_name(_NAME_LIMIT, lower=True)
        _check_name(name)
        client = context.client("s3")
        _check_acl(properties)
        _refuse_taken(context.bookkeeping("s3"), name)
        parameters: dict[str, Any] = {"Bucket": name}
        if context.region != "us-east-1":
            parameters["CreateBucketConfiguration"] = {"LocationConstraint": context.region}
        if properties.get("ObjectLockEnabled"):
            parameters["ObjectLockEnabledForBucket"] = True
        call(client, "create_bucket", **parameters)
        try:
            self._configure(context, name, None, properties)
        except (ClientError, HandlerError):
            self.delete(context, name, properties)
            raise
        return name

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return the bucket's ARN and addresses."""
        del properties
        region = context.region
        return {
            "Arn": f"arn:aws:s3:::{physical_id}",
            "DomainName": f"{physical_id}.s3.amazonaws.com",
            "DualStackDomainName": f"{physical_id}.s3.dualstack.{region}.amazonaws.com",
            "RegionalDomainName": f"{physical_id}.s3.{region}.amazonaws.com",
            "WebsiteURL": f"http://{physical_id}.s3-website-{region}.amazonaws.com",
        }

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Apply the settings that changed."""
        _refuse_unsupported(new)
        _check_acl(new)
        self._configure(context, physical_id, old, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the bucket; S3 refuses while a single object or version is in it."""
        del properties
        discard(context.client("s3"), "delete_bucket", Bucket=physical_id)

    def _configure(self, context: Context, name: str, old: Properties | None, new: Properties) -> None:
        client, before = context.client("s3"), None if old is None else _complete(name, old)
        for setting in SETTINGS:
            setting.apply(context, name, before, _complete(name, new))
        if (old or {}).get("AccessControl") != new.get("AccessControl"):
            call(client, "put_bucket_acl", Bucket=name, ACL=_ACLS[new.get("AccessControl", "Private")])
        tags = {**context.tags, **own_tags("AWS::S3::Bucket", new)}
        if tags:
            tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
            call(client, "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tag_set})
        elif old is not None:
            discard(client, "delete_bucket_tagging", Bucket=name)


class BucketPolicy:
    """The one policy of a bucket."""

    def create(self, context: Context, properties: Properties) -> str:
        """Put the policy; one that is there belongs to somebody else."""
        bucket = properties["Bucket"]
        if found(context.client("s3"), "get_bucket_policy", Bucket=bucket):
            raise HandlerError(f"The bucket policy already exists on bucket {bucket}.", "AlreadyExists")
        self._put(context, properties)
        return str(bucket)

    def attributes(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Return nothing: the type has no attributes."""
        del context, physical_id, properties
        return {}

    def update(self, context: Context, physical_id: str, old: Properties, new: Properties) -> None:
        """Put the policy anew."""
        del physical_id, old
        self._put(context, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Remove the policy."""
        del properties
        discard(context.client("s3"), "delete_bucket_policy", Bucket=physical_id)

    def _put(self, context: Context, properties: Properties) -> None:
        call(
            context.client("s3"),
            "put_bucket_policy",
            Bucket=properties["Bucket"],
            Policy=as_text(properties["PolicyDocument"]),
        )


def _complete(name: str, properties: Properties) -> Properties:
    """Return the properties with what stands for the bucket itself written out."""
    logging = properties.get("LoggingConfiguration")
    if logging is None or "DestinationBucketName" in logging:
        return properties
    return {**properties, "LoggingConfiguration": {"DestinationBucketName": name, **logging}}


def _refuse_unsupported(properties: Properties) -> None:
    known = _IN_CREATION | {setting.key for setting in SETTINGS}
    if unknown := sorted(properties.keys() - known):
        message = f"The sandbox does not have {', '.join(unknown)} of AWS::S3::Bucket."
        raise refusal("UnsupportedOperation", message, "CreateBucket")


def _check_name(name: str) -> None:
    problem = ""
    if not _NAME_MIN <= len(name) <= _NAME_LIMIT:
        problem = "Bucket name should be between 3 and 63 characters long"
    elif name != name.lower():
        problem = "Bucket name should not contain uppercase characters"
    elif "_" in name:
        problem = "Bucket name should not contain '_'"
    elif re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", name):
        problem = "Bucket name must not be formatted as an IP Address"
    elif ".." in name or ".-" in name or "-." in name:
        problem = "Bucket name should not contain two adjacent periods, or a period next to a dash"
    elif not re.fullmatch(r"[a-z0-9][a-z0-9.-]*[a-z0-9]", name):
        problem = (
            f"Bucket name should hold letters, digits, '.' and '-', and start and end with a letter or digit: {name}"
        )
    elif name.startswith(_PREFIXES) or name.endswith(_SUFFIXES):
        problem = f"Bucket name should not use a prefix or suffix that S3 reserves: {name}"
    if problem:
        raise refusal("InvalidBucketName", problem, "CreateBucket")


def _check_acl(properties: Properties) -> None:
    rules = properties.get("OwnershipControls", {}).get("Rules", [])
    if properties.get("AccessControl", "Private") == "Private":
        return
    if not any(rule.get("ObjectOwnership") in _SEPARATE_ACLS for rule in rules):
        message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting"
        raise refusal("InvalidBucketAclWithObjectOwnership", message, "CreateBucket")


def _refuse_taken(client: Any, name: str) -> None:
    """Ask before creating: in us-east-1, S3 answers an owner who creates the bucket again with success."""
    try:
        call(client, "head_bucket", Bucket=name)
    except ClientError as error:
        if is_absent(error):
            return
        if error.response["Error"]["Code"] not in {"403", "AccessDenied"}:
            raise
    raise refusal("BucketAlreadyExists", f"{name} already exists", "CreateBucket", 409)


TYPES = {"AWS::S3::Bucket": Bucket(), "AWS::S3::BucketPolicy": BucketPolicy()}
