"""What a project declares: the typed model behind the file, its JSON schema and its reference page.

Every field is a contract with its users once released; every other key is refused, never accepted and ignored.
"""

from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.config import JsonDict

from sagewright.project import fields, image, instance_types
from sagewright.project.approval import Approval
from sagewright.project.delivery import Delivery
from sagewright.project.environment_variables import ServingEnvironment, TrainingEnvironment
from sagewright.project.feature_fields import GROUP, group_name
from sagewright.project.feature_groups import FeatureGroup
from sagewright.project.join import Join, KnownBy
from sagewright.project.lookup import Lookup
from sagewright.project.metrics import METRICS, Metric, MetricName, ProblemType, SplitBy
from sagewright.project.monitoring import Monitoring
from sagewright.project.network import Network
from sagewright.project.repository import Repository
from sagewright.project.rollout import Rollout
from sagewright.project.section import Section
from sagewright.project.security import Security


def _by_problem(schema: JsonDict) -> None:
    # The default follows from the problem, which one JSON schema keyword cannot say: the description does.
    schema.pop("default")


def _instance_types(use: instance_types.Use, schema: JsonDict) -> None:
    schema["enum"] = list(instance_types.usable(use))


def _regions(schema: JsonDict) -> None:
    schema["enum"] = [*sorted(image.registries())]


Tags = Annotated[
    dict[Annotated[str, AfterValidator(fields.tag_key)], Annotated[str, AfterValidator(fields.tag_value)]],
    AfterValidator(fields.tags),
    Field(
        json_schema_extra={
            "maxProperties": fields.TAGS - len(fields.OWN_TAGS),
            "propertyNames": {
                "minLength": 1,
                "maxLength": fields.TAG_KEY_LENGTH,
                "not": {"pattern": "^([Aa][Ww][Ss]|[Ss][Aa][Gg][Ee][Ww][Rr][Ii][Gg][Hh][Tt]):"},
            },
            "additionalProperties": {"type": "string", "maxLength": fields.TAG_VALUE_LENGTH},
        }
    ),
]
Hyperparameters = Annotated[
    dict[
        Annotated[str, AfterValidator(fields.hyperparameter_key)],
        Annotated[Any, AfterValidator(fields.hyperparameter)],
    ],
    AfterValidator(fields.hyperparameters),
    Field(
        json_schema_extra={
            "maxProperties": fields.HYPERPARAMETERS,
            "propertyNames": {"minLength": 1, "maxLength": fields.HYPERPARAMETER_KEY_LENGTH},
        }
    ),
]
Removal = Literal["retain", "destroy"]
_ARGUMENT: JsonDict = {"minLength": 1, "maxLength": fields.ARGUMENT_LENGTH}


class Split(Section):
    """How rows are set aside to judge the model."""

    by: SplitBy = Field(
        "stratified",
        description="How rows are drawn. `stratified` keeps each class's share and is the default for classification; "
        "`random` is the default for regression, which has no classes to stratify. `time` sets the newest rows aside, "
        "by `data.event_time`.",
        json_schema_extra=_by_problem,
    )
    test: float = Field(
        0.2,
        gt=0,
        lt=1,
        allow_inf_nan=False,
        description="Share of the rows that no training sees, only the evaluation.",
    )


class Data(Section):
    """What is learnt from."""

    source: Annotated[str, AfterValidator(fields.source)] = Field(
        description="Where the table is: an S3 prefix, or a CSV or Parquet file of the project, which "
        "`sagewright data put` sends up. Where bucket or key belong to somebody else, their policies have to admit the "
        "account that trains.",
        examples=["data/customers.csv", "s3://bucket/customers/"],
    )
    problem: ProblemType = Field(description="What kind of answer is learnt.")
    label: Annotated[str, AfterValidator(fields.argument)] = Field(
        description="The column to predict. Rows without it are dropped.",
        examples=["churned"],
        json_schema_extra=_ARGUMENT,
    )
    positive_label: Annotated[str, BeforeValidator(fields.scalar_text), AfterValidator(fields.argument)] | None = Field(
        None,
        description="The class of the label that metrics call positive; only for binary classification. Left out, it "
        "is the greater of the two classes: 1 of 0 and 1, Yes of No and Yes.",
        examples=["Yes"],
        json_schema_extra={
            "anyOf": [{"type": "string", **_ARGUMENT}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]
        },
    )
    record_id: Annotated[str, AfterValidator(fields.argument)] | None = Field(
        None,
        description="The column that names a row. It is kept beside predictions and never learnt from. Left out, a row "
        "is named by its number.",
        examples=["customer_id"],
        json_schema_extra={"anyOf": [{"type": "string", **_ARGUMENT}, {"type": "null"}]},
    )
    event_time: Annotated[str, AfterValidator(fields.argument)] | None = Field(
        None,
        description="The column that says when a row was true: ISO 8601 text (without a zone, UTC), or seconds since "
        "1970. `data.join` and `split.by: time` need it.",
        examples=["scheduled_at"],
        json_schema_extra={"anyOf": [{"type": "string", **_ARGUMENT}, {"type": "null"}]},
    )
    split: Split = Field(default_factory=Split, description="How rows are set aside to judge the model.")
    join: list[Join] | None = Field(
        None,
        min_length=1,
        description="Which groups of `features` every row gets its features from, as they were at its `event_time`, in "
        "order. The source then holds ids, event time, label, and what is known only then.",
        examples=[[{"group": "weather", "on": "origin"}]],
    )
    known_by: KnownBy = Field(
        "event_time",
        description="What a feature must not be younger than a row for: the time since when it held, or also the time "
        "at which the store got to know it (`api_invocation_time`), for honest backtests.",
    )

    @property
    def s3_place(self) -> tuple[str, str] | None:
        """Bucket and prefix of a source in S3; None for a file of the project."""
        return fields.s3_place(self.source)


class Instance(Section):
    """What a job runs on."""

    type: Annotated[str, AfterValidator(fields.training_instance)] = Field(
        "ml.m5.xlarge",
        description="Instance type of the training job, and of the preprocessing and evaluation around it.",
        json_schema_extra=partial(_instance_types, "training"),
    )


class Training(Section):
    """What is run to learn."""

    code: Annotated[str, AfterValidator(fields.package)] = Field(
        description="Folder of the package with the function `fit`, and if wanted `features` and `evaluate`. The "
        "folder's name is the package's import name.",
        examples=["src/churn"],
    )
    instance: Instance = Field(default_factory=Instance, description="What the jobs run on.")
    hyperparameters: Hyperparameters = Field(
        default_factory=dict, description="Given to `fit` as they are.", examples=[{"learning_rate": 0.1}]
    )
    environment: TrainingEnvironment = Field(
        default_factory=dict,
        description="Environment variables of the training job, for libraries that are set up so. Everybody who may "
        "read the pipeline reads them: no secrets.",
        examples=[{"OMP_NUM_THREADS": "4"}],
    )

    @property
    def package(self) -> str:
        """The import name of the package."""
        return PurePosixPath(self.code).name


class Champion(Section):
    """The comparison with the version that is live in the last environment, on the same held-out rows."""

    tolerance: float = Field(
        0.005,
        ge=0,
        allow_inf_nan=False,
        description="By how much a model may be worse than the version that is live in the last environment, in the "
        "metric's own unit: for `rmse`, in that of the label. Both are judged on the same held-out rows; where the "
        "data has grown, the live version may have been trained on some of them, which is to its advantage. A live "
        "version that cannot answer these rows, because the data has other columns, is told and refuses nothing. "
        "Without `evaluation.champion`, there is no comparison.",
    )


class Evaluation(Section):
    """What a model must reach to be registered: exactly one of `minimum` and `maximum`, as the metric reads."""

    metric: MetricName = Field(
        "average_precision",
        description="What decides. Left out, it is `average_precision` for binary classification, `f1_macro` for "
        "multiclass classification, `rmse` for regression.",
        json_schema_extra=_by_problem,
    )
    minimum: float | None = Field(
        None,
        allow_inf_nan=False,
        description="The least that the metric must reach, for a metric that grows as the model improves.",
        examples=[0.55],
    )
    maximum: float | None = Field(
        None,
        allow_inf_nan=False,
        description="The most that the metric may be, for an error that falls as the model improves.",
        examples=[12.5],
    )
    champion: Champion | None = Field(
        None,
        description="Whether a model must also not be worse than the version that is live in the last environment. "
        "`{}` compares with the default tolerance; left out, there is no comparison.",
    )

    @property
    def judge(self) -> Metric:
        """How the metric reads."""
        return METRICS[self.metric]

    @property
    def threshold(self) -> float:
        """The bound that the metric is compared with, whichever way it reads."""
        bound = self.minimum if self.judge.greater_is_better else self.maximum
        if bound is None:
            raise ValueError(
                f"evaluation of {self.metric} has no {self.judge.bound}; only a loaded project is complete"
            )
        return float(bound)


class Instances(Section):
    """What an endpoint runs on."""

    type: Annotated[str, AfterValidator(fields.serving_instance)] = Field(
        "ml.m5.large",
        description="Instance type of the endpoint.",
        json_schema_extra=partial(_instance_types, "serving"),
    )
    min: int = Field(1, ge=1, description="How many instances answer at least.", examples=[2])


class Serving(Section):
    """How answers are given."""

    instances: Instances = Field(default_factory=Instances, description="What the endpoint runs on.")
    environment: ServingEnvironment = Field(
        default_factory=dict,
        description="Environment variables of the endpoint's container. Everybody who may read the template reads "
        "them: no secrets.",
        examples=[{"OMP_NUM_THREADS": "2"}],
    )
    rollout: Rollout = Field(default_factory=Rollout, description="How traffic moves to a new version.")
    capture_percent: int = Field(
        100,
        ge=0,
        le=100,
        description="Of how many requests in a hundred a copy is kept in the data bucket, with the answer. `0` keeps "
        "none, so that nothing can be monitored.",
    )
    lookup: Lookup = Field(
        default_factory=Lookup, description="How features are read for requests of record ids alone."
    )


class Identity(Section):
    """Whose project it is."""

    name: Annotated[str, AfterValidator(fields.name)] = Field(
        description="The project's name, part of every name that it has in AWS. Changing it makes new resources.",
        examples=["churn"],
        json_schema_extra={"pattern": f"^{fields.NAME}$"},
    )
    description: Annotated[str, AfterValidator(fields.description)] = Field(
        "",
        description="One line for stacks and the model registry.",
        examples=["Which customers leave next month"],
        json_schema_extra={"maxLength": fields.DESCRIPTION_BYTES, "pattern": "^[^\\r\\n\\t]*$"},
    )
    owner: Annotated[str, AfterValidator(fields.owner)] | None = Field(
        None,
        description="Who answers for the project: an e-mail address. It is kept as a tag, "
        "and gets a message when requests drift: the next release subscribes it, and AWS asks it to agree.",
        examples=["ml-team@example.com"],
        json_schema_extra={
            "anyOf": [
                {"type": "string", "pattern": f"^{fields.EMAIL}$", "maxLength": fields.TAG_VALUE_LENGTH},
                {"type": "null"},
            ]
        },
    )
    tags: Tags = Field(
        default_factory=dict,
        description="Tags of every resource.",
        examples=[{"cost-center": "1234"}],
    )


class Placement(Section):
    """Where an environment is."""

    account: Annotated[str | None, BeforeValidator(fields.account)] = Field(
        None,
        description="The AWS account, in quotes. Left out, it is the account of the credentials in use.",
        examples=["111111111111"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": f"^{fields.ACCOUNT}$"}, {"type": "null"}]},
    )
    region: Annotated[str, AfterValidator(fields.region)] = Field(
        description="The AWS region.", examples=["eu-west-1"], json_schema_extra=_regions
    )
    tags: Tags = Field(
        default_factory=dict, description="More tags, or other values, for this environment's resources."
    )
    removal: Removal = Field(
        "retain",
        description="What deleting the data stack does with its key, buckets and registry. `retain` leaves them where "
        "they are, and the stack cannot be deleted before its protection is lifted. `destroy` is for environments of "
        "a day: they go with the stack, which still fails at a bucket or registry that is not empty.",
    )


class Sections(Section):
    """The sections that an environment may override for itself."""

    data: Data = Field(description="What is learnt from.")
    training: Training = Field(description="What is run to learn.")
    evaluation: Evaluation = Field(description="What a model must reach to be registered.")
    serving: Serving = Field(default_factory=Serving, description="How answers are given.")
    monitoring: Monitoring = Field(default_factory=Monitoring, description="What watches the endpoint.")
    network: Network = Field(default_factory=Network, description="Where jobs and endpoints run.")
    security: Security = Field(
        default_factory=Security, description="What an organisation asks of every project in its accounts."
    )


class Stored(Section):
    """What the project keeps in the feature store: one declaration for all environments."""

    features: dict[Annotated[str, AfterValidator(group_name)], FeatureGroup] = Field(
        default_factory=dict,
        description="Feature groups by name: declared once, the same in training and serving.",
        json_schema_extra={"propertyNames": {"pattern": f"^{GROUP}$"}},
    )


class Delivered(Section):
    """How the project goes from Git to where it runs: one way for all environments."""

    repository: Repository | None = Field(
        None,
        description="The Git repository of the project. Left out, there is no delivery: a person deploys, trains and "
        "releases.",
    )
    approval: Approval = Field(
        default_factory=Approval, description="Who says yes to a version. It takes a `repository`."
    )
    delivery: Delivery = Field(
        default_factory=Delivery, description="The way from a push to an endpoint. It takes a `repository`."
    )


class Environment(Sections, Placement):
    """One environment with everything merged: what it overrides, over what the project says."""

    name: Annotated[str, AfterValidator(fields.environment_name)]


class Project(Delivered, Stored, Identity):
    """A valid project file. The first environment trains and holds the registry, every later one serves."""

    environments: tuple[Environment, ...]
    root: Path

    @property
    def first(self) -> Environment:
        """The environment that trains and holds the registry."""
        return self.environments[0]

    @property
    def own_features(self) -> dict[str, FeatureGroup]:
        """The feature groups that the project itself holds: those that it does not use of another one."""
        return {name: group for name, group in self.features.items() if group.own}

    @property
    def serving(self) -> tuple[Environment, ...]:
        """The environments that serve: every later one; a single one does both."""
        return self.environments[1:] or self.environments

    @property
    def prod(self) -> Environment:
        """The environment that a version reaches last: the gate of promotion stands before it."""
        return self.serving[-1]

    def environment(self, name: str) -> Environment:
        """Find an environment by its name; raises KeyError saying which there are."""
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments)
        raise KeyError(f"there is no environment '{name}' in project '{self.name}'; there are: {known}")
