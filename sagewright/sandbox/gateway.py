"""Why: every AWS service stands behind one address; whoever gets past its door is answered by the service meant."""

import re
import traceback
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from moto.backends import list_of_moto_modules
from moto.core import utils
from moto.core.request import Request
from moto.server import DomainDispatcherApplication, create_backend_app
from typing_extensions import override
from werkzeug.wrappers import Response

from . import kms, logs, networks, s3_events, service_times, signature
from .athena import Athena
from .clients import Clients
from .clock import Clock
from .cloudformation.api import CloudFormation
from .cloudwatch.api import CloudWatch
from .codebuild import CodeBuild
from .codecommit import CodeCommit
from .codeconnections import CodeConnections
from .codepipeline import CodePipeline
from .events import Bus
from .feature_store import FeatureStore
from .feature_store.runtime import SERVICE as FEATURE_STORE_RUNTIME
from .functions import Functions
from .git import smart_http
from .iam import asked, departed, public_access, resource_policies
from .iam.actions.kms import owner as owner_of_key
from .iam.asked import Asked
from .iam.door import ANONYMOUS, Door, Visitor
from .person import PREFIX, Person
from .protocol import ApiError, Caller, PartOfService, Service, error_response, respond, unpacked
from .sagemaker.api import SageMaker
from .scheduler import Scheduler
from .topics import Topics

Environ = dict[str, Any]

_INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")
_PLAIN = "sagewright.plain"
_OK = 200
_MOTO_MODULES = frozenset(list_of_moto_modules())


class Gateway:
    """The WSGI application: our services where we have them, moto for the others, a named refusal for the rest."""

    def __init__(self, clients: Clients, data: Path, pace: float, clock: Clock) -> None:
        self._clients = clients
        self.clock = clock
        self.cloudwatch = CloudWatch(clock, pace)
        self.functions = Functions(clients, clock, data)
        self.topics = Topics(clients, clock, self.functions)
        self.bus = Bus(clients, clock, self.functions, self.topics)
        self.scheduler = Scheduler(clients, clock)
        for agenda in (self.functions, self.bus, self.scheduler):
            clock.add(agenda)
        self.cloudwatch.stand(clock, self.topics, self.functions, self.bus)
        self.codecommit = CodeCommit(clients, clock, self.bus, data)
        self.connections = CodeConnections(clients, clock, data)
        self.codebuild = CodeBuild(
            clients, clock, self.bus, data, codecommit=self.codecommit, connections=self.connections
        )
        self.codepipeline = CodePipeline(
            clients, clock, self.bus, data, self.codecommit, self.connections, self.codebuild
        )
        for agenda in self.codepipeline.agendas:
            clock.add(agenda)
        desk = self.connections.desk
        shown = {
            "inbox": self.topics.inbox.document,
            "schedules": self.scheduler.document,
            "connections": desk.connections,
            "pull-requests": desk.pull_requests,
            "build-statuses": self.codebuild.statuses.document,
        }
        self._person = Person(clock, shown, {"connections": desk.complete, "pull-requests": desk.pull_request})
        # moto answers their other operations.
        self._parts: dict[str, PartOfService] = {
            part.service_name: part for part in (self.functions, self.topics, self.bus, self.scheduler, self.cloudwatch)
        }
        self._sagemaker = SageMaker(clients, data, self.cloudwatch, clock, self.bus)
        self._feature_store = FeatureStore(self._sagemaker.store, clients, clock)
        self._sagemaker.extend(*self._feature_store.units)
        self.athena = Athena(clients, clock, self.bus, data)
        self._services: dict[str, Service] = {
            service.service_name: service
            for service in (
                CloudFormation(clients, clock, self.bus),
                *(self.athena, self._sagemaker, self.codebuild, self.codecommit, self.codepipeline),
                *self.connections.services,
            )
        }
        self._door = Door(clients.authorizer)
        clients.authorizer.resources.provide("sagemaker", self._sagemaker.registry.policy_of)
        clients.authorizer.tags.provide("sagemaker", self._sagemaker.tags_of)
        clients.authorizer.tags.provide("cloudwatch", self.cloudwatch.tags_of)
        clients.authorizer.tags.provide("codebuild", self.codebuild.tags_of)
        resource_policies.judge_alone()
        networks.apply()
        logs.apply(clock)
        kms.apply()
        s3_events.apply(self.bus, clock)
        # It would look through the models of all services for each one's.
        setattr(utils, "create_loader", cache(utils.create_loader))  # noqa: B010 - moto's own function
        service_times.follow(clock)
        self._moto = _Moto(create_backend_app)

    def close(self) -> None:
        """Stop what the services started."""
        self.athena.close()
        self.codebuild.close()
        self._sagemaker.close()
        self.functions.close()

    def plain(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request that came without TLS, as far as AWS is concerned: the main port stands for 443."""
        return self({**environ, _PLAIN: True}, start_response)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request, whatever happens."""
        request = Request(environ)
        if request.path.startswith(PREFIX):
            return self._person.answer(request)(environ, start_response)
        if (asked_by_git := smart_http.read(request)) and (answer := self._to_git(asked_by_git)):
            return answer(environ, start_response)
        signing_name = "s3"
        try:
            if _is_link(request):  # in an e-mail: whoever has the token needs no signature
                return respond(self.topics, request, Caller("", "", ""))(environ, start_response)
            if operation := signature.vouched(request):
                signing_name = "sts"
                raise ApiError("UnsupportedOperation", f"The sandbox does not have sts:{operation}.", 501)
            signed = signature.read(request)
            signing_name = signed.signing_name
            if signing_name == "s3":
                _address_by_path(environ)
                request = Request(environ)
            elif not _INVOCATION.fullmatch(request.path):  # objects and payloads are their receivers' to unpack
                malformed = (
                    "MalformedInput" if _protocol_of(signing_name, request) == "query" else "SerializationException"
                )
                request = unpacked(request, malformed)
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

    def _to_git(self, asked_by_git: smart_http.GitRequest) -> Response | None:
        secure = _PLAIN not in asked_by_git.request.environ
        return self.codecommit.remote.answer(asked_by_git, secure=secure) or self.connections.provider.answer(
            asked_by_git
        )

    def _visitor(self, request: Request, signed: signature.Signature) -> Visitor:
        secure = _PLAIN not in request.environ
        if not signed.access_key:
            return Visitor(ANONYMOUS, Caller("", signed.region, ""), secure)
        who = self._clients.authorizer.principal_of(signed.access_key)
        agent = request.headers.get("User-Agent", "")
        place = None if self._clients.is_own(agent) else self._clients.ways_out.of(signed.access_key)
        caller = Caller(who.account, signed.region, signed.access_key)
        return Visitor(who, caller, secure, self._clients.via(agent), place)

    def _answer(self, request: Request, signing_name: str, visitor: Visitor) -> Response:
        caller = visitor.caller
        headers = request.headers
        if signing_name == "sagemaker" and (invocation := _INVOCATION.fullmatch(request.path)):
            named = {"EndpointName": invocation[1]}
            self._door.admit(visitor, Asked("sagemaker", "InvokeEndpoint", named, caller, headers))
            return self._sagemaker.endpoints.invoke(invocation[1], dict(headers), request.get_data(), caller)

        def admit(operation: str, params: dict[str, Any], service: str = signing_name) -> None:
            self._door.admit(visitor, Asked(service, operation, params, caller, headers))

        if signing_name == "sagemaker" and self._feature_store.runtime.is_meant(request.path):
            return self._feature_store.runtime.respond(request, caller, partial(admit, service=FEATURE_STORE_RUNTIME))
        if signing_name in self._services and request.path == "/":
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
        if (part := self._parts.get(wanted.service)) and wanted.operation in part.operations:
            return respond(part, request, visitor.caller)
        account = visitor.caller.account
        if wanted.service == "kms":
            account = owner_of_key(wanted)[0]
        elif visitor.who is ANONYMOUS:
            bucket = resource_policies.bucket_named(wanted.text("Bucket"))
            account = bucket.account_id if bucket is not None else account
            environ["HTTP_AUTHORIZATION"] = signature.for_moto(account, visitor.caller.region)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        leaves = departed.leaving(wanted)
        with s3_events.asked_by(visitor.caller.account, visitor.address):
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
        return host is not None and self._moto.has(host)


class _Moto(DomainDispatcherApplication):
    """moto would list its own folders for every request, to find out what a host means: here each is looked up once."""

    def __init__(self, create_app: Callable[[Any], Any]) -> None:
        super().__init__(create_app)
        self._known: dict[str | None, Any] = {}
        self._had: dict[str, bool] = {}

    def has(self, host: str) -> bool:
        """Tell whether there is a service at the host; get_backend_for_host prints what it does not find."""
        if host not in self._had:
            patterns = self.backend_url_patterns
            self._had[host] = host in _MOTO_MODULES or any(pattern.match(f"http://{host}") for _, pattern in patterns)
        return self._had[host]

    @override
    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._known:
            self._known[host] = super().get_backend_for_host(host)
        return self._known[host]


def _address_by_path(environ: Environ) -> None:
    """Turn bucket.localhost/key into localhost/bucket/key, the form that moto knows on a local port."""
    if bucket := signature.virtual_bucket(environ.get("HTTP_HOST", "")):
        port = environ["SERVER_PORT"]
        environ["HTTP_HOST"] = f"localhost:{port}"
        for name in ("PATH_INFO", "RAW_URI", "REQUEST_URI"):
            if name in environ:
                environ[name] = f"/{bucket}{environ[name]}"


def _is_link(request: Request) -> bool:
    unsigned = "Authorization" not in request.headers and "X-Amz-Credential" not in request.args
    return unsigned and request.args.get("Action") == "ConfirmSubscription"


def _protocol_of(signing_name: str, request: Request) -> str:
    """Return the protocol in which the caller expects an error; a signing name alone does not tell its service."""
    if signing_name in {"s3", "route53", "cloudfront"}:
        return "rest-xml"
    if "X-Amz-Target" in request.headers:
        return "json"
    if (request.content_type or "").startswith("application/x-www-form-urlencoded") or "Action" in request.args:
        return "ec2" if signing_name == "ec2" else "query"
    return "rest-json"
