"""Why: services of ours act on one another as AWS's do, by signed and validated requests through the front door."""

import os
import threading
from typing import Any

import botocore.session
from botocore.config import Config

ACCESS_KEY_PREFIX = "AKIASBOX"

_CONFIG = Config(
    # A refusal is final here, and nothing is throttled: a retry would only hide a fault.
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    # The empty mapping keeps a proxy of the user's environment away from calls to this very machine.
    proxies={},
    max_pool_connections=50,
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def access_key(account: str) -> str:
    """Return the access key id of the account's administrator."""
    return f"{ACCESS_KEY_PREFIX}{account}"


class Clients:
    """Botocore clients into this sandbox with an administrator's keys, one per service, account and region."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, str], Any] = {}
        # The user's profile and configuration files speak of AWS, never of the sandbox.
        self._session = botocore.session.Session(
            session_vars={
                "profile": (None, None, None, None),
                "config_file": (None, None, os.devnull, None),
                "credentials_file": (None, None, os.devnull, None),
            }
        )

    def get(self, service: str, account: str, region: str) -> Any:
        """Return the client of a service; clients are shared between threads."""
        key = (service, account, region)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._session.create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=access_key(account),
                    aws_secret_access_key="sandbox",  # noqa: S106 - any secret opens a sandbox
                    config=_CONFIG,
                )
            return self._clients[key]
