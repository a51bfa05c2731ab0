"""Why: a bucket's settings are a dozen calls, in words that CloudFormation and S3 never agreed on."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from ..resource import Context, Properties
from .api_call import as_shape, call, discard, operation_model
from .api_resource import changed

Configuration = dict[str, Any]

_NOTHING: Configuration = {}

_PUBLIC_ACCESS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_NOTIFIED = (
    ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
    ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
)


# Granting log delivery for the time of one call must not cross with another bucket's on the same target.
_granting = threading.Lock()


@dataclass(frozen=True)
class Setting:
    """One property of a bucket: the call that applies it, and what is left when it goes."""

    key: str
    operation: str
    parameter: str
    translated: Callable[[Configuration], Configuration]
    removed_by: str = ""
    default: Configuration | None = None
    """What a bucket has without the property; with no removing operation it is put in its place."""
    at_creation: bool = False
    """Whether the sandbox's stand-in for S3 has to be told the default of a new bucket."""

    def apply(self, context: Context, bucket: str, old: Properties | None, new: Properties) -> None:
        """Bring the setting from the old properties to the new ones; there are no old ones at creation."""
        if self.key in new:
            if old is None or changed(old, new, self.key):
                self._put(context, context.client("s3"), bucket, self.translated(new[self.key]))
        elif old is None:
            if self.at_creation:
                self._put(context, context.bookkeeping("s3"), bucket, self.default or _NOTHING)
        elif self.key in old:
            if self.removed_by and self.default is None:
                discard(context.client("s3"), self.removed_by, Bucket=bucket)
            else:
                self._put(context, context.client("s3"), bucket, self.default or _NOTHING)

    def _put(self, context: Context, client: Any, bucket: str, configuration: Configuration) -> None:
        del context
        shape = operation_model(client, self.operation).input_shape
        value = {self.parameter: configuration}
        call(client, self.operation, Bucket=bucket, **(as_shape(shape, value) if shape is not None else value))


class Logging(Setting):
    """Access logs: S3 takes any target bucket of the account, the stand-in for it one that lets log delivery in."""

    @override
    def _put(self, context: Context, client: Any, bucket: str, configuration: Configuration) -> None:
        enabled = configuration.get("LoggingEnabled")
        if enabled is None:
            super()._put(context, client, bucket, configuration)
            return
        books = context.bookkeeping("s3")
        with _granting:
            present = call(books, "get_bucket_acl", Bucket=enabled["TargetBucket"])
            policy = {"Owner": present["Owner"], "Grants": present["Grants"]}
            call(books, "put_bucket_acl", Bucket=enabled["TargetBucket"], ACL="log-delivery-write")
            try:
                super()._put(context, client, bucket, configuration)
            finally:
                call(books, "put_bucket_acl", Bucket=enabled["TargetBucket"], AccessControlPolicy=policy)


def _renamed(source: Configuration, **names: str) -> Configuration:
    return {names.get(key, key): value for key, value in source.items()}


def _encryption(value: Configuration) -> Configuration:
    rules = value["ServerSideEncryptionConfiguration"]
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [_renamed(rule, **names) for rule in rules]}


def _cors(value: Configuration) -> Configuration:
    names = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
    return {"CORSRules": [_renamed(rule, **names) for rule in value["CorsRules"]]}


def _lifecycle(value: Configuration) -> Configuration:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: Configuration) -> Configuration:
    names = {
        "ExpirationInDays": "Days",
        "ExpirationDate": "Date",
        "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
    }
    expiration = {name: rule[key] for key, name in names.items() if key in rule}
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    if "NoncurrentVersionExpirationInDays" in rule:
        noncurrent = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    current = {"TransitionInDays": "Days", "TransitionDate": "Date"}
    parts = {
        "ID": rule.get("Id"),
        "Expiration": expiration,
        "NoncurrentVersionExpiration": noncurrent,
        "AbortIncompleteMultipartUpload": rule.get("AbortIncompleteMultipartUpload"),
        "Transitions": [_renamed(each, **current) for each in _both(rule, "Transition")],
        "NoncurrentVersionTransitions": [
            _renamed(each, TransitionInDays="NoncurrentDays") for each in _both(rule, "NoncurrentVersionTransition")
        ],
    }
    return {
        "Status": rule["Status"],
        "Filter": _lifecycle_filter(rule),
        **{key: value for key, value in parts.items() if value},
    }


def _both(rule: Configuration, key: str) -> Iterable[Configuration]:
    """Return what may be given once under the singular and many times under the plural."""
    return [*rule.get(f"{key}s", []), *([rule[key]] if key in rule else [])]


def _lifecycle_filter(rule: Configuration) -> Configuration:
    sizes = {key: int(rule[key]) for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan") if key in rule}
    prefix = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
    tags = rule.get("TagFilters", [])
    if len(sizes) + len(prefix) + len(tags) > 1:
        return {"And": {**prefix, **sizes, **({"Tags": tags} if tags else {})}}
    return {"Tag": tags[0]} if tags else prefix or sizes or {"Prefix": ""}


def _logging(value: Configuration) -> Configuration:
    names = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    return {"LoggingEnabled": {"TargetPrefix": "", **_renamed(value, **names)}}


def _notification(value: Configuration) -> Configuration:
    result: Configuration = {}
    if value.get("EventBridgeConfiguration", {"EventBridgeEnabled": False}).get("EventBridgeEnabled", True):
        result["EventBridgeConfiguration"] = _NOTHING
    for key, name, source, target in _NOTIFIED:
        if configurations := value.get(key):
            result[name] = [
                {target: each[source], "Events": [each["Event"]], **dict(_key_filter(each))} for each in configurations
            ]
    return result


def _key_filter(configuration: Configuration) -> Iterator[tuple[str, Configuration]]:
    if "Filter" in configuration:
        yield "Filter", {"Key": {"FilterRules": configuration["Filter"]["S3Key"]["Rules"]}}


def _website(value: Configuration) -> Configuration:
    result = {
        key: child for key, child in value.items() if key not in {"IndexDocument", "ErrorDocument", "RoutingRules"}
    }
    if "IndexDocument" in value:
        result["IndexDocument"] = {"Suffix": value["IndexDocument"]}
    if "ErrorDocument" in value:
        result["ErrorDocument"] = {"Key": value["ErrorDocument"]}
    if "RoutingRules" in value:
        names = {"RedirectRule": "Redirect", "RoutingRuleCondition": "Condition"}
        result["RoutingRules"] = [_renamed(rule, **names) for rule in value["RoutingRules"]]
    return result


SETTINGS = (
    Setting(
        "PublicAccessBlockConfiguration",
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        lambda value: {name: value.get(name, False) for name in _PUBLIC_ACCESS},
        default=dict.fromkeys(_PUBLIC_ACCESS, True),
        at_creation=True,
    ),
    Setting(
        "OwnershipControls",
        "put_bucket_ownership_controls",
        "OwnershipControls",
        dict,
        default={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        at_creation=True,
    ),
    Setting(
        "BucketEncryption",
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
        default={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        at_creation=True,
    ),
    Setting(
        "VersioningConfiguration",
        "put_bucket_versioning",
        "VersioningConfiguration",
        dict,
        default={"Status": "Suspended"},
    ),
    Setting(
        "LifecycleConfiguration",
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        _lifecycle,
        removed_by="delete_bucket_lifecycle",
    ),
    Setting("CorsConfiguration", "put_bucket_cors", "CORSConfiguration", _cors, removed_by="delete_bucket_cors"),
    Logging("LoggingConfiguration", "put_bucket_logging", "BucketLoggingStatus", _logging),
    Setting(
        "NotificationConfiguration",
        "put_bucket_notification_configuration",
        "NotificationConfiguration",
        _notification,
    ),
    Setting(
        "WebsiteConfiguration",
        "put_bucket_website",
        "WebsiteConfiguration",
        _website,
        removed_by="delete_bucket_website",
    ),
    Setting(
        "AccelerateConfiguration",
        "put_bucket_accelerate_configuration",
        "AccelerateConfiguration",
        lambda value: {"Status": value["AccelerationStatus"]},
        default={"Status": "Suspended"},
    ),
    Setting(
        "ObjectLockConfiguration",
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
        dict,
        default={"ObjectLockEnabled": "Enabled"},
    ),
)
