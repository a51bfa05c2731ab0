"""A container with a network acts as its role for as long as it serves, though a session of the role ends before."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest

from sagewright.sandbox.clients import Keys
from sagewright.sandbox.sagemaker.endpoints import role_keys
from sagewright.sandbox.sagemaker.endpoints.role_keys import RoleKeys


def acting(name: str) -> Any:
    return SimpleNamespace(endpoint="http://localhost:1", keys=Keys(name, f"{name}-secret", f"{name}-token"))


@pytest.mark.parametrize(("minutes", "found"), [(14, "second"), (28, "first")])
def test_an_sdk_reads_new_keys_once_the_old_ones_are_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int, found: str
) -> None:
    monkeypatch.setattr(role_keys, "_TOLD", timedelta(minutes=minutes))
    keys = RoleKeys(tmp_path / "an instance")
    variables = keys.variables(acting("first"))
    assert variables["AWS_ENDPOINT_URL"] == "http://localhost:1"
    monkeypatch.setenv("AWS_CONFIG_FILE", variables["AWS_CONFIG_FILE"])
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    credentials = botocore.session.Session().get_credentials()
    assert credentials is not None
    assert credentials.get_frozen_credentials()[:3] == ("first", "first-secret", "first-token")
    keys.write(acting("second"))
    assert credentials.get_frozen_credentials().access_key == found


@pytest.mark.parametrize("isolated", [True, False])
def test_only_a_container_with_a_network_gets_keys(serving: Any, *, isolated: bool) -> None:
    serving.create("one", EnableNetworkIsolation=isolated)
    fleet = serving.fleet()
    folder = fleet._instances[0].folder
    assert (folder / "aws" / "keys.json").exists() is not isolated
    if not isolated:
        (folder / "aws" / "keys.json").unlink()
        fleet._renew_keys(fleet._instances)
        assert (folder / "aws" / "keys.json").exists()
