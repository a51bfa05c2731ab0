"""The online store as an endpoint reads it: many records in one call, and an answer or an error within a time limit."""

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecord.html
MOST_RECORDS = 100

_TRY_AGAIN = (
    *("InternalFailure", "InternalServerError", "ServiceUnavailable"),
    *("Throttling", "TooManyRequests", "ProvisionedThroughputExceeded", "RequestLimitExceeded", "SlowDown"),
)
_SERVER_ERROR, _TOO_MANY = 500, 429
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.2
# Calls at once. What a call that was given up still holds is free again after the time limit.
_CALLS = 16


class StoreError(Exception):
    """The store did not give what was asked for; the text names the groups and says why."""


Record = Mapping[str, str]
Key = tuple[str, str]
"""Name of a feature group, and a record's id in it."""


@dataclass(frozen=True)
class Wanted:
    """Records of one group, by their ids, and which of their features."""

    group: str
    ids: Sequence[str]
    features: Sequence[str]


class OnlineStore:
    """Reads records, as many calls at once as it takes; one store serves all threads of a server."""

    def __init__(self, client: Any, time_limit_s: float) -> None:
        self.time_limit_s = time_limit_s
        self._client = client
        self._calls = ThreadPoolExecutor(_CALLS, thread_name_prefix="online store")
        self._pause = threading.Event()

    @classmethod
    def connect(cls, region: str, time_limit_s: float) -> "OnlineStore":
        """Make the store of a region; nothing is sent before the first record is asked for."""
        import boto3  # noqa: PLC0415 - it takes long, and an endpoint that looks nothing up needs none
        from botocore.config import Config  # noqa: PLC0415 - see above

        config = Config(
            connect_timeout=time_limit_s,
            read_timeout=time_limit_s,
            retries={"total_max_attempts": 1},  # repeated here, where the time limit of the whole request is known
            max_pool_connections=_CALLS,
            tcp_keepalive=True,
        )
        session = boto3.Session(region_name=region)
        return cls(session.client("sagemaker-featurestore-runtime", config=config), time_limit_s)

    def records(self, wanted: Iterable[Wanted], deadline: float) -> dict[Key, Record]:
        """Return the records that there are by group and id. Raises StoreError where one is not known by the deadline.

        The deadline is a time of `time.monotonic()`.
        """
        found: dict[Key, Record] = {}
        left, reason, attempt = [*wanted], "it takes too long", 0
        while left:
            if attempt and not self._may_go_on(attempt, deadline):
                raise StoreError(_told(left, reason, self.time_limit_s))
            answers = self._called(left, deadline)
            if answers is None:
                raise StoreError(_told(left, "it takes too long", self.time_limit_s))
            again: list[Wanted] = []
            for records, unread, why in answers:
                found.update(records)
                again += unread
                reason = why or reason
            left, attempt = again, attempt + 1
        return found

    def close(self) -> None:
        """Let the threads go; calls on the way end by themselves."""
        self._calls.shutdown(wait=False, cancel_futures=True)

    def _may_go_on(self, attempt: int, deadline: float) -> bool:
        """Pause before another attempt, longer each time and never the same; False where no time is left for one."""
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - so that callers do not come back together
        if time.monotonic() + pause >= deadline:
            return False
        self._pause.wait(pause)
        return True

    def _called(self, wanted: Sequence[Wanted], deadline: float) -> list["_Answer"] | None:
        calls: list[Future[_Answer]] = [self._calls.submit(self._call, each) for each in _batches(wanted)]
        done, late = wait(calls, timeout=max(0.0, deadline - time.monotonic()))
        for each in late:
            each.cancel()
        return None if late else [each.result() for each in done]

    def _call(self, batch: Sequence[Wanted]) -> "_Answer":
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see connect

        identifiers = [
            {"FeatureGroupName": each.group, "RecordIdentifiersValueAsString": [*each.ids], "FeatureNames": features}
            for each in batch
            if (features := [*each.features])
        ]
        try:
            answer = self._client.batch_get_record(Identifiers=identifiers)
        except ClientError as error:
            if not passes(error.response):
                said = error.response["Error"]
                raise StoreError(_told(batch, f"{said['Code']}: {said['Message']}")) from error
            return {}, [*batch], error.response["Error"]["Code"]
        except BotoCoreError as error:
            return {}, [*batch], f"{type(error).__name__}: {error}"
        return read(answer, batch)


# Records, what is to be asked for again, and why.
_Answer = tuple[dict[Key, Record], list[Wanted], str]


def read(answer: Any, batch: Sequence[Wanted]) -> _Answer:
    """Read an answer of BatchGetRecord. Raises StoreError for a record that another attempt would not bring either."""
    found: dict[Key, Record] = {
        (each["FeatureGroupName"], each["RecordIdentifierValueAsString"]): {
            value["FeatureName"]: value["ValueAsString"] for value in each["Record"] if "ValueAsString" in value
        }
        for each in answer["Records"]
    }
    features = {each.group: each.features for each in batch}
    again = [
        Wanted(each["FeatureGroupName"], each["RecordIdentifiersValueAsString"], features[each["FeatureGroupName"]])
        for each in answer.get("UnprocessedIdentifiers", ())
    ]
    reason: str = "UnprocessedIdentifiers" if again else ""
    for error in answer.get("Errors", ()):
        group: str = error["FeatureGroupName"]
        code: str = error["ErrorCode"]
        if not code.startswith(_TRY_AGAIN):
            missing = Wanted(group, [error["RecordIdentifierValueAsString"]], ())
            raise StoreError(_told([missing], f"{code}: {error['ErrorMessage']}"))
        again.append(Wanted(group, [error["RecordIdentifierValueAsString"]], features[group]))
        reason = code
    return found, again, reason


def _batches(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Cut what is wanted into calls: so many records in each, every group once in a call."""
    batch: list[Wanted] = []
    room = MOST_RECORDS
    for group, (ids, features) in _by_group(wanted).items():
        start = 0
        while start < len(ids):
            taken = ids[start : start + room]
            batch.append(Wanted(group, taken, features))
            start, room = start + len(taken), room - len(taken)
            if not room:
                yield batch
                batch = list[Wanted]()
                room = MOST_RECORDS
    if batch:
        yield batch


def _by_group(wanted: Sequence[Wanted]) -> dict[str, tuple[list[str], list[str]]]:
    ids: dict[str, dict[str, None]] = {}
    features: dict[str, dict[str, None]] = {}
    for each in wanted:
        ids.setdefault(each.group, {}).update(dict.fromkeys(each.ids))
        features.setdefault(each.group, {}).update(dict.fromkeys(each.features))
    return {group: ([*ids[group]], [*features[group]]) for group in ids}


def passes(response: Mapping[str, Any]) -> bool:
    """Tell whether an error may be gone at the next attempt."""
    code, status = response["Error"]["Code"], response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code.startswith(_TRY_AGAIN) or status >= _SERVER_ERROR or status == _TOO_MANY


def _told(wanted: Sequence[Wanted], why: str, time_limit_s: float | None = None) -> str:
    groups = ", ".join(dict.fromkeys(each.group for each in wanted))
    within = "" if time_limit_s is None else f" within {time_limit_s * 1000:.0f} ms"
    return f"feature group {groups} was not read{within}: {why}"
