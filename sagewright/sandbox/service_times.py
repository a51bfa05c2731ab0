"""Why: moto asks this machine what time it is; what people read beside the times of jobs follows the sandbox's clock.

Some times stay real, because clients measure them by something that does: those of S3's objects by the Date header of
the same answer, those of credentials by the client's own clock.
"""

from datetime import UTC, datetime

from moto.kms import models as kms
from moto.ssm import models as ssm

from .clock import Clock


def follow(clock: Clock) -> None:
    """Let parameters and keys have the clock's time."""

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now(), UTC).replace(tzinfo=None)  # moto's own times have no zone

    for models in (kms, ssm):
        setattr(models, "utcnow", now)  # noqa: B010 - moto's own function, which it imports by its name
