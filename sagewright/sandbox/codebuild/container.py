"""Why: a build runs in a container of its own: folders, a shell, a log and the project's role, and then nothing of it.

There is no container here, but what stands for one: what it had is gone with it, whatever it started, too.
"""

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from ..clients import ActingClients, Clients
from ..clock import Clock
from ..protocol import ApiError, Caller
from . import overlay
from .build_log import BuildLog, NoLog
from .buildspec import Buildspec, BuildspecError, parse
from .cache import Cache
from .definition import is_inline
from .failures import PhaseError
from .orders import Order
from .origins import Origins
from .progress import Progress
from .projects import PRINCIPAL
from .reports import Reports
from .shell import Shell, kill_all
from .sources import Fetched, Sources
from .variables import Variables, standard

_RUNTIMES = ("python", "nodejs")


@dataclass(frozen=True)
class Site:
    """What all builds share: where they run, and what they act on."""

    clients: Clients
    clock: Clock
    reports: Reports
    origins: Origins
    folder: Path
    slots: threading.BoundedSemaphore


class Container:
    """What one build runs in; it comes about phase by phase."""

    # Its role is there from the first phase on, its log and shell from the next, its buildspec with the source.
    role: ActingClients
    log: BuildLog
    shell: Shell
    spec: Buildspec
    cache: Cache

    def __init__(self, order: Order, progress: Progress, site: Site) -> None:
        self._order = order
        self._progress = progress
        self._site = site
        identity = order.build["id"].partition(":")[2]
        # Not below the sandbox's own folder: what tools look for in folders above (.gitignore, .git, settings) would be
        # that of whoever runs the sandbox. Short, because sockets below it have paths that may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix=f"build-{identity.partition('-')[0]}-"))
        self.source = self.folder / "src" / "src"
        self._home = self.folder / "root"
        self._kept = site.folder / "caches" / order.place.account / order.place.region / order.project["name"]
        self.secret_names: set[str] = set()

    @property
    def pid(self) -> int | None:
        """Return the process of the shell, while there is one."""
        return self.shell.pid if hasattr(self, "shell") else None

    def leave(self) -> None:
        """Take all of it away."""
        if hasattr(self, "shell"):
            self.shell.kill()
            kill_all(f"CODEBUILD_BUILD_ARN={self._order.build['arn']}")
        if hasattr(self, "log"):
            self.log.ship(last=True)
        # A build may never have had one; what withstands (on a system that does not tell its processes) stays behind.
        shutil.rmtree(self.folder, ignore_errors=True)

    def take_role(self) -> None:
        """Take the project's role."""
        build, project = self._order.build, self._order.project
        try:
            self.role = self._site.clients.as_role(
                build["serviceRole"], service=PRINCIPAL, region=self._order.place.region, source_arn=project["arn"]
            )
        except ApiError as refused:
            problem = f"CodeBuild is not authorized to perform: sts:AssumeRole on {build['serviceRole']}"
            raise PhaseError("ACCESS_DENIED", problem) from refused

    def provision(self) -> None:
        """Make folders and the log."""
        build, place = self._order.build, self._order.place
        for each in (self._home, self.source.parent, self.folder / "tmp"):
            each.mkdir(parents=True)
        logs, caller = build["logs"], Caller(place.account, place.region, "")
        kind = BuildLog if "groupName" in logs else NoLog
        self.log = kind(
            self.role,
            caller,
            self._site.clock,
            group=logs.get("groupName", ""),
            stream=logs.get("streamName", ""),
            file=self.folder / "log",
        )
        self.log.open(build)
        self.shell = Shell("sh", self.folder, self.source, self.log.file)

    def download(self) -> None:
        """Bring the sources, read the buildspec and what it asks for, and make the shell ready."""
        order, build = self._order, self._order.build
        sources = Sources(self.role, order.place, self._site.origins)
        work = order.work
        given = work.source if work else None
        fetched = sources.fetch(build["source"], build.get("sourceVersion", ""), self.source, given)
        resolved = build.get("resolvedSourceVersion") or fetched.resolved
        if resolved:
            self._progress.say(resolvedSourceVersion=resolved)
        environment = overlay.lay(self.folder / "image") | standard(self._progress.build, order.project["arn"])
        environment |= order.variables
        environment |= _of_source("", self.source, build.get("sourceVersion", ""), Fetched(resolved, fetched.url))
        versions = {
            each["sourceIdentifier"]: each["sourceVersion"] for each in build.get("secondarySourceVersions", ())
        }
        for each in build.get("secondarySources", ()):
            name = each["sourceIdentifier"]
            folder = self.folder / "more" / name
            place = work.more_sources[name] if work else None
            brought = sources.fetch(each, versions.get(name, ""), folder, place)
            environment |= _of_source(f"_{name}", folder, versions.get(name, ""), brought)
        self.spec = self._read_buildspec()
        self._check_runtimes()
        asked = Variables(self.role, order.place)
        variables = asked.read(self.spec, build["environment"]["environmentVariables"])
        self.log.hide(asked.hidden | {self.role.keys.access_key})
        self.secret_names = asked.secret_names
        self._link_cache()
        self.shell = Shell(self.spec.shell, self.folder, self.source, self.log.file)
        self.shell.begin(environment | variables | self._own_variables())

    def _own_variables(self) -> dict[str, str]:
        region = self._order.place.region
        return {
            **self.role.environment(),
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "HOME": str(self._home),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
        }

    def _read_buildspec(self) -> Buildspec:
        named = self._order.build["source"].get("buildspec", "")
        if is_inline(named):
            self.log.say("YAML location is inline")
            text = named
        else:
            file = (self.source / (named or "buildspec.yml")).resolve()
            self.log.say(f"YAML location is {file}")
            if not file.is_file() or not file.is_relative_to(self.source.resolve()):
                raise PhaseError("YAML_FILE_ERROR", f"stat {file}: no such file or directory")
            text = file.read_text(errors="replace")
        try:
            return parse(text)
        except BuildspecError as error:
            raise PhaseError("YAML_FILE_ERROR", str(error)) from error

    def _check_runtimes(self) -> None:
        install = self.spec.phases.get("install")
        for name, version in (install.runtimes if install else {}).items():
            if name not in _RUNTIMES:
                have = " and ".join(_RUNTIMES)
                raise PhaseError(
                    "YAML_FILE_ERROR", f"The sandbox's CodeBuild does not have the runtime {name}; it has {have}"
                )
            self.log.say(f"Selecting {name} runtime {version}: the sandbox's images have this machine's own")

    def _link_cache(self) -> None:
        build = self._order.build
        self.cache = Cache(build["cache"], self.spec.cache, home=self._home, source=self.source, note=self.log.say)
        self.cache.link(self._kept)
        self.cache.restore(self.role, self._order.place, self._order.project["name"], self.folder)


def _of_source(suffix: str, folder: Path, version: str, fetched: Fetched) -> dict[str, str]:
    given = {
        f"CODEBUILD_SRC_DIR{suffix}": str(folder),
        f"CODEBUILD_SOURCE_VERSION{suffix}": version,
        f"CODEBUILD_SOURCE_REPO_URL{suffix}": fetched.url,
        f"CODEBUILD_RESOLVED_SOURCE_VERSION{suffix}": fetched.resolved,
    }
    return {name: value for name, value in given.items() if value}
