"""An endpoint that is watched, hour after hour: what is named is what changed, and silence is told from calm."""

import json
import random
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sagewright.cli import sandbox_person, sandbox_process
from sagewright.cli.sandbox_person import Message
from sagewright.cli.sandbox_process import RunningSandbox
from tests.loop import privileges
from tests.loop.accounts import DEV, Sandbox

pytestmark = pytest.mark.slow

PROJECT = """
    name: parcels
    owner: depot@example.com
    environments:
      dev: {region: eu-west-1}
    data: {source: parcels.csv, problem: binary_classification, label: late}
    training: {code: parcels}
    evaluation: {metric: roc_auc, minimum: 0.5}
    """
CODE = """
    from sklearn.linear_model import LogisticRegression


    def features(raw):
        return raw[["weight", "distance"]]


    def fit(X, y, hyperparameters):
        return LogisticRegression().fit(X, y)
    """
DRIFT, SILENCE = "parcels-dev/drift", "parcels-dev/monitor-silent"
CARRIERS = {"road": 6, "rail": 3, "air": 1}
HOUR = timedelta(hours=1)
Row = dict[str, Any]


def parcels(count: int, seed: int) -> list[Row]:
    """Draw parcels."""
    drawn = random.Random(seed)  # noqa: S311 - a table, no secret
    return [
        {
            "weight": round(drawn.uniform(0.1, 30), 2),
            "distance": drawn.randint(5, 900),
            "carrier": drawn.choices([*CARRIERS], [*CARRIERS.values()])[0],
        }
        for _ in range(count)
    ]


def table(rows: Sequence[Row]) -> str:
    lines = [f"{row['weight']},{row['distance']},{row['carrier']}" for row in rows]
    late = ["Yes" if row["distance"] + 10 * row["weight"] > 600 else "No" for row in rows]
    return "\n".join(["weight,distance,carrier,late", *(",".join(each) for each in zip(lines, late, strict=True))])


def farther(rows: Sequence[Row]) -> list[Row]:
    return [row | {"distance": 3 * row["distance"]} for row in rows]


def by_rail(rows: Sequence[Row]) -> list[Row]:
    places = {"road": "rail", "rail": "road"}
    return [row | {"carrier": places.get(row["carrier"], row["carrier"])} for row in rows]


@dataclass
class Parcels:
    """The project, released, with its owner subscribed."""

    sandbox: Sandbox
    cli: Any
    sent: int = 0

    def send(self, change: Callable[[Sequence[Row]], Sequence[Row]] = list) -> None:
        """Send parcels that nobody has seen yet, in as many requests as a client would."""
        self.sent += 1
        rows, runtime = change(parcels(600, seed=self.sent)), self.sandbox.client("sagemaker-runtime")
        for begin in range(0, len(rows), 60):
            body = json.dumps({"instances": rows[begin : begin + 60]})
            runtime.invoke_endpoint(EndpointName="parcels-dev", Body=body, ContentType="application/json")

    def let_hours_pass(self, count: int = 1) -> None:
        """Go to past the run over the current hour; of several, past the last one."""
        now = sandbox_person.clock(self.running).now
        to = now.astimezone(UTC).replace(minute=35, second=0, microsecond=0) + count * HOUR
        sandbox_person.move(self.running, to, lambda _state: None)

    @property
    def running(self) -> RunningSandbox:
        """The sandbox as the command line knows it."""
        found = sandbox_process.of_folder(self.sandbox.folder)
        assert found is not None
        return found

    def newest_run(self) -> dict[str, Any]:
        """What the last run found."""
        return self.cli.ok("drift", "--runs", "1")["runs"][0]

    def states(self) -> dict[str, str]:
        """The alarms' states."""
        return {each["name"]: each["state"] for each in self.cli.ok("drift")["alarms"]}

    def notices(self) -> list[Message]:
        """The messages that tell something."""
        return [each for each in sandbox_person.inbox(self.running) if each.confirmation is None]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Parcels]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "parcels").mkdir()
    (folder / "parcels" / "__init__.py").write_text(textwrap.dedent(CODE))
    (folder / "parcels.csv").write_text(table(parcels(3000, seed=0)))
    (folder / "project.yaml").write_text(textwrap.dedent(PROJECT))
    cli = command_line(folder)
    with Sandbox.up(folder) as sandbox:
        cli.ok("deploy")
        cli.ok("approve", str(cli.ok("train")["version"]))
        released = cli.ok("release")
        assert released["monitoring"]["engine"] == "builtin"
        assert "depot@example.com has said yes" in cli.run("sandbox", "inbox", "--confirm").stderr
        yield Parcels(sandbox, cli)


def test_an_hour_without_a_request_is_no_drift_and_no_silence(project: Parcels) -> None:
    project.let_hours_pass()
    run = project.newest_run()
    assert (run["status"], run["rows"], run["drifted"]) == ("Succeeded", 0, [])
    assert "ALARM" not in project.states().values()


def test_requests_like_the_training_rows_are_no_drift(project: Parcels) -> None:
    project.send()
    project.let_hours_pass()
    run = project.newest_run()
    assert (run["rows"], run["drifted"]) == (600, [])
    assert {each["name"] for each in run["columns"]} == {"weight", "distance", "carrier"}


def test_exactly_the_columns_that_change_are_named_and_the_second_run_in_a_row_is_told_once(project: Parcels) -> None:
    project.send(farther)
    project.let_hours_pass()
    assert project.newest_run()["drifted"] == ["distance"]
    assert (project.states()[DRIFT], project.notices()) == ("OK", [])

    project.send(by_rail)
    project.let_hours_pass()
    assert project.newest_run()["drifted"] == ["carrier"]
    assert project.states() == {DRIFT: "ALARM", SILENCE: "OK"}
    (notice,) = project.notices()
    assert (notice.to, "carrier" in notice.text) == ("depot@example.com", True)
    assert len(notice.subject) <= 100

    project.send(by_rail)
    project.let_hours_pass()
    assert len(project.notices()) == 1, "an alarm that goes on is no news"


def test_a_schedule_that_is_switched_off_is_silence_and_no_drift(project: Parcels) -> None:
    scheduler = project.sandbox.client("scheduler")
    described = scheduler.get_schedule(Name="parcels-dev-data-quality")
    taken = ("Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "Target")
    schedule = {name: described[name] for name in taken}
    scheduler.update_schedule(**schedule, State="DISABLED")
    try:
        before = project.notices()
        told = project.cli.ok("drift")
        assert (told["schedule"]["state"], told["next_run"]) == ("DISABLED", None)
        # Of five hours that CloudWatch looks at, it takes none as missing as long as one of them has a point.
        project.let_hours_pass(6)
        assert project.states()[SILENCE] == "ALARM"
        (notice,) = project.notices()[len(before) :]
        assert notice.subject == "parcels dev: the monitor does not run"
        assert "carrier" not in notice.text
    finally:
        scheduler.update_schedule(**schedule, State="ENABLED")
    project.let_hours_pass()
    assert project.states() == {DRIFT: "OK", SILENCE: "OK"}


# What AWS documents, and asks for where the sandbox does not look.
UNASKED = {
    "kms:Encrypt": "by SageMaker's documentation for the key of an output",
    "logs:CreateLogGroup": "where the training, whose log group it shares in one account, left none",
    "logs:DescribeLogStreams": "by SageMaker's documentation for whoever writes logs",
    "s3:AbortMultipartUpload": "where an upload in parts breaks off",
    "sagemaker:StopProcessingJob": "where somebody stops a run",
}


def superfluous(project: Parcels) -> set[str]:
    """Actions that nothing has asked for yet, of all the roles of what watches."""
    of = privileges.recorded(project.sandbox, project.sandbox.decisions(), "parcels-dev-monitoring", (DEV,))
    assert all(of.decisions.values())
    return {action for _, action in of.superfluous_actions()}


def test_every_permission_of_what_watches_is_needed(project: Parcels) -> None:
    assert superfluous(project) == UNASKED.keys()


def test_the_other_engine_names_the_same_columns_and_says_that_a_stand_in_ran(project: Parcels) -> None:
    file, yaml = project.cli.folder / "project.yaml", YAML()
    yaml.dump(yaml.load(file) | {"monitoring": {"engine": "model_monitor"}}, file)
    project.cli.ok("deploy")
    assert project.cli.ok("release")["monitoring"]["engine"] == "model_monitor"

    project.send()
    project.let_hours_pass()
    calm = project.newest_run()
    assert (calm["status"], calm["rows"], calm["drifted"]) == ("Completed", 600, [])

    project.send(lambda rows: by_rail(farther(rows)))
    project.let_hours_pass()
    run = project.newest_run()
    assert (run["status"], run["drifted"]) == ("CompletedWithViolations", ["carrier", "distance"])
    assert "A stand-in of the sandbox ran, not AWS's container." in run["said"]
    assert run["said"] in project.cli.run("drift").stdout


def test_a_quiet_night_under_the_other_engine_is_not_told_as_silence(project: Parcels) -> None:
    told = len(project.notices())
    project.let_hours_pass(7)
    assert project.states()["parcels-dev/monitor-silent"] == "ALARM"
    assert "no data" in project.newest_run()["failure"]
    assert len(project.notices()) == told


def test_every_permission_of_the_other_engine_is_needed(project: Parcels) -> None:
    assert superfluous(project) <= UNASKED.keys()
