"""Why: the types that the sandbox can provision, one file per service; any other is refused by its name."""

from ..resource import ResourceType
from . import (
    applicationautoscaling,
    cloudwatch,
    dynamodb,
    ec2,
    ec2_endpoints,
    ec2_security_groups,
    ecr,
    events,
    glue,
    iam,
    kms,
    lambda_functions,
    logs,
    placeholders,
    s3,
    sagemaker,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
)

_FAMILIES = (
    applicationautoscaling,
    cloudwatch,
    dynamodb,
    ec2,
    ec2_endpoints,
    ec2_security_groups,
    ecr,
    events,
    glue,
    iam,
    kms,
    lambda_functions,
    logs,
    placeholders,
    s3,
    sagemaker,
    scheduler,
    secretsmanager,
    sns,
    sqs,
    ssm,
)

TYPES: dict[str, ResourceType] = {name: kind for family in _FAMILIES for name, kind in family.TYPES.items()}
