"""One part of the templates: synthesized, kept once each, and held against cfn-lint, cdk-nag and our own rules."""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from cfnlint.api import lint
from matrix import ACCOUNTS, REGIONS, Variant, variants
from policies import forbidden
from ruamel.yaml import YAML

from sagewright.app import build, empty
from sagewright.project import load
from sagewright.stacks import execution_policy

SEED = Path(__file__).parents[2] / "sagewright" / "seed_code" / "churn"
QUALIFIER = "hnb659fds"
_, *OTHERS, LAST = ACCOUNTS
# What the CDK puts behind a logical id: a hash of the path, in which the environment's name is.
_SUFFIX = re.compile(r"(?<=[A-Za-z])[0-9A-F]{8}\b")
# AWS's images are of another account in each region.
_IMAGES = re.compile(r"\b\d{12}(?=\.dkr\.ecr\.|:repository/)")


def collect(templates: Path, region: str, several: bool) -> tuple[int, list[str]]:  # noqa: FBT001 (which variants)
    """Keep and check what no other part has kept; returns how many templates there were, and the problems."""
    synthesized = 0
    problems: list[str] = []
    for variant in variants(region, several=several):
        with TemporaryDirectory() as folder:
            for template in sorted(synthesize(variant, Path(folder)).rglob("*.template.json")):
                synthesized += 1
                if _keep(template.read_text(), templates):
                    problems += checked(template, variant.name)
    if not several:
        # What `sagewright bootstrap` deploys; cdk-nag sees it in the tests of the stacks.
        for boundary in (None, "platform-boundary"):
            synthesized += 1
            text = json.dumps(execution_policy.template(QUALIFIER, boundary), indent=1)
            with TemporaryDirectory() as folder:
                template = Path(folder) / f"execution-policy-{boundary}.json"
                template.write_text(text)
                if _keep(text, templates):
                    problems += checked(template, "bootstrap")
    return synthesized, problems


def _keep(text: str, templates: Path) -> bool:
    """Keep a template unless one like it is kept; of several processes, exactly one keeps it."""
    try:
        with (templates / f"{_alike(text)}.json").open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _alike(text: str) -> str:
    """Name a template so that two which differ only in whose they are, and in their region, have the same name."""
    for region in REGIONS:
        text = text.replace(region, REGIONS[0])
    text = _IMAGES.sub("", text)
    for name in OTHERS:
        text = text.replace(name, LAST).replace(name.capitalize(), LAST.capitalize())
        text = text.replace(ACCOUNTS[name], ACCOUNTS[LAST])
    return hashlib.sha256(_SUFFIX.sub("", text).encode()).hexdigest()[:16]


def synthesize(variant: Variant, folder: Path) -> Path:
    """Write the seed's assembly as the variant has it; a finding of cdk-nag ends the program with its report."""
    project = folder / "churn"
    shutil.copytree(SEED, project)
    yaml, file = YAML(), project / "project.yaml"
    content = yaml.load(file)
    for section, values in variant.sections.items():
        content[section] = values if section == "environments" else {**content.get(section, {}), **values}
    yaml.dump(content, file)
    app = empty(folder / "cdk.out")
    build(app, load(file))
    return Path(app.synth().directory)


def checked(template: Path, variant: str) -> Iterator[str]:
    """Say what cfn-lint and our own rules have against a template, in every region that it may be deployed to."""
    text = template.read_text()
    for match in lint(text, regions=list(REGIONS)):
        yield f"{template.name}:{match.linenumber}: {match.rule.id} {match.message} ({variant})"
    for fault in forbidden(json.loads(text)["Resources"]):
        yield f"{template.name}: {fault} ({variant})"
