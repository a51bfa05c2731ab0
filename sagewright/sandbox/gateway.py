"""Why: every AWS service stands behind one address; whoever gets past its door is answered by the service meant."""

import re
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from moto.backends import list_of_moto_modules
from moto.core.request import Request
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

from . import ec2, kms, logs, signature
from .clients import Clients
from .cloudformation.api import CloudFormation
from .iam import asked, departed, public_access, resource_policies
from .iam.actions.kms import owner as owner_of_key
from .iam.asked import Asked
from .iam.door import ANONYMOUS, Door, Visitor
from .protocol import ApiError, Caller, Service, error_response, respond
from .sagemaker.api import SageMaker

Environ = dict[str, Any]

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_PLAIN = "sagewright.plain"
_OK = 200


class Gateway:
    """The WSGI application: our services where we have them, moto for the others, a named refusal for the rest."""

    def __init__(self, clients: Clients, data: Path, pace: float) -> None:
        self._clients = clients
        self._sagemaker = SageMaker(clients, data, pace)
        self._services: dict[str, Service] = {
            service.service_name: service for service in (CloudFormation(clients), self._sagemaker)
        }
        self._door = Door(clients.authorizer)
        clients.authorizer.resources.provide("sagemaker", self._sagemaker.registry.policy_of)
        clients.authorizer.tags.provide("sagemaker", self._sagemaker.tags_of)
        resource_policies.judge_alone()
        ec2.apply()
        logs.apply()
        kms.apply()
        self._moto = DomainDispatcherApplication(create_backend_app)

    def close(self) -> None:
        """Stop what the services started."""
        self._sagemaker.close()

    def plain(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request that came without TLS, as far as AWS is concerned: the main port stands for 443."""
        return self({**environ, _PLAIN: True}, start_response)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, whatever happens."""
        request = Request(environ)
        signing_name = "s3"
        try:
            signed = signature.read(request)
            signing_name = signed.signing_name
            if signing_name == "s3":
                _address_by_path(environ)
                request = Request(environ)
            answer = self._answer(request, signing_name, self._visitor(request, signed))
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

    def _visitor(self, request: Request, signed: signature.Signature) -> Visitor:
        secure = _PLAIN not in request.environ
        if not signed.access_key:
            return Visitor(ANONYMOUS, Caller("", signed.region, ""), secure)
        who = self._clients.authorizer.principal_of(signed.access_key)
        via = self._clients.via(request.headers.get("User-Agent", ""))
        return Visitor(who, Caller(who.account, signed.region, signed.access_key), secure, via)

    def _answer(self, request: Request, signing_name: str, visitor: Visitor) -> Response:
        caller = visitor.caller
        headers = request.headers
        if signing_name == "sagemaker" and (invocation := _INVOCATION.fullmatch(request.path)):
            named = {"EndpointName": invocation[1]}
            self._door.admit(visitor, Asked("sagemaker", "InvokeEndpoint", named, caller, headers))
            return self._sagemaker.endpoints.invoke(invocation[1], dict(headers), request.get_data(), caller)
        if signing_name in self._services and request.path == "/":

            def admit(operation: str, params: dict[str, Any]) -> None:
                self._door.admit(visitor, Asked(signing_name, operation, params, caller, headers))

            return respond(self._services[signing_name], request, caller, admit)
        return self._from_moto(request, signing_name, visitor)

    def _from_moto(self, request: Request, signing_name: str, visitor: Visitor) -> Response:
        environ = request.environ
        if signing_name in self._services or not self._is_of_moto(environ, signing_name):
            raise ApiError(
                "UnsupportedService",
                f"The sandbox does not have {signing_name} at {environ['PATH_INFO']}: this call works in AWS only.",
                501,
            )
        wanted = asked.read(request, signing_name, visitor.caller)
        self._door.admit(visitor, wanted)
        account = visitor.caller.account
        if wanted.service == "kms":
            account = owner_of_key(wanted)[0]
        elif visitor.who is ANONYMOUS:
            bucket = resource_policies.bucket_named(wanted.text("Bucket"))
            account = bucket.account_id if bucket is not None else account
            environ["HTTP_AUTHORIZATION"] = signature.for_moto(account, visitor.caller.region)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        leaves = departed.leaving(wanted)
        answer = Response.from_app(self._moto, environ)
        if leaves and answer.status_code == _OK:
            departed.forget(*leaves)
        if (wanted.service, wanted.operation, answer.status_code) == ("s3", "CreateBucket", _OK):
            public_access.block(wanted.text("Bucket"))
        return answer

    def _is_of_moto(self, environ: Environ, signing_name: str) -> bool:
        if "HTTP_AUTHORIZATION" not in environ:
            return signing_name == "s3"  # moto takes every presigned URL for S3's
        host = self._moto.infer_service_region_host(environ, environ["PATH_INFO"])
        # Not get_backend_for_host: it prints to standard output what it does not find.
        patterns = self._moto.backend_url_patterns
        return host is not None and (
            host in list_of_moto_modules() or any(pattern.match(f"http://{host}") for _, pattern in patterns)
        )


def _address_by_path(environ: Environ) -> None:
    """Turn bucket.localhost/key into localhost/bucket/key, the form that moto knows on a local port."""
    if bucket := signature.virtual_bucket(environ.get("HTTP_HOST", "")):
        port = environ["SERVER_PORT"]
        environ["HTTP_HOST"] = f"localhost:{port}"
        for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
            if name in environ:
                environ[name] = f"/{bucket}{environ[name]}"


def _protocol_of(signing_name: str, request: Request) -> str:
    """Return the protocol in which the caller expects an error; a signing name alone does not tell its service."""
    if signing_name in {"s3", "route53", "cloudfront"}:
        return "rest-xml"
    if "X-Amz-Target" in request.headers:
        return "json"
    if (request.content_type or "").startswith("application/x-www-form-urlencoded") or "Action" in request.args:
        return "ec2" if signing_name == "ec2" else "query"
    return "rest-json"
