"""A model artifact in the managed image answers requests by ids with nothing but itself and an online store."""

import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.dummy import DummyRegressor

from sagewright.runtime.jobs import train
from sagewright.runtime.serving import lookup
from sagewright.runtime.serving.columns import Column
from sagewright.runtime.serving.handlers import MODEL_FILE
from sagewright.runtime.serving.schema import FILE, Feature, GroupFeature, Lookup, Schema
from sagewright.sandbox.images.containers import Containers, Process
from tests.runtime.jobs.project_run import OURS
from tests.runtime.jobs.test_artifact import SERVER
from tests.runtime.serving.record_server import RecordServer, serving

COLUMNS = (Column("town", "string", nullable=False), Column("people", "number", nullable=True))
LOOKUPS = (Lookup("p-towns-v1", "town", "at", "town", "string", (GroupFeature("people", "fractional"),)),)
FEATURES = tuple(Feature(each.name, each.dtype) for each in COLUMNS)
SCHEMA = Schema("parcels", "regression", "late", None, COLUMNS, FEATURES, lookups=LOOKUPS)


def test_the_artifact_looks_up_what_a_request_leaves_out(
    image: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "ml" / "model"
    (tmp_path / "package" / "parcels").mkdir(parents=True)
    (tmp_path / "package" / "parcels" / "__init__.py").write_text('"""Nothing but the raw columns."""\n')
    monkeypatch.syspath_prepend(tmp_path / "package")
    train.write_code(model / "code", "parcels")
    SCHEMA.write(model / FILE, {})
    estimator: Any = DummyRegressor()
    joblib.dump(estimator.fit([[0], [1]], [1.0, 2.0]), model / MODEL_FILE)
    asked = [['{"town": "Ulm"}', "application/json", "*/*"], ["town\nBonn\nUlm\n", "text/csv", "*/*"]]
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    (tmp_path / "server.py").write_text(SERVER)
    store = RecordServer()
    store.put("p-towns-v1-prod", "Ulm", at="2026-01-01T00:00:00Z", people="1.5")

    with serving(store) as address:
        variables = {"SAGEMAKER_SUBMIT_DIRECTORY": str(model / "code"), "PYTHONPATH": str(OURS.parent)}
        variables |= {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        variables |= {lookup.REGION: "eu-west-1", lookup.SUFFIX: "-prod", lookup.MISSING: "refuse"}
        variables |= {lookup.TIME_LIMIT: "20000"}
        command = ["python3", str(tmp_path / "server.py"), str(model), str(tmp_path / "copy")]
        ended = image.start(Process(command, variables, tmp_path, tmp_path / "log", isolated=False)).wait()
    assert ended is not None
    assert ended.code == 0, (tmp_path / "log").read_text()
    found, missing = json.loads((tmp_path / "answers.json").read_text())
    assert found[:2] == [200, '{"predictions": [{"value": 1.5}]}']
    told = "row 1: feature group p-towns-v1-prod has no record for town 'Bonn'"
    assert missing[:2] == [404, json.dumps({"error": told})]
