"""Why: every AWS service stands behind one address; the signature tells who calls, where, and which service."""

import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from moto.backends import list_of_moto_modules
from moto.core.request import Request
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

from . import bucket_policies
from .accounts import account_of
from .clients import Clients
from .cloudformation.api import CloudFormation
from .protocol import ApiError, Caller, Service, error_response, respond
from .sagemaker.api import SageMaker

Environ = dict[str, Any]

_SCOPE = re.compile(r"(?P<key>[A-Z0-9]{16,128})/\d{8}/(?P<region>[a-z0-9-]+)/(?P<service>[a-z0-9.-]+)/aws4_request")
_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_VIRTUAL_HOST = re.compile(r"(?P<bucket>[a-z0-9][a-z0-9.-]+)\.(?:localhost|s3[.-][a-z0-9.-]*amazonaws\.com)(?::\d+)?")


class Gateway:
    """The WSGI application: our services where we have them, moto for the others, a named refusal for the rest."""

    def __init__(self, clients: Clients, data: Path) -> None:
        self._sagemaker = SageMaker(clients, data)
        self._services: dict[str, Service] = {
            service.service_name: service for service in (CloudFormation(clients), self._sagemaker)
        }
        bucket_policies.apply()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def close(self) -> None:
        """Stop what the services started."""
        self._sagemaker.close()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, whatever happens."""
        request = Request(environ)
        signing_name = "s3"
        try:
            access_key, region, signing_name = _signature(request)
            caller = Caller(account_of(access_key), region, access_key)
            answer = self._answer(request, signing_name, caller)
        except ApiError as error:
            answer = error_response(_protocol_of(signing_name, request), error)
        except NotImplementedError as missing:  # how moto says that it lacks an operation
            message = f"The sandbox does not have this operation of {signing_name}: {missing}"
            answer = error_response(_protocol_of(signing_name, request), ApiError("UnsupportedOperation", message, 501))
        except Exception as fault:  # noqa: BLE001 - a fault of ours is the service's 500, and the server lives on
            traceback.print_exc()
            message = f"The sandbox failed to answer ({type(fault).__name__}: {fault}); its log has the details."
            answer = error_response(_protocol_of(signing_name, request), ApiError("InternalFailure", message, 500))
        return answer(environ, start_response)

    def _answer(self, request: Request, signing_name: str, caller: Caller) -> Response:
        if signing_name == "sagemaker" and (invocation := _INVOCATION.fullmatch(request.path)):
            headers: Mapping[str, str] = dict(request.headers)
            return self._sagemaker.endpoints.invoke(invocation[1], headers, request.get_data(), caller)
        if signing_name in self._services and request.path == "/":
            return respond(self._services[signing_name], request, caller)
        return self._from_moto(request.environ, signing_name, caller)

    def _from_moto(self, environ: Environ, signing_name: str, caller: Caller) -> Response:
        if signing_name in self._services or not self._is_of_moto(environ, signing_name):
            raise ApiError(
                "UnsupportedService",
                f"The sandbox does not have {signing_name} at {environ['PATH_INFO']}: this call works in AWS only.",
                501,
            )
        if signing_name == "s3":
            _address_by_path(environ)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
        return Response.from_app(self._moto, environ)

    def _is_of_moto(self, environ: Environ, signing_name: str) -> bool:
        if "HTTP_AUTHORIZATION" not in environ:
            return signing_name == "s3"  # moto takes every presigned URL for S3's
        host = self._moto.infer_service_region_host(environ, environ["PATH_INFO"])
        # Not get_backend_for_host: it prints to standard output what it does not find.
        patterns = self._moto.backend_url_patterns
        return host is not None and (
            host in list_of_moto_modules() or any(pattern.match(f"http://{host}") for _, pattern in patterns)
        )


def _signature(request: Request) -> tuple[str, str, str]:
    """Return access key id, region and signing name, from the header or from a presigned URL's query."""
    header = request.headers.get("Authorization", "")
    scope = _SCOPE.search(header or unquote(request.args.get("X-Amz-Credential", "")))
    if scope:
        return scope["key"], scope["region"], scope["service"].lower()
    # The older signature, which boto3 still uses to presign S3's URLs, knows no region.
    if key := request.args.get("AWSAccessKeyId"):
        return key, "us-east-1", "s3"
    if header:
        raise ApiError("IncompleteSignature", f"The Authorization header has no readable credential scope: {header}")
    raise ApiError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def _address_by_path(environ: Environ) -> None:
    """Turn bucket.localhost/key into localhost/bucket/key, the form that moto knows on a local port."""
    if virtual := _VIRTUAL_HOST.fullmatch(environ.get("HTTP_HOST", "")):
        port = environ["SERVER_PORT"]
        environ["HTTP_HOST"] = f"localhost:{port}"
        for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
            if name in environ:
                environ[name] = f"/{virtual['bucket']}{environ[name]}"


def _protocol_of(signing_name: str, request: Request) -> str:
    """Return the protocol in which the caller expects an error; a signing name alone does not tell its service."""
    if signing_name in {"s3", "route53", "cloudfront"}:
        return "rest-xml"
    if "X-Amz-Target" in request.headers:
        return "json"
    if (request.content_type or "").startswith("application/x-www-form-urlencoded") or "Action" in request.args:
        return "ec2" if signing_name == "ec2" else "query"
    return "rest-json"
