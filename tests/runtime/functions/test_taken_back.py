"""What a rollback took away is remembered where it served, until it is verified there again."""

import uuid
from collections.abc import Callable
from typing import Any

from sagewright.runtime.functions import rollback, verified
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.verified import Verified
from tests.runtime.functions.endpoint import version


def test_a_version_is_taken_back_until_it_is_verified_again(client: Callable[[str], Any], bucket: str) -> None:
    s3, releases = client("s3"), Location(bucket, "releases")

    def away() -> set[int]:
        endpoint = f"endpoint-{uuid.uuid4().hex}"
        return {*rollback.found(client("sagemaker"), s3, endpoint, releases, {}).taken_back}

    verified.write(s3, releases, Verified.now(version(3), "config-3", "promotion"))
    assert away() == set()
    verified.take_back(s3, releases, 3, "rollback")
    verified.take_back(s3, releases, 4, "rollback")
    assert away() == {3, 4}
    verified.write(s3, releases, Verified.now(version(3), "config-4", "promotion"))
    assert away() == {4}
