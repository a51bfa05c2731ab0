"""The first step of a promotion: whether the version may still go on, and everything that the later steps go by."""

import json
from dataclasses import dataclass
from pathlib import Path

from sagewright.cli.assembly import Assembly
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.project import Environment, Project, load, names
from sagewright.runtime.functions import consoles, live, model_versions, promotion, release
from sagewright.runtime.functions.live import Live
from sagewright.runtime.functions.model_versions import Version
from sagewright.runtime.functions.objects import Location

from . import decisions, published_project
from .build_target import BuildTarget, build_target
from .configurations import Configurations

NONE = "none"
_NOTE = "resolved.json"


def resolve(options: Options, version: str, output: Path) -> dict[str, str]:
    """Decide about a version's promotion; returns the variables that the pipeline goes by."""
    if version == NONE:
        return nothing(output, "Nothing to do: no version was given, as when the pipeline was just created.")
    published_project.fetch(options.folder)
    project = load(options.folder)
    resolution = _Resolution(project, build_target(options, project), output)
    return resolution.decide(version)


def nothing(output: Path, why: str) -> dict[str, str]:
    """Decide to do nothing; an artifact cannot be empty, so the reason is written into it."""
    decided = {"Proceed": decisions.NO, "Summary": why, "Evidence": NONE, "Version": NONE, "Number": NONE}
    note(output, decided)
    return decided


def note(output: Path, decided: dict[str, str]) -> None:
    """Write beside the templates what was decided."""
    output.mkdir(parents=True, exist_ok=True)
    (output / _NOTE).write_text(json.dumps(decided, indent=2), encoding="utf-8")


def releases(project: Project, target: BuildTarget, environment: Environment) -> Location:
    """Say where an environment keeps what was released to it."""
    account = target.account_of(environment)
    return Location(names.data_bucket(project.name, environment.name, account, environment.region), names.RELEASES)


@dataclass(frozen=True)
class _Resolution:
    """One decision about one version."""

    project: Project
    target: BuildTarget
    output: Path

    def decide(self, arn: str) -> dict[str, str]:
        """Read the version as it is now, and write down what each environment will be given."""
        first = self.project.first
        sagemaker, s3 = self.target.client("sagemaker", first), self.target.client("s3", first)
        version = promotion.require_approved(model_versions.existing(sagemaker, arn), arn)
        serves = {each.name: self._live(each) for each in self.project.serving}
        last = self.project.serving[-1]
        assembly = Assembly.read(self.project, self.project.root / published_project.ASSEMBLY)
        written = Configurations(self.project, assembly, self.output)
        if self._is_done(last, serves[last.name], version) and not self._differ(written):
            told = f"Nothing to do: version {version.number} serves in {last.name} already, and was verified there."
            return nothing(self.output, told) | {f"Changes_{each.name}": decisions.NO for each in self.project.serving}
        live_numbers = {name: each.number if each is not None else None for name, each in serves.items()}
        decided = {
            "Proceed": decisions.YES,
            "Summary": promotion.on_one_line(promotion.summary(sagemaker, s3, version, live_numbers)),
            "Evidence": consoles.version(first.region, version.arn).removeprefix("https://"),
            "Version": version.arn,
            "Number": str(version.number),
        }
        for environment in self.project.serving:
            folder = releases(self.project, self.target, environment) / str(version.number)
            artifacts = release.planned(s3, version, folder)
            if environment.monitoring.engine != "none" and not artifacts.comparable:
                raise CommandError(_unwatchable(version, environment))
            written.write(environment, written.values(self.target, environment, artifacts))
            decided[f"Changes_{environment.name}"] = decisions.said(
                written.differ(self.target, environment, below=True)
            )
        note(self.output, decided)
        return decided

    def _differ(self, written: Configurations) -> bool:
        """Tell whether a push has changed what is around the version: how many instances it has, who watches it."""
        return any(written.differ(self.target, each, below=False) for each in self.project.serving)

    def _live(self, environment: Environment) -> Live | None:
        endpoint = names.endpoint(self.project.name, environment.name)
        return live.read(self.target.lookup_client("sagemaker", environment), endpoint)

    def _is_done(self, environment: Environment, serves: Live | None, version: Version) -> bool:
        """Tell whether the version serves there, and the record says so: it is written last, after the proof."""
        ssm = self.target.client("ssm", self.project.first)
        copy = names.release_copy(self.project.name, self.project.first.name, environment.name)
        return serves is not None and serves.model_package_arn == version.arn and live.recorded(ssm, copy) == serves


def _unwatchable(version: Version, environment: Environment) -> str:
    return (
        f"Version {version.number} was trained before versions had a baseline, so nothing could watch it in "
        f"{environment.name}, as monitoring.engine asks for. Train a new version; or release this one by hand, "
        f"unwatched: `sagewright release {environment.name} {version.number} --by-hand`."
    )
