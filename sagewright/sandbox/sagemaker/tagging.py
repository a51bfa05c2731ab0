"""Why: tags are read and changed by ARN alone, whatever kind of resource the ARN names."""

from typing import Any

from ..protocol import Caller
from .identity import own_name
from .listing import page
from .store import Store

PAGE_SIZE = 50


class Tagging:
    """AddTags, ListTags and DeleteTags."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Add tags, or overwrite the values of those present."""
        own_name(params["ResourceArn"], caller)
        return {"Tags": self._store.add_tags(params["ResourceArn"], params["Tags"])}

    def list_tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a resource's tags."""
        own_name(params["ResourceArn"], caller)
        return page("Tags", self._store.tags(params["ResourceArn"]), params, PAGE_SIZE)

    def delete_tags(self, params: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Remove tags by key."""
        own_name(params["ResourceArn"], caller)
        self._store.delete_tags(params["ResourceArn"], params["TagKeys"])
        return {}
