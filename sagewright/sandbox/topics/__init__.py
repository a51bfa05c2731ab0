"""Why: an alarm that nobody hears of is none: what is published reaches its subscribers, and e-mail a local inbox."""

from .inbox import Inbox
from .topics import Topics

__all__ = ["Inbox", "Topics"]
