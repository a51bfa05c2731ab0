"""Why: services of ours act on one another as AWS's do, by signed and validated requests through the front door."""

import os
import re
import secrets
import socket
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

import botocore.session
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from .accounts import ACCESS_KEY_PREFIX
from .iam.authorizer import Authorizer
from .ways_out import WaysOut

_CONFIG = Config(
    # A refusal is final here, and nothing is throttled: a retry would only hide a fault.
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    # The empty mapping keeps a proxy of the user's environment away from calls to this very machine.
    proxies={},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# As many calls as may be under way at once before connections are made for one request alone.
_CONNECTIONS = 50
# Headers and body leave in two writes: Nagle's algorithm would hold the body back by 40 ms on a kept connection. A
# session of botocore's own clients does the same.
_AT_ONCE: list[Any] = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]  # whose type the stubs have wrong
_LATEST = 64

BOOKKEEPING = "sandbox"


def access_key(account: str) -> str:
    """Return the access key id of the account's administrator."""
    return f"{ACCESS_KEY_PREFIX}{account}"


@dataclass(frozen=True)
class Keys:
    """What signs a request; any secret opens a sandbox."""

    access_key: str
    secret: str = field(default="sandbox", repr=False)
    token: str | None = field(default=None, repr=False)
    via: str = ""  # the service that acts in the name of whoever the keys belong to


class ActingClients:
    """Botocore clients into this sandbox that act with the same keys, whatever account they are asked for."""

    def __init__(self, clients: "Clients", keys: Keys) -> None:
        self.endpoint = clients.endpoint
        self.authorizer = clients.authorizer
        self.keys = keys
        self._clients = clients
        # Kept here and not by `clients`: they go some time after the last job or step that held the role.
        self._made: dict[tuple[str, str], Any] = {}

    def require(self, action: str, resource: str, *, region: str, account: str, context: Mapping[str, Any]) -> None:
        """Refuse what whose keys these are may not do, where a service asks without an HTTP request."""
        who = self.authorizer.principal_of(self.keys.access_key)
        self.authorizer.authorize(who, action, resource, region=region, account=account, context=context)

    def get(self, service: str, account: str, region: str) -> Any:
        """Return the client of a service; the account is that of the keys, the argument is there for the shape."""
        del account
        place = (service, region)
        if place not in self._made:
            self._made[place] = self._clients.signed(service, region, self.keys)
        return self._made[place]

    def environment(self) -> dict[str, str]:
        """Return the variables by which a program of its own acts with these keys, in this sandbox."""
        token = {"AWS_SESSION_TOKEN": self.keys.token} if self.keys.token else {}
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.keys.access_key,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret,
            **token,
        }


class Clients:
    """Botocore clients into this sandbox, one per service, region and keys.

    `get` acts as an account's administrator, which is only right for the sandbox's own bookkeeping; what AWS does in a
    caller's or a role's name goes through `acting` and `as_role`.
    """

    def __init__(self, endpoint: str, authorizer: Authorizer | None = None) -> None:
        self.endpoint = endpoint
        self.authorizer = authorizer or Authorizer()
        self.ways_out = WaysOut()
        self._lock = threading.Lock()
        # Only the sandbox itself may say that a service acts in somebody's name.
        self._proof = secrets.token_hex(8)
        self._marked = re.compile(rf"sandbox-via/{self._proof}#(\S+)")
        self._acting: dict[Keys, ActingClients] = {}
        self._taken: WeakValueDictionary[Keys, ActingClients] = WeakValueDictionary()
        # Whoever takes on a role mostly does so again soon.
        self._latest: deque[ActingClients] = deque(maxlen=_LATEST)
        # All speak to this one address: a connection serves whichever client calls next.
        self._http = URLLib3Session(proxies={}, max_pool_connections=_CONNECTIONS, socket_options=_AT_ONCE)
        # The user's profile and configuration files speak of AWS, never of the sandbox.
        self._session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )

    def get(self, service: str, account: str, region: str) -> Any:
        """Return the client of a service with the administrator's keys; clients are shared between threads."""
        return self.acting(access_key(account), via=BOOKKEEPING).get(service, account, region)

    def acting(
        self,
        access_key: str,
        secret: str = "sandbox",  # noqa: S107 - any secret opens a sandbox
        token: str | None = None,
        via: str = "",
    ) -> ActingClients:
        """Return clients that act as whoever the keys belong to; `via` is the service that does so in their name."""
        keys = Keys(access_key, secret, token, via)
        with self._lock:
            return self._acting.setdefault(keys, ActingClients(self, keys))

    def as_role(self, role_arn: str, *, service: str, region: str, source_arn: str = "") -> ActingClients:
        """Return clients that act as a role which an AWS service takes; refuse one that does not let it."""
        account = role_arn.split(":")[4] if role_arn.count(":") >= 5 else ""  # noqa: PLR2004 - an ARN's six parts
        session = self.authorizer.assume(
            role_arn, service=service, region=region, source_account=account, source_arn=source_arn
        )
        keys = Keys(session.access_key, session.secret, session.token)
        with self._lock:
            taken = self._taken.setdefault(keys, ActingClients(self, keys))
            self._latest.append(taken)
            return taken

    def via(self, user_agent: str) -> str:
        """Return the service that sent a request in its caller's name, by what its client says; mostly nothing."""
        marked = self._marked.search(user_agent)
        return marked[1] if marked else ""

    def is_own(self, user_agent: str) -> bool:
        """Tell whether the sandbox itself sent a request, and not a program that has the same keys."""
        return self._proof in user_agent

    def _mark(self, via: str) -> Config:
        return Config(user_agent_extra=f"sandbox-via/{self._proof}#{via}" if via else f"sandbox/{self._proof}")

    def signed(self, service: str, region: str, keys: Keys) -> Any:
        """Make a client of a service that signs with the keys; botocore's session makes one at a time."""
        with self._lock:
            client: Any = self._session.create_client(
                service,
                region_name=region,
                endpoint_url=self.endpoint,
                aws_access_key_id=keys.access_key,
                aws_secret_access_key=keys.secret,
                aws_session_token=keys.token,
                config=_CONFIG.merge(self._mark(keys.via)),
            )
        client._endpoint.http_session = self._http  # noqa: SLF001 - botocore has no other way in
        return client
