"""The join's SQL is Athena's: read by grammars that did not write it, and without a function that is not documented."""

import re

import pytest
from trino_sql_validator import validate

from sagewright.runtime.jobs.datasets.point_in_time import LONGEST_QUERY, unload
from sagewright.sandbox.athena import functions, grammar
from sagewright.sandbox.protocol import ApiError
from tests.runtime.jobs.datasets.joined_history import DATABASE, LABELLED, History, plan

# What Athena documents of Trino's functions: https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
DOCUMENTED = {"date_add", "from_iso8601_timestamp", "max", "row_number", "to_unixtime"}
# What stands before a parenthesis and is no function.
WORDS = {"AND", "AS", "CAST", "FROM", "OVER", "UNLOAD", "WITH"}
# Of words that another engine would take for a clause of its own, Trino makes an alias, and of some the validator too.
FOREIGN = {
    "ASOF": "SELECT * FROM a ASOF JOIN b ON a.id = b.id AND a.t >= b.t",
    "ASOF LEFT": "SELECT * FROM a ASOF LEFT JOIN b ON a.id = b.id AND a.t >= b.t",
    "QUALIFY": "SELECT id FROM a QUALIFY row_number() OVER (PARTITION BY id ORDER BY t) = 1",
    "::": "SELECT t::timestamp FROM a",
    "EXCLUDE": "SELECT * EXCLUDE (t) FROM a",
}


def statements() -> list[str]:
    """Every form that the join takes: both kinds of times and ids, chains, look-backs, names that need quotes."""
    odd = {"select": "string", "From-here": "string", "order": "fractional", "is-it": "string"}
    seconds = {"number": "integral", "since": "fractional", "height": "integral"}
    day = {"day": "fractional", "t": "string", "number": "integral"}
    groups = [
        History("odd", odd, (), "where", 0.5),
        History("day", day, (), "order"),
        History("seconds", seconds, (), "number", 24, 7200),
    ]
    queries = [plan(groups, known).query(DATABASE, LABELLED) for known in ("event_time", "api_invocation_time")]
    return [unload(query, "s3://bucket/place") for query in queries]


@pytest.mark.parametrize("statement", statements(), ids=["event_time", "api_invocation_time"])
def test_trino_reads_the_statement_without_a_doubt(statement: str) -> None:
    result = validate(statement, dialect="trino", jinja="reject")
    assert result.valid, result.error
    assert result.warnings == ()


@pytest.mark.parametrize("statement", statements(), ids=["event_time", "api_invocation_time"])
def test_the_sandboxs_own_grammar_reads_it_and_knows_every_function(statement: str) -> None:
    read = grammar.read(statement)
    functions.check(read)
    assert {call.name for call in read.calls} <= DOCUMENTED
    assert read.unload is not None
    assert read.unload.location == "s3://bucket/place/"


@pytest.mark.parametrize("statement", statements(), ids=["event_time", "api_invocation_time"])
def test_every_function_is_one_that_athena_documents(statement: str) -> None:
    text = re.sub(r'"[^"]*"|\'[^\']*\'', "x", statement)
    called = {name for name in re.findall(r"(\w+)\s*\(", text) if name not in WORDS}
    assert called <= DOCUMENTED


@pytest.mark.parametrize("statement", statements(), ids=["event_time", "api_invocation_time"])
def test_nothing_of_another_engine_stands_in_it(statement: str) -> None:
    text = re.sub(r'"[^"]*"|\'[^\']*\'', "x", statement).upper()
    assert [word for word in ("ASOF", "QUALIFY", "::", "EXCLUDE") if word in text] == []


@pytest.mark.parametrize("query", FOREIGN.values(), ids=FOREIGN)
def test_a_construct_that_athena_has_not_is_refused(query: str) -> None:
    with pytest.raises(ApiError):
        grammar.read(query)


def test_a_name_cannot_leave_its_quotes() -> None:
    types = {"id": "string", "t": "string", 'x" FROM secrets --': "string"}
    query = plan([History("odd", types, (), "id")]).query(DATABASE, LABELLED)
    assert '"x"" FROM secrets --" AS feature_1' in query
    assert validate(query, dialect="trino").valid


def test_the_longest_query_is_still_one_that_athena_takes_with_the_longest_place() -> None:
    statement = unload("x" * LONGEST_QUERY, f"s3://{'b' * 63}/{'k' * 1024}")
    assert len(statement.encode()) <= 262_144
