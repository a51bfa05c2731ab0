"""What an organisation asks of every project in its accounts."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sagewright.project.section import Section

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_POLICY_NAME = r"[\w+=,.@-]{1,128}"
# IAM takes a boundary of the role's own account, or one that AWS manages.
_POLICY_ARN = rf"arn:aws[a-z-]*:iam::(?P<account>\d{{12}}|aws):policy/([\w+=,.@/-]*/)?{_POLICY_NAME}"
_QUALIFIER = "[a-z0-9]{1,10}"
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]  # fmt: skip


def _boundary(value: str) -> str:
    if re.fullmatch(_POLICY_NAME, value, re.ASCII) is None and re.fullmatch(_POLICY_ARN, value, re.ASCII) is None:
        raise ValueError(
            f"'{value}' names no managed policy; write its name, or an ARN such as "
            "arn:aws:iam::111111111111:policy/boundary"
        )
    return value


def _qualifier(value: str) -> str:
    if re.fullmatch(_QUALIFIER, value) is None:
        raise ValueError(f"'{value}' cannot qualify a bootstrap; use 1 to 10 lower-case letters and digits")
    return value


class Security(Section):
    """Settings that a platform team asks for, the same for everything in an environment."""

    permissions_boundary: Annotated[str, AfterValidator(_boundary)] | None = Field(
        None,
        description="The managed policy that bounds every role, by its name in the environment's account or by its "
        "ARN. Left out, roles have no boundary.",
        examples=["developer-boundary"],
        json_schema_extra={
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^([A-Za-z0-9_+=,.@-]{1,128}|arn:aws[a-z-]*:iam::(\d{12}|aws):policy/.+)$",
                },
                {"type": "null"},
            ]
        },
    )
    log_retention_days: RetentionDays | None = Field(
        None,
        description="How long the endpoint's log is kept. It is encrypted with the environment's key then. Left out, "
        "SageMaker makes the log, and nothing is ever deleted from it. An endpoint that has served before has a log "
        "already: deploy with `--adopt` once.",
        examples=[90],
    )
    bootstrap_qualifier: Annotated[str, AfterValidator(_qualifier)] | None = Field(
        None,
        description="The qualifier with which the CDK was bootstrapped in the environment's account. Left out, it is "
        "the CDK's own.",
        examples=["mlteam"],
        json_schema_extra={"anyOf": [{"type": "string", "pattern": f"^{_QUALIFIER}$"}, {"type": "null"}]},
    )

    @property
    def boundary_account(self) -> str | None:
        """The account that the boundary's ARN names; None where AWS or nobody is named."""
        found = re.fullmatch(_POLICY_ARN, self.permissions_boundary or "", re.ASCII)
        return None if found is None or found["account"] == "aws" else found["account"]
