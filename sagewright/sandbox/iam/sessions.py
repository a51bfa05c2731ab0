"""Why: whoever takes a role acts with keys of its own, which tell the role, and end with it."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from moto.sts.models import AssumedRole, sts_backends

from .identities import Identities, account_in, role_named

_DURATION_S = 3600
_SPARE = timedelta(minutes=15)
# How services name the sessions of the roles that they take; Lambda takes the function's name.
_NAMES = {"codebuild": "AWSCodeBuild", "sagemaker": "SageMaker", "cloudformation": "AWSCloudFormation"}


@dataclass(frozen=True)
class Session:
    """The keys of an assumed role."""

    role_arn: str
    account: str
    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)


class Sessions:
    """Opens sessions for services; one that is asked for again while it is young is the same."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._lock = threading.Lock()
        self._open: dict[tuple[str, str, str, str], AssumedRole] = {}

    def of_service(self, role_arn: str, service: str, region: str, source_arn: str) -> Session:
        """Return a session of an existing role for a service that acts on behalf of a resource."""
        role = role_named(role_arn)
        key = (role.id, service, region, source_arn)
        with self._lock:
            made = self._open.get(key)
            if made is None or made.expiration.replace(tzinfo=UTC) < datetime.now(UTC) + _SPARE:
                prefix = service.partition(".")[0]
                name = source_arn.split(":")[6] if prefix == "lambda" and source_arn else _NAMES.get(prefix, prefix)
                account = account_in(role_arn)
                made = sts_backends[account]["aws"].assume_role(region, name, role_arn, "", _DURATION_S, "")
                self._identities.remember(made, service)
                self._open[key] = made
        return Session(role_arn, made.account_id, made.access_key_id, made.secret_access_key, made.session_token)
