"""Why: who reads or writes an encrypted object uses its key, too, in S3's company but in its own name.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from moto.kms.models import kms_backends
from moto.s3.models import FakeBucket, FakeKey

from ...protocol import ApiError
from ..asked import Asked
from ..demand import Demand
from ..resource_policies import bucket_named, key_at
from .s3 import copy_source, object_arn

_KMS = ("aws:kms", "aws:kms:dsse")
_MANAGED = "alias/aws/s3"
_WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload"}
_PARTS = {"UploadPart", "UploadPartCopy"}
_HEADER = "x-amz-server-side-encryption"


@dataclass(frozen=True)
class Encryption:
    """How an object is encrypted; without a key with AWS's own one for S3."""

    algorithm: str
    key_id: str
    with_bucket_key: bool

    @property
    def uses_kms(self) -> bool:
        """Whether KMS keeps the key."""
        return self.algorithm in _KMS


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield what a request to S3 needs of KMS."""
    bucket = bucket_named(asked.text("Bucket"))
    if bucket is None:
        return
    source, source_key, source_version = copy_source(asked)
    if source and asked.operation in {"CopyObject", "UploadPartCopy"}:
        yield from _reading(asked, source, source_key, source_version)
    key = asked.text("Key")
    if asked.operation == "GetObject" or (asked.operation == "HeadObject" and "x-amz-checksum-mode" in asked.headers):
        yield from _reading(asked, bucket.name, key, asked.text("versionId"))
    elif asked.operation in _WRITES:
        yield from _using("kms:GenerateDataKey", asked, bucket, key, _wanted(asked, bucket))
    elif asked.operation in _PARTS:
        yield from _using("kms:GenerateDataKey", asked, bucket, key, _of_upload(asked, bucket))
    elif asked.operation == "CompleteMultipartUpload":
        yield from _using("kms:Decrypt", asked, bucket, key, _of_upload(asked, bucket))


def _reading(asked: Asked, name: str, key: str, version: str) -> Iterator[Demand]:
    bucket = bucket_named(name)
    found = _object(bucket, key, version) if bucket is not None else None
    if bucket is not None and found is not None:
        encryption = Encryption(found.encryption or "", found.kms_key_id or "", _truth(found.bucket_key_enabled))
        yield from _using("kms:Decrypt", asked, bucket, key, encryption)


def _using(action: str, asked: Asked, bucket: FakeBucket, key: str, encryption: Encryption) -> Iterator[Demand]:
    if not encryption.uses_kms:
        return
    if not encryption.key_id or _MANAGED in encryption.key_id:
        if asked.caller.account != bucket.account_id:
            # AWS's own key for S3 serves its account alone, whatever its policies say.
            raise ApiError("AccessDenied", f"The object is encrypted with {_MANAGED} of another account.", 403)
        return
    arn = _arn(encryption.key_id, bucket, asked.caller.account)
    _require_usable(arn, encryption.key_id, bucket)
    holder = f"arn:aws:s3:::{bucket.name}" if encryption.with_bucket_key else object_arn(bucket.name, key)
    context = {
        "kms:ViaService": f"s3.{bucket.region_name}.amazonaws.com",
        "kms:CallerAccount": asked.caller.account,
        "kms:EncryptionContext:aws:s3:arn": holder,
        "kms:EncryptionContextKeys": ["aws:s3:arn"],
        "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "aws:ViaAWSService": "true",
    }
    yield Demand(action, arn, context)


def _wanted(asked: Asked, bucket: FakeBucket) -> Encryption:
    """Return how the request wants its object encrypted, and else the bucket by default."""
    default = _default(bucket)
    algorithm = asked.headers.get(_HEADER, "")
    key_id = asked.headers.get(f"{_HEADER}-aws-kms-key-id", "")
    bucket_key = asked.headers.get(f"{_HEADER}-bucket-key-enabled")
    with_bucket_key = default.with_bucket_key if bucket_key is None else _truth(bucket_key)
    if not algorithm:
        return replace(default, with_bucket_key=with_bucket_key)
    # With the algorithm alone S3 takes its own key, and moto the bucket's: the stricter counts.
    return Encryption(algorithm, key_id or (default.key_id if default.uses_kms else ""), with_bucket_key)


def _of_upload(asked: Asked, bucket: FakeBucket) -> Encryption:
    default, upload = _default(bucket), bucket.multiparts.get(asked.text("uploadId"))
    if upload is None or not upload.sse_encryption:
        return default
    key_id = upload.kms_key_id or (default.key_id if default.uses_kms else "")
    return Encryption(upload.sse_encryption, key_id, default.with_bucket_key)


def _default(bucket: FakeBucket) -> Encryption:
    rule = (bucket.encryption or {}).get("Rule") or {}
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    key_id = default.get("KMSMasterKeyID") or ""
    return Encryption(default.get("SSEAlgorithm", ""), key_id, _truth(rule.get("BucketKeyEnabled")))


def _object(bucket: FakeBucket, key: str, version: str) -> FakeKey | None:
    versions = bucket.keys.getlist(key, default=[])
    if version:
        versions = [each for each in versions if each.version_id == version]
    return versions[-1] if versions and isinstance(versions[-1], FakeKey) else None


def _arn(key_id: str, bucket: FakeBucket, caller_account: str) -> str:
    """Return the key's ARN; an alias is looked up in the caller's account, a bare id belongs to the bucket's."""
    if key_id.startswith("arn:") and ":key/" in key_id:
        return key_id
    region = bucket.region_name
    if ":alias/" in key_id or key_id.startswith("alias/"):
        account = key_id.split(":")[4] if key_id.startswith("arn:") else caller_account
        name = f"alias/{key_id.partition('alias/')[2]}"
        keys = list(kms_backends[account][region].keys.values()) if account else []
        return next((key.arn for key in keys if name in key.aliases), f"arn:aws:kms:{region}:{account}:{name}")
    return f"arn:aws:kms:{region}:{bucket.account_id}:key/{key_id}"


def _require_usable(arn: str, key_id: str, bucket: FakeBucket) -> None:
    region = arn.split(":")[3]
    if region != bucket.region_name:
        raise ApiError("KMS.NotFoundException", f"Invalid arn {region}")
    key = key_at(arn)
    if key is None:
        raise ApiError("KMS.NotFoundException", f"Invalid keyId '{key_id}'")
    if key.key_state == "Disabled":
        raise ApiError("KMS.DisabledException", f"{arn} is disabled.")
    if key.key_state != "Enabled":
        raise ApiError("KMS.KMSInvalidStateException", f"{arn} is pending deletion.")


def _truth(value: object) -> bool:
    return str(value).lower() == "true"
