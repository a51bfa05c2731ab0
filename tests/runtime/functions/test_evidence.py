from collections.abc import Callable
from typing import Any

import pytest

from sagewright.runtime.functions import evidence, model_versions
from sagewright.runtime.functions.refusal import Refused


def test_metrics_are_the_numbers_of_the_report_and_nothing_else(client: Callable[[str], Any], registered: Any) -> None:
    version = model_versions.find(client("sagemaker"), registered.group, 1)
    report = evidence.evaluation(client("s3"), version)
    assert evidence.metrics_of(report) == {"average_precision": 0.66, "accuracy": 0.8}


def test_a_report_without_metrics_is_refused_with_what_it_holds() -> None:
    with pytest.raises(Refused, match="holds rows: one of binary_classification_metrics"):
        evidence.metrics_of({"rows": 3})


def test_held_out_rows_come_with_record_and_truth(client: Callable[[str], Any], registered: Any) -> None:
    version = model_versions.find(client("sagemaker"), registered.group, 1)
    known = evidence.held_out(client("s3"), version, 2)
    assert known.rows == [{"age": "42", "plan": "a, b"}, {"age": "17", "plan": "c"}]
    assert (known.records, known.truths) == (["7", "9"], ["Yes", "No"])
    assert evidence.held_out(client("s3"), version, 1).records == ["7"]


def test_recorded_predictions_are_found_by_record(client: Callable[[str], Any], registered: Any) -> None:
    version = model_versions.find(client("sagemaker"), registered.group, 1)
    assert evidence.recorded_predictions(client("s3"), version) == {"7": "No", "9": "No"}


def test_record_and_label_may_have_the_names_of_other_columns(client: Callable[[str], Any], registered: Any) -> None:
    files = {
        "run/held_out/truth.csv": b"row_number,row_number\n7,Yes\n9,No\n",
        "run/evaluation/predictions.csv": b"prediction,truth,prediction,score\n7,Yes,No,0.4\n",
    }
    for key, body in files.items():
        client("s3").put_object(Bucket=registered.bucket, Key=key, Body=body)
    version = model_versions.find(client("sagemaker"), registered.group, 1)
    known = evidence.held_out(client("s3"), version, 2)
    assert (known.records, known.truths) == (["7", "9"], ["Yes", "No"])
    assert evidence.recorded_predictions(client("s3"), version) == {"7": "No"}
