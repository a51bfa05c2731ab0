"""What the sandbox refuses and what it cannot do: one page, written from the tests that cause each refusal.

`make docs` writes it; a test holds it fresh. A sentence of the page is a test's name, so it cannot say more than what
is tried.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import MagicMock

from sagewright.sandbox.athena import Athena
from sagewright.sandbox.clients import Clients
from sagewright.sandbox.clock import Clock
from sagewright.sandbox.cloudformation.resources import TYPES
from sagewright.sandbox.codebuild import CodeBuild
from sagewright.sandbox.codecommit import CodeCommit
from sagewright.sandbox.codeconnections import CodeConnections
from sagewright.sandbox.codepipeline import CodePipeline
from sagewright.sandbox.feature_store import FeatureStore
from sagewright.sandbox.sagemaker.api import SageMaker, operations

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "sandbox.md"
TESTS = ROOT / "tests" / "sandbox"
_INTRODUCTION = Path(__file__).with_name("sandbox.md")

# A test whose name has one of these says that something is turned down, or ends badly as it does in AWS.
_REFUSAL = re.compile(
    r"(?:^|_)(refused?|refuses|denied|denies|cannot|fails?|failed|rejected|must|never|not_allowed|rolls?_back|ends_on)(?:_|$)"
)
# Which tests are about what, by the path of their file; the first that fits counts.
_SUBJECTS = {
    "Permissions": re.compile(r"^iam/"),
    "Every request": re.compile(r"^test_"),
    "CloudFormation: templates, change sets, stacks": re.compile(r"^cloudformation/test_"),
    "CloudFormation: resources": re.compile(r"^cloudformation/resources/"),
    "Pipelines": re.compile(r"^sagemaker/pipelines/"),
    "Jobs": re.compile(r"^sagemaker/.*(jobs|images|network)"),
    "Monitors": re.compile(r"^sagemaker/monitors/"),
    "Endpoints and models": re.compile(r"^sagemaker/.*(endpoint|model|capture)"),
    "Feature store": re.compile(r"^feature_store/"),
    "Queries": re.compile(r"^athena/"),
    "Alarms": re.compile(r"^cloudwatch/"),
    "Functions": re.compile(r"^functions/"),
    "Events and schedules": re.compile(r"^(events|scheduler)/"),
    "Topics": re.compile(r"^topics/"),
    "Repositories and connections": re.compile(r"^(codecommit|codeconnections)/"),
    "Builds": re.compile(r"^codebuild/"),
    "Delivery pipelines": re.compile(r"^codepipeline/"),
    "Model registry": re.compile(r"^sagemaker/"),
}


def page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION.read_text().rstrip(), "## What it refuses", *_refusals(), "## What it has", *_available()]
    return "\n\n".join(parts) + "\n"


def _refusals() -> Iterator[str]:
    by_subject: dict[str, list[str]] = {subject: [] for subject in _SUBJECTS}
    for path in sorted(TESTS.rglob("test_*.py")):
        relative = path.relative_to(TESTS).as_posix()
        subject = next(name for name, pattern in _SUBJECTS.items() if pattern.search(relative))
        by_subject[subject] += [sentence(name) for name in _tests(path) if _REFUSAL.search(name)]
    for subject, sentences in by_subject.items():
        if sentences:
            yield f"### {subject}\n\n" + "\n".join(f"- {each}" for each in sorted(set(sentences)))


def sentence(name: str) -> str:
    """Return a test's name as the sentence that it is."""
    words = name.removeprefix("test_").replace("_", " ")
    for wrong, right in _SPELLING.items():
        words = re.sub(rf"\b{wrong}\b", right, words)
    return words[0].upper() + words[1:] + "."


_SPELLING = {
    "aws": "AWS", "iam": "IAM", "s3": "S3", "kms": "KMS", "vpc": "VPC", "arn": "ARN", "http": "HTTP", "api": "API",
    "sagemaker": "SageMaker", "cloudformation": "CloudFormation", "cloudwatch": "CloudWatch", "lambda": "Lambda",
    "athena": "Athena", "athenas": "Athena's", "json": "JSON", "cdk": "CDK", "ecr": "ECR", "sns": "SNS", "sqs": "SQS",
    "ssm": "SSM",
}  # fmt: skip


def _tests(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def _available() -> Iterator[str]:
    types = ", ".join(f"`{name}`" for name in sorted(TYPES))
    yield f"**CloudFormation resource types** ({len(TYPES)}); a template with any other is refused:\n{types}."
    names = sorted([*_sagemaker_operations(), *_feature_store_operations()[0]])
    calls = ", ".join(f"`{name}`" for name in names)
    yield f"**SageMaker operations** ({len(names)}); any other is answered with `UnsupportedOperation` (501):\n{calls}."
    listed = [
        ("SageMaker Feature Store Runtime", _feature_store_operations()[1]),
        ("Athena", _athena_operations()),
        ("CodeCommit", _codecommit_operations()),
        ("CodeConnections", _connection_operations()),
        ("CodeBuild", _codebuild_operations()),
        ("CodePipeline", _codepipeline_operations()),
    ]
    for service, names in listed:
        calls = ", ".join(f"`{name}`" for name in sorted(names))
        yield f"**{service} operations** ({len(names)}); any other likewise:\n{calls}."


def _feature_store_operations() -> tuple[list[str], list[str]]:
    """Return the operations on groups, which are SageMaker's, and those on records."""
    store = FeatureStore(MagicMock(), Clients("http://localhost"), MagicMock())
    return list(operations(*store.units)), list(store.runtime.operations)


def _athena_operations() -> list[str]:
    neighbour = MagicMock()
    return list(Athena(Clients("http://localhost"), neighbour, neighbour, Path("none")).operations)


def _codecommit_operations() -> list[str]:
    with TemporaryDirectory() as folder:
        return list(CodeCommit(Clients("http://localhost"), MagicMock(), MagicMock(), Path(folder)).operations)


def _connection_operations() -> list[str]:
    with TemporaryDirectory() as folder:
        return list(CodeConnections(Clients("http://localhost"), MagicMock(), Path(folder)).services[0].operations)


def _codebuild_operations() -> list[str]:
    neighbour = MagicMock()
    clients, neighbours = Clients("http://localhost"), {"codecommit": neighbour, "connections": neighbour}
    return list(CodeBuild(clients, neighbour, neighbour, Path("none"), **neighbours).operations)


def _codepipeline_operations() -> list[str]:
    neighbour = MagicMock()
    with TemporaryDirectory() as folder:
        clients, neighbours = Clients("http://localhost"), (neighbour, neighbour, neighbour)
        return list(CodePipeline(clients, neighbour, neighbour, Path(folder), *neighbours).operations)


def _sagemaker_operations() -> Iterable[str]:
    """Ask a service that serves nobody."""
    clock, neighbour = Clock(), MagicMock()
    with TemporaryDirectory() as folder:
        service = SageMaker(Clients("http://localhost"), Path(folder), neighbour, clock, neighbour)
        try:
            return list(service.operations)
        finally:
            service.close()
            clock.close()
