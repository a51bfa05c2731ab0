"""Why: SNS refuses a message that it could not deliver, and gives each kind of subscriber a form of its own."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..protocol import ApiError

_LONGEST = 256 * 1024
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_DEFAULT_SUBJECT = "AWS Notification Message"


@dataclass(frozen=True)
class Message:
    """What was published, once, for all subscribers; `texts` are per protocol, where the publisher gave several."""

    topic: str
    subject: str
    text: str
    time_s: float
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def text_for(self, protocol: str) -> str:
        """Return the text for one kind of subscriber."""
        return self.texts.get(protocol, self.text)

    @property
    def title(self) -> str:
        """Return an e-mail's subject."""
        return self.subject or _DEFAULT_SUBJECT

    def document(self, protocol: str) -> dict[str, Any]:
        """Return the JSON form, without a signature: nobody but the sandbox could have sent it.

        https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
        """
        moment = datetime.fromtimestamp(self.time_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        parts: dict[str, Any] = {"Type": "Notification", "MessageId": self.id, "TopicArn": self.topic}
        if self.subject:
            parts["Subject"] = self.subject
        parts |= {"Message": self.text_for(protocol), "Timestamp": moment}
        if self.attributes:
            parts["MessageAttributes"] = {
                name: {"Type": value.get("DataType", "String"), "Value": value.get("StringValue", "")}
                for name, value in self.attributes.items()
            }
        return parts


def read(topic: str, params: Mapping[str, Any], time_s: float) -> Message:
    """Return the message that a request publishes; refuse one that SNS would."""
    text, subject = params.get("Message", ""), params.get("Subject", "")
    if not text:
        raise ApiError("InvalidParameter", "Invalid parameter: Empty message")
    if len(text.encode()) > _LONGEST:
        raise ApiError("InvalidParameter", "Invalid parameter: Message too long")
    if "Subject" in params and not _SUBJECT.fullmatch(subject):
        raise ApiError("InvalidParameter", "Invalid parameter: Subject")
    attributes = params.get("MessageAttributes") or {}
    structure = params.get("MessageStructure", "")
    if not structure:
        return Message(topic, subject, text, time_s, attributes)
    if structure != "json":
        raise ApiError("InvalidParameter", "Invalid parameter: MessageStructure")
    try:
        texts = json.loads(text)
    except ValueError:
        problem = "Invalid parameter: Message Structure - JSON message body failed to parse"
        raise ApiError("InvalidParameter", problem) from None
    if not isinstance(texts, dict) or "default" not in texts:
        raise ApiError(
            "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body"
        )
    return Message(topic, subject, str(texts["default"]), time_s, attributes, {k: str(v) for k, v in texts.items()})
