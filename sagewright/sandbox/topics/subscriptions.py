"""Why: nobody gets messages unasked: whoever is subscribed by another has to say yes first, as in AWS."""

import re
import secrets
import threading
from typing import Any
from urllib.parse import urlencode

from moto.sns.models import sns_backends

from ..clock import Clock
from ..protocol import ApiError, Caller
from .inbox import Inbox

_DELIVERED = ("email", "email-json", "lambda", "sqs")
_CONFIRMED_BY_PEOPLE = ("email", "email-json")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_ARN = re.compile(r"arn:aws:(sqs|lambda):[a-z0-9-]+:(?P<account>\d{12}):.+")
_TOPIC = re.compile(r"arn:aws:sns:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):[\w.-]+")
_ATTRIBUTES = ("FilterPolicyScope", "FilterPolicy", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy")
_TOKEN_LASTS_S = 2 * 24 * 3600
_PENDING = "PendingConfirmation"
_SUBJECT = "AWS Notification - Subscription Confirmation"


class Subscriptions:
    """Subscribes, asks those who must agree, and takes their yes."""

    def __init__(self, clock: Clock, inbox: Inbox, endpoint: str) -> None:
        self._clock = clock
        self._inbox = inbox
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[str, float]] = {}

    def subscribe(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Add a subscription; one that is there already is answered again, and asked for again while it is pending."""
        arn, protocol, endpoint = params["TopicArn"], params["Protocol"], params.get("Endpoint", "")
        backend, _ = topic_at(arn)
        _check(protocol, endpoint, arn)
        subscription: Any = backend.subscribe(arn, endpoint, protocol)
        subscription.owner = caller.account
        if "sandbox_pending" not in vars(subscription):
            pending = protocol in _CONFIRMED_BY_PEOPLE
            subscription.sandbox_pending = pending
            subscription.attributes |= {
                "Owner": caller.account,
                "RawMessageDelivery": "false",
                _PENDING: "true" if pending else "false",
                "ConfirmationWasAuthenticated": "false" if pending else "true",
            }
            given = params.get("Attributes") or {}
            for name in _ATTRIBUTES:
                if name in given:
                    backend.set_subscription_attributes(subscription.arn, name, given[name])
        if subscription.sandbox_pending:
            self._ask(subscription)
            if not params.get("ReturnSubscriptionArn"):
                return {"SubscriptionArn": "pending confirmation"}
        return {"SubscriptionArn": subscription.arn}

    def confirm(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Take the yes of whoever holds the token."""
        topic, token = params.get("TopicArn", ""), params.get("Token", "")
        backend, _ = topic_at(topic)
        with self._lock:
            arn, until_s = self._tokens.get(token, ("", 0.0))
        subscription: Any = backend.subscriptions.get(arn)
        if subscription is None or subscription.topic.arn != topic or self._clock.now() > until_s:
            raise ApiError("InvalidParameter", "Invalid parameter: Token")
        authenticated = bool(caller.account) and str(params.get("AuthenticateOnUnsubscribe", "")).lower() == "true"
        subscription.sandbox_pending = False
        subscription.attributes |= {
            _PENDING: "false",
            "ConfirmationWasAuthenticated": "true" if authenticated else "false",
        }
        return {"SubscriptionArn": arn}

    def listed(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return the subscriptions of a topic or of the caller; who has not agreed yet has no ARN to show."""
        topic = params.get("TopicArn")
        backend: Any = topic_at(topic)[0] if topic else sns_backends[caller.account][caller.region]
        found = [each for each in list(backend.subscriptions.values()) if topic in {None, each.topic.arn}]
        start = int(params.get("NextToken") or 0)
        shown = [
            {
                "SubscriptionArn": _PENDING if pending(each) else each.arn,
                "Owner": each.owner,
                "Protocol": each.protocol,
                "Endpoint": each.endpoint,
                "TopicArn": each.topic.arn,
            }
            for each in found[start : start + 100]
        ]
        more = {"NextToken": str(start + 100)} if len(found) > start + 100 else {}
        return {"Subscriptions": shown, **more}

    def _ask(self, subscription: Any) -> None:
        token, topic = secrets.token_hex(32), subscription.topic.arn
        with self._lock:
            self._tokens[token] = (subscription.arn, self._clock.now() + _TOKEN_LASTS_S)
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token, "Version": "2010-03-31"})
        text = (
            f"{subscription.endpoint} was subscribed to this topic:\n{topic}\n\n"
            f"To receive its messages, open this address within two days:\n{self._endpoint}/?{query}\n\n"
            "Without that, nothing more is sent.\n"
        )
        self._inbox.take(to=subscription.endpoint, subject=_SUBJECT, text=text, topic=topic)


def pending(subscription: Any) -> bool:
    """Whether whoever is subscribed still has to agree."""
    return bool(vars(subscription).get("sandbox_pending"))


def topic_at(arn: str) -> tuple[Any, Any]:
    """Return moto's SNS of the topic's account and region, and the topic; refuse one that is not there."""
    match = _TOPIC.fullmatch(arn)
    if match is None:
        raise ApiError("InvalidParameter", "Invalid parameter: TopicArn")
    backend: Any = sns_backends[match["account"]][match["region"]]
    if arn not in backend.topics:
        raise ApiError("NotFound", "Topic does not exist", 404)
    return backend, backend.topics[arn]


def _check(protocol: str, endpoint: str, topic: str) -> None:
    if protocol not in _DELIVERED:
        problem = f"The sandbox's SNS does not deliver by {protocol}, only by {', '.join(_DELIVERED)}."
        raise ApiError("UnsupportedOperation", problem, 501)
    if protocol in _CONFIRMED_BY_PEOPLE:
        if not _EMAIL.fullmatch(endpoint):
            raise ApiError("InvalidParameter", "Invalid parameter: Email address")
        return
    match = _ARN.fullmatch(endpoint)
    if match is None or f":{protocol}:" not in endpoint:
        raise ApiError("InvalidParameter", f"Invalid parameter: {protocol.upper()} endpoint ARN")
    if match["account"] != topic.split(":")[4]:
        problem = "The sandbox's SNS does not have subscribers in another account than the topic's."
        raise ApiError("UnsupportedOperation", problem, 501)
