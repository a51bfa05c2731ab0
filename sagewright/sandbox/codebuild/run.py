"""Why: every build has the same life: source in, the phases of its buildspec, artifacts and reports out.

https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html#view-build-details-phases
"""

import threading
import time
import traceback
from collections.abc import Callable

from .artifacts import Destination, Upload, destination, specified
from .buildspec import PHASES
from .container import Container, Site
from .failures import CutOffError, PhaseError
from .orders import Order
from .progress import Progress
from .shelf import Record
from .shell import ATTEND_EVERY_S, Ended

MINUTE_S = 60.0


class Run:
    """One build, from its start to its end."""

    def __init__(self, order: Order, progress: Progress, site: Site) -> None:
        self._order = order
        self._progress = progress
        self._site = site
        self._container = Container(order, progress, site)
        self._stopping = threading.Event()
        self._held_slot = False
        self._until = float("inf")
        self._failed = False

    @property
    def pid(self) -> int | None:
        """Return the process of the build's shell, while there is one."""
        return self._container.pid

    def stop(self) -> None:
        """Ask the build to end as soon as it can."""
        self._stopping.set()

    def execute(self) -> Record:
        """Run the build to its end; whatever happens, the record tells."""
        status = "FAULT"
        try:
            self._flow()
            status = "FAILED" if self._failed else "SUCCEEDED"
        except PhaseError:
            status = "FAILED"
        except CutOffError as cut:
            status = cut.status
        except Exception:  # noqa: BLE001 - a fault of ours ends the build visibly: someone waits for it
            traceback.print_exc()
        finally:
            self._leave()
        return self._progress.end(status)

    def _flow(self) -> None:
        self._progress.begin()
        with self._progress.phase("SUBMITTED"):
            self._container.take_role()
        with self._progress.phase("QUEUED"):
            self._wait_for_slot()
        try:
            with self._progress.phase("PROVISIONING"):
                self._container.provision()
            self._until = time.monotonic() + self._order.build["timeoutInMinutes"] * MINUTE_S
            self._phase("DOWNLOAD_SOURCE", self._container.download)
            if self._commands():
                self._phase("UPLOAD_ARTIFACTS", self._upload)
        except PhaseError:
            self._failed = True
        with self._progress.phase("FINALIZING"):
            self._finalize()

    def _phase(self, name: str, do: Callable[[], None]) -> None:
        self._say(f"Entering phase {name}")
        try:
            with self._progress.phase(name):
                self._attend_or_end()
                do()
        except (PhaseError, CutOffError) as failure:
            status = failure.status if isinstance(failure, CutOffError) else "FAILED"
            self._say(f"Phase complete: {name} State: {status}")
            self._say(f"Phase context status code: {failure.code} Message: {failure.message}")
            raise
        self._say(f"Phase complete: {name} State: SUCCEEDED")
        self._say("Phase context status code:  Message: ")

    def _wait_for_slot(self) -> None:
        over = time.monotonic() + self._order.build["queuedTimeoutInMinutes"] * MINUTE_S
        while not self._site.slots.acquire(timeout=ATTEND_EVERY_S):
            if self._stopping.is_set():
                raise CutOffError("STOPPED")
            if time.monotonic() > over:
                raise CutOffError("TIMED_OUT", "QUEUED_TIMED_OUT", "Build has timed out in the queue.")
        self._held_slot = True

    def _commands(self) -> bool:
        """Run the phases of the buildspec; tell whether artifacts are to be uploaded then."""
        for name in PHASES:
            try:
                self._phase(name.upper(), lambda name=name: self._run_phase(name))
            except PhaseError:
                if not self._failed:
                    self._failed = True
                    self._container.shell.set("CODEBUILD_BUILD_SUCCEEDING", "0")
                on_failure = self._container.spec.phases[name].on_failure
                goes_on = on_failure == "CONTINUE" or (name in {"build", "post_build"} and on_failure != "ABORT")
                if not goes_on:
                    return False
        self._export()
        return True

    def _run_phase(self, name: str) -> None:
        phase = self._container.spec.phases.get(name)
        if phase is None:
            return
        failure = self._first_failure(phase.commands)
        failure = self._first_failure(phase.finally_) or failure
        if failure:
            raise PhaseError("COMMAND_EXECUTION_ERROR", failure)

    def _first_failure(self, commands: tuple[str, ...]) -> str:
        for command in commands:
            self._say(f"Running command {command}")
            ended = self._container.shell.run(command, self._attend)
            if ended == Ended(None):
                self._attend_or_end()
            if not ended.well:
                self._say(f"Command did not exit successfully {command} {ended.reason}")
                return f"Error while executing command: {command}. Reason: {ended.reason}"
        return ""

    def _export(self) -> None:
        if not self._container.spec.exported:
            return
        variables = self._container.shell.variables()
        exported = [
            {"name": name, "value": variables[name]}
            for name in self._container.spec.exported
            if name in variables and not name.startswith("AWS_") and name not in self._container.secret_names
        ]
        self._progress.say(exportedEnvironmentVariables=exported)

    def _upload(self) -> None:
        failures = []
        build = self._progress.build
        for report in self._container.spec.reports:
            try:
                arn = self._site.reports.receive(
                    report, self._container.source, build, self._container.role, self._order.place
                )
                self._progress.say(reportArns=[*self._progress.build["reportArns"], arn])
            except PhaseError as failure:
                failures.append(failure)
        upload = Upload(self._container.role, self._order.place, build, self._container.folder)
        for to in self._destinations():
            try:
                said = upload.send(specified(self._container.spec, to.identifier), self._container.source, to)
            except PhaseError as failure:
                failures.append(failure)
                continue
            if to.identifier:
                more = [*self._progress.build["secondaryArtifacts"], said]
                self._progress.say(secondaryArtifacts=more)
            else:
                self._progress.say(artifacts=said)
        if failures:
            raise PhaseError(failures[0].code, "; ".join(failure.message for failure in failures))

    def _destinations(self) -> list[Destination]:
        order, build = self._order, self._order.build
        if order.work is not None:
            alone = len(order.work.outputs) == 1
            return [Destination("" if alone else name, place) for name, place in order.work.outputs.items()]
        wanted = [each for each in (order.artifacts, *order.secondary_artifacts) if each["type"] == "S3"]
        return [destination(each, build, self._artifact_name(each)) for each in wanted]

    def _artifact_name(self, artifact: Record) -> str:
        if artifact.get("overrideArtifactName"):
            name = specified(self._container.spec, artifact.get("artifactIdentifier", "")).name
            if name:
                file = self._container.folder / "name"
                self._container.shell.run(f'printf %s "{name}" >"{file}"', self._attend)
                return file.read_text()
        return str(artifact.get("name") or self._order.project["name"])

    def _finalize(self) -> None:
        if not self._failed:
            self._container.cache.save(
                self._container.role, self._order.place, self._order.project["name"], self._container.folder
            )

    def _attend(self) -> bool:
        """Let what was printed be seen; tell whether the build is over."""
        self._container.log.ship()
        return self._stopping.is_set() or time.monotonic() > self._until

    def _attend_or_end(self) -> None:
        if not self._attend():
            return
        if self._stopping.is_set():
            raise CutOffError("STOPPED")
        raise CutOffError("TIMED_OUT", "BUILD_TIMED_OUT", "Build has timed out. ")

    def _leave(self) -> None:
        self._container.leave()
        if self._held_slot:
            self._site.slots.release()

    def _say(self, line: str) -> None:
        self._container.log.say(line)
