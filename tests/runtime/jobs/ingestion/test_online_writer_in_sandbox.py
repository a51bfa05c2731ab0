"""What is written online is what can be read there, by the rules of a store that is not ours."""

from typing import Any

import pytest

from sagewright.runtime.jobs.ingestion.online_writer import Clients, OnlineWriter, Write
from sagewright.sandbox.feature_store.kind import FEATURE_GROUP
from sagewright.sandbox.protocol import Caller
from sagewright.sandbox.server import Sandbox

ACCOUNT, REGION = "111111111111", "eu-west-1"


@pytest.mark.parametrize(
    ("name", "kind", "before", "after"),
    [
        ("texts", "String", "2013-01-02T00:00:00Z", "2013-01-03T00:00:00Z"),
        ("numbers", "Fractional", "1357084800.5", "1357171200.5"),
    ],
)
def test_the_values_that_came_last_are_read_whatever_was_there(
    embedded: Sandbox, name: str, kind: str, before: str, after: str
) -> None:
    sagemaker = embedded.clients.get("sagemaker", ACCOUNT, REGION)
    runtime: Any = embedded.clients.get("sagemaker-featurestore-runtime", ACCOUNT, REGION)
    features = {"id": "String", "at": kind, "wind": "Fractional", "gusts": "Integral"}
    sagemaker.create_feature_group(
        FeatureGroupName=name,
        RecordIdentifierFeatureName="id",
        EventTimeFeatureName="at",
        FeatureDefinitions=[{"FeatureName": each, "FeatureType": type_} for each, type_ in features.items()],
        OnlineStoreConfig={"EnableOnlineStore": True},
    )
    store, caller = embedded._gateway._sagemaker.store, Caller(ACCOUNT, REGION, "")
    store.wait(FEATURE_GROUP, caller, name, lambda each: each["FeatureGroupStatus"] == "Created", 20)
    writer = OnlineWriter(Clients(lambda: runtime), name)

    def write(*records: dict[str, str]) -> None:
        writer.write(Write([*each.items()], ("OnlineStore",)) for each in records)

    write({"id": "JFK", "at": before, "wind": "2.0"}, {"id": "LGA", "at": after, "wind": "1.0"})
    write({"id": "JFK", "at": before, "wind": "2", "gusts": "3"}, {"id": "LGA", "at": before, "wind": "9.0"})
    corrected = writer.corrected
    write({"id": "JFK", "at": before, "wind": "2", "gusts": "3"})

    kept = {
        record_id: {
            each["FeatureName"]: each["ValueAsString"]
            for each in runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString=record_id)["Record"]
        }
        for record_id in ("JFK", "LGA")
    }
    assert kept["JFK"] == {"id": "JFK", "at": before, "wind": "2", "gusts": "3"}
    assert kept["LGA"] == {"id": "LGA", "at": after, "wind": "1.0"}
    assert (corrected, writer.corrected) == (1, 1)
