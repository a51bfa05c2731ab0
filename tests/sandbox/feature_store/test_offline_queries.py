"""What was put into a group is found by a query of its table, of either format."""

from typing import Any

import pytest

QUARTER_S = 15 * 60


@pytest.mark.parametrize("form", ["Glue", "Iceberg"])
def test_a_query_finds_what_was_put_and_what_was_deleted(shop: Any, form: str) -> None:
    place = {"S3StorageConfig": {"S3Uri": f"s3://{shop.name}/features"}, "TableFormat": form}
    group = shop.made(OfflineStoreConfig=place)
    shop.put(group, id="a", at="2026-01-31T23:59:59Z", count="5", share="0.5")
    shop.put(group, id="a", at="2026-02-01T00:00:00Z", note='say "x"')
    gone = {"RecordIdentifierValueAsString": "a", "EventTime": "2026-02-02T00:00:00Z"}
    shop.runtime.delete_record(FeatureGroupName=group, **gone)
    shop.forward(QUARTER_S)
    names = shop.sagemaker.describe_feature_group(FeatureGroupName=group)["OfflineStoreConfig"]["DataCatalogConfig"]
    athena = shop.client("athena")
    identity = athena.start_query_execution(
        QueryString=f'SELECT at, "count", share, note, is_deleted FROM "{names["TableName"]}"'  # noqa: S608 - its own
        " WHERE api_invocation_time < write_time AND write_time <= localtimestamp ORDER BY at",
        QueryExecutionContext={"Database": names["Database"]},
        ResultConfiguration={"OutputLocation": f"s3://{shop.name}/results/"},
    )["QueryExecutionId"]
    assert shop.sandbox.sandbox._gateway.athena.queries.wait(identity, 60)
    status = athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]["Status"]
    assert status["State"] == "SUCCEEDED", status
    _, *rows = athena.get_query_results(QueryExecutionId=identity)["ResultSet"]["Rows"]
    assert [[value.get("VarCharValue") for value in row["Data"]] for row in rows] == [
        ["2026-01-31T23:59:59Z", "5", "0.5", None, "false"],
        ["2026-02-01T00:00:00Z", None, None, 'say "x"', "false"],
        ["2026-02-02T00:00:00Z", None, None, None, "true"],
    ]
