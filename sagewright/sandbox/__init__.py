"""Why: an embedded AWS that rejects what AWS rejects, fed only by the artifacts that AWS itself would get."""

from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import botocore.session
from botocore.client import ClientCreator

# Every session would read for itself what botocore knows of AWS. moto makes three while it is imported, so it is here.
setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))  # noqa: B010 - botocore's own function

_Classes = dict[tuple[str, str], type]
_made: WeakKeyDictionary[Any, _Classes] = WeakKeyDictionary()
# pyrefly: ignore[missing-attribute] - what its stub leaves out
_make = ClientCreator._create_client_class  # noqa: SLF001 - botocore has no other way in


def _class_of_clients(creator: Any, service_name: str, service_model: Any) -> type:
    """Make the class of a service's clients once for a session: it has a method for each operation, up to 700."""
    classes = _made.setdefault(creator._event_emitter, {})  # noqa: SLF001 - what a session adds to classes hangs on it
    key = (service_name, service_model.api_version)
    if key not in classes:
        classes[key] = _make(creator, service_name, service_model)
    return classes[key]


setattr(ClientCreator, "_create_client_class", _class_of_clients)  # noqa: B010 - botocore's own method
