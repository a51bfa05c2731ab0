"""The training pipeline: preprocess, train, evaluate, and register the version only if it is good enough."""

from typing import Any

from sagewright.pipelines import dataset, steps
from sagewright.pipelines.bindings import Bindings
from sagewright.pipelines.comparison import CHAMPION_MODEL, CHAMPION_VERSION, Comparison
from sagewright.pipelines.expressions import Parameter, PropertyFile, Value, model_data, processing_output
from sagewright.pipelines.gate import Gate
from sagewright.pipelines.jobs import CHANNELS, INPUT, OUTPUT, Job, Program
from sagewright.pipelines.registration import Registration
from sagewright.project import Project, fields, image, names

PREPROCESS, TRAIN, EVALUATE = "Preprocess", "Train", "Evaluate"

DATA_VERSION = Parameter("DataVersion", "String")
GIT_COMMIT = Parameter("GitCommit", "String", "none")
REPORT = PropertyFile("EvaluationReport", EVALUATE, "evaluation", "evaluation.json")


def definition(project: Project, bindings: Bindings) -> dict[str, Any]:
    """Define the pipeline: the same project and bindings always give the same definition."""
    pipeline = _Training(project, bindings)
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [parameter.declaration() for parameter in pipeline.parameters],
        # No classic experiment and trial for each run: they are superseded, and would need more rights.
        "PipelineExperimentConfig": None,
        "Steps": [
            *pipeline.join(),
            pipeline.preprocess(),
            pipeline.train(),
            pipeline.evaluate(),
            *pipeline.decide(),
        ],
    }


class _Training:
    """The steps of one project's training, each a request that refers to the steps before it."""

    def __init__(self, project: Project, bindings: Bindings) -> None:
        self._project = project
        self._bindings = bindings
        self._image = image.address(project.first.region)
        self._program = Program(bindings, self._image)
        instance_type = project.first.training.instance.type
        self._processing_type = Parameter("ProcessingInstanceType", "String", instance_type)
        self._training_type = Parameter("TrainingInstanceType", "String", instance_type)
        self._comparison = Comparison.of(project.first.evaluation, REPORT)
        self._gate = Gate(project.first, REPORT, self._comparison)

    @property
    def parameters(self) -> list[Parameter]:
        own = [DATA_VERSION, GIT_COMMIT, self._processing_type, self._training_type, self._gate.threshold]
        return own if self._comparison is None else [*own, CHAMPION_MODEL, CHAMPION_VERSION]

    def join(self) -> list[steps.Step]:
        """Make the table that is learnt from, where it is not the source itself."""
        if not self._joins:
            return []
        instance_type = self._processing_type.value
        return [
            dataset.step(self._project, self._bindings, self._program, raw=self._raw(), instance_type=instance_type)
        ]

    def preprocess(self) -> steps.Step:
        job = Job(
            step=PREPROCESS,
            role_arn=self._bindings.preprocess_role_arn,
            instance_type=self._processing_type.value,
            arguments=self._preprocess_arguments(),
            inputs=self._table(),
        )
        # The cache looks at URIs, not at what is there: the version of the data is what makes new data run again.
        environment = {"DATA_VERSION": DATA_VERSION.value}
        outputs = {name: self._program.place(PREPROCESS, name) for name in ("train", "test", "baseline", "held_out")}
        request = self._program.processing(job, outputs=outputs, environment=environment)
        return steps.job(PREPROCESS, "Processing", request)

    def train(self) -> steps.Step:
        training = self._project.first.training
        job = Job(
            step=TRAIN,
            role_arn=self._bindings.training_role_arn,
            instance_type=self._training_type.value,
            arguments=[
                "train",
                *("--package", training.package),
                *("--train", f"{CHANNELS}/train"),
                *("--baseline", f"{CHANNELS}/baseline"),
                *("--model", "/opt/ml/model"),
                *("--hyperparameters", "/opt/ml/input/config/hyperparameters.json"),
            ],
            inputs={name: processing_output(PREPROCESS, name) for name in ("train", "baseline")},
        )
        hyperparameters = {key: fields.hyperparameter_text(value) for key, value in training.hyperparameters.items()}
        request = self._program.training(job, hyperparameters=hyperparameters, environment=training.environment)
        return steps.job(TRAIN, "Training", request)

    def evaluate(self) -> steps.Step:
        told: list[Value] = []
        inputs: dict[str, Value] = {"model": model_data(TRAIN), "test": processing_output(PREPROCESS, "test")}
        if self._comparison is not None:
            told = self._comparison.arguments(INPUT)
            inputs |= {"held_out": processing_output(PREPROCESS, "held_out"), "champion": CHAMPION_MODEL.value}
        job = Job(
            step=EVALUATE,
            role_arn=self._bindings.evaluate_role_arn,
            instance_type=self._processing_type.value,
            arguments=[
                "evaluate",
                *("--package", self._project.first.training.package),
                *("--model", f"{INPUT}/model"),
                *("--test", f"{INPUT}/test"),
                *("--output", f"{OUTPUT}/{REPORT.output}"),
                *told,
            ],
            inputs=inputs,
        )
        outputs = {REPORT.output: self._program.place(EVALUATE, REPORT.output)}
        request = self._program.processing(job, outputs=outputs)
        return steps.job(EVALUATE, "Processing", request, [REPORT])

    def decide(self) -> list[steps.Step]:
        registration = Registration(
            image=self._image,
            model_data=model_data(TRAIN),
            evaluation=processing_output(EVALUATE, REPORT.output),
            baseline=processing_output(PREPROCESS, "baseline"),
            held_out=processing_output(PREPROCESS, "held_out"),
            data_version=DATA_VERSION.value,
            git_commit=GIT_COMMIT.value,
            code_bundle=self._bindings.bundle_uri,
            champion=None if self._comparison is None else CHAMPION_VERSION.value,
        )
        waiting = registration.step(self._project)
        if self._comparison is None or self._project.approval.registry == "manual":
            return [self._gate.step(then=[waiting])]
        return self._gate.approving(waiting=waiting, approved=registration.approved(self._project))

    @property
    def _joins(self) -> bool:
        return bool(self._project.first.data.join)

    def _table(self) -> dict[str, Value]:
        """Name what is learnt from: the source, or what the join made of it, with the record of how it did."""
        if not self._joins:
            return {"raw": self._raw()}
        return {"raw": dataset.rows(self._program), "dataset": dataset.manifest()}

    def _raw(self) -> str:
        data = self._project.first.data
        return f"s3://{self._bindings.data_bucket}/{names.RAW}/" if data.s3_place is None else data.source

    def _preprocess_arguments(self) -> list[str]:
        data = self._project.first.data
        arguments = [
            "preprocess",
            *("--package", self._project.first.training.package),
            *("--raw", f"{INPUT}/raw"),
            *("--output", OUTPUT),
            *("--problem", data.problem),
            *("--label", data.label),
        ]
        if data.positive_label is not None:
            arguments += ["--positive-label", data.positive_label]
        if data.record_id is not None:
            arguments += ["--record-id", data.record_id]
        if data.event_time is not None:
            arguments += ["--event-time", data.event_time]
        if self._joins:
            arguments += ["--dataset", f"{INPUT}/dataset"]
        return [*arguments, "--split-by", data.split.by, "--test-fraction", str(data.split.test)]
