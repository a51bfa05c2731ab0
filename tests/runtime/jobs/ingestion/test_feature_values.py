"""Cells become the values of declared features by one set of rules, together or one by one."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagewright.runtime.jobs.declaration import FRACTIONAL, INTEGRAL, STRING, Declaration
from sagewright.runtime.jobs.ingestion import feature_values
from sagewright.runtime.jobs.ingestion.ingest_profile import DistinctIds
from sagewright.runtime.serving import event_times
from sagewright.runtime.serving.columns import MISSING, CellError, Column
from sagewright.runtime.serving.errors import UserError
from sagewright.runtime.serving.event_times import EventTimeError
from tests.runtime.jobs.ingestion.ingest_world import declaration

TEXTS = st.one_of(
    st.floats().map(str),
    st.integers(-(2**70), 2**70).map(str),
    st.sampled_from(["", "NA", " 1 ", "007", "+5", ".5", "5.", "1e3", "1e999", "-0", "x", "true", "1_000", "٣"]),
    st.text(max_size=4),
)
TIMES = st.one_of(
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.sampled_from(
        ["2013-02-30T00:00:00", "2013-01-01", "20130101", "1357016400", "2013-01-01T24:00:00", "2013-1-1", ""]
    ),
)


def one(text: str, kind: str) -> tuple[Any, str | None]:
    """Return the value of a text and None, or None and why it has none."""
    if text.strip().lower() in MISSING:
        return None, None
    try:
        return Column("c", "integer" if kind == INTEGRAL else "number", nullable=False).read(text), None
    except CellError as fault:
        return None, str(fault)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=12), st.sampled_from([INTEGRAL, FRACTIONAL]))
def test_numbers_are_read_as_requests_are(texts: list[str], kind: str) -> None:
    values = feature_values.read(pa.array(texts, pa.string()), kind, "c")
    for position, (text, cell) in enumerate(zip(texts, values.cells.to_pylist(), strict=True)):
        expected, reason = one(text, kind)
        assert (cell, values.wrong.get(position)) == (expected, reason)


@settings(max_examples=150, deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=3))
def test_times_are_read_alike_together_and_one_by_one(texts: list[str]) -> None:
    values, moments = feature_values.read_event_times(pa.array(texts, pa.string()), STRING, "at")
    for position, text in enumerate(texts):
        try:
            expected = event_times.milliseconds(text)
        except EventTimeError:
            assert moments[position].as_py() is None
            assert (position in values.wrong) == bool(text)
        else:
            assert moments[position].as_py() == expected
            assert values.cells[position].as_py() == event_times.text(expected)
            assert event_times.milliseconds(values.cells[position].as_py()) == expected


@pytest.mark.parametrize(
    ("cells", "kind", "read"),
    [
        (pa.array([1, None], pa.uint64()), INTEGRAL, [1, None]),
        (pa.array([True, False]), INTEGRAL, [1, 0]),
        (pa.array(["a", "a", ""]).dictionary_encode(), STRING, ["a", "a", None]),
        (pa.array([True, None]), STRING, ["true", None]),
        (pa.array([2.0, 2.5, float("nan")]), STRING, ["2", "2.5", None]),
        (pa.array([1, 2], pa.decimal128(5, 2)), FRACTIONAL, [1.0, 2.0]),
        (pa.nulls(2), FRACTIONAL, [None, None]),
    ],
)
def test_types_of_parquet_become_those_declared(cells: Any, kind: str, read: list[Any]) -> None:
    values = feature_values.read(cells, kind, "c")
    assert values.cells.to_pylist() == read
    assert values.wrong == {}


def test_what_no_feature_can_be_is_refused() -> None:
    with pytest.raises(UserError, match="column c has the Parquet type list<"):
        feature_values.read(pa.array([[1]]), STRING, "c")


def test_a_text_longer_than_the_store_takes_is_wrong() -> None:
    values = feature_values.read(pa.array(["é" * 200_000, "a"]), STRING, "c")
    assert [*values.wrong] == [0]


def test_distinct_ids_are_counted_within_a_few_per_cent_and_merge() -> None:
    first, second = DistinctIds(), DistinctIds()
    first.add(pa.array([str(number) for number in range(30_000)]))
    second.add(pa.array([str(number) for number in range(20_000, 50_000)]))
    first.merge(second.text())
    assert first.count == pytest.approx(50_000, rel=0.08)


def test_a_bundle_without_features_says_what_to_do(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("other.json", "{}")
    with pytest.raises(UserError, match=r"add `features:` to project\.yaml"):
        Declaration.load(tmp_path / "bundle.zip")


def test_the_declaration_is_read_from_the_bundle(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w") as bundle:
        bundle.writestr("declaration.json", json.dumps(declaration()))
    group = Declaration.load(tmp_path / "bundle.zip").groups["g"]
    assert group.names == ["id", "at", "wind", "gusts"]
    assert group.of_version(3) == "p-g-v3"
