"""The join of training sets, as the sandbox's Athena means it, finds what its definition says of any history."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings

from sagewright.sandbox.athena.functions import check
from sagewright.sandbox.athena.grammar import read
from sagewright.sandbox.athena.macros import MACROS
from sagewright.sandbox.athena.translation import Table, parse, translated
from tests.runtime.jobs.datasets import joined_history
from tests.runtime.jobs.datasets.joined_history import DATABASE, History, Question, Reference, by_query
from tests.runtime.jobs.datasets.test_point_in_time import KNOWN_BY, QUESTIONS, histories

_TYPES = {"string": "varchar", "int64": "bigint", "double": "double", "timestamp[ms]": "timestamp", "bool": "boolean"}


def answered(query: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Run a query as the sandbox's Athena does, over tables that are here already."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            connection.execute(macro)
        columns: dict[Table, dict[str, str]] = {}
        views: dict[Table, str] = {}
        for number, (name, table) in enumerate(tables.items()):
            connection.register("given", table)
            connection.table("given").create(f"t{number}")
            columns[Table(DATABASE, name)] = {field.name.lower(): _TYPES[str(field.type)] for field in table.schema}
            views[Table(DATABASE, name)] = f"t{number}"
        statement = read(query)
        check(statement)
        return connection.sql(translated(parse(statement, ""), columns, views, 0)).to_arrow_table()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(histories(), QUESTIONS, KNOWN_BY)
def test_the_sandbox_joins_as_the_definition_says(groups: list[History], question: Question, known_by: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined_history, "answered", answered)
        assert by_query(groups, question, known_by) == Reference(groups, known_by).joined(question)
