"""The type of a column follows from its texts, and every cell is read by it."""

import math

import pytest

from sagewright.runtime.serving.columns import CellError, Column, ColumnType, infer


@pytest.mark.parametrize(
    ("cells", "kind", "nullable"),
    [
        (["1", "-20", "0"], "integer", False),
        (["1", "", "3"], "integer", True),
        (["1", " ", "NA", "nan"], "integer", True),
        (["1", "2.5"], "number", False),
        ([".5", "1e3", "2."], "number", False),
        (["1.5", "null"], "number", True),
        (["007", "008"], "string", False),
        (["12", "012"], "string", False),
        (["+49", "+1"], "string", False),
        (["0.5", "00.5"], "string", False),
        (["0", "0.0"], "number", False),
        (["true", "False", "TRUE"], "boolean", False),
        (["true", ""], "boolean", True),
        (["true", "1"], "string", False),
        (["NA", "DE"], "string", False),
        (["NA", ""], "string", True),
        (["", ""], "string", True),
        (["inf", "infinity"], "string", False),
        (["1.5", "inf"], "number", False),
        (["1,5", "2"], "string", False),
        (["1_000"], "string", False),
        (["٣"], "string", False),
        ([str(2**63 - 1)], "integer", False),
        ([str(2**63)], "string", False),
        ([str(2**53 + 1), ""], "string", True),
        (["9" * 6000], "string", False),
        (["2024-01-31"], "string", False),
    ],
)
def test_the_type_follows_from_the_texts(cells: list[str], kind: ColumnType, nullable: bool) -> None:  # noqa: FBT001 - a table's cell
    assert infer("x", cells) == Column("x", kind, nullable)


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("integer", "5", 5),
        ("integer", " 5.0 ", 5),
        ("integer", 5.0, 5),
        ("integer", "1e2", 100),
        ("number", 1, 1.0),
        ("number", "0.1", 0.1),
        ("number", "1e3", 1000.0),
        ("boolean", "TRUE", True),
        ("boolean", False, False),
        ("string", "007", "007"),
        ("string", " x ", " x "),
        ("string", "NA", "NA"),
        ("string", "東京", "東京"),
    ],
)
def test_a_cell_is_read_by_the_type_of_its_column(kind: ColumnType, cell: object, value: object) -> None:
    read = Column("x", kind, nullable=True).read(cell)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("kind", "cell"), [("integer", "NA"), ("number", math.nan), ("boolean", None), ("string", "")])
def test_a_missing_cell_is_nan_where_training_had_gaps(kind: ColumnType, cell: object) -> None:
    value = Column("x", kind, nullable=True).read(cell)
    assert isinstance(value, float)
    assert math.isnan(value)
    with pytest.raises(CellError, match="a value is required"):
        Column("x", kind, nullable=False).read(cell)


@pytest.mark.parametrize(
    ("kind", "cell", "said"),
    [
        ("integer", "abc", "'abc' is not a number"),
        ("integer", "5.5", "'5.5' is not a whole number"),
        ("integer", 10**30, "is too large for this column of integers"),
        ("number", "inf", "'inf' is not a finite number"),
        ("number", math.inf, "inf is not a finite number"),
        ("number", "1e999", "'1e999' is not a finite number"),
        ("number", 10**400, "is too large for a number"),
        ("number", True, "true is not a number"),
        ("number", [1], r"\[1\] is not a number"),
        ("boolean", "yes", "'yes' is not true or false"),
        ("boolean", 1, "1 is not true or false"),
        ("string", 7, "7 is not text"),
        ("string", {"a": 1}, '{"a": 1} is not text'),
    ],
)
def test_a_cell_of_another_type_is_refused(kind: ColumnType, cell: object, said: str) -> None:
    with pytest.raises(CellError, match=said):
        Column("x", kind, nullable=False).read(cell)


@pytest.mark.parametrize(
    ("column", "values", "dtype"),
    [
        (Column("x", "integer", nullable=False), [1, 2], "int64"),
        (Column("x", "integer", nullable=True), [1, 2], "float64"),
        (Column("x", "number", nullable=False), [1.0], "float64"),
        (Column("x", "boolean", nullable=False), [True], "bool"),
        (Column("x", "boolean", nullable=True), [True], "object"),
        (Column("x", "string", nullable=True), [math.nan], "object"),
    ],
)
def test_the_dtype_does_not_depend_on_the_batch(column: Column, values: list[float], dtype: str) -> None:
    assert column.series(values).dtype == dtype


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (Column("x", "integer", nullable=True), [3, math.nan, -(2**53)]),
        (Column("x", "integer", nullable=False), [2**63 - 1]),
        (Column("x", "number", nullable=True), [0.1, 1e-300, math.nan, 1 / 3]),
        (Column("x", "boolean", nullable=True), [True, math.nan, False]),
        (Column("x", "string", nullable=True), ["007", math.nan, 'a "b",\nc']),
    ],
)
def test_texts_are_read_back_as_the_values_they_were_made_from(column: Column, values: list[float]) -> None:
    series = column.series(values)
    again = column.series([column.read(text) for text in column.texts(series)])
    assert again.equals(series)
