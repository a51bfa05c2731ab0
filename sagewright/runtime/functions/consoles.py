"""Pages of AWS's console, which each partition has under a domain of its own.

https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/sign-in.html
"""

from urllib.parse import quote

_DOMAINS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def page(region: str, place: str) -> str:
    """Give the address of a page in a region."""
    domain = next((each for start, each in _DOMAINS.items() if region.startswith(start)), "console.aws.amazon.com")
    return f"https://{region}.{domain}/{place}"


def version(region: str, arn: str) -> str:
    """Give the address of a registered version."""
    return page(region, f"sagemaker/home?region={region}#/model-packages/{quote(arn, safe='')}")


def pipeline(region: str, name: str, execution: str | None = None) -> str:
    """Give the address of a pipeline of CodePipeline, or of one of its executions."""
    inner = f"executions/{execution}/visualization" if execution is not None else "view"
    return page(region, f"codesuite/codepipeline/pipelines/{name}/{inner}?region={region}")
