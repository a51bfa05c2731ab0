"""Why: a request's signature tells who calls, where, and which service, before anything else of it is read."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from moto.core.request import Request

from .accounts import ACCESS_KEY_PREFIX
from .protocol import ApiError

_VOUCHED = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
_SCOPE = re.compile(r"(?P<key>[A-Z0-9]{16,128})/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9.-]+)/aws4_request")
_VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.(?:localhost|s3[.-][a-z0-9.-]*amazonaws\.com)(?::\d+)?")


@dataclass(frozen=True)
class Signature:
    """Access key id (empty for a request to S3 that nobody signed), region and the service's signing name."""

    access_key: str
    region: str
    signing_name: str


def read(request: Request) -> Signature:
    """Return what the Authorization header says, or the query of a presigned URL."""
    header = request.headers.get("Authorization", "")
    scope = _SCOPE.search(header or unquote(request.args.get("X-Amz-Credential", "")))
    if not header:
        _refuse_expired(request)
    if scope:
        return Signature(scope["key"], scope["region"], scope["service"].lower())
    # The older signature, which boto3 still uses to presign S3's URLs, knows no region.
    if key := request.args.get("AWSAccessKeyId"):
        return Signature(key, "us-east-1", "s3")
    if header:
        raise ApiError("IncompleteSignature", f"The Authorization header has no readable credential scope: {header}")
    if _is_of_s3(request):
        return Signature("", "us-east-1", "s3")
    raise ApiError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def vouched(request: Request) -> str:
    """Return the operation of a request that somebody else vouches for in the place of a signature, or nothing."""
    if request.method != "POST" or request.path != "/" or request.args or "Authorization" in request.headers:
        return ""
    operation = request.form.get("Action", "")
    return operation if operation in _VOUCHED else ""


def virtual_bucket(host: str) -> str:
    """Return the bucket that a host names, as in bucket.localhost, or nothing."""
    virtual = _VIRTUAL_HOST.fullmatch(host)
    return virtual["bucket"] if virtual else ""


def for_moto(account: str, region: str) -> str:
    """Return the header of a signed request to S3: moto judges unsigned ones by their objects' lists of rights."""
    credential = f"{ACCESS_KEY_PREFIX}{account}/20000101/{region}/s3/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"


def _refuse_expired(request: Request) -> None:
    """Refuse a presigned URL whose time is over; the older kind tells the moment itself."""
    signed, lasting = request.args.get("X-Amz-Date", ""), request.args.get("X-Amz-Expires", "")
    until = request.args.get("Expires", "") if "AWSAccessKeyId" in request.args else ""
    try:
        if signed and lasting:
            began = datetime.strptime(signed, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            until = str(int(began.timestamp()) + int(lasting))
        over = bool(until) and int(until) < datetime.now(UTC).timestamp()
    except ValueError:
        raise ApiError("AuthorizationQueryParametersError", "X-Amz-Date or X-Amz-Expires cannot be read.") from None
    if over:
        raise ApiError("AccessDenied", "Request has expired", 403)


def _is_of_s3(request: Request) -> bool:
    """Whether a request without signature can be meant for an object or a bucket: only S3 takes such requests."""
    if "X-Amz-Target" in request.headers or "Action" in request.args:
        return False
    return request.path != "/" or bool(virtual_bucket(request.headers.get("Host", "")))
