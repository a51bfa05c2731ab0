"""How the page writes moments: in UTC, as SageMaker's windows are."""

from datetime import UTC, datetime


def day_and_time(moment: datetime) -> str:
    """Write day and minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def window(start: datetime, end: datetime) -> str:
    """Write from when to when; the day once where it is the same."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M} to {last}"
