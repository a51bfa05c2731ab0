from typing import Any

import pytest


@pytest.mark.parametrize("named_by", ["KeyId", "Arn"])
def test_a_key_lives_and_ends_by_its_id_and_by_its_arn(sandbox: Any, named_by: str) -> None:
    kms = sandbox.client("kms")
    key = kms.create_key()["KeyMetadata"][named_by]

    states = []
    for operation in (kms.disable_key, kms.enable_key, kms.schedule_key_deletion, kms.cancel_key_deletion):
        operation(KeyId=key)
        states.append(kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"])

    assert states == ["Disabled", "Enabled", "PendingDeletion", "Disabled"]
