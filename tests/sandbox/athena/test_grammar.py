"""What Athena's grammar does not have is refused, though the translator and the engine behind it would take it."""

import pytest

from sagewright.sandbox.athena.functions import DOCUMENTED, HERE
from sagewright.sandbox.athena.grammar import read
from sagewright.sandbox.protocol import ApiError


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT * FROM a ASOF JOIN b ON a.x >= b.x", "line 1:17: mismatched input 'ASOF'"),
        ("SELECT x FROM a QUALIFY row_number() OVER (ORDER BY x) = 1", "line 1:17: mismatched input 'QUALIFY'"),
        ("SELECT x::int FROM a", "line 1:9: mismatched input '::'"),
        ("SELECT * EXCLUDE (x) FROM a", "line 1:10: mismatched input 'EXCLUDE'"),
        ("SELECT * EXCEPT (x) FROM a", "line 1:18: mismatched input 'x'"),
        ("SELECT * REPLACE (1 AS x) FROM a", "line 1:10: mismatched input 'REPLACE'"),
        ("SELECT a.* EXCLUDE (x) FROM a", "line 1:12: mismatched input 'EXCLUDE'"),
        ("SELECT * FROM `a`", "line 1:15: backquoted identifiers are not supported"),
        ("SELECT x FROM a WHERE x ILIKE 'b'", "line 1:25: mismatched input 'ILIKE'"),
        ("SELECT {'a': 1}", "line 1:8: mismatched input '{'"),
        ("FROM a SELECT x", "line 1:1: mismatched input 'FROM'"),
        ("SELECT 1; SELECT 2", "only one statement is allowed"),
        ("SELECT 7 // 2", "line 1:11: mismatched input '/'"),
        ("SELECT 7 ** 2", "line 1:11: mismatched input '*'"),
        ("SELECT DISTINCT ON (x) x FROM a", "line 1:17: mismatched input 'ON'"),
        ("SELECT INTERVAL 3 DAY", "line 1:17: mismatched input '3'"),
        ("SELECT * FROM a SEMI JOIN b ON true", "line 1:17: mismatched input 'SEMI'"),
        ("SELECT x FROM a LIMIT 5 OFFSET 3", "line 1:25: mismatched input 'OFFSET'"),
        ("SELECT x FROM a GROUP BY ALL", "line 1:29: mismatched input '<EOF>'"),
        ("SELECT x FROM a ORDER BY ALL", "line 1:26: mismatched input 'ALL'"),
        ("SELECT 1 UNION ALL BY NAME SELECT 2", "line 1:20: mismatched input 'BY'"),
        ("SELECT * FROM read_csv('x')", "line 1:23: mismatched input '('"),
        ("SELECT * FROM 'x.parquet'", "line 1:15: mismatched input"),
        ("SELECT x, FROM a", "line 1:11: mismatched input 'FROM'"),
        ("SELECT 1 FROM a JOIN b", "line 1:23: mismatched input '<EOF>'"),
        ("SELECT x\nFROM a\n  WHERE", "line 3:8: mismatched input '<EOF>'"),
        ("SELECT user FROM 2024_a", "line 1:18: identifiers must not start with a digit"),
        ("WITH a AS MATERIALIZED (SELECT 1) SELECT * FROM a", "line 1:11: mismatched input 'MATERIALIZED'"),
        ("SELECT 'a", "line 1:8: mismatched input ''': it is never closed"),
        ("SELECT order FROM a", "line 1:8: mismatched input 'order'"),
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("SELECT $1", "line 1:8: mismatched input '$'"),
    ],
)
def test_what_is_not_in_athenas_grammar_is_refused_where_it_stands(query: str, place: str) -> None:
    with pytest.raises(ApiError, match="InvalidRequestException") as refused:
        read(query)
    assert place in refused.value.message
    assert refused.value.members == {"AthenaErrorCode": "MALFORMED_QUERY"}


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("CREATE TABLE a AS SELECT 1", "CREATE"),
        ("SHOW TABLES", "SHOW"),
        ("SELECT a[1] FROM b", "subscripts"),
        ("SELECT transform(a, x -> x + 1) FROM b", "lambda expressions"),
        ("SELECT ?", "execution parameters"),
        ("SELECT 1 FROM a CROSS JOIN UNNEST(b) AS t(x)", "UNNEST"),
        ("SELECT 1 FROM a LEFT JOIN LATERAL (SELECT 1) ON true", "LATERAL"),
        ("SELECT 1 FROM a TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE"),
        ("SELECT 1 FROM a GROUP BY ROLLUP (x)", "ROLLUP"),
        ("WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a", "recursive queries"),
        ("SELECT * FROM a FOR TIMESTAMP AS OF b", "time travel"),
        (
            "UNLOAD (SELECT 1 AS a) TO 's3://b/' WITH (format = 'PARQUET', partitioned_by = ARRAY['a'])",
            "partitioned_by",
        ),
    ],
)
def test_what_athena_has_and_the_sandbox_lacks_is_refused_by_name(query: str, what: str) -> None:
    with pytest.raises(ApiError) as refused:
        read(query)
    assert refused.value.status == 501
    assert what in refused.value.message


def test_a_query_tells_what_it_calls_and_an_unload_where_it_goes() -> None:
    text = "UNLOAD (\n  SELECT max_by(a, b) AS a, row_number() OVER (ORDER BY c) AS n\n  FROM d.e)\nTO 's3://it''s/'"
    statement = read(text + " WITH (format = 'PARQUET', compression = 'SNAPPY')")
    assert [(call.name, call.arguments, call.over) for call in statement.calls] == [
        ("max_by", 2, False),
        ("row_number", 0, True),
    ]
    assert statement.unload is not None
    assert statement.unload.location == "s3://it's/"
    assert statement.unload.properties == {"format": "PARQUET", "compression": "SNAPPY"}
    assert statement.query.startswith("SELECT max_by")
    assert statement.query.endswith("FROM d.e")


def test_every_function_of_the_sandbox_is_one_that_athena_documents() -> None:
    assert HERE < DOCUMENTED
    assert not DOCUMENTED & {"list_sum", "epoch", "strftime", "ifnull", "iff", "list_value", "nvl", "read_parquet"}
