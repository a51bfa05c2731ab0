"""Why: Block Public Access stands above every bucket policy, so that no mistake in one opens a bucket to everybody.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from moto.s3.models import PublicAccessBlock, s3_backends

from .documents import Policy
from .identities import parsed
from .principal import Principal
from .resource_policies import bucket_named

# Fixed values of these make a statement for everybody one for somebody; so does an address range that is not all.
_NARROWING = {
    *("aws:principalorgid", "aws:principalorgpaths", "aws:principalarn", "aws:principalaccount", "aws:sourcearn"),
    *("aws:sourceaccount", "aws:sourceowner", "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:sourceorgid"),
    *(
        "aws:sourceorgpaths",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    ),
    "aws:principalservicename",
}
_HOLDING = re.compile(r"(?i)(for(any|all)values:)?(string(equals|like|equalsignorecase)|arn(equals|like))")
_SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_EVERYTHING = {"*", "*:*", "**"}


def is_public(document: str) -> bool:
    """Whether a bucket policy allows anything to everybody."""
    statements = json.loads(document).get("Statement", [])
    return any(_is_public(each) for each in (statements if isinstance(statements, list) else [statements]))


def without_public_statements(policy: Policy, resource: str, who: Principal, owner: str) -> Policy:
    """Return what of a bucket's policy counts: where that is restricted, a public one allows others nothing."""
    if not resource.startswith("arn:aws:s3:::") or who.kind == "service" or who.account == owner:
        return policy
    bucket = bucket_named(resource.removeprefix("arn:aws:s3:::").partition("/")[0])
    if bucket is None or not _blocks(bucket.public_access_block, "restrict_public_buckets"):
        return policy
    text = bucket.policy.decode() if isinstance(bucket.policy, bytes) else str(bucket.policy)
    if not is_public(text):
        return policy
    denying = tuple(statement for statement in parsed(text, policy.name).statements if statement.denies)
    return replace(policy, name=f"{policy.name}, which is public: RestrictPublicBuckets", statements=denying)


def refuses_public_policies(bucket: str) -> bool:
    """Whether the bucket takes no public policy."""
    found = bucket_named(bucket)
    return found is not None and _blocks(found.public_access_block, "block_public_policy")


def block(bucket: str) -> None:
    """Block public access as S3 does for every new bucket."""
    found = bucket_named(bucket)
    if found is not None:
        s3_backends[found.account_id]["aws"].put_public_access_block(bucket, dict.fromkeys(_SETTINGS, "true"))


def _blocks(settings: PublicAccessBlock | None, name: str) -> bool:
    return settings is not None and bool(getattr(settings, name))


def _is_public(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    given = principal.get("AWS", []) if isinstance(principal, Mapping) else principal
    everybody = "*" in (given if isinstance(given, list) else [given])
    return everybody and not any(
        _narrows(str(operator), str(key), values)
        for operator, pairs in (statement.get("Condition") or {}).items()
        for key, values in pairs.items()
    )


def _narrows(operator: str, key: str, values: Any) -> bool:
    given = [str(value) for value in (values if isinstance(values, list) else [values])]
    if operator.lower() == "ipaddress" and key.lower() == "aws:sourceip":
        return all(not value.endswith("/0") for value in given)
    fixed = all(value not in _EVERYTHING and "${" not in value for value in given)
    return key.lower() in _NARROWING and _HOLDING.fullmatch(operator) is not None and fixed
