"""Who calls, and whether AWS will believe the signature: it holds the time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from botocore.exceptions import BotoCoreError, ClientError

from sagewright.cli.errors import explain

from .finding import Finding, Subject

CREDENTIALS, CLOCK = "credentials", "clock"
# https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
LARGEST_SKEW_S = 300
NOTABLE_SKEW_S = 60


def check(subject: Subject) -> Iterator[Finding]:
    """Tell whose the credentials are, and how far this machine's clock is off."""
    first = subject.project.first
    try:
        answer = subject.target.client("sts", first).get_caller_identity()
    except (ClientError, BotoCoreError) as error:
        yield Finding(CREDENTIALS, "failure", explain(error), mend="aws sso login")
        return
    told = f"{answer['Arn']}, account {answer['Account']}"
    if first.account and answer["Account"] != first.account:
        yield Finding(
            CREDENTIALS,
            "failure",
            f"{told}, but {first.name} is in {first.account}",
            first.name,
            later="the CDK: Need to perform AWS calls for account …, but the current credentials are for …",
            mend=f"AWS_PROFILE=… of account {first.account}",
        )
    else:
        yield Finding(CREDENTIALS, "ok", told, first.name)
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is not None:
        yield judged_clock((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())


def judged_clock(ahead_s: float) -> Finding:
    """Judge by how many seconds this machine's clock is ahead of AWS's."""
    off = abs(ahead_s)
    told = f"{off:.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the target's"
    if off < NOTABLE_SKEW_S:
        return Finding(CLOCK, "ok", told)
    later = "SignatureDoesNotMatch: Signature expired; S3: RequestTimeTooSkewed"
    result = "failure" if off >= LARGEST_SKEW_S else "warning"
    return Finding(
        CLOCK, result, told, later=later, mend="let the system set the time: `sudo timedatectl set-ntp true`"
    )
