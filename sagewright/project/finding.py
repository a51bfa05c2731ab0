"""What is wrong with a merged key, before it is known which line of the file brought it about."""

from dataclasses import dataclass

from sagewright.project.document import KeyPath


@dataclass(frozen=True)
class Finding:
    """A fault of a key, and the other keys it depends on: an override of any of them may be its cause."""

    path: KeyPath
    message: str
    related: tuple[KeyPath, ...] = ()
