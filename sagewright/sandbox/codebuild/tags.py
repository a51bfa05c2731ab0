"""Why: tags come with the request that makes or changes a thing; some keys are AWS's own."""

from collections.abc import Iterable, Mapping

from .refusals import invalid


def check_tags(tags: Iterable[Mapping[str, str]] | None) -> None:
    """Refuse keys that AWS keeps for itself, and one key twice."""
    keys = [tag["key"] for tag in tags or ()]
    for key in keys:
        if key.lower().startswith("aws:"):
            raise invalid(f"Invalid tag key {key}: the prefix aws: is reserved")
    if len(keys) != len(set(keys)):
        raise invalid("Invalid tags: a key is there twice")
