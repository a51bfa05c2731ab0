"""Why: S3's permissions are older than its operations' names, and many requests need more than one."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote

import xmltodict
from moto.s3.models import FakeKey, s3_backends

from ..asked import Asked
from ..demand import Context, Demand
from ..resource_policies import bucket_named

# Operations on a bucket whose permission has another name.
_BUCKET = {
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "PutBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "PutBucketInventoryConfiguration": "PutInventoryConfiguration",
    "DeleteBucketInventoryConfiguration": "PutInventoryConfiguration",
    **{
        name: name
        for name in (
            *("CreateBucket", "DeleteBucket", "GetBucketLocation", "GetBucketVersioning", "PutBucketVersioning"),
            *("GetBucketTagging", "PutBucketTagging", "GetBucketLogging", "PutBucketLogging"),
            *("GetBucketOwnershipControls", "PutBucketOwnershipControls", "GetBucketPolicy", "PutBucketPolicy"),
            *("DeleteBucketPolicy", "GetBucketPolicyStatus", "GetBucketAcl", "PutBucketAcl", "GetBucketWebsite"),
            *("PutBucketWebsite", "DeleteBucketWebsite", "GetBucketRequestPayment", "PutBucketRequestPayment"),
        )
    },
}
# Operations on an object; the second column is the permission for a version named in the request.
_OBJECT = {
    "GetObject": ("GetObject", "GetObjectVersion"),
    "HeadObject": ("GetObject", "GetObjectVersion"),
    "SelectObjectContent": ("GetObject", "GetObject"),
    "GetObjectAttributes": ("GetObject", "GetObjectVersion"),
    "GetObjectTagging": ("GetObjectTagging", "GetObjectVersionTagging"),
    "PutObjectTagging": ("PutObjectTagging", "PutObjectVersionTagging"),
    "DeleteObjectTagging": ("DeleteObjectTagging", "DeleteObjectVersionTagging"),
    "GetObjectAcl": ("GetObjectAcl", "GetObjectVersionAcl"),
    "PutObjectAcl": ("PutObjectAcl", "PutObjectVersionAcl"),
    "DeleteObject": ("DeleteObject", "DeleteObjectVersion"),
    "GetObjectRetention": ("GetObjectRetention", "GetObjectRetention"),
    "PutObjectRetention": ("PutObjectRetention", "PutObjectRetention"),
    "GetObjectLegalHold": ("GetObjectLegalHold", "GetObjectLegalHold"),
    "PutObjectLegalHold": ("PutObjectLegalHold", "PutObjectLegalHold"),
    "RestoreObject": ("RestoreObject", "RestoreObject"),
    "AbortMultipartUpload": ("AbortMultipartUpload", "AbortMultipartUpload"),
    "ListParts": ("ListMultipartUploadParts", "ListMultipartUploadParts"),
    **dict.fromkeys(
        (
            *("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy"),
            *("CompleteMultipartUpload",),
        ),
        ("PutObject", "PutObject"),
    ),
}
_HEADERS = {
    "s3:x-amz-acl": "x-amz-acl",
    "s3:x-amz-copy-source": "x-amz-copy-source",
    "s3:x-amz-metadata-directive": "x-amz-metadata-directive",
    "s3:x-amz-server-side-encryption": "x-amz-server-side-encryption",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": "x-amz-server-side-encryption-aws-kms-key-id",
    "s3:x-amz-storage-class": "x-amz-storage-class",
    "s3:x-amz-object-ownership": "x-amz-object-ownership",
    "s3:x-amz-content-sha256": "x-amz-content-sha256",
    "s3:if-none-match": "if-none-match",
    "s3:if-match": "if-match",
}
# What a request to write an object says beside it, and the permission that takes.
_WITH_HEADERS = {
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
}
_ACL_HEADERS = ("x-amz-acl", "x-amz-grant-")
_QUERY = {"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:VersionId": "versionId"}
_LISTS = {"ListObjects", "ListObjectsV2", "ListObjectVersions"}


def demands(asked: Asked) -> Iterator[Demand]:
    """Yield what a request to S3 needs, but for the keys of what is encrypted."""
    bucket, key = asked.text("Bucket"), asked.text("Key")
    context = _context(asked)
    if asked.operation == "ListBuckets":
        yield Demand("s3:ListAllMyBuckets", "*", context)
    elif asked.operation in _OBJECT and key:
        yield from _of_object(asked, bucket, key, context)
    elif asked.operation == "DeleteObjects":
        yield from _deletions(asked, bucket, context)
    elif asked.operation in _BUCKET:
        yield from _of_bucket(asked, bucket, context)
    elif asked.operation.startswith("OPTIONS "):
        return
    else:
        note = " (the sandbox knows no narrower resource for this operation than *)"
        yield Demand(f"s3:{asked.operation.replace(' ', '')}", "*", context, note=note, anywhere=True)


def copy_source(asked: Asked) -> tuple[str, str, str]:
    """Return bucket, key and version that a request copies from; empty where it copies nothing."""
    source, _, query = asked.headers.get("x-amz-copy-source", "").partition("?")
    bucket, _, key = unquote(source).lstrip("/").partition("/")
    return bucket, key, parse_qs(query).get("versionId", [""])[0]


def object_arn(bucket: str, key: str) -> str:
    """Return an object's ARN, which holds neither region nor account."""
    return f"arn:aws:s3:::{bucket}/{key}"


def _of_bucket(asked: Asked, bucket: str, context: Context) -> Iterator[Demand]:
    arn = f"arn:aws:s3:::{bucket}"
    if asked.operation in _LISTS and "s3:prefix" not in context:
        context = {**context, "s3:prefix": ""}
    yield Demand(f"s3:{_BUCKET[asked.operation]}", arn, context)
    if asked.operation == "PutBucketReplication" and asked.body:
        role = (xmltodict.parse(asked.body).get("ReplicationConfiguration") or {}).get("Role")
        if role:
            yield Demand("iam:PassRole", role, {"iam:PassedToService": "s3.amazonaws.com"})
    if asked.operation == "CreateBucket":
        if _sets_acl(asked):
            yield Demand("s3:PutBucketAcl", arn, context)
        if asked.headers.get("x-amz-object-ownership"):
            yield Demand("s3:PutBucketOwnershipControls", arn, context)
        if asked.headers.get("x-amz-bucket-object-lock-enabled", "").lower() == "true":
            yield Demand("s3:PutBucketObjectLockConfiguration", arn, context)
            yield Demand("s3:PutBucketVersioning", arn, context)


def _of_object(asked: Asked, bucket: str, key: str, context: Context) -> Iterator[Demand]:
    arn = object_arn(bucket, key)
    version = asked.text("versionId")
    source, source_key, source_version = copy_source(asked)
    if source:
        action = "s3:GetObjectVersion" if source_version else "s3:GetObject"
        yield Demand(action, object_arn(source, source_key), {"s3:VersionId": source_version} if source_version else {})
        yield from _listing_of_absent(source, source_key)
        yield from _copied_tags(asked, source, source_key, source_version, arn)
    yield Demand(f"s3:{_OBJECT[asked.operation][bool(version)]}", arn, context)
    if asked.operation == "GetObjectAttributes":
        yield Demand(f"s3:GetObject{'Version' if version else ''}Attributes", arn, context)
    if asked.operation in {"PutObject", "CopyObject", "CreateMultipartUpload"}:
        if _sets_acl(asked):
            yield Demand("s3:PutObjectAcl", arn, context)
        for header, action in _WITH_HEADERS.items():
            if asked.headers.get(header):
                yield Demand(action, arn, context)
    if asked.operation in {"PutObject", "CompleteMultipartUpload"} and asked.headers.get("If-Match"):
        yield Demand("s3:GetObject", arn, context)
    if asked.headers.get("x-amz-bypass-governance-retention", "").lower() == "true":
        yield Demand("s3:BypassGovernanceRetention", arn, context)
    if asked.operation in {"GetObject", "HeadObject"}:
        yield from _listing_of_absent(bucket, key)


def _sets_acl(asked: Asked) -> bool:
    return any(name.lower().startswith(_ACL_HEADERS) for name, _ in asked.headers)


def _copied_tags(asked: Asked, source: str, key: str, version: str, target: str) -> Iterator[Demand]:
    """Ask for the tags, too, that a copy takes along from its source unless it is given others."""
    bucket = bucket_named(source)
    found = bucket.keys.get(key) if bucket is not None else None
    replaces = asked.headers.get("x-amz-tagging-directive", "").upper() == "REPLACE"
    if bucket is None or replaces or asked.operation != "CopyObject" or not isinstance(found, FakeKey):
        return
    if s3_backends[bucket.account_id]["aws"].tagger.get_tag_dict_for_resource(found.arn):
        action = "s3:GetObjectVersionTagging" if version else "s3:GetObjectTagging"
        yield Demand(action, object_arn(source, key))
        yield Demand("s3:PutObjectTagging", target)


def _listing_of_absent(bucket: str, key: str) -> Iterator[Demand]:
    """Whoever may not list the bucket does not learn either that an object is not there."""
    found = bucket_named(bucket)
    if found is not None and not isinstance(found.keys.get(key), FakeKey):
        yield Demand("s3:ListBucket", f"arn:aws:s3:::{bucket}", {"s3:prefix": key})


def _deletions(asked: Asked, bucket: str, context: Context) -> Iterator[Demand]:
    listed = (xmltodict.parse(asked.body).get("Delete") or {}).get("Object", [])
    for each in listed if isinstance(listed, list) else [listed]:
        version = each.get("VersionId")
        action = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
        yield Demand(
            action, object_arn(bucket, each["Key"]), {**context, "s3:VersionId": version} if version else context
        )


def _context(asked: Asked) -> Context:
    context: dict[str, Any] = {key: asked.headers[name] for key, name in _HEADERS.items() if name in asked.headers}
    context |= {key: asked.text(name) for key, name in _QUERY.items() if name in asked.params}
    bucket = bucket_named(asked.text("Bucket"))
    if bucket is not None:
        context["s3:ResourceAccount"] = bucket.account_id
    if tagging := asked.headers.get("x-amz-tagging"):
        tags = {key: values[0] for key, values in parse_qs(tagging, keep_blank_values=True).items()}
        context |= {f"s3:RequestObjectTag/{key}": value for key, value in tags.items()}
        context["s3:RequestObjectTagKeys"] = list(tags)
    if "Authorization" in asked.headers:
        context |= {"s3:authType": "REST-HEADER", "s3:signatureversion": "AWS4-HMAC-SHA256"}
    elif any(name in asked.params for name in ("X-Amz-Signature", "Signature")):
        context["s3:authType"] = "REST-QUERY-STRING"
    return context
