"""One page of graphs: what is asked, what fails, how long it takes, and how far it is from the baseline."""

from typing import Any, cast

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from sagewright.pipelines.monitoring import VARIANT
from sagewright.project import names
from sagewright.stacks.monitor_alarms import MonitorAlarms
from sagewright.stacks.place import Place
from sagewright.stacks.released_version import WatchedVersion

_ENDPOINTS = "AWS/SageMaker"
_MINUTE_S = 60
# CloudWatch's grid is 24 wide.
_WIDTH, _HEIGHT = 12, 6
_PERCENTILES = ("p50", "p90", "p99")

Widget = dict[str, Any]


class Dashboard(Construct):
    """The page that a message links to."""

    def __init__(  # noqa: PLR0913 (what is shown, of what)
        self,
        scope: Construct,
        construct_id: str,
        *,
        place: Place,
        period_s: int,
        version: WatchedVersion,
        alarms: MonitorAlarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self._place, self._period_s, self._alarms = place, period_s, alarms
        here = (place.project, place.environment)
        self._endpoint, self._namespace = names.endpoint(*here), names.metric_namespace(*here)
        self.name = names.dashboard(*here)
        graphs = [self._traffic(), self._errors(), self._latency(), self._drift(), self._drifted(), self._runs()]
        widgets = [self._heading(version), self._states(alarms), *(_at(*each) for each in enumerate(graphs))]
        cloudwatch.CfnDashboard(
            self,
            "Page",
            dashboard_name=self.name,
            dashboard_body=Stack.of(self).to_json_string({"start": "-PT24H", "widgets": widgets}),
        )

    def _heading(self, version: WatchedVersion) -> Widget:
        text = f"# {self._endpoint}\nVersion {version.number}, compared with `{version.baseline_uri}`."
        return {"type": "text", "x": 0, "y": 0, "width": _WIDTH, "height": 2, "properties": {"markdown": text}}

    def _states(self, alarms: MonitorAlarms) -> Widget:
        shown = {"title": "Alarms", "alarms": [alarms.arn(each) for each in alarms.by_id.values()]}
        return {"type": "alarm", "x": _WIDTH, "y": 0, "width": _WIDTH, "height": 2, "properties": shown}

    def _traffic(self) -> Widget:
        return self._graph("Requests", [self._of_endpoint("Invocations")], "Sum", _MINUTE_S)

    def _errors(self) -> Widget:
        metrics = [self._of_endpoint(f"Invocation{kind}XXErrors") for kind in (4, 5)]
        return self._graph("Requests that failed", metrics, "Sum", _MINUTE_S)

    def _latency(self) -> Widget:
        metrics = [
            [*self._of_endpoint("ModelLatency"), {"stat": percentile, "label": percentile}]
            for percentile in _PERCENTILES
        ]
        return self._graph("Microseconds to answer", metrics, "p50", _MINUTE_S)

    def _drift(self) -> Widget:
        """Show every column that there is: which ones is not known before the first run."""
        columns = f'{{"{self._namespace}",Column,Endpoint}} MetricName="ColumnDrift" Endpoint="{self._endpoint}"'
        found = {"expression": f"SEARCH('{columns}', 'Maximum', {self._period_s})", "label": "${PROP('Dim.Column')}"}
        return self._graph("Distance from the baseline, by column", [[found]], "Maximum", self._period_s)

    def _drifted(self) -> Widget:
        return self._graph(
            "Columns that drifted",
            [[self._namespace, "DriftedColumns", *_listed(self._alarms.drift)]],
            "Maximum",
            self._period_s,
        )

    def _runs(self) -> Widget:
        metrics = [self._of_monitor("RunsCompleted"), [*self._of_monitor("Rows"), {"yAxis": "right"}]]
        return self._graph("Runs of the monitor, and rows that they compared", metrics, "Sum", self._period_s)

    def _of_endpoint(self, metric: str) -> list[Any]:
        return [_ENDPOINTS, metric, "EndpointName", self._endpoint, "VariantName", VARIANT]

    def _of_monitor(self, metric: str) -> list[Any]:
        return [self._namespace, metric, "Endpoint", self._endpoint]

    def _graph(self, title: str, metrics: list[list[Any]], statistic: str, period_s: int) -> Widget:
        shown = {
            "title": title,
            "view": "timeSeries",
            "region": self._place.region,
            "stat": statistic,
            "period": period_s,
            "metrics": metrics,
        }
        return {"type": "metric", "width": _WIDTH, "height": _HEIGHT, "properties": shown}


def _listed(alarm: cloudwatch.CfnAlarm) -> list[str]:
    """List the dimensions of what an alarm looks at, as a graph wants them."""
    return [
        text
        for each in cast("list[cloudwatch.CfnAlarm.DimensionProperty]", alarm.dimensions)
        for text in (each.name, each.value)
    ]


def _at(position: int, widget: Widget) -> Widget:
    """Put a graph at its place, two in a row, below the heading."""
    return widget | {"x": position % 2 * _WIDTH, "y": 2 + position // 2 * _HEIGHT}
