from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagewright.sandbox.cloudformation.resource import HandlerError


def test_settings_of_a_bucket_are_readable_through_s3(stack: Any) -> None:
    key = stack.create("AWS::KMS::Key", {}, "Key").attributes["Arn"]
    logs = stack.create("AWS::S3::Bucket", {}, "Logs").id
    by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {
        "Id": "tidy",
        "Status": "Enabled",
        "Prefix": "raw/",
        "ExpirationInDays": "30",
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 1}],
    }
    bucket = stack.create(
        "AWS::S3::Bucket",
        {
            "BucketName": "settings-of-a-bucket",
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {"BucketKeyEnabled": "true", "ServerSideEncryptionByDefault": by_default}
                ]
            },
            "VersioningConfiguration": {"Status": "Enabled"},
            "LoggingConfiguration": {"DestinationBucketName": logs, "LogFilePrefix": "data/"},
            "LifecycleConfiguration": {"Rules": [rule]},
            "CorsConfiguration": {
                "CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.com"], "MaxAge": 60}]
            },
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            "Tags": [{"Key": "owner", "Value": "ml"}],
        },
    )
    s3 = stack.client("s3")
    encryption = s3.get_bucket_encryption(Bucket=bucket.id)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption == [{"ApplyServerSideEncryptionByDefault": by_default, "BucketKeyEnabled": True}]
    assert s3.get_bucket_versioning(Bucket=bucket.id)["Status"] == "Enabled"
    assert s3.get_bucket_logging(Bucket=bucket.id)["LoggingEnabled"]["TargetBucket"] == logs
    lifecycle = s3.get_bucket_lifecycle_configuration(Bucket=bucket.id)["Rules"][0]
    assert lifecycle["Expiration"] == {"Days": 30}
    assert lifecycle["Filter"] == {"Prefix": "raw/"}
    assert lifecycle["Transitions"] == [{"Days": 1, "StorageClass": "GLACIER"}]
    assert s3.get_bucket_cors(Bucket=bucket.id)["CORSRules"][0]["MaxAgeSeconds"] == 60
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket.id)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    blocked = s3.get_public_access_block(Bucket=bucket.id)["PublicAccessBlockConfiguration"]
    assert blocked == {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": False,
        "BlockPublicPolicy": False,
        "RestrictPublicBuckets": False,
    }
    tags = s3.get_bucket_tagging(Bucket=bucket.id)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "ml", "owner": "ml"}


def test_a_bucket_without_settings_is_private_and_encrypted(stack: Any) -> None:
    bucket, s3 = stack.create("AWS::S3::Bucket", {}).id, stack.client("s3")
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    assert bucket.startswith("shop-thing-")


def test_settings_that_leave_the_template_leave_the_bucket(stack: Any) -> None:
    rule = {"Status": "Enabled", "ExpirationInDays": 30}
    settings = {"LifecycleConfiguration": {"Rules": [rule]}, "VersioningConfiguration": {"Status": "Enabled"}}
    bucket, s3 = stack.create("AWS::S3::Bucket", settings), stack.client("s3")
    bucket.update({})
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=bucket.id)
    assert s3.get_bucket_versioning(Bucket=bucket.id)["Status"] == "Suspended"


@pytest.mark.parametrize("account", ["stack", "other_account"])
def test_a_bucket_name_is_taken_in_all_accounts(account: str, stack: Any, request: pytest.FixtureRequest) -> None:
    name = f"taken-by-the-first-{account.replace('_', '-')}"
    stack.create("AWS::S3::Bucket", {"BucketName": name})
    with pytest.raises(ClientError, match=f"BucketAlreadyExists.*{name} already exists"):
        request.getfixturevalue(account).create("AWS::S3::Bucket", {"BucketName": name})


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Orders", "uppercase"),
        ("my_orders", "should not contain '_'"),
        ("ab", "between 3 and 63"),
        ("192.168.0.1", "IP Address"),
        ("orders..daily", "two adjacent periods"),
        ("orders-", "start and end with a letter or digit"),
        ("xn--orders", "reserves"),
    ],
)
def test_a_bucket_name_that_s3_does_not_allow_is_refused(name: str, reason: str, stack: Any) -> None:
    with pytest.raises(ClientError, match=reason) as refused:
        stack.create("AWS::S3::Bucket", {"BucketName": name})
    assert refused.value.response["Error"]["Code"] == "InvalidBucketName"


def test_a_bucket_with_objects_is_not_deleted(stack: Any) -> None:
    bucket, s3 = stack.create("AWS::S3::Bucket", {}), stack.client("s3")
    s3.put_object(Bucket=bucket.id, Key="order", Body=b"1")
    with pytest.raises(ClientError, match="The bucket you tried to delete is not empty"):
        bucket.delete()
    s3.delete_object(Bucket=bucket.id, Key="order")
    bucket.delete()
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket=bucket.id)


def test_a_bucket_whose_settings_are_refused_is_not_left_behind(stack: Any) -> None:
    with pytest.raises(ClientError):
        stack.create(
            "AWS::S3::Bucket",
            {"BucketName": "logs-into-nowhere", "LoggingConfiguration": {"DestinationBucketName": "no-such-bucket"}},
        )
    with pytest.raises(ClientError, match="404"):
        stack.client("s3").head_bucket(Bucket="logs-into-nowhere")


def test_an_acl_needs_ownership_that_allows_acls(stack: Any) -> None:
    with pytest.raises(ClientError, match="Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced"):
        stack.create("AWS::S3::Bucket", {"AccessControl": "PublicRead"})


def test_a_setting_that_the_sandbox_lacks_is_refused_by_name(stack: Any) -> None:
    with pytest.raises(ClientError, match="does not have MetricsConfigurations of AWS::S3::Bucket"):
        stack.create("AWS::S3::Bucket", {"MetricsConfigurations": [{"Id": "all"}]})


def test_a_policy_over_another_bucket_is_refused(stack: Any, allow: Any) -> None:
    bucket = stack.create("AWS::S3::Bucket", {}).id
    root = {"AWS": f"arn:aws:iam::{stack.account}:root"}
    document = allow("s3:GetObject", "arn:aws:s3:::another/*", Principal=root)
    with pytest.raises(ClientError, match=r"MalformedPolicy.*Policy has invalid resource"):
        stack.create("AWS::S3::BucketPolicy", {"Bucket": bucket, "PolicyDocument": document})


def test_a_policy_for_a_role_that_does_not_exist_is_refused(stack: Any, allow: Any) -> None:
    bucket = stack.create("AWS::S3::Bucket", {}).id
    nobody = {"AWS": "arn:aws:iam::222222222222:role/nobody"}
    document = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal=nobody)
    with pytest.raises(ClientError, match=r"MalformedPolicy.*Invalid principal in policy"):
        stack.create("AWS::S3::BucketPolicy", {"Bucket": bucket, "PolicyDocument": document})


def test_a_public_policy_is_refused_while_public_policies_are_blocked(stack: Any, allow: Any) -> None:
    bucket = stack.create("AWS::S3::Bucket", {}).id
    document = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", Principal="*")
    with pytest.raises(ClientError, match=r"AccessDenied.*BlockPublicPolicy"):
        stack.create("AWS::S3::BucketPolicy", {"Bucket": bucket, "PolicyDocument": document})


def test_a_bucket_has_one_policy(stack: Any, allow: Any) -> None:
    bucket = stack.create("AWS::S3::Bucket", {}).id
    root = {"AWS": f"arn:aws:iam::{stack.account}:root"}
    policy = {"Bucket": bucket, "PolicyDocument": allow("s3:*", f"arn:aws:s3:::{bucket}/*", Principal=root)}
    stack.create("AWS::S3::BucketPolicy", policy)
    with pytest.raises(HandlerError, match=f"The bucket policy already exists on bucket {bucket}"):
        stack.create("AWS::S3::BucketPolicy", policy)
