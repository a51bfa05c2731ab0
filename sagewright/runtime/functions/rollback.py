"""Takes a release back: what may go, what has proved itself there before, and when there is nothing to do.

It is started by events that come twice, late and out of order. So it is decided by what runs now and by what the
registry says now, never by what an event said: started again, it finds that nothing is left to do.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from . import code_pipelines, live, sweep, verified
from .client import Client
from .code_pipelines import NONE, Execution
from .live import Live
from .model_versions import APPROVED, REJECTED, Version
from .objects import Location
from .refusal import Refused
from .verified import Verified

ENVIRONMENT, VERSION, LEAVING, PROMOTION, WHO, REASON = (
    "Environment",
    "Version",
    "Leaving",
    "Promotion",
    "Who",
    "Reason",
)
"""The pipeline's variables."""


@dataclass(frozen=True)
class Wish:
    """What was asked for: which version shall go, or which one shall come; both None is nothing at all."""

    environment: str
    who: str
    reason: str
    leaving: int | None = None
    version: int | None = None
    promotion: str | None = None
    """The promotion that failed and is cleared up after; None where somebody wants the version gone."""

    @classmethod
    def of(cls, environment: str, execution: Execution) -> "Wish":
        """Read the wish out of the variables of an execution."""
        return cls(
            environment,
            execution.variable(WHO) or execution.trigger or "nobody who is known",
            execution.variable(REASON) or "no reason was given",
            _number(execution.variable(LEAVING), LEAVING),
            _number(execution.variable(VERSION), VERSION),
            execution.variable(PROMOTION),
        )

    @property
    def variables(self) -> dict[str, str]:
        """The variables of the pipeline."""
        return {
            ENVIRONMENT: self.environment,
            VERSION: str(self.version) if self.version is not None else NONE,
            LEAVING: str(self.leaving) if self.leaving is not None else NONE,
            PROMOTION: self.promotion or NONE,
            WHO: self.who,
            REASON: self.reason,
        }


def _number(text: str | None, variable: str) -> int | None:
    if text is None or text.isdigit():
        return int(text) if text is not None else None
    raise Refused(f"Variable {variable} is {text!r}: the number of a version is expected, or {NONE}.")


@dataclass(frozen=True)
class Found:
    """What an environment holds: what runs, what was proved there, what is kept of earlier releases, newest first."""

    now: Live | None
    proofs: Sequence[Verified]
    superseded: Sequence[int]
    """Only those from before there were proofs: what a promotion has brought and nobody proved does not come back."""
    taken_back: AbstractSet[int] = frozenset()
    """What was taken away from there, and not verified there again since: it comes back only where it is named."""


@dataclass(frozen=True)
class Choice:
    """What becomes of the environment: a version to go back to, or nothing; `deletes` takes a failed first one away."""

    version: Version | None
    told: str
    deletes: bool = False


def start(codepipeline: Client, pipeline: str, wish: Wish, *, because: str) -> str:
    """Start the rollback of one environment, once for each reason; returns the execution's id."""
    return code_pipelines.start(
        codepipeline, pipeline, wish.variables, because=f"rollback {wish.environment} {because}"
    )


def found(sagemaker: Client, s3: Client, endpoint: str, releases: Location, tags: Mapping[str, str]) -> Found:
    """Look at what an environment holds now."""
    begun = verified.begun(s3, releases)
    superseded = [number for number in _superseded(sagemaker, endpoint, tags) if number not in begun]
    proofs = verified.read(s3, releases)
    return Found(live.read(sagemaker, endpoint), proofs, superseded, verified.taken_back(s3, releases, proofs))


def _superseded(sagemaker: Client, endpoint: str, tags: Mapping[str, str]) -> Iterator[int]:
    """List the versions whose configs are kept of earlier releases, the newest first, each once."""
    told: set[int] = set()
    for config in sweep.superseded(sagemaker, endpoint, tags=tags):
        arn = live.version_of(sagemaker, config)
        number = int(arn.rpartition("/")[2]) if arn is not None else None
        if number is not None and number not in told:
            told.add(number)
            yield number


def choose(wish: Wish, here: Found, registered: Callable[[int], Version | None]) -> Choice:
    """Decide where to go back to; `registered` reads a version from the registry as it is at this moment."""
    running = here.now.number if here.now is not None else None
    if wish.version is not None:
        return _asked_for(wish.version, running, here, registered)
    stays = running not in {None, wish.leaving} and _may_serve(registered(running or 0))
    proved = [proof.number for proof in here.proofs]
    if stays and running in proved:
        return Choice(
            None,
            f"Nothing to do in {wish.environment}: version {running} serves there, was verified there, and is not the "
            f"one to go{_number_of(wish.leaving)}.",
        )
    # What stays if nothing better is found gives way to what was proved, and to nothing less.
    candidates = dict.fromkeys(proved if stays else [*proved, *here.superseded])
    left = [number for number in candidates if number not in {running, wish.leaving}]
    for number in left:
        version = registered(number)
        if number not in here.taken_back and _may_serve(version):
            how = "was verified there" if number in proved else "served there before"
            return Choice(version, f"{wish.environment} goes back to version {number}, which {how}.")
    if stays:
        return Choice(None, f"Nothing to do in {wish.environment}: {here.now} serves there, and nothing else ever did.")
    return _nowhere(wish, here, {number: registered(number) for number in left})


def _nowhere(wish: Wish, here: Found, left: Mapping[int, Version | None]) -> Choice:
    """Take a first release away that did not prove itself; whatever else serves stays, and somebody has to decide."""
    running = here.now.number if here.now is not None else None
    first = not left and (here.now is None or (running is not None and running == wish.leaving))
    if not first or any(proof.number == running for proof in here.proofs):
        others = ", ".join(f"version {number} {_why_not(version)}" for number, version in left.items())
        proved = [proof.number for proof in here.proofs]
        named = [number for number, version in left.items() if number in proved and _may_be_named(version)]
        back = f"; name one to have it back all the same, as in `--to {named[0]}`" if named else ""
        raise Refused(
            f"{wish.environment} cannot go back: {others or 'no other version ever served there'}. "
            f"{_still(here.now, wish.environment)} Approve a version with `sagewright approve VERSION`{back}; or "
            "delete the monitoring stack and then the serving stack to end the service."
        )
    told = f"version {running}" if running is not None else "nothing"
    return Choice(
        None,
        f"Before this release nothing served in {wish.environment}, so there is nothing to go back to: what it has "
        f"left ({told} on the endpoint) is deleted, and no endpoint remains.",
        deletes=True,
    )


def _asked_for(number: int, running: int | None, here: Found, registered: Callable[[int], Version | None]) -> Choice:
    """Take the version that a person named, if it has proved itself here."""
    numbers = [proof.number for proof in here.proofs]
    if number == running and number in numbers:
        return Choice(None, f"Nothing to do: version {number} serves already.")
    version = registered(number)
    if version is not None and number in numbers and _may_be_named(version):
        return Choice(version, f"Version {number}, which was verified here, serves again.")
    others = [each for each in numbers if each not in {number, running} and _may_be_named(registered(each))]
    instead = (
        f"name another one: {_listed(others)}." if others else "no other one that was verified here can come back."
    )
    alternatively = ", or " if others else "; "
    if version is None or version.is_retired:
        raise Refused(f"Version {number} {_why_not(version)}: {instead}")
    if number not in numbers:
        raise Refused(
            f"Version {number} was never verified here, so it cannot be gone back to without staging and approval. "
            f"Approve it to have it promoted{alternatively}{instead}"
        )
    raise Refused(f"Version {number} {_why_not(version)}: approve it again{alternatively}{instead}")


def _may_be_named(version: Version | None) -> bool:
    return version is not None and version.status == APPROVED and not version.is_retired


def _why_not(version: Version | None) -> str:
    """Say what keeps a version that served from coming back."""
    if version is None:
        return "was deleted from the registry"
    if version.is_retired:
        return "is retired"
    return "was taken back" if version.status == APPROVED else f"is {version.status}"


def _may_serve(version: Version | None) -> bool:
    return version is not None and version.status != REJECTED and not version.is_retired


def _number_of(number: int | None) -> str:
    return f" (version {number})" if number is not None else ""


def _still(now: Live | None, environment: str) -> str:
    return f"Still {now} serves." if now is not None else f"Nothing serves in {environment}."


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def stands_back(codepipeline: Client, pipeline: str, wish: Wish) -> Execution | None:
    """Find the later promotion that is in the environment already: it replaces what the failed one has left.

    Only what clears up after a failed promotion stands back for it: who wants a version gone wants it gone now.
    """
    if wish.promotion is None:
        return None
    inside = inside_of(codepipeline, pipeline, wish.environment)
    return inside if inside is not None and inside.id != wish.promotion else None


def inside_of(codepipeline: Client, pipeline: str, environment: str) -> Execution | None:
    """Find the promotion that is in an environment's stage at this moment."""
    stage = code_pipelines.stages(codepipeline, pipeline).get(environment, {})
    last = code_pipelines.last_in(stage)
    if last is None or last[1] not in code_pipelines.RUNNING:
        return None
    return code_pipelines.execution(codepipeline, pipeline, last[0])
