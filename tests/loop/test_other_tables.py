"""Tables that Sagewright has never seen, each described by a project file and a package in a folder of its own."""

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn import datasets

from tests.loop import networks
from tests.loop.client_of import client_of

pytestmark = pytest.mark.slow

Write = Callable[[pd.DataFrame, Path], None]


def as_csv(table: pd.DataFrame, file: Path) -> None:
    table.to_csv(file, index=False)


def as_parquet(table: pd.DataFrame, file: Path) -> None:
    table.to_parquet(file, index=False)


@dataclass(frozen=True)
class Table:
    """One data set with everything a user would write for it."""

    name: str
    load: Callable[[], pd.DataFrame]
    file: str
    write: Write
    project: str
    code: str
    environment: str = "dev"
    # Another state of the package, which learns worse, and what is told of it beside the numbers.
    worse: str = ""
    refusal: str = ""
    # The region of a network that is there before, which the project is to run in.
    network_in: str = ""


def tumours() -> pd.DataFrame:
    loaded: Any = datasets.load_breast_cancer(as_frame=True)
    table: pd.DataFrame = loaded.frame
    table["patient"] = [f"P{number:04}" for number in range(len(table))]
    return table


def wines() -> pd.DataFrame:
    loaded: Any = datasets.load_wine(as_frame=True)
    table: pd.DataFrame = loaded.frame
    return table.assign(target=table["target"].map({0: "Barolo", 1: "Grignolino", 2: "Barbera"}))


def diabetes() -> pd.DataFrame:
    loaded: Any = datasets.load_diabetes(as_frame=True, scaled=False)
    return loaded.frame


TABLES = [
    Table(
        name="tumours",
        load=tumours,
        file="tumours.csv",
        write=as_csv,
        project="""
            name: tumours
            environments:
              dev: {region: eu-west-1}
            data:
              source: tumours.csv
              problem: binary_classification
              label: target
              positive_label: 0
              record_id: patient
            training: {code: tumours, hyperparameters: {C: 0.5}}
            evaluation: {metric: roc_auc, minimum: 0.95}
            monitoring: {engine: none}
            """,
        code="""
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler


            def fit(X, y, hyperparameters):
                return make_pipeline(StandardScaler(), LogisticRegression(**hyperparameters)).fit(X, y)
            """,
    ),
    Table(
        name="wines",
        load=wines,
        file="wines.parquet",
        write=as_parquet,
        # Two accounts: what is trained in one is released to the other.
        project="""
            name: wines
            environments:
              dev: {account: "111111111111", region: eu-central-1}
              prod: {account: "222222222222", region: eu-central-1}
            data:
              source: wines.parquet
              problem: multiclass_classification
              label: target
            training: {code: src/wines}
            evaluation: {metric: f1_macro, minimum: 0.9}
            monitoring: {engine: none}
            """,
        code="""
            from sklearn.ensemble import RandomForestClassifier


            def features(raw):
                return raw.assign(ratio=raw["alcohol"] / raw["ash"])


            def fit(X, y, hyperparameters):
                return RandomForestClassifier(n_estimators=50, random_state=0).fit(X, y)
            """,
        environment="prod",
    ),
    Table(
        name="diabetes",
        load=diabetes,
        file="diabetes.csv",
        write=as_csv,
        project="""
            name: diabetes
            environments:
              dev: {region: us-east-1}
            data:
              source: diabetes.csv
              problem: regression
              label: target
              split: {test: 0.25}
            training: {code: code/progression}
            evaluation: {metric: rmse, maximum: 90, champion: {tolerance: 1}}
            monitoring: {engine: none}
            """,
        code="""
            import numpy as np
            from sklearn.linear_model import Ridge


            def features(raw):
                return raw.assign(squared=raw["bmi"] ** 2)


            def fit(X, y, hyperparameters):
                return Ridge().fit(X, y)


            def evaluate(model, X, y):
                return {"within_50": float(np.mean(np.abs(model.predict(X) - y) < 50))}
            """,
        worse="""
            from sklearn.dummy import DummyRegressor


            def fit(X, y, hyperparameters):
                return DummyRegressor().fit(X, y)
            """,
        refusal="must be at least -1.0000 (version 1, which is live, has rmse 5",
        network_in="us-east-1",
    ),
]


@dataclass(frozen=True)
class Home:
    """A folder with a sandbox that serves every project in it."""

    folder: Path
    variables: Mapping[str, str]

    def client(self, service: Any, region: str) -> Any:
        return client_of(self.variables, service, region)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory, command_line: Callable[[Path], Any]) -> Iterator[Home]:
    cli = command_line(tmp_path_factory.mktemp("tables"))
    yield Home(cli.folder, cli.ok("sandbox", "up")["environment"])
    cli.ok("sandbox", "down")


# One of them goes all the way in the tests: the one that has a worse state, too.
CASES = [pytest.param(each, id=each.name, marks=[] if each.worse else pytest.mark.soak) for each in TABLES]


@pytest.mark.parametrize("table", CASES)
def test_a_table_goes_from_its_project_file_to_predictions(
    home: Home, table: Table, command_line: Callable[[Path], Any]
) -> None:
    folder = home.folder / table.name
    folder.mkdir()
    text = textwrap.dedent(table.project)
    region = table.network_in
    network = networks.made_by_hand(home.client("ec2", region), region) if region else {}
    if network:
        text += f"network: {json.dumps({'mode': 'import', **network})}\n"
    (folder / "project.yaml").write_text(text)
    package = folder / text.partition("code: ")[2].split(",")[0].split("}")[0].strip()
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(table.code))
    rows = table.load()
    table.write(rows, folder / table.file)
    cli = command_line(folder)

    cli.ok("check")
    cli.ok("deploy")
    trained = cli.ok("train")
    cli.ok("approve", str(trained["version"]))
    released = cli.ok("release", table.environment)
    assert released["endpoint"] == f"{table.name}-{table.environment}"

    answers = cli.ok("invoke", table.environment, "--held-out", "20")
    assert len(answers) == 20
    if "probabilities" in answers[0]:
        assert sum(str(answer["prediction"]) == answer["truth"] for answer in answers) >= 17
    else:
        errors = [abs(answer["prediction"] - float(answer["truth"])) for answer in answers]
        assert sorted(errors)[10] < 70
    assert cli.ok("models")[0]["live_in"] == [table.environment]

    if network:
        given = {"Subnets": network["subnets"], "SecurityGroupIds": network["security_groups"]}
        sagemaker, name = home.client("sagemaker", region), f"{table.name}-{table.environment}"
        assert [*networks.of_jobs(sagemaker, table.name), *networks.of_models(sagemaker, name)] == [given] * 4
        assert any(name in each for each in networks.interfaces(home.client("ec2", region), network["vpc_id"]))

    if table.worse:
        assert trained["champion"]["reason"] == "there is nothing to compare with: no version is live"
        (package / "__init__.py").write_text(textwrap.dedent(table.worse))
        cli.ok("deploy")
        told = cli.refused("train")
        assert table.refusal in told, told
        assert len(cli.ok("models")) == 1
