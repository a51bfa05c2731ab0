"""What watches an endpoint is declared in two keys, and refused where nothing could be watched."""

from collections.abc import Callable

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

from sagewright.project import Project, image
from sagewright.project.monitoring import MODEL_MONITOR_REGIONS

Read = Callable[[str], Project]
Faults = Callable[[str], list[str]]

SECTIONS = """\
name: churn
data: {source: data/customers.csv, problem: binary_classification, label: churned}
training: {code: src/churn}
evaluation: {minimum: 0.55}
"""
ONE = f"{SECTIONS}environments: {{dev: {{region: eu-west-1}}}}\n"
TWO = f"""{SECTIONS}environments:
  dev: {{region: eu-west-1}}
  prod: {{region: eu-west-1, monitoring: {{schedule: daily}}}}
"""


def test_left_out_everything_is_captured_and_watched_every_hour(read: Read) -> None:
    environment = read(ONE).first

    assert environment.serving.capture_percent == 100
    assert environment.monitoring.engine == "builtin"
    assert (environment.monitoring.window_hours, environment.monitoring.period_s) == (1, 3600)


def test_an_environment_is_watched_in_its_own_way(read: Read) -> None:
    project = read(TWO + "monitoring: {engine: model_monitor}\n")
    monitoring = project.environment("prod").monitoring

    assert (monitoring.engine, monitoring.window_hours, monitoring.period_s) == ("model_monitor", 24, 86400)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            ONE + "serving: {capture_percent: 0}\n",
            (
                "project.yaml:6: serving.capture_percent: 0 captures no request, and builtin compares captured ones; "
                "write at least 1, or monitoring.engine: none"
            ),
        ),
        (
            ONE + "serving: {capture_percent: 101}\n",
            "project.yaml:6: serving.capture_percent: 101 is more than allowed (at most 100)",
        ),
        (
            ONE + "serving: {capture_percent: 0.5}\n",
            "project.yaml:6: serving.capture_percent: 0.5 is not a whole number; write one without quotes, such as 1",
        ),
        (
            ONE + "monitoring: {engine: buildin}\n",
            (
                "project.yaml:6: monitoring.engine: 'buildin' is not one of builtin, model_monitor, none; "
                "did you mean 'builtin'?"
            ),
        ),
        (
            ONE.replace("eu-west-1", "eu-south-1") + "monitoring: {engine: model_monitor}\n",
            (
                "project.yaml:6: monitoring.engine: 'model_monitor' cannot be deployed in eu-south-1: "
                "CloudFormation does not know it there; write builtin"
            ),
        ),
        (
            TWO.replace("schedule: daily", "engine: model_monitor").replace("eu-west-1", "eu-south-1"),
            (
                "project.yaml:7: environments.prod.monitoring.engine: 'model_monitor' cannot be deployed in "
                "eu-south-1: CloudFormation does not know it there; write builtin"
            ),
        ),
        (
            TWO.replace("dev: {", "dev: {monitoring: {engine: none}, "),
            (
                "project.yaml:6: environments.dev.monitoring: would be ignored, because this environment serves "
                "nothing: the later ones do; remove it"
            ),
        ),
    ],
    ids=["nothing captured", "too much", "not whole", "engine", "region", "region of one", "ignored"],
)
def test_what_could_not_be_watched_is_refused(faults: Faults, text: str, expected: str) -> None:
    assert faults(text) == [expected]


def test_nothing_is_captured_where_nothing_is_to_be_compared(read: Read) -> None:
    environment = read(ONE + "serving: {capture_percent: 0}\nmonitoring: {engine: none}\n").first

    assert environment.serving.capture_percent == 0


def test_model_monitor_is_let_in_where_cloudformation_knows_it_and_its_image_exists() -> None:
    def known(region: str) -> bool:
        try:
            for kind in ("DataQualityJobDefinition", "MonitoringSchedule"):
                PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, f"AWS::SageMaker::{kind}")
        except ResourceNotFoundError:
            return False
        return region in image.analyzer_registries()

    public = [region for region in image.registries() if "-iso" not in region]
    assert sorted(region for region in public if known(region)) == sorted(MODEL_MONITOR_REGIONS)
