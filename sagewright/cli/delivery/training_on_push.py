"""Starts the training after a push, or says why none is needed."""

from dataclasses import dataclass

from sagewright.cli import training, uploading
from sagewright.cli.errors import CommandError
from sagewright.cli.options import Options
from sagewright.project import Project, names
from sagewright.runtime.functions import training_need, training_start
from sagewright.runtime.functions.training_start import Overrides

from .build_target import BuildTarget


@dataclass(frozen=True)
class Started:
    """The training that was started, or the one that makes it needless, and which of the two."""

    execution: str
    skipped: bool
    told: str


def start(options: Options, project: Project, target: BuildTarget, commit: str, attempt: str) -> Started:
    """Send the data where it is a file of the project that has changed, and train where that or the code is new."""
    if uploading.is_local(project) and (project.root / project.first.data.source).is_file():
        training.send_data(options, project, target)
    sagemaker, pipeline = target.client("sagemaker", project.first), names.training_pipeline(project.name)
    source = uploading.source_location(project, target)
    version = training_start.data_version(target.client("s3", project.first), source)
    last = training_need.last(sagemaker, pipeline, version)
    if last is not None and last.is_same:
        state = "is running" if last.is_running else "has succeeded"
        of = f" of commit {last.commit[:12]}" if last.commit else ""
        return Started(
            last.arn,
            skipped=True,
            told=f"Training skipped: code, settings and data are those of the training{of} that {state}, {last.arn}.",
        )
    if last is not None and last.is_running and last.commit == commit:
        return Started(
            last.arn, skipped=True, told=f"Training skipped: one of commit {commit[:12]} is running, {last.arn}."
        )
    if last is not None and last.is_running:
        raise CommandError(
            f"No training was started for commit {commit[:12]}: one of {last.commit or 'another origin'} is running, "
            f"{last.arn}, and two at once would race for the next version. Run this stage again when it has ended, "
            f"or stop it with `{training_start.stop_command(last.arn)}`."
        )
    arn = training_start.start(
        sagemaker,
        pipeline,
        version=version,
        git_commit=commit,
        overrides=Overrides(),
        champion=training.find_champion(project, target),
        token=f"{commit} {attempt}",
    )
    return Started(arn, skipped=False, told=f"Training started: {arn}")
