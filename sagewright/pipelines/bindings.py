"""What a definition needs and only CloudFormation knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class JobBindings:
    """Literal strings in tests, CDK tokens in the stack: a definition only places them and never looks inside.

    `bundle_name` is the exception: the file name of the code bundle is known at synth and is part of a path.
    """

    data_bucket: str
    key_arn: str
    bundle_uri: str
    bundle_name: str
    # Without any, jobs run in SageMaker's own network.
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Bindings(JobBindings):
    """What training needs: a role for each kind of job."""

    preprocess_role_arn: str
    training_role_arn: str
    evaluate_role_arn: str
    # Of the step that joins; None where the project has no `data.join`.
    dataset_role_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class IngestionBindings(JobBindings):
    """What ingestion needs: the role of its job, and by environment those that write the online stores elsewhere."""

    ingestion_role_arn: str
    online_writer_arns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MonitoringBindings(JobBindings):
    """What monitoring needs: the role of its job, and the released version's baseline, without a slash at its end."""

    monitor_role_arn: str
    baseline_uri: str
