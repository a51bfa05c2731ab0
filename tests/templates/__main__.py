"""Checks every template of the churn seed as a reviewer would, with one environment and with three, in three regions.

`make check` runs it: `python tests/templates`. Any error or warning of cfn-lint fails, and so does any finding of
cdk-nag that is not answered beside the construct that it is about.
"""

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cfnlint.api import lint
from ruamel.yaml import YAML

from sagewright.app import build, empty
from sagewright.project import load

SEED = Path(__file__).parents[2] / "sagewright" / "seed_code" / "churn"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-2")
Environments = dict[str, dict[str, Any]]


def main() -> None:
    """Synthesize and lint; exits 1 with every problem that was found."""
    began = time.perf_counter()
    checked = 0
    problems: list[str] = []
    for region in REGIONS:
        for environments in (one(region), three(region)):
            with TemporaryDirectory() as folder:
                assembly = synthesize(environments, Path(folder))
                for template in sorted(assembly.rglob("*.template.json")):
                    checked += 1
                    problems += linted(template, region)
    took = time.perf_counter() - began
    problems.append(f"{checked} templates in {', '.join(REGIONS)}: {len(problems)} problems ({took:.0f} s)")
    sys.stdout.write("\n".join(problems) + "\n")
    sys.exit(1 if len(problems) > 1 else 0)


def one(region: str) -> Environments:
    """One environment that does everything, in the account of the credentials in use."""
    return {"dev": {"region": region}}


def three(region: str) -> Environments:
    """An environment that trains and two that serve, each in an account of its own."""
    accounts = {"dev": "111111111111", "staging": "222222222222", "prod": "333333333333"}
    return {name: {"account": account, "region": region} for name, account in accounts.items()}


def synthesize(environments: Environments, folder: Path) -> Path:
    """Write the seed's assembly with other environments; a finding of cdk-nag ends the program with its report."""
    project = folder / "churn"
    shutil.copytree(SEED, project)
    yaml, file = YAML(), project / "project.yaml"
    yaml.dump(yaml.load(file) | {"environments": environments}, file)
    app = empty(folder / "cdk.out")
    build(app, load(file))
    return Path(app.synth().directory)


def linted(template: Path, region: str) -> Iterator[str]:
    """What cfn-lint says of a template where it is to be deployed."""
    for match in lint(template.read_text(), regions=[region]):
        yield f"{template.name}:{match.linenumber}: {match.rule.id} {match.message} ({region})"


if __name__ == "__main__":
    main()
