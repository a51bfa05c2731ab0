import email.utils
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

MAX_CLOCK_SKEW_S = 60


def client(sandbox: Any, service: str, key: str, **options: Any) -> Any:
    session = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return session.create_client(
        service,
        region_name="eu-west-1",
        endpoint_url=sandbox.endpoint,
        aws_access_key_id=key,
        aws_secret_access_key="sandbox",
        config=Config(proxies={}, retries={"total_max_attempts": 1}, **options),
    )


def refusal(call: Any, **params: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - the sandbox's own address
        return answer.read()


@pytest.mark.parametrize("account", ["111111111111", "222222222222"])
def test_the_access_key_tells_the_account(sandbox: Any, account: str) -> None:
    identity = client(sandbox, "sts", f"AKIASBOX{account}").get_caller_identity()

    assert identity["Account"] == account
    assert identity["Arn"] == f"arn:aws:iam::{account}:user/administrator"


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        *(("sts", "get_caller_identity"), ("s3", "list_buckets"), ("sqs", "list_queues"), ("lambda", "list_functions")),
        *(("sagemaker", "list_models"), ("cloudformation", "list_stacks"), ("ec2", "describe_vpcs")),
    ],
)
def test_an_unknown_access_key_is_refused_by_every_service(sandbox: Any, service: str, operation: str) -> None:
    stranger = client(sandbox, service, "AKIAIOSFODNN7EXAMPLE")

    assert refusal(getattr(stranger, operation)) == ("InvalidClientTokenId", 403)


def test_a_request_without_signature_is_refused(sandbox: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        fetched(f"{sandbox.endpoint}/?Action=ListUsers")

    assert refused.value.code == 403
    assert b"MissingAuthenticationToken" in refused.value.read()


def test_nobody_comes_with_another_systems_token(sandbox: Any) -> None:
    role = "arn:aws:iam::111111111111:role/build"
    call = client(sandbox, "sts", "AKIASBOX111111111111").assume_role_with_web_identity

    with pytest.raises(ClientError, match="The sandbox does not have sts:AssumeRoleWithWebIdentity") as refused:
        call(RoleArn=role, RoleSessionName="build", WebIdentityToken="a.token.of-somebody")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_assumed_roles_act_in_their_account(sandbox: Any) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    sandbox.client("iam", "333333333333").create_role(RoleName="visitor", AssumeRolePolicyDocument=document)
    arn = "arn:aws:iam::333333333333:role/visitor"

    credentials = sandbox.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]

    identity = client(sandbox, "sts", credentials["AccessKeyId"]).get_caller_identity()
    assert identity["Account"] == "333333333333"
    assert identity["Arn"] == "arn:aws:sts::333333333333:assumed-role/visitor/test"


def test_accounts_and_regions_are_separate(sandbox: Any) -> None:
    sandbox.client("ssm").put_parameter(Name="/mine", Value="1", Type="String")

    for account, region in (("222222222222", "eu-west-1"), ("111111111111", "us-east-1")):
        names = [p["Name"] for p in sandbox.client("ssm", account, region).describe_parameters()["Parameters"]]
        assert "/mine" not in names


@pytest.fixture
def bucket(sandbox: Any) -> str:
    name = f"addressed-{time.time_ns()}"
    sandbox.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return name


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_objects_are_reached_by_path_and_by_host(
    sandbox: Any, bucket: str, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = socket.getaddrinfo

    def local(_: str, *rest: Any) -> Any:
        return resolve("127.0.0.1", *rest)

    # Not every resolver knows the names below localhost.
    monkeypatch.setattr(socket, "getaddrinfo", local)
    s3 = client(sandbox, "s3", "AKIASBOX111111111111", s3={"addressing_style": style})

    s3.put_object(Bucket=bucket, Key="a/b c", Body=b"content")

    assert s3.get_object(Bucket=bucket, Key="a/b c")["Body"].read() == b"content"
    assert [found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b c"]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a/b c"})
    assert fetched(url) == b"content"


def test_a_bucket_policy_against_plain_http_shuts_nobody_out(sandbox: Any, bucket: str) -> None:
    s3 = sandbox.client("s3")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    tls_only = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}

    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls_only]}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")

    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    assert refusal(s3.get_object, Bucket=bucket, Key="a")[1] == 403


def test_what_the_sandbox_lacks_is_named(sandbox: Any) -> None:
    with pytest.raises(ClientError, match="The sandbox does not have chime"):
        sandbox.client("chime").list_accounts()
    with pytest.raises(ClientError, match=r"The sandbox does not have this operation of codedeploy: .*list_git_hub"):
        sandbox.client("codedeploy").list_git_hub_account_token_names()


def test_the_date_header_is_real(sandbox: Any) -> None:
    headers = sandbox.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]

    told = email.utils.parsedate_to_datetime(headers["date"]).timestamp()

    assert abs(told - time.time()) < MAX_CLOCK_SKEW_S


def test_many_clients_are_answered_at_once(sandbox: Any) -> None:
    queues = sandbox.client("sqs")
    together = threading.Barrier(8, timeout=30)

    def make(number: int) -> str:
        together.wait()
        return queues.create_queue(QueueName=f"together-{number}")["QueueUrl"]

    with ThreadPoolExecutor(8) as pool:
        urls = list(pool.map(make, range(8)))

    assert len(set(urls)) == 8


def started(*arguments: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    command = [sys.executable, "-m", "sagewright.sandbox", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def test_the_process_tells_where_it_listens_and_stops_when_asked(tmp_path: Path) -> None:
    process, ready = started("--data", str(tmp_path / "data"))
    try:
        assert ready["pid"] == process.pid
        assert ready["data"] == str(tmp_path / "data")
        with pytest.raises(urllib.error.HTTPError):
            fetched(ready["endpoint"])
        with pytest.raises(urllib.error.HTTPError):
            fetched(ready["plain_endpoint"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert (tmp_path / "data").is_dir()
    finally:
        process.kill()
        process.communicate()


def test_the_process_ends_when_the_one_that_needs_it_is_gone() -> None:
    needs_it = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process, ready = started("--parent-pid", str(needs_it.pid))
    try:
        needs_it.communicate(b"\n")
        assert process.wait(30) == 0
        assert not os.path.exists(ready["data"])  # noqa: PTH110 - a path from another process, only looked at
    finally:
        process.kill()
        process.communicate()


def compressing(sandbox: Any, service: str, body: bytes | None = None) -> Any:
    """Return a client whose bodies are compressed by gzip, or are this one instead and say so."""

    def compress(params: dict[str, Any], **_: Any) -> None:
        form = params["body"]
        plain = urllib.parse.urlencode(form) if isinstance(form, dict) else form
        plain = plain.encode() if isinstance(plain, str) else plain
        params["body"] = gzip.compress(plain) if body is None else body
        params["headers"]["Content-Encoding"] = "gzip"

    made = client(sandbox, service, "AKIASBOX111111111111")
    made.meta.events.register("before-call", compress)
    return made


def test_a_compressed_body_is_unpacked_for_every_service(sandbox: Any) -> None:
    ssm, sts, sagemaker = (compressing(sandbox, name) for name in ("ssm", "sts", "sagemaker"))
    ssm.put_parameter(Name="/compressed", Value="1", Type="String")
    assert sandbox.client("ssm").get_parameter(Name="/compressed")["Parameter"]["Value"] == "1"
    assert sts.get_caller_identity()["Account"] == "111111111111"
    assert sagemaker.list_models(NameContains="none-is-called-so")["Models"] == []


@pytest.mark.parametrize(
    "broken", [b"no gzip", gzip.compress(b"{}")[:-9], gzip.compress(b"{}") + b"rest"], ids=["other", "cut", "longer"]
)
def test_a_broken_compressed_body_is_refused(sandbox: Any, broken: bytes) -> None:
    ssm, sts = (compressing(sandbox, name, broken) for name in ("ssm", "sts"))
    assert refusal(ssm.describe_parameters) == ("SerializationException", 400)
    assert refusal(sts.get_caller_identity) == ("MalformedInput", 400)


def test_a_compressed_object_stays_as_it_came(sandbox: Any, bucket: str) -> None:
    s3, packed = sandbox.client("s3"), gzip.compress(b"object")
    s3.put_object(Bucket=bucket, Key="packed", Body=packed, ContentEncoding="gzip")
    found = s3.get_object(Bucket=bucket, Key="packed")
    assert (found["Body"].read(), found["ContentEncoding"]) == (packed, "gzip")
