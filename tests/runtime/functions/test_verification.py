"""Real requests to real endpoints; each of its faults is one that the endpoint really has."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from sagewright.runtime.functions import model_versions, verification
from sagewright.runtime.functions.objects import Location
from sagewright.runtime.functions.refusal import Refused
from sagewright.runtime.functions.verification import Demand
from tests.runtime.functions.endpoint import Endpoint

# Answers as a model does that says Yes from the age of 30 on. What is in the rows decides what goes wrong.
HANDLERS = """
import csv, io, json, time
import flask

def model_fn(folder): return None
def input_fn(content, content_type): return content, content_type
def refuse(status): return flask.Response('{"error": "not like this"}', status=status, mimetype="application/json")

def predict_fn(data, model):
    content, kind = data
    text = content.decode() if isinstance(content, bytes) else content
    rows = json.loads(text)["instances"] if "json" in kind else list(csv.DictReader(io.StringIO(text)))
    if any(set(row) != {"age", "plan"} for row in rows):
        return LENIENT or refuse(400)
    plans = {row["plan"] for row in rows}
    if "no csv" in plans and "csv" in kind: return refuse(415)
    if "no json" in plans and "json" in kind: return refuse(400)
    if "broken" in plans: raise ValueError("a defect")
    if "strings" in plans and any(isinstance(row["age"], str) for row in rows) and "json" in kind: return refuse(400)
    if "slow" in plans and len(rows) == 1: time.sleep(0.05)
    if "garbage" in plans: return "garbage"
    answers = []
    for row in rows:
        yes = (float(row["age"]) >= 30) != (row["plan"] == "wrong")
        sure = 0.9 - (1e-6 if row["plan"] == "unsure" else 0)
        probabilities = {"Yes": sure if yes else 1 - sure, "No": 0.5}
        answers.append({"label": "Yes" if yes else "No", "probabilities": probabilities})
    return json.dumps({"predictions": answers[:-1] if "short" in plans else answers})

def output_fn(prediction, accept):
    return prediction if isinstance(prediction, flask.Response) else (prediction, "application/json")
"""
SCHEMA = {"columns": [{"name": "age", "type": "integer"}, {"name": "plan", "type": "string"}]}
DEMAND = Demand(rows=4, percentile=99, latency_ms=20_000)


@dataclass(frozen=True)
class Served:
    """An endpoint, and a place for what is expected of it."""

    runtime: Any
    name: str
    s3: Any
    folder: Location

    def expect(self, plans: Mapping[int, str], *, probability: str = "0.9", report: Any = None) -> Any:
        """Record rows by age, each with its plan, as an evaluation of the model would."""
        files = {
            "held_out/rows.csv": "age,plan\n" + "".join(f"{age},{plan}\n" for age, plan in plans.items()),
            "held_out/truth.csv": "customer,churn\n" + "".join(f"c{age},Yes\n" for age in plans),
            "evaluation/predictions.csv": "customer,truth,prediction,score\n"
            + "".join(
                f"c{age},Yes,{'Yes' if age >= 30 else 'No'},{probability if age >= 30 else 1 - float(probability)}\n"
                for age in sorted(plans, reverse=True)
            ),
            "evaluation/evaluation.json": json.dumps(report or {"classes": ["No", "Yes"], "positive_label": "Yes"}),
            "baseline/schema.json": json.dumps(SCHEMA),
        }
        for name, text in files.items():
            target = self.folder / name
            self.s3.put_object(Bucket=target.bucket, Key=target.key, Body=text.encode())
        return verification.expected(self.s3, self.folder, 100)

    def check(self, plans: Mapping[int, str], demand: Demand = DEMAND) -> verification.Measured:
        return verification.check(self.runtime, self.name, self.expect(plans), demand)


@pytest.fixture(scope="module")
def serving(endpoint: Callable[[], Endpoint]) -> Endpoint:
    made = endpoint()
    made.serve(made.config(1, handlers=f"LENIENT = None\n{HANDLERS}"))
    return made


@pytest.fixture
def served(client: Callable[[str], Any], serving: Endpoint) -> Served:
    return _served(client, serving)


def _served(client: Callable[[str], Any], endpoint: Endpoint) -> Served:
    folder = Location(endpoint.bucket, f"releases/{uuid.uuid4().hex}")
    return Served(client("sagemaker-runtime"), endpoint.name, client("s3"), folder)


ROWS = {20: "a", 30: "b", 40: "c", 50: "d"}


def test_an_endpoint_that_does_what_was_judged_is_measured(served: Served) -> None:
    measured = served.check(ROWS)
    assert (measured.rows, measured.percentile) == (4, 99)
    assert 0 < measured.median_ms <= measured.latency_ms == measured.slowest_ms
    assert str(measured).startswith("4 rows answered as at the evaluation; p99 ")


def test_numbers_are_sent_as_numbers_where_the_content_type_has_them(served: Served) -> None:
    assert served.check({20: "strings", 30: "strings"}).rows == 2


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("wrong", r"predicts something else .* for 1 of 3 held-out rows \(text/csv\): record c40: No instead of Yes"),
        ("unsure", r".*record c40: probability 0.89999\d* instead of 0.9"),
        ("no csv", r"refuses content type text/csv \(status 415\): .*not like this.*Clients may send CSV and JSON"),
        ("no json", r"refuses content type application/json \(status 400\): .*not like this"),
        ("broken", r"fails at a request of type text/csv \(status 500\): .* /aws/sagemaker/Endpoints/"),
        ("garbage", r"answers a request of type text/csv with something that is no JSON object .*: garbage"),
        ("short", r"gave 2 predictions for 3 rows \(text/csv\)"),
    ],
)
def test_an_endpoint_that_is_wrong_is_told_in_the_words_of_its_fault(served: Served, plan: str, why: str) -> None:
    with pytest.raises(Refused, match=f"Endpoint {served.name} {why}"):
        served.check({20: "a", 30: "b", 40: plan})


def test_an_endpoint_that_is_too_slow_is_told_with_its_numbers_before_all_rows_have_waited(served: Served) -> None:
    demand = Demand(rows=4, percentile=50, latency_ms=40)
    with pytest.raises(Refused) as refused:
        served.check(dict.fromkeys([20, 30, 40, 50], "slow"), demand)
    assert "of 4 requests with one row each, 3 of the first 3 took longer than 40 ms, so p50 is above" in str(
        refused.value
    )
    assert "slowest " in str(refused.value)


def test_slow_answers_below_the_percentile_are_let_pass(served: Served) -> None:
    measured = served.check({20: "a", 30: "b", 40: "c", 50: "slow"}, Demand(rows=4, percentile=75, latency_ms=45))
    assert measured.latency_ms < 45 < measured.slowest_ms


def test_an_endpoint_that_takes_any_row_for_right_is_refused(
    client: Callable[[str], Any], endpoint: Callable[[], Endpoint]
) -> None:
    made = endpoint()
    made.serve(made.config(1, handlers=f"LENIENT = '{{}}'\n{HANDLERS}"))
    with pytest.raises(Refused, match="was sent a row with an unknown column and answered it as if it were right"):
        _served(client, made).check(ROWS)


def test_values_of_a_regression_are_held_to_a_billionth(served: Served) -> None:
    known = served.expect({30: "a"}, report={"problem": "regression"})
    assert known.is_regression
    exact = {"value": 2.0}
    known = verification.Expected(known.held_out, known.types, ["2.0000000001"], [""], None, is_regression=True)
    verification._compare("e", known, [exact], range(1), "text/csv")
    known = verification.Expected(known.held_out, known.types, ["2.00000001"], [""], None, is_regression=True)
    with pytest.raises(Refused, match=r"record c30: 2.0 instead of 2.00000001"):
        verification._compare("e", known, [exact], range(1), "text/csv")


def test_a_copy_from_before_rows_were_kept_has_nothing_to_send(served: Served) -> None:
    assert verification.expected(served.s3, served.folder, 10) is None


def test_a_copy_whose_evaluation_does_not_know_a_row_is_refused(served: Served) -> None:
    served.expect({20: "a", 30: "b"})
    target = served.folder / "evaluation/predictions.csv"
    served.s3.put_object(Bucket=target.bucket, Key=target.key, Body=b"customer,truth,prediction,score\nc20,No,No,0.1\n")
    with pytest.raises(Refused, match="has no prediction for record c30: the version's record is not complete"):
        verification.expected(served.s3, served.folder, 10)


def test_the_first_rows_are_kept_with_a_version_where_it_serves(client: Callable[[str], Any], registered: Any) -> None:

    s3 = client("s3")
    version = model_versions.find(client("sagemaker"), registered.group, 1)
    for _ in range(2):
        verification.copy_rows(s3, version, Location(registered.bucket, "releases/1"))
    kept = s3.get_object(Bucket=registered.bucket, Key="releases/1/held_out/rows.csv")["Body"].read()
    assert kept == b'age,plan\n42,"a, b"\n17,c\n'
