"""An endpoint that is asked by ids alone answers as if the features had been sent."""

import ast
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sagewright
from sagewright.runtime.serving import event_times, lookup
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.handlers import Answer, Served, input_fn, predict_fn
from sagewright.runtime.serving.lookup import Lookups
from sagewright.runtime.serving.requests import RequestError
from sagewright.runtime.serving.schema import Feature, GroupFeature, Lookup, Schema
from tests.runtime.serving.record_server import RecordServer

# Parcels: each goes by a line, which a depot serves; the weight is of the parcel alone.
COLUMNS = (
    Column("line", "string", nullable=False),
    Column("sent_at", "string", nullable=False),
    Column("weight", "number", nullable=True),
    Column("depot", "string", nullable=True),
    Column("stops", "integer", nullable=True),
    Column("queue", "integer", nullable=False),
    Column("load", "number", nullable=True),
)
LOOKUPS = (
    Lookup(
        "p-lines-v1",
        "line",
        "since",
        "line",
        "string",
        (GroupFeature("depot", "string"), GroupFeature("stops", "integral")),
    ),
    Lookup("p-customers-v2", "customer", "at", "customer_id", "integer", (GroupFeature("queue", "integral"),), None),
    Lookup("p-depots-v1", "depot", "at", "depot", "string", (GroupFeature("load", "fractional"),), 24),
)
LOOKUPS = (LOOKUPS[0], replace(LOOKUPS[1], record_id_type="integral"), LOOKUPS[2])
FEATURES = tuple(Feature(column.name, column.dtype) for column in COLUMNS)
SCHEMA = Schema("p", "regression", "late", "customer_id", COLUMNS, FEATURES, event_time="sent_at", lookups=LOOKUPS)
NOON = "2026-03-01T12:00:00Z"
ROW = {"line": "L1", "customer_id": 7, "sent_at": NOON, "weight": 2.5}


@dataclass
class Model:
    """Predicts nothing of interest, and keeps what it was asked."""

    seen: list[pd.DataFrame] = field(default_factory=list)

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        self.seen.append(rows)
        return np.zeros(len(rows))


Ask = Callable[..., pd.DataFrame]


@pytest.fixture
def parcels(store: RecordServer) -> RecordServer:
    """A store with a record for everything that ROW names."""
    store.put("p-lines-v1", "L1", line="L1", since="2026-02-01T00:00:00Z", depot="D", stops="12")
    store.put("p-customers-v2", "7", customer="7", at="2026-02-01T00:00:00Z", queue="3")
    store.put("p-depots-v1", "D", depot="D", at="2026-03-01T11:00:00Z", load="0.1")
    return store


@pytest.fixture
def ask(parcels: RecordServer) -> Iterator[Ask]:
    """Ask an endpoint whose container has some variables; returns the rows that its model was asked."""
    del parcels
    made: list[Lookups] = []

    def asked(body: Any, kind: str = "application/json", **variables: str) -> pd.DataFrame:
        given = {lookup.REGION: "eu-west-1", lookup.TIME_LIMIT: "20000"} | variables
        lookups = Lookups.of(SCHEMA, given)
        assert lookups is not None
        made.append(lookups)
        model = Model()
        content = body if isinstance(body, str) else json.dumps(body)
        answer = predict_fn(input_fn(content, kind), Served(model, SCHEMA, None, lookups))
        if isinstance(answer, RequestError):
            raise answer
        assert isinstance(answer, Answer)
        return model.seen[0]

    yield asked
    for each in made:
        if each.store is not None:
            each.store.close()


def table(*rows: tuple[Any, ...]) -> pd.DataFrame:
    cells = zip(*rows, strict=True)
    return pd.DataFrame({column.name: column.series(each) for column, each in zip(COLUMNS, cells, strict=True)})


FOUND = ("L1", NOON, 2.5, "D", 12, 3, 0.1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ROW, "application/json"),
        ({"instances": [ROW]}, "application/json"),
        ({**ROW, "customer_id": "7"}, "application/json"),
        (f"customer_id,line,sent_at,weight\n7,L1,{NOON},2.5\n", "text/csv"),
    ],
)
def test_a_row_by_its_ids_gets_the_features_with_the_types_of_training(ask: Ask, body: Any, kind: str) -> None:
    pd.testing.assert_frame_equal(ask(body, kind), table(FOUND))


def test_each_level_of_the_join_is_one_call_however_many_rows_there_are(ask: Ask, parcels: RecordServer) -> None:
    pd.testing.assert_frame_equal(ask([ROW] * 150), table(*[FOUND] * 150))
    groups = [{each["FeatureGroupName"] for each in call["Identifiers"]} for call in parcels.calls]
    assert groups == [{"p-lines-v1", "p-customers-v2"}, {"p-depots-v1"}]
    assert parcels.calls[1]["Identifiers"][0]["FeatureNames"] == ["load", "at"]


def test_rows_with_their_features_are_answered_without_the_store(ask: Ask, parcels: RecordServer) -> None:
    complete = dict(zip([column.name for column in COLUMNS], FOUND, strict=True))
    pd.testing.assert_frame_equal(ask([complete]), table(FOUND))
    header, row = ",".join(complete), ",".join(map(str, FOUND))
    pd.testing.assert_frame_equal(ask(f"{header}\n{row}\n", "text/csv"), table(FOUND))
    pd.testing.assert_frame_equal(ask(f"{row}\n", "text/csv"), table(FOUND))
    assert parcels.calls == []


def test_the_environments_own_groups_are_read(ask: Ask, parcels: RecordServer) -> None:
    parcels.records = {(f"{group}-prod", name): each for (group, name), each in parcels.records.items()}
    pd.testing.assert_frame_equal(ask(ROW, **{lookup.SUFFIX: "-prod"}), table(FOUND))


def test_another_projects_group_has_one_name(ask: Ask, parcels: RecordServer, monkeypatch: pytest.MonkeyPatch) -> None:
    borrowed = replace(SCHEMA, lookups=(*LOOKUPS[:2], replace(LOOKUPS[2], feature_group="q-depots-v3", own=False)))
    monkeypatch.setitem(globals(), "SCHEMA", borrowed)
    parcels.records = {(f"{group}-prod", name): each for (group, name), each in parcels.records.items()}
    parcels.records["q-depots-v3", "D"] = parcels.records.pop(("p-depots-v1-prod", "D"))
    pd.testing.assert_frame_equal(ask(ROW, **{lookup.SUFFIX: "-prod"}), table(FOUND))


def test_an_id_without_a_record_has_no_features_and_neither_has_what_hangs_on_them(ask: Ask) -> None:
    missing = table(("L9", NOON, 2.5, None, np.nan, 3, np.nan))
    missing["depot"] = pd.Series([np.nan], dtype=object)
    pd.testing.assert_frame_equal(ask({**ROW, "line": "L9"}), missing)


def test_an_id_without_a_record_is_refused_where_that_is_asked_for(ask: Ask) -> None:
    with pytest.raises(RequestError) as refused:
        ask([ROW, {**ROW, "line": "L9"}], **{lookup.MISSING: "refuse"})
    assert refused.value.status == 404
    assert str(refused.value) == "row 2: feature group p-lines-v1 has no record for line 'L9'"


def test_a_feature_that_no_row_of_the_training_was_without_is_never_left_empty(ask: Ask) -> None:
    with pytest.raises(RequestError) as refused:
        ask({**ROW, "customer_id": 8})
    assert refused.value.status == 404
    assert str(refused.value) == (
        "row 1: feature group p-customers-v2 has no record for customer '8', and no row of the training was without "
        "queue"
    )


@pytest.mark.parametrize(("at", "load"), [("2026-02-28T12:00:00Z", None), ("2026-02-28T12:00:00.001Z", 0.1)])
def test_a_record_as_old_as_the_look_back_counts_as_none(
    ask: Ask, parcels: RecordServer, at: str, load: float | None
) -> None:
    parcels.put("p-depots-v1", "D", at=at, load="0.1")
    seen = ask(ROW)["load"].tolist()
    assert seen == [load] if load is not None else np.isnan(seen[0])


def test_a_row_without_a_time_is_asked_for_now(ask: Ask, parcels: RecordServer) -> None:
    now_ms = int(time.time() * 1000)
    parcels.put("p-depots-v1", "D", at=event_times.text(now_ms - 3_600_000), load="0.1")
    row = {name: value for name, value in ROW.items() if name != "sent_at"}
    seen = ask(row)
    assert seen["load"].tolist() == [0.1]
    assert abs(event_times.milliseconds(seen["sent_at"].tolist()[0]) - now_ms) < 600_000
    parcels.put("p-depots-v1", "D", at=event_times.text(now_ms - 25 * 3_600_000), load="0.1")
    assert np.isnan(ask(row)["load"].tolist()[0])


def test_a_record_of_a_time_that_has_not_come_counts_as_none(ask: Ask, parcels: RecordServer) -> None:
    parcels.put("p-depots-v1", "D", at=event_times.text(int(time.time() * 1000) + 3_600_000), load="0.1")
    assert np.isnan(ask(ROW)["load"].tolist()[0])


def test_a_store_that_does_not_answer_refuses_the_request_and_names_the_groups(ask: Ask, parcels: RecordServer) -> None:
    parcels.fault = lambda _: (403, "AccessForbidden")
    with pytest.raises(RequestError) as refused:
        ask(ROW)
    assert refused.value.status == 503
    assert str(refused.value) == (
        "the rows cannot be looked up: feature group p-lines-v1, p-customers-v2 was not read: "
        "AccessForbidden: as the test wants it"
    )


def test_a_store_that_does_not_answer_may_leave_features_empty(ask: Ask, parcels: RecordServer) -> None:
    def depots(call: dict[str, Any]) -> tuple[int, str] | None:
        return (403, "AccessForbidden") if call["Identifiers"][0]["FeatureGroupName"] == "p-depots-v1" else None

    parcels.fault = depots
    seen = ask(ROW, **{lookup.UNAVAILABLE: "empty"})
    assert np.isnan(seen["load"].tolist()[0])
    assert seen["stops"].tolist() == [12]
    parcels.fault = lambda _: (403, "AccessForbidden")
    with pytest.raises(RequestError, match="and no row of the training was without queue") as refused:
        ask(ROW, **{lookup.UNAVAILABLE: "empty"})
    assert refused.value.status == 503


def test_a_value_that_training_could_not_have_had_is_the_stores_fault(ask: Ask, parcels: RecordServer) -> None:
    parcels.put("p-customers-v2", "7", at=NOON, queue="many")
    with pytest.raises(RequestError) as refused:
        ask(ROW)
    assert refused.value.status == 502
    assert str(refused.value) == "row 1: queue of feature group p-customers-v2: 'many' is not a number"


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ([ROW, {**ROW, "load": 1}], "application/json", "some rows hold features that are looked up for others"),
        ({**ROW, "lime": 1}, "application/json", "row 1: column lime is unknown, did you mean line?"),
        ({"line": "L1"}, "application/json", "row 1, column customer_id: a value is required"),
        ({**ROW, "sent_at": "soon"}, "application/json", "row 1, column sent_at: 'soon' is neither a time in ISO 8601"),
        ("line,weight\nL1,2\n", "text/csv", "header: column customer_id is missing"),
        (
            "L1,7\n",
            "text/csv",
            "row 1: 2 values, 7 are expected (line, sent_at, weight, depot, stops, queue, load); or",
        ),
    ],
)
def test_rows_by_their_ids_are_refused_with_row_and_column(ask: Ask, body: Any, kind: str, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        ask(body, kind)
    assert refused.value.status == 400
    assert str(refused.value).startswith(said)


def test_an_endpoint_without_a_store_says_which_features_to_send(ask: Ask) -> None:
    with pytest.raises(RequestError, match="rows need their features, too: depot, load, queue, stops") as refused:
        ask(ROW, **{lookup.REGION: ""})
    assert refused.value.status == 501


def test_a_schema_keeps_how_its_rows_were_joined(tmp_path: Any) -> None:
    SCHEMA.write(tmp_path / "schema.json", {})
    assert Schema.load(tmp_path / "schema.json") == SCHEMA
    plain = replace(SCHEMA, lookups=(), event_time=None)
    plain.write(tmp_path / "schema.json", {})
    assert not {"lookups", "event_time"} & {*json.loads((tmp_path / "schema.json").read_text())}
    assert Schema.load(tmp_path / "schema.json") == plain
    assert Lookups.of(plain, {lookup.REGION: "eu-west-1"}) is None


def test_a_deployed_endpoint_is_told_by_the_variables_that_are_read() -> None:
    deployed = Path(sagewright.__file__).parent / "stacks" / "lookup_variables.py"
    written = {node.value for node in ast.walk(ast.parse(deployed.read_text())) if isinstance(node, ast.Constant)}
    assert {lookup.REGION, lookup.SUFFIX, lookup.TIME_LIMIT, lookup.MISSING, lookup.UNAVAILABLE} <= written
