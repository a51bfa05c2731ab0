"""What each step of delivery runs, in the words of a shell: the same wherever it is driven from.

Every line is a command, and a step has failed when one of its lines has. A line that the caller cannot know, such as
the version that goes on, is a variable of the environment: its text is never put into a command.
"""

from sagewright.project import Project

ASSEMBLY = "cdk.out"
"""The folder of the cloud assembly."""
RELEASE, PROJECT, VARIABLES = "release", "project", "release.env"
"""Where a resolving step leaves what CloudFormation takes, the project that was published, and what it decided."""
NOTE = "release.txt"
WAITING = "waiting.env"
"""Where a look for what was decided leaves what it has found."""
COPY, VERIFY, VERIFY_BACK = "copy", "verify", "verify-back"
"""What a build that releases is told to do."""
TESTS, COVERAGE = "reports/tests.xml", "reports/coverage.xml"
RESOLVED = ["Proceed", "Summary", "Evidence", "Version"]
"""What every resolving step tells: whether to go on, of what in words, where its evidence is, with which version."""
PYTHON = "3.12"
"""The Python of the managed image, on which the project's own tests run as well."""
# That image has pyenv, which finds a program only after it has looked again, and looks by itself only after pip.
# https://github.com/astral-sh/uv/issues/4130
_FIND_PROGRAMS = "if command -v pyenv >/dev/null; then pyenv rehash; fi"


def install(version: str, tools: str) -> list[str]:
    """Install the tool from the bundle in a folder, with everything that it needs as it was locked, by hash.

    Where the very version is there, in an image of one's own for example, nothing is installed.
    """
    locked = f'--require-hashes -r "{tools}/requirements.txt"'
    build = f'--build-constraints "{tools}/requirements.txt" --require-build-hashes'
    here = 'python -m uv pip install --quiet --python "$(command -v python)"'
    absent = f'[ "$(sagewright --version 2>/dev/null)" != "sagewright {version}" ]'
    all_of_it = [
        f'python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "{tools}/uv.txt"',
        f"{here} {build} {locked}",
        f'{here} --no-deps "{tools}"/sagewright-*.whl',
    ]
    return [f"if {absent}; then {' && '.join(all_of_it)}; fi", _FIND_PROGRAMS, "sagewright --version"]


def test() -> list[str]:
    """Try the project as it is: its own lint and tests, its file, its templates, and a training on a sample."""
    return [
        "sagewright delivery prepare",
        _FIND_PROGRAMS,
        "ruff check .",
        f"python -m pytest --junitxml={TESTS} --cov --cov-report=xml:{COVERAGE}",
        "sagewright check",
        f"sagewright delivery synth --output {ASSEMBLY}",
        f"sagewright delivery lint {ASSEMBLY}",
        f"sagewright delivery rehearse --assembly {ASSEMBLY}",
    ]


def deploy(assembly: str = ASSEMBLY) -> list[str]:
    """Deploy the first environment from the assembly that was tested, and publish both with the project's files."""
    return [f'sagewright delivery deploy --assembly "{assembly}" --commit "$COMMIT"']


def train() -> list[str]:
    """Start the training, which nobody here waits for."""
    return ['sagewright delivery train --commit "$COMMIT" --attempt "$EXECUTION"']


def resolve(project: Project) -> list[str]:
    """Decide what goes where, and write it down for CloudFormation; the shell is told by variables."""
    return _resolving(
        f'sagewright delivery resolve --version "$VERSION" --output ../{RELEASE} --variables ../{VARIABLES}',
        promoted_variables(project),
    )


def rollback_resolve() -> list[str]:
    """Stop what is on its way, and decide to what an environment goes back; the execution knows who wants it, and why.

    Their own words come by no variable: no shell, and nothing on the way to it, has to carry them unharmed.
    """
    return _resolving(
        'sagewright delivery rollback-resolve "$ENVIRONMENT" --execution "$EXECUTION" '
        f"--output ../{RELEASE} --variables ../{VARIABLES}",
        RESOLVED,
    )


def go_back() -> list[str]:
    """Decide to what an environment goes back, where no pipeline of AWS's knows who wants it, and why."""
    wish = '--version "$VERSION" --leaving "$LEAVING" --promotion "$PROMOTION" --who "$WHO" --reason "$REASON"'
    return _resolving(
        f'sagewright delivery rollback-resolve "$ENVIRONMENT" {wish} --output ../{RELEASE} --variables ../{VARIABLES}',
        RESOLVED,
    )


def look(what: str = "") -> list[str]:
    """Look what was decided in the registry and waits to begin; leave `what` out for promotions and rollbacks alike."""
    command = " ".join(filter(None, ["sagewright delivery waiting", what, f"--variables {WAITING}"]))
    return [command, f". ./{WAITING}"]


def begin() -> list[str]:
    """Note that what was found has begun, so that nobody begins it again."""
    return ['sagewright delivery begun "$Waiting" --by "$EXECUTION"']


def promoted_variables(project: Project) -> list[str]:
    """List what the promotion's resolving step tells: of every later environment also whether its own stacks change."""
    return [*RESOLVED, *(f"Changes_{each.name}" for each in project.serving if each != project.first)]


def _resolving(command: str, told: list[str]) -> list[str]:
    # What is not decided is told as a word, because CodePipeline knows no empty variables.
    return [
        f"mkdir -p {RELEASE}/templates {PROJECT}",
        f"(cd {PROJECT} && {command})",
        f". ./{VARIABLES}",
        f'printf "%s\\n" "$Summary" | tee {RELEASE}/{NOTE} {PROJECT}/{NOTE}',
        *(f'export {name}="${{{name}:-none}}"' for name in told),
    ]


def copy() -> list[str]:
    """Copy a version into an environment, where its endpoint can start without any other one."""
    return ['sagewright delivery copy "$ENVIRONMENT" --version "$VERSION" --execution "$EXECUTION"']


def verify(*, back: bool = False) -> list[str]:
    """Ask the endpoint, and write down that it answers as it should; with `back`, what answers has come back."""
    command = 'sagewright delivery verify "$ENVIRONMENT" --version "$VERSION" --execution "$EXECUTION"'
    return [f"{command} --rollback" if back else command]


def stack(kind: str) -> list[str]:
    """Deploy one stack of an environment as CloudFormation's action of a pipeline does."""
    return [f'sagewright delivery stack "$ENVIRONMENT" {kind} --release ../{RELEASE}']


def release(project: str) -> list[str]:
    """Do what $STEP says in the folder of the published project: copy, verify, or verify what has come back."""
    choices = {COPY: copy(), VERIFY: verify(), VERIFY_BACK: verify(back=True)}
    cases = " ".join(f"{step}) {' && '.join(lines)};;" for step, lines in choices.items())
    return [f'cd "{project}"', f'case "$STEP" in {cases} *) echo "No step $STEP"; exit 2;; esac']
