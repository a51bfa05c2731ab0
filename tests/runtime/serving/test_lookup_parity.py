"""What an endpoint looks up by ids is, value by value, what the point-in-time join gives for the same rows.

The history goes into the sandbox's online store record by record, in any order, and into tables that the training's
query reads. Rows are asked for at a time that both know everything of.
"""

import itertools
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sagewright.runtime.jobs import raw_data
from sagewright.runtime.jobs.datasets import joined_rows, labelled_rows
from sagewright.runtime.jobs.datasets.joined_rows import Joined
from sagewright.runtime.jobs.datasets.point_in_time import ROW
from sagewright.runtime.serving import lookup
from sagewright.runtime.serving.handlers import Request, Served
from sagewright.runtime.serving.lookup import Lookups
from sagewright.runtime.serving.schema import Schema
from sagewright.sandbox.clients import access_key
from sagewright.sandbox.feature_store.kind import FEATURE_GROUP
from sagewright.sandbox.protocol import Caller
from sagewright.sandbox.server import Sandbox
from tests.runtime.jobs.datasets.joined_history import DATABASE, LABELLED, History, Record, answered, iso, plan

REGION, ACCOUNT = "eu-west-1", "111111111111"
HOUR_MS = 3_600_000
NOW = 1_760_000_000_000
ROWS = 240
RECORDS = 30


def records(draw: random.Random, ids: list[Any], features: Mapping[str, list[Any]], *, seconds: bool) -> list[Record]:
    """Draw a history in which no two records of an id are of one time."""
    made: list[Record] = []
    for hours, record_id in enumerate(draw.choices(ids, k=RECORDS)):
        happened = NOW - hours * 2 * HOUR_MS - draw.randrange(HOUR_MS)
        stored = happened / 1000 if seconds else iso(happened, draw.choice([0, 0, 2]))
        values = {name: draw.choice([None, *given]) for name, given in features.items()}
        deleted = draw.random() < 0.2
        made.append(Record(record_id, happened, stored, NOW, NOW, deleted, values))
    draw.shuffle(made)
    return made


def histories(draw: random.Random) -> list[History]:
    """Three groups: one by a whole number, one by a text, one by what the first gives."""
    texts = ["007", "a b", 'é,"', "NA", "12"]
    shops = {"size": [1, 0, -5, 2**53 + 1], "town": texts}
    lines = {"load": [0.1, -1e-12, 3.0, 1 / 3], "late": [0, 12], "note": ["true", "x"]}
    towns = {"people": [1, 10**6], "heat": [20.5, 1e300]}
    return [
        History(
            "shops",
            {"shop": "integral", "since": "string", "size": "integral", "town": "string"},
            records(draw, [1, 2, 3, 10**12], shops, seconds=False),
            "shop",
            # A record that has expired may stay in the store for days, until it is taken away.
            time_to_live_s=15 * 3600,
        ),
        History(
            "lines",
            {"line": "string", "seen": "fractional", "load": "fractional", "late": "integral", "note": "string"},
            records(draw, ["L1", "0012", "x y"], lines, seconds=True),
            "line",
            look_back_hours=20,
        ),
        History(
            "towns",
            {"town": "string", "counted": "string", "people": "integral", "heat": "fractional"},
            records(draw, texts, towns, seconds=False),
            "town",
        ),
    ]


def rows(draw: random.Random) -> pd.DataFrame:
    """Draw labelled rows whose keys are known, unknown and missing."""
    return pd.DataFrame(
        {
            "order": [f"o{number}" for number in range(ROWS)],
            "at": [iso(NOW + draw.randrange(1000)) for _ in range(ROWS)],
            "shop": [str(draw.choice([1, 2, 3, 10**12, 77])) for _ in range(ROWS)],
            "line": [draw.choice(["L1", "0012", "x y", "none such", ""]) for _ in range(ROWS)],
            "price": [draw.choice(["1.5", "2", ""]) for _ in range(ROWS)],
            "bought": [draw.choice(["yes", "no"]) for _ in range(ROWS)],
        }
    )


def trained(folder: Path, given: list[History], labelled: pd.DataFrame) -> tuple[Schema, pd.DataFrame]:
    """Join as the training's jobs do; returns what the endpoint is told, and the rows that it should see."""
    (folder / "raw").mkdir()
    labelled.to_csv(folder / "raw" / "orders.csv", index=False)
    raw, of = raw_data.read(folder / "raw"), plan(given)
    tables = {f"{each.name}_v1": each.table() for each in given}
    tables[LABELLED] = labelled_rows.table(raw, of, "at")
    found = answered(of.query(DATABASE, LABELLED), tables).sort_by(ROW).drop_columns([ROW])
    features = found.rename_columns([each.name for each in of.features.values()])
    (folder / "joined").mkdir()
    joined_rows.write(folder / "joined" / joined_rows.FILE, raw, features)
    joined = Joined(tuple(joined_rows.lookups(of, raw)), {})
    table = joined.typed(raw_data.read(folder / "joined"))
    columns = tuple(column for column in table.columns if column.name not in ("order", "bought"))
    recorded = Schema("shop", "regression", "bought", "order", columns, (), event_time="at", lookups=joined.lookups)
    recorded.write(folder / "schema.json", {})
    return Schema.load(folder / "schema.json"), table.rows[[column.name for column in columns]]


def stored(embedded: Sandbox, given: list[History]) -> None:
    """Write every record as the ingestion would, through SageMaker's own API."""
    sagemaker = embedded.clients.get("sagemaker", ACCOUNT, REGION)
    runtime = embedded.clients.get("sagemaker-featurestore-runtime", ACCOUNT, REGION)
    for history in given:
        name, (record_id, event_time) = f"shop-{history.name}-v1", [*history.types][:2]
        sagemaker.create_feature_group(
            FeatureGroupName=name,
            RecordIdentifierFeatureName=record_id,
            EventTimeFeatureName=event_time,
            FeatureDefinitions=[
                {"FeatureName": feature, "FeatureType": kind.capitalize()} for feature, kind in history.types.items()
            ],
            OnlineStoreConfig={"EnableOnlineStore": True},
        )
    for history in given:
        name, (record_id, event_time) = f"shop-{history.name}-v1", [*history.types][:2]
        kept = embedded._gateway._sagemaker.store
        kept.wait(FEATURE_GROUP, Caller(ACCOUNT, REGION, ""), name, is_there, 30)
        for each in history.records:
            if each.deleted:
                runtime.delete_record(
                    FeatureGroupName=name, RecordIdentifierValueAsString=text(each.id), EventTime=moment(each.stored)
                )
                continue
            cells = {record_id: text(each.id), event_time: moment(each.stored)}
            known = dict(each.values)
            cells |= {feature: text(value) for feature, value in known.items() if value is not None}
            record = [{"FeatureName": feature, "ValueAsString": cell} for feature, cell in cells.items()]
            runtime.put_record(FeatureGroupName=name, Record=record)


def is_there(group: dict[str, Any]) -> bool:
    return group["FeatureGroupStatus"] == "Created"


def text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def moment(stored: Any) -> str:
    """Write an event time as the store takes it: in UTC."""
    if not isinstance(stored, str):
        return repr(stored)
    return pd.Timestamp(stored).tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def test_rows_by_their_ids_are_what_the_join_gave_the_training(
    embedded: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(11)  # noqa: S311 - the same rows in every run
    given, labelled = histories(draw), rows(draw)
    schema, wanted = trained(tmp_path, given, labelled)
    stored(embedded, given)
    monkeypatch.setenv("AWS_ENDPOINT_URL", embedded.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key(ACCOUNT))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    lookups = Lookups.of(schema, {lookup.REGION: REGION, lookup.TIME_LIMIT: "30000"})
    assert lookups is not None

    asked = labelled.drop(columns=["order", "bought"])
    served = Served(None, schema, None, lookups)
    as_csv = served.raw(Request(asked.to_csv(index=False), "text/csv"))
    objects = [{name: cell or None for name, cell in row.items()} for row in asked.to_dict(orient="records")]
    as_json = served.raw(Request(json.dumps({"instances": objects}), "application/json"))
    alone = served.raw(Request(json.dumps(objects[0]), "application/json"))

    features = [*itertools.chain.from_iterable(history.features for history in given)]
    assert wanted[features].notna().any().all()
    assert wanted[features].isna().any().all()
    pd.testing.assert_frame_equal(as_csv, wanted, check_exact=True)
    pd.testing.assert_frame_equal(as_json, wanted, check_exact=True)
    pd.testing.assert_series_equal(alone.dtypes, wanted.dtypes)
