"""The jobs of another system that run the steps, and what the token of each says of it: whom a role of delivery trusts.

A job is known by the file that it is in and, at GitHub, by the environment that it is held to: an environment may ask
people before a job gets its token. https://docs.github.com/en/actions/reference/security/oidc
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sagewright.project import Environment, Project, names

BUILD, PROMOTION, ROLLBACK, REGISTRY = "build", "promotion", "rollback", "registry"
"""The files, and at Jenkins the jobs; what is decided in the registry is looked for by a file of its own at GitHub."""
WAITING = "waiting"
"""The role that looks for it."""
AUDIENCE = "sts.amazonaws.com"
RELEASE_HOURS = 6
"""How long a release may take, and its keys last: a rollout takes longer than a token lives. GitHub waits no longer."""
_GITHUB = "https://token.actions.githubusercontent.com"
_OIDC = "/oidc"

Claims = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Job:
    """A job in one of the files; without an environment of GitHub's, it is known by the branch."""

    file: str
    environment: str | None = None


def of(project: Project) -> dict[str, list[Job]]:
    """List the jobs that take on each role, by the role's name."""

    def role(what: str) -> str:
        return names.delivery_role(project.name, what)

    build = [Job(BUILD, build_environment(project))]
    listed = {
        role("deploy"): build,
        role("train"): build,
        role("resolve"): [Job(PROMOTION)],
        role("rollback"): [Job(ROLLBACK, rollback_environment(each)) for each in project.serving],
        role(WAITING): [Job(REGISTRY)],
    }
    return listed | {
        names.releasing_role(project.name, each.name): _releasing(project, each) for each in project.serving
    }


def build_environment(project: Project) -> str | None:
    """Name the environment that builds deploy to; None where its people are asked before releases and not at a push."""
    gated = project.approval.prod == "manual" and project.prod == project.first
    return None if gated else project.first.name


def changes_environment(environment: Environment) -> str:
    """Name what asks people before the stacks change on which releases rest."""
    return f"{environment.name}-changes"


def rollback_environment(environment: Environment) -> str:
    """Name what asks nobody, because something is wrong."""
    return f"{environment.name}-rollback"


def gates(project: Project) -> list[str]:
    """List the environments of GitHub's that have to ask people."""
    changed = [changes_environment(each) for each in project.serving if each != project.first]
    return [*changed, project.prod.name] if project.approval.prod == "manual" else changed


def _releasing(project: Project, environment: Environment) -> list[Job]:
    jobs = [Job(PROMOTION, environment.name), Job(ROLLBACK, rollback_environment(environment))]
    if environment != project.first:
        jobs.append(Job(PROMOTION, changes_environment(environment)))
    return jobs


def issuer(project: Project) -> str:
    """Say who vouches for the jobs."""
    return project.delivery.issuer or _GITHUB


def claims(project: Project, jobs: Sequence[Job]) -> Iterator[Claims]:
    """Say what tokens of these jobs hold, each set of claims by itself: a token has to hold one of them whole."""
    if project.delivery.provider == "jenkins":
        yield {"aud": AUDIENCE, "sub": _addresses(project, jobs)}
        return
    for file in dict.fromkeys(job.file for job in jobs):
        yield {"aud": AUDIENCE, **_github(project, file, [job.environment for job in jobs if job.file == file])}


def _github(project: Project, file: str, environments: Sequence[str | None]) -> Claims:
    """Hold to the repository, to the environment or the branch, and to the very file as it is on the branch.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
    """
    repository = project.repository
    if repository is None:
        raise ValueError(f"{project.name} has no repository, so no job is its own.")
    branch = f"refs/heads/{repository.branch}"
    where = [f"environment:{each}" if each else f"ref:{branch}" for each in environments]
    return {
        "sub": [f"repo:{project.delivery.subject or repository.name}:{each}" for each in where],
        "job_workflow_ref": f"{repository.name}/.github/workflows/{file}.yml@{branch}",
    }


def _addresses(project: Project, jobs: Sequence[Job]) -> list[str]:
    """Jenkins calls a build by the address of its job; nothing is looked for by a job of its own there.

    https://plugins.jenkins.io/oidc-provider/
    """
    root = project.delivery.subject or issuer(project).removesuffix(_OIDC)
    files = dict.fromkeys(
        name for job in jobs for name in ([PROMOTION, ROLLBACK] if job.file == REGISTRY else [job.file])
    )
    return [f"{root.rstrip('/')}/job/{job_name(project, each)}/{_branch(project, each)}" for each in files]


def job_name(project: Project, file: str) -> str:
    """Name a job of Jenkins; that of builds is a multibranch one, with a job for each branch in it."""
    return f"{project.name}-{file}"


def _branch(project: Project, file: str) -> str:
    if file != BUILD or project.repository is None:
        return ""
    # Jenkins encodes a slash in a branch's name for the job's name, and the job's name for its address.
    return f"job/{project.repository.branch.replace('/', '%252F')}/"
