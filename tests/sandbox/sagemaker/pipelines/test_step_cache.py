"""Which earlier success a step takes instead of running again."""

from datetime import timedelta
from typing import Any

import pytest


def test_a_cached_step_does_not_run_again_and_neither_do_those_after_it(bench: Any, document: dict[str, Any]) -> None:
    document["Steps"][1]["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}
    bench.create(document)
    first = bench.run()
    second = bench.run()
    third = bench.run()
    assert [step for step, _ in bench.jobs.requests].count("Prepare") == 1
    assert [step for step, _ in bench.jobs.requests].count("Train") == 1
    for execution in (second, third):
        for name in ("Prepare", "Train"):
            step = bench.steps(execution)[name]
            assert step["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
            assert step["Metadata"] == bench.steps(first)[name]["Metadata"]
            assert step["AttemptCount"] == 0


@pytest.mark.parametrize(
    ("path", "value", "runs"),
    [
        ("Environment", {"DATA": "v2"}, 2),
        ("AppSpecification.ContainerEntrypoint", ["python3", "other.py"], 2),
        ("AppSpecification.ContainerArguments", ["--fast"], 2),
        ("ProcessingResources.ClusterConfig.InstanceType", "ml.m5.xlarge", 1),
        ("StoppingCondition", {"MaxRuntimeInSeconds": 60}, 1),
        ("ProcessingOutputConfig.KmsKeyId", "alias/key", 1),
    ],
)
def test_only_the_documented_attributes_of_a_processing_step_void_its_cache(
    bench: Any, document: dict[str, Any], path: str, value: Any, runs: int
) -> None:
    bench.create(document)
    bench.run()
    target = document["Steps"][0]["Arguments"]
    *above, last = path.split(".")
    for key in above:
        target = target[key]
    target[last] = value
    bench.update(document)
    bench.run()
    assert [step for step, _ in bench.jobs.requests].count("Prepare") == runs


@pytest.mark.parametrize(
    ("path", "value", "runs"),
    [
        ("HyperParameters", {"depth": "4"}, 2),
        ("Environment", {"A": "b"}, 2),
        ("ResourceConfig.InstanceType", "ml.m5.xlarge", 1),
        ("OutputDataConfig.S3OutputPath", "s3://results/elsewhere", 1),
    ],
)
def test_only_the_documented_attributes_of_a_training_step_void_its_cache(
    bench: Any, document: dict[str, Any], path: str, value: Any, runs: int
) -> None:
    train = document["Steps"][1]
    train["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}
    bench.create(document)
    bench.run()
    target = train["Arguments"]
    *above, last = path.split(".")
    for key in above:
        target = target[key]
    target[last] = value
    bench.update(document)
    bench.run()
    assert [step for step, _ in bench.jobs.requests].count("Train") == runs


def test_a_result_that_is_too_old_is_not_taken(bench: Any) -> None:
    step = bench.job("A", CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"})
    bench.create(bench.pipeline(step))
    bench.run()
    bench.time += timedelta(minutes=59)
    assert "CacheHitResult" in bench.steps(bench.run())["A"]
    bench.time += timedelta(minutes=2)
    assert "CacheHitResult" not in bench.steps(bench.run())["A"]


def test_a_failed_step_is_not_taken_from_the_cache(bench: Any) -> None:
    bench.jobs.outcomes["A"] = ["AlgorithmError: exit code 1"]
    bench.create(bench.pipeline(bench.job("A", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})))
    assert bench.run()["PipelineExecutionStatus"] == "Failed"
    second = bench.run()
    assert second["PipelineExecutionStatus"] == "Succeeded"
    assert "CacheHitResult" not in bench.steps(second)["A"]


def test_the_cache_is_the_pipelines_own(bench: Any) -> None:
    document = bench.pipeline(bench.job("A", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"}))
    bench.create(document)
    bench.run()
    bench.name += "-other"
    bench.create(document)
    assert "CacheHitResult" not in bench.steps(bench.run())["A"]


def test_a_disabled_cache_is_not_used(bench: Any) -> None:
    bench.create(bench.pipeline(bench.job("A", CacheConfig={"Enabled": False, "ExpireAfter": "P1D"})))
    bench.run()
    assert "CacheHitResult" not in bench.steps(bench.run())["A"]
