"""The graph of a pipeline, from the very definition that runs."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import sagewright
from sagewright.cli.report.content import Pipeline, StepRun
from sagewright.cli.report.pipeline_graph import BOX_HEIGHT, BOX_WIDTH, Graph
from sagewright.pipelines import Bindings, training
from sagewright.project import load


def test_each_step_stands_below_all_that_it_needs(pipeline: Pipeline) -> None:
    graph = Graph.of(pipeline)
    nodes = {node.name: node for node in graph.nodes}
    assert [*nodes] == ["Preprocess", "Train", "Evaluate", "Gate", "Register", "NotGoodEnough"]
    assert nodes["Register"].needs == ("Preprocess", "Train", "Evaluate", "Gate")
    assert nodes["Gate"].needs == ("Evaluate",)
    for node in graph.nodes:
        assert all(nodes[need].y + BOX_HEIGHT < node.y for need in node.needs)
        assert node.x + BOX_WIDTH <= graph.width
        assert node.y + BOX_HEIGHT <= graph.height
    assert len(graph.edges) == sum(len(node.needs) for node in graph.nodes)


def test_no_two_steps_lie_on_one_another(pipeline: Pipeline) -> None:
    places = [(node.x, node.y) for node in Graph.of(pipeline).nodes]
    assert len(set(places)) == len(places)


def test_a_step_tells_how_it_went(pipeline: Pipeline) -> None:
    failed = [*pipeline.runs[:1], StepRun("Train", "Failed", 3.0), StepRun("Evaluate", "Executing")]
    told = {node.name: (node.state, node.told) for node in Graph.of(replace(pipeline, runs=failed)).nodes}
    assert told == {
        "Preprocess": ("cached", "from the cache"),
        "Train": ("failed", "Failed 3.0 s"),
        "Evaluate": ("executing", "Executing"),
        "Gate": ("absent", "not reached"),
        "Register": ("absent", "not reached"),
        "NotGoodEnough": ("absent", "not reached"),
    }


def test_the_branch_that_was_taken_goes_straight_down(pipeline: Pipeline) -> None:
    refused = [*pipeline.runs[:4], StepRun("NotGoodEnough", "Failed")]
    columns = {node.name: node.column for node in Graph.of(replace(pipeline, runs=refused)).nodes}
    assert (columns["NotGoodEnough"], columns["Register"]) == (0, 1)


def test_a_step_that_only_waits_for_another_stands_below_it() -> None:
    first: dict[str, Any] = {"Name": "First", "Type": "Processing", "Arguments": {}}
    second = {**first, "Name": "Second", "DependsOn": ["First"]}
    nodes = Graph.of(Pipeline("p", {"Steps": [second, first]}, [])).nodes
    assert [node.name for node in nodes] == ["First", "Second"]


def test_the_training_pipeline_is_one_connected_graph() -> None:
    bindings = Bindings(**{field.name: f"s3://bucket/{field.name}" for field in fields(Bindings)})
    project = load(Path(sagewright.__file__).parent / "seed_code" / "churn")
    graph = Graph.of(Pipeline("training", training.definition(project, bindings), []))
    assert [node.name for node in graph.nodes if not node.needs] == ["Preprocess"]
    assert {"Train", "Evaluate", "Gate", "Register"} <= {node.name for node in graph.nodes}
