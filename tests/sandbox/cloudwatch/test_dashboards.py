"""Dashboards through the front door: what CloudWatch's page could not draw is refused when it is put."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

GRAPH = {"region": "eu-west-1", "metrics": [["Test", "Runs", "Endpoint", "a", {"stat": "Sum"}], [{"expression": "1"}]]}
ALARM = "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:a"
NO_SOURCE = "The metric widget should have specified a region and a data source or an alarm annotation"


@pytest.fixture
def name() -> str:
    return f"page-{uuid.uuid4().hex[:8]}"


def widget(kind: str = "text", properties: Any = None, **place: Any) -> dict[str, Any]:
    return {"type": kind, "properties": {"markdown": "a"} if properties is None else properties, **place}


def refusal_of(sandbox: Any, name: str, body: str) -> dict[str, Any]:
    with pytest.raises(ClientError) as refused:
        sandbox.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
    response: dict[str, Any] = {**refused.value.response}
    assert response["Error"]["Code"] == "InvalidParameterInput"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert not sandbox.client("cloudwatch").list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    return response


def test_a_dashboard_of_every_type_of_widget_is_held_as_it_was_put(sandbox: Any, name: str) -> None:
    client = sandbox.client("cloudwatch")
    widgets = [
        widget(x=0, y=0, width=24, height=1000),
        widget("metric", GRAPH, x=23, y=5000, width=1, height=1),
        widget("metric", {"region": "eu-west-1", "annotations": {"alarms": [ALARM]}}),
        widget("alarm", {"alarms": [ALARM]}),
        widget("log", {"region": "eu-west-1", "query": "SOURCE 'a' | fields @message"}),
        widget("explorer", {"metrics": [{"metricName": "CPUUtilization"}]}),
        widget("custom", {"endpoint": "arn:aws:lambda:eu-west-1:111111111111:function:a"}),
    ]
    body = json.dumps({"start": "-PT24H", "widgets": widgets})
    assert client.put_dashboard(DashboardName=name, DashboardBody=body)["DashboardValidationMessages"] == []
    assert client.get_dashboard(DashboardName=name)["DashboardBody"] == body


@pytest.mark.parametrize(
    ("refused", "path", "message"),
    [
        ("a", "", "Should be object"),
        ({"properties": {}}, "", "Should have required property 'type'"),
        (widget("graph"), "/type", "Should be equal to one of the allowed values"),
        ({"type": "text"}, "", "Should have required property 'properties'"),
        (widget("text", []), "/properties", "Should be object"),
        (widget("text", {}), "/properties", "Should have required property 'markdown'"),
        (widget("metric", {"metrics": GRAPH["metrics"]}), "/properties", NO_SOURCE),
        (widget("metric", {**GRAPH, "region": 1}), "/properties/region", "Should be string"),
        (widget("metric", {**GRAPH, "metrics": ["Runs"]}), "/properties/metrics/0", "Should be array"),
        (
            widget("metric", {**GRAPH, "metrics": [["Test", "Runs", {}, "a"]]}),
            "/properties/metrics/0/2",
            'Invalid metric field type, only "String" type is allowed',
        ),
        (widget("alarm", {}), "/properties", "Should have required property 'alarms'"),
        (widget("alarm", {"alarms": []}), "/properties/alarms", "Should NOT have less than 1 items"),
        (widget("log", {"region": "eu-west-1"}), "/properties", "Should have required property 'query'"),
        (widget(x=-1), "/x", "Should be >= 0"),
        (widget(x=24), "/x", "Should be <= 23"),
        (widget(x="0"), "/x", "Should be integer"),
        (widget(y=-1), "/y", "Should be >= 0"),
        (widget(width=0), "/width", "Should be >= 1"),
        (widget(width=25), "/width", "Should be <= 24"),
        (widget(x=12, width=13), "/width", "Should be <= 12"),
        (widget(height=0), "/height", "Should be >= 1"),
        (widget(height=1001), "/height", "Should be <= 1000"),
        (widget(height=1.5), "/height", "Should be integer"),
    ],
)
def test_a_widget_that_could_not_be_drawn_is_refused_by_its_path(
    sandbox: Any, name: str, refused: Any, path: str, message: str
) -> None:
    response = refusal_of(sandbox, name, json.dumps({"widgets": [widget(), refused]}))
    assert response["dashboardValidationMessages"] == [{"DataPath": f"/widgets/1{path}", "Message": message}]
    text = response["Error"]["Message"]
    assert text.startswith("The dashboard body is invalid, there are 1 validation errors:\n[")
    assert json.loads(text.partition("\n")[2]) == [{"dataPath": f"/widgets/1{path}", "message": message}]


def test_a_graph_of_nothing_is_refused_for_all_that_it_lacks(sandbox: Any, name: str) -> None:
    response = refusal_of(sandbox, name, json.dumps({"widgets": [widget("metric", {"region": "eu-west-1"})]}))
    assert [each["Message"] for each in response["dashboardValidationMessages"]] == [
        "Should have required property 'metrics'",
        NO_SOURCE,
        "Should have required property 'annotations'",
    ]


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "", "Should have required property 'widgets'"),
        ({"widgets": {}}, "/widgets", "Should be array"),
        ({"widgets": [widget()] * 501}, "/widgets", "Should NOT have more than 500 items"),
    ],
)
def test_a_body_without_a_list_of_widgets_is_refused(
    sandbox: Any, name: str, body: dict[str, Any], path: str, message: str
) -> None:
    response = refusal_of(sandbox, name, json.dumps(body))
    assert response["dashboardValidationMessages"] == [{"DataPath": path, "Message": message}]


@pytest.mark.parametrize("body", ["no JSON", "[]"])
def test_a_body_that_is_no_json_object_is_refused(sandbox: Any, name: str, body: str) -> None:
    assert "must be a valid JSON object" in refusal_of(sandbox, name, body)["Error"]["Message"]


@pytest.mark.parametrize("ending", [".a", " a", "/a", "ä", "\n", "a" * 255])
def test_a_name_of_other_characters_or_too_long_is_refused(sandbox: Any, name: str, ending: str) -> None:
    assert "for field DashboardName" in refusal_of(sandbox, name + ending, '{"widgets": []}')["Error"]["Message"]
