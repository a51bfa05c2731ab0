"""Why: what moto's EC2 reads as it is imported takes a third of a start, and few sandboxes have a network.

So it is imported when somebody asks for a network.
"""

import sys
from types import ModuleType
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import AccountSpecificBackend

_init = AccountSpecificBackend.__init__


def of(account: str, region: str) -> Any:
    """Return the networks of an account's region, as moto keeps them."""
    return get_backend("ec2")[account][region]


def apply() -> None:
    """Make moto's EC2 refuse what EC2 refuses before any account has one, whoever asks for it first."""

    def init(regions: Any, /, **given: Any) -> None:
        if given["service_name"] == "ec2":  # moto makes one at a time
            from . import ec2  # noqa: PLC0415 - see above

            ec2.apply()
        _init(regions, **given)

    setattr(AccountSpecificBackend, "__init__", init)  # noqa: B010 - moto's class


class _Later:
    """Stands for moto's EC2 in its SSM, which imports it for the instances that commands are for."""

    def __getitem__(self, account: str) -> Any:
        return get_backend("ec2")[account]


def _ssm() -> Any:
    if "moto.ec2" in sys.modules:
        return get_backend("ssm")
    stand_in = ModuleType("moto.ec2")
    setattr(stand_in, "ec2_backends", _Later())  # noqa: B010 - no module declares it
    sys.modules["moto.ec2"] = stand_in
    try:
        return get_backend("ssm")
    finally:
        del sys.modules["moto.ec2"]


ssm_backends = _ssm()
