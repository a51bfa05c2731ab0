"""Why: a monitor reads what its endpoint captures, so an endpoint that captures nothing cannot be monitored."""

from typing import Any

from ...protocol import ApiError, Caller
from ..store import ENDPOINT, Record, Store


def require_capture(store: Store, caller: Caller, name: str) -> None:
    """Refuse an endpoint that is not there, or that captures nothing."""
    endpoint = store.get(ENDPOINT, caller, name)
    if not captures(endpoint):
        raise ApiError(
            "ValidationException",
            f"Data capture is not enabled for endpoint {name}. Give its configuration a DataCaptureConfig.",
        )


def captures(endpoint: Record) -> bool:
    """Tell whether an endpoint that serves captures its requests."""
    settings: dict[str, Any] = endpoint.get("DataCaptureConfig", {})
    return bool(settings.get("EnableCapture"))


def folder_of(endpoint: Record) -> str:
    """Return the URI below which an endpoint's captured files are, by hour."""
    (variant,) = endpoint["ProductionVariants"]
    destination = endpoint["DataCaptureConfig"]["DestinationS3Uri"].rstrip("/")
    return f"{destination}/{endpoint['EndpointName']}/{variant['VariantName']}"
