"""Messages to the project's owner: each thing that happened is told once, in words that say what to do."""

import hashlib
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from .client import Client

FOLDER = "delivery/told"
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: ASCII, fewer than 100 characters, no line breaks.
SUBJECT_LENGTH = 99
_THERE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


@dataclass(frozen=True)
class OwnerNotices:
    """The topic that people subscribe to, and a note for each message that went out: events may come again."""

    sns: Client
    s3: Client
    topic: str
    bucket: str

    def tell(self, subject: str, text: str, *, about: str) -> bool:
        """Send a message unless one about the very same thing was sent; False where it was."""
        note = f"{FOLDER}/{hashlib.sha256(about.encode()).hexdigest()}"
        try:
            self.s3.put_object(Bucket=self.bucket, Key=note, Body=about.encode(), IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] in _THERE:
                return False
            raise
        try:
            self.sns.publish(TopicArn=self.topic, Subject=in_ascii(subject), Message=text)
        except (ClientError, BotoCoreError):
            # It was not told: whoever tries again must not find that it was.
            self.s3.delete_object(Bucket=self.bucket, Key=note)
            raise
        return True


def in_ascii(subject: str) -> str:
    """Write a subject as SNS takes it."""
    plain = " ".join(subject.encode("ascii", "replace").decode().split())
    return plain if len(plain) <= SUBJECT_LENGTH else f"{plain[: SUBJECT_LENGTH - 3]}..."
