"""What a definition needs and only CloudFormation knows."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bindings:
    """Literal strings in tests, CDK tokens in the stack: a definition only places them and never looks inside.

    `bundle_name` is the exception: the file name of the code bundle is known at synth and is part of a path.
    """

    data_bucket: str
    key_arn: str
    bundle_uri: str
    bundle_name: str
    preprocess_role_arn: str
    training_role_arn: str
    evaluate_role_arn: str
    # Without any, jobs run in SageMaker's own network.
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()
