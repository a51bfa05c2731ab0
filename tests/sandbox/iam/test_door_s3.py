import urllib.error
import urllib.request
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from .conftest import FIRST, REGION, SECOND, World, allow, deny, refusal, root


def encrypted(world: World, bucket: str, key: str, account: str = FIRST) -> None:
    world.admin("s3", account).put_object(
        Bucket=bucket, Key="secret", Body=b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId=key
    )


def test_a_role_without_get_object_reads_nothing_and_is_told_what_it_lacks(world: World) -> None:
    bucket = world.bucket(a=b"1")
    role = world.role(allow("s3:ListBucket"))

    message = refusal(role.client("s3").get_object, Bucket=bucket, Key="a")

    assert message == (
        f"User: {role.session_arn} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::{bucket}/a"
        " because no identity-based policy allows the s3:GetObject action"
    )


def test_a_right_for_one_prefix_ends_there(world: World) -> None:
    bucket = world.bucket(a=b"1", b=b"2")
    s3 = world.role(allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/a*")).client("s3")

    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    refusal(s3.get_object, Bucket=bucket, Key="b")


def test_listing_can_be_held_to_a_prefix(world: World) -> None:
    bucket = world.bucket(a=b"1")
    held = {"StringLike": {"s3:prefix": "a*"}}
    s3 = world.role(allow("s3:ListBucket", on=f"arn:aws:s3:::{bucket}", Condition=held)).client("s3")

    assert s3.list_objects_v2(Bucket=bucket, Prefix="a")["KeyCount"] == 1
    refusal(s3.list_objects_v2, Bucket=bucket)


@pytest.mark.parametrize(("rights", "code"), [(["s3:GetObject"], "403"), (["s3:GetObject", "s3:ListBucket"], "404")])
def test_who_may_not_list_does_not_learn_that_an_object_is_absent(world: World, rights: list[str], code: str) -> None:
    s3 = world.role(allow(*rights)).client("s3")

    with pytest.raises(ClientError) as refused:
        s3.head_object(Bucket=world.bucket(), Key="absent")
    assert refused.value.response["Error"]["Code"] == code


def test_an_encrypted_object_is_read_only_with_its_key(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    encrypted(world, bucket, key)
    role = world.role(allow("s3:GetObject"))

    message = refusal(role.client("s3").get_object, Bucket=bucket, Key="secret")
    assert f"is not authorized to perform: kms:Decrypt on resource: {key} because no" in message

    role.may(allow("s3:GetObject"), allow("kms:Decrypt", on=key))
    assert role.client("s3").get_object(Bucket=bucket, Key="secret")["Body"].read() == b"1"


def test_a_key_can_be_held_to_s3_and_to_one_object(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    encrypted(world, bucket, key)
    through = {"kms:ViaService": f"s3.{REGION}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": "?"}

    def held(to: str) -> dict[str, Any]:
        return {"StringEquals": {**through, "kms:EncryptionContext:aws:s3:arn": to}}

    other = world.role(allow("s3:GetObject"), allow("kms:Decrypt", Condition=held(f"arn:aws:s3:::{bucket}/other")))
    right = world.role(allow("s3:GetObject"), allow("kms:Decrypt", Condition=held(f"arn:aws:s3:::{bucket}/secret")))

    refusal(other.client("s3").get_object, Bucket=bucket, Key="secret")
    right.client("s3").get_object(Bucket=bucket, Key="secret")


def test_with_a_bucket_key_the_encryption_context_is_the_bucket(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    world.admin("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    held = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}"}}
    s3 = world.role(allow("s3:*"), allow("kms:GenerateDataKey", "kms:Decrypt", on=key, Condition=held)).client("s3")

    s3.put_object(Bucket=bucket, Key="a", Body=b"1")

    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_the_bucket_s_default_key_is_needed_for_writing(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    world.admin("s3").put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    role = world.role(allow("s3:PutObject"))

    message = refusal(role.client("s3").put_object, Bucket=bucket, Key="a", Body=b"1")

    assert f"kms:GenerateDataKey on resource: {key}" in message


def test_a_multipart_upload_needs_decrypt_at_its_end(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    role = world.role(allow("s3:PutObject"), allow("kms:GenerateDataKey", on=key))
    s3 = role.client("s3")
    where = {"Bucket": bucket, "Key": "long"}
    upload = {
        **where,
        "UploadId": s3.create_multipart_upload(**where, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)["UploadId"],
    }
    part = s3.upload_part(**upload, PartNumber=1, Body=b"1")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}

    assert "kms:Decrypt" in refusal(s3.complete_multipart_upload, **upload, MultipartUpload=parts)

    role.may(allow("s3:PutObject"), allow("kms:GenerateDataKey", "kms:Decrypt", on=key))
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)


def test_copying_reads_the_source_and_writes_the_target(world: World) -> None:
    source, target = world.bucket(a=b"1"), world.bucket()
    reads = allow("s3:GetObject", "s3:ListBucket", on=["arn:aws:s3:::" + source, f"arn:aws:s3:::{source}/*"])
    writes = allow("s3:PutObject", on=f"arn:aws:s3:::{target}/*")
    copy = {"Bucket": target, "Key": "b", "CopySource": {"Bucket": source, "Key": "a"}}

    assert f"s3:PutObject on resource: arn:aws:s3:::{target}/b" in refusal(
        world.role(reads).client("s3").copy_object, **copy
    )
    assert f"s3:GetObject on resource: arn:aws:s3:::{source}/a" in refusal(
        world.role(writes).client("s3").copy_object, **copy
    )
    world.role(reads, writes).client("s3").copy_object(**copy)


def test_deleting_many_objects_needs_the_right_for_each(world: World) -> None:
    bucket = world.bucket(a=b"1", b=b"2")
    s3 = world.role(allow("s3:DeleteObject", on=f"arn:aws:s3:::{bucket}/a")).client("s3")

    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})
    message = refusal(s3.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "b"}]})

    assert f"s3:DeleteObject on resource: arn:aws:s3:::{bucket}/b" in message


def test_a_read_across_accounts_needs_both_sides(world: World) -> None:
    bucket = world.bucket(SECOND, a=b"1")
    reader, other = world.role(allow("s3:GetObject")), world.role()
    objects = f"arn:aws:s3:::{bucket}/*"

    message = refusal(reader.client("s3").get_object, Bucket=bucket, Key="a")
    assert "because no resource-based policy allows the s3:GetObject action" in message

    admitted = allow("s3:GetObject", on=objects, Principal={"AWS": [reader.arn, other.arn]})
    world.guard(bucket, admitted, account=SECOND)
    assert reader.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    message = refusal(other.client("s3").get_object, Bucket=bucket, Key="a")
    assert "because no identity-based policy allows the s3:GetObject action" in message


def test_a_key_across_accounts_needs_both_sides(world: World) -> None:
    reader, other = world.role(allow("s3:GetObject", "kms:Decrypt")), world.role(allow("s3:GetObject"))
    bucket = world.bucket(SECOND)
    world.guard(
        bucket, allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*", Principal={"AWS": root(FIRST)}), account=SECOND
    )
    closed = world.key(account=SECOND)
    encrypted(world, bucket, closed, SECOND)

    message = refusal(reader.client("s3").get_object, Bucket=bucket, Key="secret")
    assert "because no resource-based policy allows the kms:Decrypt action (key policy of" in message

    opened = world.key(allow("kms:Decrypt", Principal={"AWS": root(FIRST)}), account=SECOND)
    encrypted(world, bucket, opened, SECOND)
    assert reader.client("s3").get_object(Bucket=bucket, Key="secret")["Body"].read() == b"1"
    message = refusal(other.client("s3").get_object, Bucket=bucket, Key="secret")
    assert "because no identity-based policy allows the kms:Decrypt action" in message


def test_an_explicit_deny_in_a_bucket_policy_binds_the_administrator(world: World) -> None:
    bucket = world.bucket(a=b"1")
    denied = deny("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*", Principal="*", Sid="NobodyReads")
    world.guard(bucket, denied)

    message = refusal(world.admin("s3").get_object, Bucket=bucket, Key="a")

    assert message == (
        f"User: arn:aws:iam::{FIRST}:user/administrator is not authorized to perform: s3:GetObject on resource:"
        f" arn:aws:s3:::{bucket}/a with an explicit deny in a resource-based policy (bucket policy of {bucket},"
        " statement NobodyReads)"
    )


def test_plain_http_is_refused_where_the_bucket_asks_for_tls(world: World) -> None:
    bucket = world.bucket(a=b"1")
    everything = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    tls = {"Bool": {"aws:SecureTransport": "false"}}
    world.guard(bucket, deny("s3:*", on=everything, Principal="*", Sid="OnlyTls", Condition=tls))
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    plain: Any = session.create_client(
        "s3",
        region_name=REGION,
        endpoint_url=world.sandbox.sandbox.plain_endpoint,
        aws_access_key_id=f"AKIASBOX{FIRST}",
        aws_secret_access_key="sandbox",
        config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )

    assert "statement OnlyTls" in refusal(plain.get_object, Bucket=bucket, Key="a")
    assert world.admin("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def fetched(world: World, bucket: str, key: str) -> bytes:
    with urllib.request.urlopen(f"{world.sandbox.endpoint}/{bucket}/{key}") as answer:  # noqa: S310 - the sandbox's own address
        return answer.read()


def public(bucket: str) -> dict[str, Any]:
    return allow("s3:GetObject", on=f"arn:aws:s3:::{bucket}/*", Principal="*")


def test_nobody_reads_without_signature(world: World) -> None:
    bucket = world.bucket(a=b"1")

    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(world, bucket, "a")

    assert refused.value.code == 403
    assert b"User: anonymous is not authorized to perform: s3:GetObject" in refused.value.read()


def test_a_public_policy_is_refused_by_a_new_bucket(world: World) -> None:
    bucket = world.bucket(a=b"1")

    with pytest.raises(ClientError) as refused:
        world.guard(bucket, public(bucket))

    error = refused.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    assert "because public policies are prevented by the BlockPublicPolicy setting" in error["Message"]


def test_everybody_reads_what_is_public_until_public_access_is_restricted(world: World) -> None:
    bucket, s3 = world.bucket(a=b"1"), world.admin("s3")
    s3.delete_public_access_block(Bucket=bucket)
    world.guard(bucket, public(bucket))
    assert fetched(world, bucket, "a") == b"1"

    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})

    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(world, bucket, "a")
    assert refused.value.code == 403


def test_a_policy_for_everybody_of_one_account_is_not_public(world: World) -> None:
    bucket = world.bucket(a=b"1")
    only = {"StringEquals": {"aws:PrincipalAccount": SECOND}}
    world.guard(bucket, {**public(bucket), "Condition": only})
    reader = world.role(allow("s3:GetObject"), account=SECOND)

    assert reader.client("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"


def test_a_key_that_is_disabled_shuts_its_objects(world: World) -> None:
    bucket, key = world.bucket(), world.key()
    encrypted(world, bucket, key)
    world.admin("kms").disable_key(KeyId=key.rpartition("/")[2])

    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        world.admin("s3").get_object(Bucket=bucket, Key="secret")
