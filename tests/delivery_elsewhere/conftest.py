from collections.abc import Callable
from pathlib import Path

import pytest

from sagewright.cli.delivery import workflow_files
from sagewright.project import Project, load

PROJECT = """\
name: churn
environments:
{environments}
data: {{source: data/customers.csv, problem: binary_classification, label: churned}}
training: {{code: src/churn}}
evaluation: {{minimum: 0.55}}
network: {{mode: create}}
repository: {repository}
delivery: {delivery}
"""
THREE = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
PROVIDERS = {
    "github_actions": ("{provider: github, name: example/churn}", "{provider: github_actions}"),
    "jenkins": (
        "{provider: gitlab, name: example/churn}",
        "{provider: jenkins, issuer: 'https://jenkins.example.com/oidc'}",
    ),
}
Write = Callable[..., Project]


@pytest.fixture
def written(tmp_path: Path) -> Write:
    """Write a project that another system delivers, with its files."""

    def write(provider: str, accounts: dict[str, str] | None = None, more: str = "") -> Project:
        folder = tmp_path / provider
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "data" / "customers.csv").write_text("tenure,churned\n1,Yes\n2,No\n")
        (folder / "src" / "churn").mkdir(parents=True, exist_ok=True)
        (folder / "src" / "churn" / "model.py").write_text("def fit(X, y, hyperparameters):\n    return None\n")
        lines = [f"  {name}: {{account: '{each}', region: eu-west-1}}" for name, each in (accounts or THREE).items()]
        repository, delivery = PROVIDERS[provider]
        text = PROJECT.format(environments="\n".join(lines), repository=repository, delivery=delivery)
        (folder / "project.yaml").write_text(text + more)
        project = load(folder)
        workflow_files.write(project)
        return project

    return write
